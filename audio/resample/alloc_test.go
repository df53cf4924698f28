//go:build !race

package resample_test

import (
	"testing"

	"callcenter/audio"
	"callcenter/audio/resample"
)

func TestConversionDoesNotAllocate(t *testing.T) {
	for _, rate := range []int{8000, 44100, 47999, audio.Rate} {
		c, err := resample.New(rate, audio.Rate)
		if err != nil {
			t.Fatal(err)
		}
		src := make([]int16, 999)
		dst := make([]int16, 2*c.MaxOut(len(src)))
		if n := testing.AllocsPerRun(100, func() {
			n := c.Process(dst, src)
			resample.Interleave(dst, src[:n/8], 2)
			resample.Downmix(dst, dst, 2)
		}); n != 0 {
			t.Errorf("from %d: %v allocations a run, want 0", rate, n)
		}
	}
}
