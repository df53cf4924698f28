package playout

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/freeze"
	"callcenter/audio/jitter"
	"callcenter/codec"
	"callcenter/codec/pcm"
)

// keeper is a tape that keeps each state, and the counters with it.
type keeper struct {
	states [][]byte
	stats  []Stats
}

func (*keeper) Pushed(jitter.Packet, time.Duration) {}
func (*keeper) OneWay(time.Duration)                {}
func (*keeper) Ahead(time.Duration)                 {}
func (*keeper) Flushed()                            {}

func (k *keeper) Pulled(_ Pulled, _ int, _ time.Duration, s *Stats) bool {
	k.stats = append(k.stats, *s)
	return true
}

func (k *keeper) Frozen(b []byte) { k.states = append(k.states, bytes.Clone(b)) }

func pcmDecoder(tb testing.TB) codec.Decoder {
	tb.Helper()
	dec, err := pcm.Codec{}.NewDecoder(codec.Format{Codec: codec.PCM, Rate: audio.Rate, Channels: 1})
	if err != nil {
		tb.Fatal(err)
	}
	return dec
}

// unquiet does to p the i-th 10 ms of a call with jitter, drops, a stall and
// announced silence, and returns what it pulled.
func unquiet(p *Playout, i int) Pulled {
	now := time.Duration(i) * audio.Period
	if i%2 == 0 && (i < 300 || i > 380) && i%97 != 0 {
		pkt := jitter.Packet{Sequence: uint64(i/2) + 1, Epoch: 1, Media: int64(i/2) * 960, Samples: 960, Data: make([]byte, 1920)}
		for k := range 960 {
			v := int16(6000 * math.Sin(float64(i*480+k)/40) * math.Sin(float64(i*480+k)/9000))
			pkt.Data[2*k], pkt.Data[2*k+1] = byte(v), byte(v>>8)
		}
		if i%150 == 0 {
			pkt.Data, pkt.Samples, pkt.DTX = nil, 0, true
		}
		p.Push(pkt, now+time.Duration(i*7919%23)*time.Millisecond)
	}
	p.SetAhead(time.Duration(i%5) * time.Millisecond)
	return p.Pull(make([]int16, audio.PeriodSamples), now)
}

func TestAFrozenPlayoutGoesOnAsItWould(t *testing.T) {
	k := &keeper{}
	p := New(Config{Decoder: pcmDecoder(t), Tape: k})
	const all = 900
	var did []Pulled
	for i := range all {
		did = append(did, unquiet(p, i))
	}
	for _, at := range []int{0, 1, 50, 149, 290, 310, 379, 385, 390, 500, 777} {
		q, err := Thaw(Config{Decoder: pcmDecoder(t)}, k.states[at], k.stats[at])
		if err != nil {
			t.Fatalf("frozen after %d pulls: %v", at+1, err)
		}
		if got := q.Stats(); got != k.stats[at] {
			t.Errorf("after %d pulls the counters are\n%+v, were\n%+v", at+1, got, k.stats[at])
		}
		for i := at + 1; i < all; i++ {
			if got := unquiet(q, i); got != did[i] {
				t.Fatalf("frozen after %d pulls, pull %d is %+v, was %+v", at+1, i, got, did[i])
			}
		}
		if q.Stats() != p.Stats() {
			t.Errorf("frozen after %d pulls, the counters end as\n%+v, want\n%+v", at+1, q.Stats(), p.Stats())
		}
	}
}

func TestWhatIsNoStateIsNotThawed(t *testing.T) {
	k := &keeper{}
	p := New(Config{Decoder: pcmDecoder(t), Tape: k})
	for i := range 100 {
		unquiet(p, i)
	}
	good := k.states[99]
	other := bytes.Clone(good)
	other[0]++
	for name, state := range map[string][]byte{
		"nothing": nil, "a part": good[:len(good)-1], "more": append(bytes.Clone(good), 0), "another layout": other,
		"ones": slices.Repeat([]byte{0xff}, len(good)),
	} {
		if _, err := Thaw(Config{Decoder: pcmDecoder(t)}, state, Stats{}); !errors.Is(err, freeze.ErrState) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Thaw(Config{Decoder: pcmDecoder(t), Complete: true}, good, Stats{}); !errors.Is(err, freeze.ErrState) {
		t.Errorf("another buffer: %v", err)
	}
}

// FuzzThaw goes on with whatever is taken for a state.
func FuzzThaw(f *testing.F) {
	k := &keeper{}
	p := New(Config{Decoder: pcmDecoder(f), Tape: k})
	for i := range 400 {
		unquiet(p, i)
	}
	for _, at := range []int{0, 200, 350, 385} {
		f.Add(k.states[at])
	}
	f.Fuzz(func(t *testing.T, state []byte) {
		p, err := Thaw(Config{Decoder: pcmDecoder(t)}, state, Stats{})
		if err != nil {
			return
		}
		for i := range 120 {
			unquiet(p, i+300)
		}
	})
}
