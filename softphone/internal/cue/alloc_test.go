//go:build !race

package cue

import (
	"testing"
	"time"

	"callcenter/audio"
)

func TestNothingIsAllocated(t *testing.T) {
	p := New()
	pcm := make([]int16, audio.PeriodSamples)
	now, k := time.Duration(0), Kind(0)
	n := testing.AllocsPerRun(2000, func() {
		now += audio.Period
		if now%(200*time.Millisecond) == 0 {
			k = (k + 1) % kinds
			p.Ask(k, now)
			p.Stop(Ringback)
		}
		_, _ = Digit('#')
		p.Mix(pcm, now)
		_ = p.Done(Ended)
		_ = p.Stats()
	})
	if n != 0 {
		t.Errorf("%v allocations a period, want 0", n)
	}
}
