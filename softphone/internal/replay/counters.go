package replay

import (
	"time"

	"callcenter/audio"
	"callcenter/audio/playout"
)

// Counters are what the playout counted, with W3C webrtc-stats names where it
// has one: times in seconds, samples at 48 kHz.
type Counters struct {
	PacketsReceived                uint64  `json:"packetsReceived"`
	PacketsLost                    uint64  `json:"packetsLost"`
	PacketsDiscarded               uint64  `json:"packetsDiscarded"`
	Jitter                         float64 `json:"jitter"`
	JitterBufferDelay              float64 `json:"jitterBufferDelay"`
	JitterBufferTargetDelay        float64 `json:"jitterBufferTargetDelay"`
	JitterBufferMinimumDelay       float64 `json:"jitterBufferMinimumDelay"`
	JitterBufferEmittedCount       uint64  `json:"jitterBufferEmittedCount"`
	TotalSamplesReceived           uint64  `json:"totalSamplesReceived"`
	ConcealedSamples               uint64  `json:"concealedSamples"`
	SilentConcealedSamples         uint64  `json:"silentConcealedSamples"`
	ConcealmentEvents              uint64  `json:"concealmentEvents"`
	InsertedSamplesForDeceleration uint64  `json:"insertedSamplesForDeceleration"`
	RemovedSamplesForAcceleration  uint64  `json:"removedSamplesForAcceleration"`
	// Below are ours: W3C has no name for them.
	SkippedSamples uint64 `json:"skippedSamples"`
	DTXSamples     uint64 `json:"dtxSamples"`
	DecodeErrors   uint64 `json:"decodeErrors"`
}

// CountersOf returns the counters of a playout.
func CountersOf(s playout.Stats) Counters {
	// The sums of W3C weigh each sample with its delay.
	weigh := func(sum time.Duration) float64 {
		return (sum * audio.PeriodSamples).Round(time.Microsecond).Seconds()
	}
	return Counters{
		PacketsReceived:                s.PacketsReceived,
		PacketsLost:                    s.PacketsLost,
		PacketsDiscarded:               s.PacketsDiscarded,
		Jitter:                         s.Jitter.Seconds(),
		JitterBufferDelay:              weigh(s.JitterBufferDelay),
		JitterBufferTargetDelay:        weigh(s.JitterBufferTargetDelay),
		JitterBufferMinimumDelay:       weigh(s.JitterBufferMinimumDelay),
		JitterBufferEmittedCount:       s.JitterBufferEmittedCount,
		TotalSamplesReceived:           s.TotalSamplesReceived,
		ConcealedSamples:               s.ConcealedSamples,
		SilentConcealedSamples:         s.SilentConcealedSamples,
		ConcealmentEvents:              s.ConcealmentEvents,
		InsertedSamplesForDeceleration: s.InsertedSamplesForDeceleration,
		RemovedSamplesForAcceleration:  s.RemovedSamplesForAcceleration,
		SkippedSamples:                 s.SkippedSamples,
		DTXSamples:                     s.SilentSamples,
		DecodeErrors:                   s.DecodeErrors,
	}
}
