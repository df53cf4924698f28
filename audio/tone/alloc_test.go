//go:build !race

package tone_test

import (
	"testing"

	"callcenter/audio"
	"callcenter/audio/tone"
)

func TestFillDoesNotAllocate(t *testing.T) {
	src, err := tone.New(440, -20)
	if err != nil {
		t.Fatal(err)
	}
	pcm := make([]int16, audio.PeriodSamples)
	if n := testing.AllocsPerRun(100, func() { src.Fill(pcm) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}
