//go:build !race

package port_test

import (
	"testing"

	"callcenter/audio"
	"callcenter/audio/port"
)

func TestHandOversDoNotAllocate(t *testing.T) {
	c := port.NewCapture(audio.NewClock())
	p := port.NewPlayback(audio.NewClock())
	pcm := make([]int16, audio.PeriodSamples)
	frame := make([]int16, 2*audio.PeriodSamples)
	for _, tc := range []struct {
		name string
		run  func()
	}{
		{"Deliver that nobody reads", func() { c.Deliver(pcm) }},
		{"Deliver and Read", func() { c.Deliver(pcm); c.Deliver(pcm); c.Read(frame) }},
		{"Deliver and Flush", func() { c.Deliver(pcm); c.Flush() }},
		{"DeliveredAt and Stats", func() { c.DeliveredAt(c.Stats().Samples - 1) }},
		{"DeliverLive and Read", func() { c.DeliverLive(pcm); c.DeliverLive(pcm); c.Read(frame) }},
		{"TakeLive", func() { p.TakeLive(pcm) }},
		{"Take of nothing", func() { p.Take(pcm) }},
		{"Write and Take", func() { p.Write(pcm); p.Take(pcm) }},
		{"LowWater, TakenAt and Stats", func() { p.TakenAt(uint64(p.LowWater())); p.Stats() }},
	} {
		if n := testing.AllocsPerRun(500, tc.run); n != 0 {
			t.Errorf("%s: %v allocations, want 0", tc.name, n)
		}
	}
}
