//go:build !race

package protect_test

import (
	"testing"

	"callcenter/audio/audiotest"
	"callcenter/audio/protect"
)

func TestProcessDoesNotAllocate(t *testing.T) {
	l := protect.New(protect.DefaultCeiling)
	block := audiotest.Sine(960, 440, 32767)
	if n := testing.AllocsPerRun(200, func() { l.Process(block) }); n != 0 {
		t.Errorf("%v allocations a block, want 0", n)
	}
}
