//go:build !race

package clean_test

import (
	"testing"

	"callcenter/audio/clean"
)

func TestProcessDoesNotAllocate(t *testing.T) {
	c := open(t, 480, clean.Options{})
	frame := speech(480, -24)
	all := choices()
	i := 0
	if n := testing.AllocsPerRun(500, func() {
		if i++; i%10 == 0 {
			c.Set(all[i/10%len(all)])
		}
		c.Process(frame)
	}); n != 0 {
		t.Errorf("%v allocations a frame, want 0", n)
	}
}
