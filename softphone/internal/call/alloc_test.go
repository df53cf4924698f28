//go:build !race

package call

import (
	"testing"
	"time"

	"callcenter/softphone/internal/callstate"
)

func TestNothingIsAllocatedPerFrame(t *testing.T) {
	paths := map[string]func(){
		"capture to send":         upPath(t, voice(480)),
		"capture to send, silent": upPath(t, make([]int16, 480)),
		"receive to play":         downPath(t, callstate.Training{}),
		"receive to play, worse":  downPath(t, callstate.Training{Delay: time.Millisecond, Jitter: time.Millisecond, LossPct: 5}),
	}
	for name, step := range paths {
		t.Run(name, func(t *testing.T) {
			for range 600 {
				step() // buffers grow to their size
			}
			if n := testing.AllocsPerRun(500, step); n != 0 {
				t.Errorf("%v allocations a frame, want 0", n)
			}
		})
	}
}
