//go:build !race

package pcm_test

import (
	"testing"

	"callcenter/codec"
)

func TestFramesDoNotAllocate(t *testing.T) {
	for _, rate := range []int{44100, 48000} {
		enc, dec := newPair(t, format(rate, 2), 480)
		in := sine(440, 10000, 480)
		packet := make([]byte, codec.MaxPacket)
		out := make([]int16, 960)
		allocs := testing.AllocsPerRun(50, func() {
			n, err := enc.Encode(packet, in)
			if err != nil {
				t.Error(err)
			}
			if _, err := dec.Decode(out, packet[:n]); err != nil {
				t.Error(err)
			}
			if err := dec.Conceal(out); err != nil {
				t.Error(err)
			}
		})
		if allocs != 0 {
			t.Errorf("at %d Hz a frame allocates %v times, want 0", rate, allocs)
		}
	}
}
