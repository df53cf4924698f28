//go:build !race

package mix_test

import (
	"math"
	"testing"

	"callcenter/audio/mix"
)

func TestABlockDoesNotAllocate(t *testing.T) {
	sum := mix.NewSum(960)
	var lim mix.Limiter
	voice := tone(300, math.MaxInt16, 960)
	out := make([]int16, 960)
	allocs := testing.AllocsPerRun(100, func() {
		sum.Reset()
		for range 3 {
			sum.Add(voice)
		}
		sum.Minus(out, voice, &lim)
	})
	if allocs != 0 {
		t.Errorf("a block allocates %v times, want 0", allocs)
	}
}

func TestLevelControlDoesNotAllocate(t *testing.T) {
	var c mix.Control
	in := speech(2, -30)
	pcm := make([]int16, 480)
	at := 0
	if allocs := testing.AllocsPerRun(150, func() {
		copy(pcm, in[at:])
		c.Process(pcm)
		at += 480
	}); allocs != 0 || c.Gain() == 0 {
		t.Errorf("a block allocates %v times, want 0; the gain is %.1f dB", allocs, c.Gain())
	}
}

func TestAGainDoesNotAllocate(t *testing.T) {
	var g mix.Gain
	pcm, wide := tone(300, 20000, 960), make([]int32, 960)
	dB := 0.0
	if allocs := testing.AllocsPerRun(100, func() {
		dB = 6 - dB
		g.Set(dB)
		g.Widen(wide, pcm)
		g.Process(pcm)
	}); allocs != 0 {
		t.Errorf("a block allocates %v times, want 0", allocs)
	}
}
