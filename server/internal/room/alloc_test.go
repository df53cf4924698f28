//go:build !race

package room

import (
	"testing"
)

func TestATickAllocatesNothing(t *testing.T) {
	tick := talkingRoom(t, 3)
	for range 2*512 + 100 { // the jitter buffers' slots grow
		tick()
	}
	if n := testing.AllocsPerRun(500, tick); n != 0 {
		t.Fatalf("%v allocations a tick", n)
	}
}
