//go:build !race

package opus_test

import (
	"testing"

	"callcenter/codec"
)

func TestFramesDoNotAllocate(t *testing.T) {
	enc, dec := newPair(t, mono, usual)
	in := speech(960)
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
		t.Errorf("a frame allocates %v times, want 0", allocs)
	}
}
