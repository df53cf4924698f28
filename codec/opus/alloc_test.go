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

func TestSilenceDoesNotAllocate(t *testing.T) {
	enc, _ := newPair(t, mono, usual)
	packet, silence := make([]byte, codec.MaxPacket), make([]int16, 960)
	i := 0
	allocs := testing.AllocsPerRun(200, func() {
		i++
		if err := enc.SetDTX(i%100 != 0); err != nil {
			t.Error(err)
		}
		if _, err := enc.Encode(packet, silence); err != nil {
			t.Error(err)
		}
	})
	if allocs != 0 {
		t.Errorf("a frame allocates %v times, want 0", allocs)
	}
}
