package port_test

import (
	"testing"
	"time"

	"callcenter/audio/port"
)

// late is a callback's lateness, of the kind that is made up for: up to 8 ms,
// never the same twice in a row.
func late(i int) time.Duration { return time.Duration(i*i%9) * time.Millisecond }

func TestCallbacksThatAreLateLackNothing(t *testing.T) {
	for _, ppm := range []int64{0, 300, -300} {
		var h handClock
		c, p := port.NewCapture(h.read), port.NewPlayback(h.read)
		pcm := make([]int16, 480)
		for i := range 6000 { // a minute
			h.now = time.Duration(i)*(10*time.Millisecond+time.Duration(ppm)*10) + late(i)
			if i%700 == 699 { // a hold-up that the next callbacks make up for
				h.now += 40 * time.Millisecond
			}
			c.Deliver(pcm)
			p.Take(pcm)
		}
		if in, out := c.Stats(), p.Stats(); in.Gaps+out.Gaps != 0 {
			t.Errorf("with a drift of %d ppm: %d and %d gaps, want none", ppm, in.Gaps, out.Gaps)
		}
	}
}

func TestSoundThatTheSoundSystemLostIsCounted(t *testing.T) {
	var h handClock
	c, p := port.NewCapture(h.read), port.NewPlayback(h.read)
	pcm := make([]int16, 240)
	lost := time.Duration(0)
	for i := range 4000 { // 20 s
		if i == 1000 || i == 3000 {
			lost += 12 * time.Millisecond
		}
		h.now = time.Duration(i)*5*time.Millisecond + late(i) + lost
		c.Deliver(pcm)
		p.Take(pcm)
	}
	in, out := c.Stats(), p.Stats()
	if in.Gaps != 2 || out.Gaps != 2 {
		t.Fatalf("%d and %d gaps, want 2 each", in.Gaps, out.Gaps)
	}
	for _, got := range []time.Duration{in.GapTime, out.GapTime} {
		if got < 20*time.Millisecond || got > 28*time.Millisecond {
			t.Errorf("%v were lost, want about 24 ms", got)
		}
	}
}
