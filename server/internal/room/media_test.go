package room

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"callcenter/audio"
	"callcenter/audio/jitter"
	"callcenter/audio/sendq"
	"callcenter/codec"
	"callcenter/codec/opus"
	"callcenter/codec/pcm"
)

// sayNothingGood pushes a frame that no decoder may see.
func sayNothingGood(l Leg, seq uint64) {
	l.Push(context.Background(), Uplink{Frame: sendq.Frame{Sequence: seq, Epoch: 1, Data: []byte{0xff}}})
}

func TestFiftyMalformedFramesInARowEndTheCall(t *testing.T) {
	opusWide := codec.Format{Codec: codec.Opus, Rate: 48000, Channels: 1}
	for _, c := range []struct {
		destination string
		format      codec.Format
		plain, ends bool
	}{
		{Echo, opusWide, false, true},
		{Echo, opusWide, true, true},
		{Echo, wide(), false, false}, // bytes of pcm may be any there
		{Echo, wide(), true, false},
		{"room/x", opusWide, false, true},
		{"room/x", wide(), false, true},
		{"room/x", wide(), true, true},
		{Tone, opusWide, false, true},
		{Tone, wide(), true, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := member("a")
			m.Format, m.Extended = c.format, !c.plain
			l, down := join(t, directory(), c.destination, m)
			defer l.Leave()
			failed := func() error {
				down.mu.Lock()
				defer down.mu.Unlock()
				return down.failed
			}
			seq := uint64(0)
			for range 3 {
				for range maxBad - 1 {
					seq++
					sayNothingGood(l, seq)
				}
				if err := failed(); err != nil {
					t.Fatalf("%+v: 49 in a row end the call: %v", c, err)
				}
				seq++
				say(l, seq, 1, 0)
				l.Resumed() // does not matter
			}
			for range maxBad {
				seq++
				sayNothingGood(l, seq)
			}
			err := failed()
			if errors.Is(err, ErrMalformed) != c.ends || c.ends && !strings.Contains(err.Error(), "50 frames in a row") {
				t.Errorf("%+v: after 50 in a row the call ends with %v", c, err)
			}
			want := uint64(4*maxBad - 3)
			if !c.ends {
				want = 0
			}
			if s := l.Stats(); s.Malformed != want {
				t.Errorf("%+v: %d are counted, want %d", c, s.Malformed, want)
			}
		})
	}
}

func TestAMalformedOpusPacketIsADropMarkInAnEcho(t *testing.T) {
	m := member("a")
	m.Format = codec.Format{Codec: codec.Opus, Rate: 48000, Channels: 1}
	l, down := join(t, directory(), Echo, m)
	say(l, 1, 1, 0)
	sayNothingGood(l, 2)
	sayNothingGood(l, 5) // 3 and 4 never came
	say(l, 6, 2, 0)
	say(l, 7, 3, 0)
	var dropped []uint32
	for _, f := range down.take() {
		dropped = append(dropped, f.DroppedBefore)
	}
	if want := []uint32{0, 4, 0}; !slices.Equal(dropped, want) {
		t.Errorf("%d frames come back, with drop marks %v, want %v", len(dropped), dropped, want)
	}
	if s := l.Stats(); s.Received != 3 || s.Lost != 2 || s.Malformed != 2 {
		t.Errorf("received %d, lost %d, malformed %d", s.Received, s.Lost, s.Malformed)
	}
	m.Extended = false
	l, down = join(t, directory(), Echo, m)
	sayNothingGood(l, 0)
	if got := down.take(); len(got) != 1 || !slices.Equal(got[0].Data, []byte{0xff}) {
		t.Errorf("a caller of five fields gets %v back", got)
	}
}

// moody is pcm of which packets that begin with 0xee pass for good and cannot be
// decoded.
type moody struct{ pcm.Codec }

func (m moody) NewDecoder(f codec.Format) (codec.Decoder, error) {
	d, err := m.Codec.NewDecoder(f)
	return moodyDecoder{d}, err
}

type moodyDecoder struct{ codec.Decoder }

var errMood = errors.New("not in the mood")

func (d moodyDecoder) Decode(out []int16, packet []byte) (int, error) {
	if packet[0] == 0xee {
		return 0, errMood
	}
	return d.Decoder.Decode(out, packet)
}

// hour is a room in which b talks all the time, c and d listen, and a says what a
// test wants; nobody says how loud they are, so all are decoded.
func newHour(t *testing.T) *company {
	p := newCompany(t)
	p.d.cfg.Codecs = codec.NewRegistry(moody{}, opus.Codec{})
	for _, name := range []string{"a", "b", "c", "d"} {
		p.join(member(name))
	}
	return p
}

// sayData lets a member say 20 ms of that sample, and as its first byte first.
func (p *company) sayData(i int, first, value byte) {
	p.seq++
	data := make([]byte, 1920)
	for j := 1; j < len(data); j += 2 {
		data[j] = value
	}
	data[0] = first
	p.legs[i].Push(context.Background(), Uplink{
		Frame: sendq.Frame{Sequence: p.seq, Epoch: 1, Made: p.now, Data: data},
		Packet: jitter.Packet{
			Sequence: p.seq, Epoch: 1, Media: int64(audio.Samples(p.now)), Samples: 960, Data: data,
		},
		Playable: true,
	})
}

func TestFramesThatCannotBeDecodedEndTheCallToo(t *testing.T) {
	const bad, good = 0xee, 0
	for name, c := range map[string]struct {
		say  func(p *company, step int) // what a says in each step
		ends bool
	}{
		"50 in a row":                {func(p *company, _ int) { p.sayData(0, bad, 1) }, true},
		"every 50th is good":         {func(p *company, step int) { p.sayData(0, byte(bad*min(1, step%50)), 1) }, false},
		"every second is malformed":  {func(p *company, step int) { p.alternate(step, bad) }, true},
		"malformed and good by turn": {func(p *company, step int) { p.alternate(step, good) }, false},
	} {
		p := newHour(t)
		step := 0
		p.pass(200, func() { c.say(p, step); step++ })
		if err := p.downs[0].failed; errors.Is(err, ErrMalformed) != c.ends {
			t.Errorf("%s: the call ends with %v", name, err)
		}
		for i, d := range p.downs[1:] {
			if d.failed != nil {
				t.Errorf("%s: the call of %d ends with %v", name, i+1, d.failed)
			}
		}
	}
}

// alternate lets a say a malformed frame and another by turns.
func (p *company) alternate(step int, first byte) {
	if step%2 == 0 {
		p.seq++
		sayNothingGood(p.legs[0], p.seq)
		return
	}
	p.sayData(0, first, 1)
}

// TestTheOthersHearNothingOfIt compares what c hears of b with what c hears when a
// says nothing at all.
func TestTheOthersHearNothingOfIt(t *testing.T) {
	heard := func(a func(p *company, step int)) (frames []sendq.Frame) {
		p := newHour(t)
		step := 0
		p.pass(150, func() {
			b := p.seq
			p.seq = uint64(1000 + step) // whatever a says, the same
			p.sayData(1, 0, byte(1+step%7))
			p.seq = b
			if a(p, step); p.downs[0].failed != nil && slices.Contains(p.c.legs, p.legs[0]) {
				p.c.part(p.legs[0])
			}
			step++
		})
		for _, f := range p.downs[2].take() {
			f.Made = 0
			frames = append(frames, f)
		}
		return frames
	}
	want := heard(func(*company, int) {})
	if len(want) < 140 {
		t.Fatalf("%d frames", len(want))
	}
	for name, a := range map[string]func(p *company, step int){
		"malformed frames":              func(p *company, _ int) { p.seq++; sayNothingGood(p.legs[0], p.seq) },
		"frames that cannot be decoded": func(p *company, _ int) { p.sayData(0, 0xee, 9) },
	} {
		if got := heard(a); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: another hears something else", name)
		}
	}
}
