package check

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"callcenter/audio"
)

// card is a sound card whose callbacks a test invents.
type card struct {
	ppm    float64
	block  int           // samples of a callback
	beat   int           // samples that its hardware moves at once; 0: block
	late   time.Duration // the most that a callback is late
	steps  []float64     // seconds at which 5 ms of sound are lost
	length time.Duration
}

func (c card) clock() *deviceClock {
	rnd := rand.New(rand.NewPCG(3, 4))
	beat := c.beat
	if beat == 0 {
		beat = c.block
	}
	clock := &deviceClock{}
	lost := 0.0
	for pos := c.block; ; pos += c.block {
		moved := (pos + beat - 1) / beat * beat // the hardware had moved that much
		at := float64(moved)/audio.Rate/(1+c.ppm*1e-6) + lost
		if len(c.steps) > 0 && at > c.steps[0] {
			lost, c.steps = lost+0.005, c.steps[1:]
		}
		if c.late > 0 {
			at += rnd.Float64() * c.late.Seconds()
		}
		now := time.Duration(at * float64(time.Second))
		if now > c.length {
			return clock
		}
		clock.add(uint64(pos), now)
	}
}

func TestADriftIsKnownWithin40PPM(t *testing.T) {
	const length = 16 * time.Second
	for name, c := range map[string]card{
		"punctual":                                {block: 480, length: length},
		"callbacks up to 8 ms late":               {block: 480, late: 8 * time.Millisecond, length: length},
		"a card that moves 1024 at once":          {block: 480, beat: 1024, late: time.Millisecond, length: length},
		"quarters of a period":                    {block: 120, beat: 480, late: 2 * time.Millisecond, length: length},
		"long periods":                            {block: 1920, late: 3 * time.Millisecond, length: length},
		"sound lost at the beginning":             {block: 480, late: 3 * time.Millisecond, steps: []float64{2.2}, length: length},
		"sound lost at the end":                   {block: 480, late: 3 * time.Millisecond, steps: []float64{13.2}, length: length},
		"ten seconds, half of the callbacks late": {block: 480, late: 4 * time.Millisecond, length: 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			for _, ppm := range []float64{0, 40, -120, 300, -300} {
				c.ppm = ppm
				d := c.clock().drift()
				t.Logf("%+.0f ppm: %+.1f off, said ±%.1f", ppm, d.ppm-ppm, d.error)
				if !d.known || math.Abs(d.ppm-ppm) > exact {
					t.Errorf("%+.0f ppm is measured as %+v", ppm, d)
				}
			}
		})
	}
}

func TestADriftThatCannotBeKnownIsNot(t *testing.T) {
	for name, c := range map[string]card{
		"too short":             {block: 480, length: 5 * time.Second},
		"broken all the time":   {block: 480, steps: []float64{1, 2, 3, 5, 6.5, 8, 10, 11, 13, 14, 15}, length: 16 * time.Second},
		"a card that is silent": {block: 480},
	} {
		if d := c.clock().drift(); d.known {
			t.Errorf("%s: %+v", name, d)
		}
	}
	c := card{block: 480, length: 8 * time.Second}.clock()
	c.interrupt()
	if d := c.drift(); !d.known {
		t.Error("what was before an interruption is lost")
	}
	if d := (card{block: 480, ppm: -5000, late: time.Millisecond, length: 16 * time.Second}).clock().drift(); math.Abs(d.ppm+5000) > 40 {
		t.Errorf("a clock that runs away: %+v", d)
	}
}

func TestAPlaceOnTheClockIsFoundInTime(t *testing.T) {
	c := card{block: 480, ppm: 300, late: 2 * time.Millisecond, length: 10 * time.Second}.clock()
	for _, pos := range []uint64{48000, 100001, 300000, 470000} {
		want := time.Duration(float64(pos) / audio.Rate / 1.0003 * float64(time.Second))
		if at, ok := c.at(pos); !ok || (at-want).Abs() > 300*time.Microsecond {
			t.Errorf("sample %d at %v, want %v", pos, at, want)
		}
	}
	if _, ok := (&deviceClock{}).at(5); ok {
		t.Error("a clock that never ran has times")
	}
}

func TestAClockRemembersAMinute(t *testing.T) {
	c := card{block: 480, length: 10 * time.Minute}.clock()
	if len(c.windows) != maxWindows {
		t.Errorf("%d windows", len(c.windows))
	}
}
