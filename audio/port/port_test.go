package port_test

import (
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/port"
)

// handClock is a clock that moves only by hand.
type handClock struct{ now time.Duration }

func (h *handClock) read() time.Duration { return h.now }

// counter hands out samples that count up from 0, so that a sample tells its
// position (below 32768).
type counter struct{ next int }

func (c *counter) take(n int) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = int16(c.next)
		c.next++
	}
	return pcm
}

// signalled reports whether the signal is there, and takes it.
func signalled(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// ms is a number of samples.
func ms(n int) int { return n * audio.Rate / 1000 }

func BenchmarkDeliverRead(b *testing.B) {
	c := port.NewCapture(audio.NewClock())
	pcm := make([]int16, audio.PeriodSamples)
	frame := make([]int16, audio.PeriodSamples)
	b.ReportAllocs()
	for b.Loop() {
		c.Deliver(pcm)
		c.Read(frame)
	}
}

func BenchmarkWriteTake(b *testing.B) {
	p := port.NewPlayback(audio.NewClock())
	pcm := make([]int16, audio.PeriodSamples)
	b.ReportAllocs()
	for b.Loop() {
		p.Write(pcm)
		p.Take(pcm)
	}
}

func BenchmarkDeliveredAt(b *testing.B) {
	c := port.NewCapture(audio.NewClock())
	pcm := make([]int16, audio.PeriodSamples)
	for range 10000 {
		c.Deliver(pcm)
	}
	b.ReportAllocs()
	for b.Loop() {
		c.DeliveredAt(7000 * audio.PeriodSamples)
	}
}
