//go:build !race

package ring_test

import (
	"testing"

	"callcenter/audio/ring"
)

func TestWriteReadDiscardDoNotAllocate(t *testing.T) {
	r := ring.New(2048)
	pcm := make([]int16, 480)
	if n := testing.AllocsPerRun(1000, func() {
		r.Write(pcm)
		r.Write(pcm)
		r.Read(pcm)
		r.Discard(480)
	}); n != 0 {
		t.Errorf("%v allocations a run, want 0", n)
	}
}
