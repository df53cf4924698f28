//go:build !race

package call

import "testing"

func TestNothingIsAllocatedPerFrame(t *testing.T) {
	paths := map[string]func(testing.TB) func(){
		"capture to send":         func(tb testing.TB) func() { return upPath(tb, voice(480)) },
		"capture to send, silent": func(tb testing.TB) func() { return upPath(tb, make([]int16, 480)) },
		"receive to play":         downPath,
	}
	for name, path := range paths {
		t.Run(name, func(t *testing.T) {
			step := path(t)
			for range 600 {
				step() // buffers grow to their size
			}
			if n := testing.AllocsPerRun(500, step); n != 0 {
				t.Errorf("%v allocations a frame, want 0", n)
			}
		})
	}
}
