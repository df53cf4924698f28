//go:build !race

package jitter_test

import (
	"testing"

	"callcenter/audio"
	"callcenter/audio/jitter"
)

func TestNothingAllocatesOnceSlotsHaveGrown(t *testing.T) {
	b := jitter.New(jitter.Config{})
	n := 0
	step := func() {
		n++
		b.Push(packet1(n), at(n))
		b.Decide(at(n), int64(n)*frame, 0, audio.PeriodSamples)
		if n > 3 {
			b.Next()
		}
	}
	for range 1024 {
		step()
	}
	if a := testing.AllocsPerRun(1000, step); a != 0 {
		t.Errorf("a packet costs %v allocations", a)
	}
}

var payload [80]byte

// packet1 is packet without an allocation.
func packet1(n int) jitter.Packet {
	return jitter.Packet{
		Sequence: uint64(n), Epoch: 1, Media: int64(n-1) * frame,
		Samples: frame, Data: payload[:],
	}
}
