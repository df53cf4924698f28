//go:build !race

package call

import (
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/sendq"
)

func TestStandingInForADeviceAllocatesNothing(t *testing.T) {
	c := newTestCall(t)
	now := time.Second
	c.cfg.Clock = func() time.Duration { return now }
	s, deaf := c.newUplink(), newDeafness()
	defer s.absence.timer.Stop()
	defer deaf.timer.Stop()
	var frame sendq.Frame
	pcm := make([]int16, pull)
	c.cfg.Capture.DeliverLive(make([]int16, audio.PeriodSamples))
	c.heardFrame(s, 0)
	marks := 0
	step := func() {
		now += 20 * time.Millisecond
		c.standIn(s)
		if c.queue.Pop(&frame, now) {
			marks++
		}
		c.playUnheard(deaf, pcm)
	}
	if n := testing.AllocsPerRun(1000, step); n != 0 {
		t.Errorf("%v allocations each 20 ms, want 0", n)
	}
	if marks < 98 || marks > 101 {
		t.Errorf("%d marks in 20 s, want one each 200 ms", marks)
	}
	if pos := audio.Duration(int(s.absence.next)); pos < now-time.Second || pos > now-time.Second+20*time.Millisecond {
		t.Errorf("the media time is %v after %v", pos, now-time.Second)
	}
}
