//go:build !race

package level_test

import (
	"testing"

	"callcenter/audio/level"
)

func TestMeasuringDoesNotAllocate(t *testing.T) {
	var m level.Meter
	var v level.Voice
	var s level.Silence
	pcm := sine(1000, -10, 960)
	if n := testing.AllocsPerRun(500, func() {
		m.Add(pcm, 10*ms)
		m.Read(20 * ms)
		v.Add(pcm)
		s.Add(pcm)
		level.Peak(pcm)
		level.RMS(pcm)
		level.DBov(pcm)
	}); n != 0 {
		t.Errorf("%v allocations a run, want 0", n)
	}
}
