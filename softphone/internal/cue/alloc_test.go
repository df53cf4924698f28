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
	now := time.Duration(0)
	n := testing.AllocsPerRun(1000, func() {
		now += audio.Period
		p.Ask(Joined, now)
		p.Mix(pcm, now)
		_ = p.Stats()
	})
	if n != 0 {
		t.Errorf("%v allocations a period, want 0", n)
	}
}
