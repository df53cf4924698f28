package room

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/jitter"
	"callcenter/audio/level"
	"callcenter/audio/sendq"
	"callcenter/codec"
	"callcenter/codec/pcm"
)

// party is a conference whose members each say a tone of their own when they are
// told to, on a clock that the test turns.
type party struct {
	tb     testing.TB
	c      *conference
	format codec.Format
	legs   []*conferenceLeg
	downs  []*downlink
	encs   []codec.Encoder
	says   []bool
	phase  []int
	marked bool // the members say how loud they are
	now    time.Duration
	seq    uint64
	peak   float64
	ticked func() // is called after each tick
}

func newParty(tb testing.TB, format codec.Format, members, speakers int, marked bool) *party {
	tb.Helper()
	d := directory()
	p := &party{
		tb:     tb,
		c:      newConference("room/x", 0, speakers, d.cfg.Clock),
		format: format,
		says:   make([]bool, members),
		phase:  make([]int, members),
		marked: marked,
		peak:   4000,
	}
	co, err := d.cfg.Codecs.Lookup(format.Codec)
	if err != nil {
		tb.Fatal(err)
	}
	for i := range members {
		m := member(fmt.Sprint(i))
		m.Format = format
		m.Extended = false // who gets every frame is easily listened to
		down := &downlink{}
		l, err := newConferenceLeg(d, m, down)
		if err != nil {
			tb.Fatal(err)
		}
		enc, err := co.NewEncoder(format, codec.Options{Complexity: complexity, FrameSamples: 960})
		if err != nil {
			tb.Fatal(err)
		}
		p.c.join(l)
		p.legs, p.downs, p.encs = append(p.legs, l), append(p.downs, down), append(p.encs, enc)
	}
	return p
}

// hz is the tone of a member. Tones of different members are 70 Hz apart.
func hz(i int) float64 { return 350 + 70*float64(i) }

// run lets 20 ms pass n times.
func (p *party) run(n int) {
	buf := make([]byte, codec.MaxPacket)
	for range n {
		p.seq++
		for i, l := range p.legs {
			pcm := make([]int16, 960)
			if p.says[i] {
				for k := range pcm {
					pcm[k] = int16(p.peak * math.Sin(2*math.Pi*hz(i)*float64(p.phase[i]+k)/audio.Rate))
				}
			}
			p.phase[i] += 960
			size, err := p.encs[i].Encode(buf, pcm)
			if err != nil {
				p.tb.Fatal(err)
			}
			marks := uint32(0)
			if p.marked {
				marks = markLevelValid | uint32(level.DBov(pcm))
			}
			l.Push(context.Background(), Uplink{
				Frame: sendq.Frame{
					Sequence: p.seq, Epoch: 1, Media: (p.seq-1)*960 + 1, Samples: 960, Marks: marks, Data: buf[:size], Made: p.now,
				},
				Packet:   jitter.Packet{Sequence: p.seq, Epoch: 1, Media: int64(p.seq-1) * 960, Samples: 960, Data: buf[:size]},
				Playable: true,
			})
		}
		for range 2 {
			p.now += audio.Period
			p.c.tick(p.now, false)
			if p.ticked != nil {
				p.ticked()
			}
		}
	}
}

// ears decode what each member was sent, in order.
func (p *party) ears() []codec.Decoder {
	co, err := directory().cfg.Codecs.Lookup(p.format.Codec)
	if err != nil {
		p.tb.Fatal(err)
	}
	decs := make([]codec.Decoder, len(p.legs))
	for i := range decs {
		if decs[i], err = co.NewDecoder(p.format); err != nil {
			p.tb.Fatal(err)
		}
	}
	return decs
}

func (p *party) heard(i int, dec codec.Decoder) []int16 {
	var pcm []int16
	for _, f := range p.downs[i].take() {
		buf := make([]int16, 1100)
		n, err := dec.Decode(buf, f.Data)
		if err != nil {
			p.tb.Fatal(err)
		}
		pcm = append(pcm, buf[:n]...)
	}
	return pcm
}

var opusFormat = codec.Format{Codec: codec.Opus, Rate: audio.Rate, Channels: 1}

// Every member hears exactly those who have the floor, and never itself, while
// people begin and stop to talk at random.
func TestEveryoneHearsTheFloorAndNobodyThemselves(t *testing.T) {
	for _, tc := range []struct {
		format            codec.Format
		members, speakers int
		marked            bool
	}{
		{wide(), 2, 3, true},
		{wide(), 8, 3, true},
		{wide(), 8, 3, false},
		{wide(), 12, 12, true},
		{opusFormat, 6, 3, true},
		{opusFormat, 6, 6, false},
	} {
		t.Run(fmt.Sprint(tc.format.Codec, " ", tc.members, " of ", tc.speakers, " marked ", tc.marked), func(t *testing.T) {
			p := newParty(t, tc.format, tc.members, tc.speakers, tc.marked)
			p.peak = min(4000, 30000/float64(tc.members))
			r := rand.New(rand.NewPCG(uint64(tc.members), 7))
			ears := p.ears()
			absent := -40.0
			if tc.format == opusFormat { // what a codec adds to six tones at 32 kbit/s is above that
				absent = -24
			}
			for range 8 {
				for i := range p.says {
					p.says[i] = r.IntN(2) == 0
				}
				p.run(50)
				for i, dec := range ears {
					p.heard(i, dec) // the second in which things change
				}
				p.run(15)
				for i, dec := range ears {
					pcm := p.heard(i, dec)
					for j, other := range p.legs {
						db := 20 * math.Log10(max(audiotest.Goertzel(pcm, hz(j)), 1e-3)/p.peak)
						if want := j != i && other.speaking; want && math.Abs(db) > 2 || !want && db > absent {
							t.Errorf("%d hears %d at %.0f dB; on the floor: %v", i, j, db, other.speaking)
						}
					}
				}
			}
		})
	}
}

// A member that takes and leaves the floor hears another's tone go on: it changes
// between two encoders without a click. A cut in a tone of 4000 is a step of up to
// 4000; its own is 183.
func TestWhoTakesAndLeavesTheFloorHearsNoClick(t *testing.T) {
	for _, f := range []codec.Format{wide(), opusFormat} {
		t.Run(f.Codec, func(t *testing.T) {
			p := newParty(t, f, 3, 3, true)
			p.says[0] = true
			ear := p.ears()[1]
			p.run(100)
			calm := audiotest.MaxStep(p.heard(1, ear)[audio.Rate:])
			worst, least := 0, math.Inf(1)
			for range 10 {
				p.says[1] = true
				p.run(23)
				pcm := p.heard(1, ear)
				p.says[1] = false
				p.run(31)
				pcm = append(pcm, p.heard(1, ear)...)
				worst = max(worst, audiotest.MaxStep(pcm))
				for at := 0; at+960 <= len(pcm); at += 480 {
					least = min(least, audiotest.Goertzel(pcm[at:at+960], hz(0)))
				}
			}
			t.Logf("a step of %d while nothing changes, %d at the changes; the tone falls to %.1f dB",
				calm, worst, 20*math.Log10(least/p.peak))
			if worst > calm*2 || least < p.peak/2 {
				t.Errorf("a step of %d, want at most %d; the tone falls to %.0f of %.0f", worst, calm*2, least, p.peak)
			}
		})
	}
}

func TestWhoOnlyListenSharesOneEncode(t *testing.T) {
	p := newParty(t, opusFormat, 10, 3, true)
	p.says[0], p.says[1] = true, true
	p.run(100)
	if n := len(p.c.shared); n != 1 {
		t.Fatalf("%d encoders for one coding", n)
	}
	for i, l := range p.legs {
		if shares := l.hears == l.shared; shares == p.says[i] {
			t.Errorf("member %d shares: %v, talks: %v", i, shares, p.says[i])
		}
		if s := l.play.Stats(); (s.UnheardSamples > s.DecodedSamples*9/10) == p.says[i] {
			t.Errorf("member %d: %d of %d samples were not decoded", i, s.UnheardSamples, s.DecodedSamples)
		}
	}
}

// The delay on an operator's screen has the room's buffer in it, and the encoder.
func TestAMixTellsHowLongItWasInside(t *testing.T) {
	for _, f := range []codec.Format{wide(), opusFormat} {
		p := newParty(t, f, 3, 3, true)
		p.says[0] = true
		p.run(100)
		frames := p.downs[1].take()
		got := frames[len(frames)-1].Inside
		buffer := p.legs[0].play.Stats().Delay
		want := buffer + 10*time.Millisecond + audio.Duration(p.legs[1].hears.enc.Lookahead())
		if buffer == 0 || (got-want).Abs() > 2*time.Millisecond {
			t.Errorf("%s: %v inside, want about %v", f.Codec, got, want)
		}
		p.says[0] = false
		p.run(100)
		for _, f := range p.downs[1].take()[80:] {
			if f.Inside > 20*time.Millisecond {
				t.Fatalf("silence was %v inside", f.Inside)
			}
		}
	}
}

func TestLateTicksLowerTheEffortAndItComesBack(t *testing.T) {
	e := effort{best: 9}
	got := 9
	run := func(ticks int, late func(i int) bool) {
		for i := range ticks {
			got = e.tick(late(i))
		}
	}
	run(1000, func(i int) bool { return i%200 == 0 })
	if got != 9 {
		t.Errorf("a late tick now and then: complexity %d", got)
	}
	run(350, func(i int) bool { return i%10 == 0 })
	if got != 1 {
		t.Errorf("3.5 s in trouble: complexity %d, want 1", got)
	}
	run(2000, func(i int) bool { return i%10 == 0 })
	if got != 0 {
		t.Errorf("long in trouble: complexity %d, want 0", got)
	}
	run(6000, func(int) bool { return false })
	if got != 9 {
		t.Errorf("calm for a minute: complexity %d, want 9", got)
	}
}

func TestMembersAreToldWhoSpeaks(t *testing.T) {
	p := newParty(t, wide(), 3, 1, true)
	for _, l := range p.legs {
		l.member.Extended = true
	}
	for _, down := range p.downs {
		down.events = nil // who joined
	}
	p.says[1] = true
	p.run(40)
	late := &downlink{}
	l, err := newConferenceLeg(p.legs[0].dir, member("late"), late)
	if err != nil {
		t.Fatal(err)
	}
	p.c.join(l)
	p.says[1] = false
	p.run(40)
	name := p.legs[1].member.Name
	for i, want := range [][]Event{
		{{Kind: Speaking, Participant: "2", Name: name}, {Kind: Joined, Participant: "4", Name: "late"}, {Kind: Silent, Participant: "2", Name: name}},
		{{Kind: Joined, Participant: "4", Name: "late"}},
	} {
		if got := p.downs[i].events; !slices.Equal(got, want) {
			t.Errorf("member %d is told %v, want %v", i, got, want)
		}
	}
	if n := len(late.events); n != 5 || late.events[2] != (Event{Kind: Speaking, Participant: "2", Name: name}) || late.events[4] != (Event{Kind: Silent, Participant: "2", Name: name}) {
		t.Errorf("who came in between is told %v", late.events)
	}
}

// explosive is pcm whose encoder panics when it is told to.
type explosive struct {
	pcm.Codec
	now *atomic.Bool
}

type explosiveEncoder struct {
	codec.Encoder
	now *atomic.Bool
}

func (e explosiveEncoder) Encode(dst []byte, pcm []int16) (int, error) {
	if e.now.Swap(false) {
		panic("exploded")
	}
	return e.Encoder.Encode(dst, pcm)
}

func (e explosive) NewEncoder(f codec.Format, o codec.Options) (codec.Encoder, error) {
	enc, err := e.Codec.NewEncoder(f, o)
	return explosiveEncoder{enc, e.now}, err
}

// A shared encoder that panics costs one member the call, and the others a frame.
func TestASharedEncoderThatBreaksIsLeft(t *testing.T) {
	now := &atomic.Bool{}
	d := New(Config{Codecs: codec.NewRegistry(explosive{now: now}), Clock: audio.NewClock()})
	c := newConference("room/x", 0, 3, d.cfg.Clock)
	downs := make([]*downlink, 4)
	for i := range downs {
		m := member(fmt.Sprint(i))
		m.Extended = false
		downs[i] = &downlink{}
		l, err := newConferenceLeg(d, m, downs[i])
		if err != nil {
			t.Fatal(err)
		}
		c.join(l)
	}
	for i := range 40 {
		now.Store(i == 9)
		c.tick(time.Duration(i)*audio.Period, false)
	}
	failed := 0
	for i, down := range downs {
		if down.failed != nil {
			failed++
		} else if n := len(down.take()); n != 19 {
			t.Errorf("member %d gets %d frames of 20", i, n)
		}
	}
	if failed != 1 {
		t.Errorf("%d members lose their calls, want 1", failed)
	}
}

// A word of 200 ms out of silence comes whole: it is known that it comes before it
// is played. Without marks it is known only when it is decoded.
func TestTheFirstWordIsNotChopped(t *testing.T) {
	for _, tc := range []struct {
		marked bool
		least  float64 // of the energy that was said
	}{{true, 0.999}, {false, 0.93}} {
		t.Run(fmt.Sprint("marked ", tc.marked), func(t *testing.T) {
			p := newParty(t, wide(), 6, 3, tc.marked)
			ear := p.ears()[0]
			p.run(100)
			for word := range 10 {
				who := 1 + word%5
				p.heard(0, ear)
				p.says[who] = true
				p.run(10)
				p.says[who] = false
				p.run(40)
				energy := 0.0
				for _, s := range p.heard(0, ear) {
					energy += float64(s) * float64(s)
				}
				said := p.peak * p.peak / 2 * 9600
				if part := energy / said; part < tc.least || part > 1.02 {
					t.Errorf("word %d: %.1f %% of it are heard", word, 100*part)
				}
			}
		})
	}
}
