package room

import (
	"fmt"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/codec"
)

// script is what a guest must hear from its first frame on: the plain sum of the
// others who are heard, made into pcm of its format frame by frame.
type script struct {
	g     *guest
	enc   codec.Encoder
	begun bool
	sum   []int16 // since the last frame
	want  []int16 // at the guest's rate, of the frames that are to come
	said  int     // samples that were compared
}

func (c *crowd) script(g *guest) *script {
	return &script{g: g, enc: encoderOf(c.t, g.format, g.frame())}
}

// frame is how long the frames that it hears are, in samples.
func (g *guest) frame() int {
	if g.format.Rate*g.format.Channels*2*g.wish/1000 > codec.MaxPacket {
		return audio.PeriodSamples
	}
	return 48 * g.wish
}

// tick takes the 10 ms that the room just made.
func (s *script) tick(c *crowd) {
	own := s.g.leg.(*conferenceLeg)
	s.begun = s.begun || own.begun
	if !s.begun {
		return
	}
	for k := range audio.PeriodSamples {
		x := 0.0
		for _, l := range c.conf.legs {
			if l != own && l.audible {
				x += float64(l.pcm[k])
			}
		}
		s.sum = append(s.sum, int16(x))
	}
	if len(s.sum) < s.g.frame() {
		return
	}
	n, err := s.enc.Encode(s.g.buf[:], s.sum)
	if err != nil {
		c.t.Fatal(err)
	}
	s.sum = s.sum[:0]
	s.want = append(s.want, s.g.ear.unpack(s.g.buf[:n])...)
}

// check compares what came with what should have.
func (s *script) check() error {
	e := s.g.ear
	e.mu.Lock()
	frames := e.frames
	e.frames = nil
	e.mu.Unlock()
	for _, f := range frames {
		due := s.g.frame() * s.g.format.Rate / audio.Rate
		if len(s.want) < due {
			return fmt.Errorf("a frame too many")
		}
		want := s.want[:due]
		s.want = s.want[due:]
		if len(f.Data) == 0 {
			continue
		}
		got := e.unpack(f.Data)
		if len(got) != due {
			return fmt.Errorf("a frame of %d samples, want %d", len(got), due)
		}
		s.said += due
		// The rate conversion of a newcomer's encoder begins with nothing.
		if s.said <= 2*due {
			continue
		}
		for k := range got {
			if d := int(got[k]) - int(want[k]); d < -1 || d > 1 {
				return fmt.Errorf("sample %d of a frame at %v is %d, want %d", k, f.Made, got[k], want[k])
			}
		}
	}
	if len(s.want) > 0 {
		return fmt.Errorf("%d samples did not come", len(s.want))
	}
	return nil
}

// Whatever the clients are, whoever talks, stops, comes, goes, takes and loses the
// floor: every sample that a client of pcm hears is the sum of the others who are
// heard, on both sides, at its own rate.
func TestEverySampleIsTheSumOfAllKindsOfOthers(t *testing.T) {
	seeds := uint64(6)
	if raceEnabled {
		seeds = 2
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { testSums(t, seed) })
	}
}

func testSums(t *testing.T, seed uint64) {
	n := 4 + 2*int(seed)
	c := newCrowd(t, n, []int{3, n}[seed%2], seed)
	scripts := map[*guest]*script{}
	c.byHand(func() {
		for _, s := range scripts {
			s.tick(c)
		}
	})
	formats := kinds(c.r)
	enter := func(i int) {
		c.enter(i, formats[c.r.IntN(len(formats))], 15000/float64(n)) // below the limiter
		if g := c.guests[i]; g.format.Codec == codec.PCM {
			scripts[g] = c.script(g)
		}
	}
	for i := range c.guests {
		enter(i)
	}
	compared := 0
	for range 150 {
		for i, g := range c.guests {
			switch {
			case g.leg == nil && c.r.IntN(20) == 0:
				enter(i)
			case g.leg != nil && i > 1 && c.r.IntN(60) == 0 && !g.leg.(*conferenceLeg).audible:
				if s := scripts[g]; s != nil {
					compared += s.said
				}
				delete(scripts, g)
				c.leave(i)
			case c.r.IntN(15) == 0:
				g.says = !g.says
			}
		}
		c.run(40 * time.Millisecond)
		for g, s := range scripts {
			if err := s.check(); err != nil {
				t.Fatalf("%v, %v: %v", c.now, g, err)
			}
		}
	}
	for g, s := range scripts {
		compared += s.said
		for _, fault := range g.ear.check() {
			t.Errorf("%v: %s", g, fault)
		}
	}
	if compared < audio.Rate {
		t.Errorf("only %d samples were compared", compared)
	}
}
