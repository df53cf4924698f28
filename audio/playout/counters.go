package playout

import (
	"math"
	"time"
)

// Counters are Stats as reports print them, under the names of W3C webrtc-stats
// where it has one: times in seconds, samples at 48 kHz, the delays of the
// jitter buffer sums over emitted samples.
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
	RelativePacketArrivalDelay     float64 `json:"relativePacketArrivalDelay"`
	InterruptionCount              uint64  `json:"interruptionCount"`
	TotalInterruptionDuration      float64 `json:"totalInterruptionDuration"`
	// Below are ours: W3C has no name for them.
	SkippedSamples uint64  `json:"skippedSamples"`
	StallCount     uint64  `json:"stallCount"`
	StallDuration  float64 `json:"stallDuration"`
	// TimeToLive counts how long after a stall the call was live again: within
	// 50, 100, 200, 500 ms, 1, 2, 5 s, and later.
	TimeToLive          []uint64 `json:"timeToLive"`
	OutageCount         uint64   `json:"outageCount"`
	SenderDroppedFrames uint64   `json:"senderDroppedFrames"`
	DTXSamples          uint64   `json:"dtxSamples"`
	ClockDriftPPM       float64  `json:"clockDriftPpm"`
	DecodeErrors        uint64   `json:"decodeErrors"`
}

// Counters returns s for a report.
func (s *Stats) Counters() Counters {
	return Counters{
		PacketsReceived:                s.PacketsReceived,
		PacketsLost:                    s.PacketsLost,
		PacketsDiscarded:               s.PacketsDiscarded,
		Jitter:                         seconds(s.Jitter),
		JitterBufferDelay:              s.SampleSeconds(s.JitterBufferDelay),
		JitterBufferTargetDelay:        s.SampleSeconds(s.JitterBufferTargetDelay),
		JitterBufferMinimumDelay:       s.SampleSeconds(s.JitterBufferMinimumDelay),
		JitterBufferEmittedCount:       s.JitterBufferEmittedCount,
		TotalSamplesReceived:           s.TotalSamplesReceived,
		ConcealedSamples:               s.ConcealedSamples,
		SilentConcealedSamples:         s.SilentConcealedSamples,
		ConcealmentEvents:              s.ConcealmentEvents,
		InsertedSamplesForDeceleration: s.InsertedSamplesForDeceleration,
		RemovedSamplesForAcceleration:  s.RemovedSamplesForAcceleration,
		RelativePacketArrivalDelay:     seconds(s.RelativePacketArrivalDelay),
		InterruptionCount:              s.InterruptionCount,
		TotalInterruptionDuration:      seconds(s.TotalInterruptionDuration),
		SkippedSamples:                 s.SkippedSamples,
		StallCount:                     s.StallCount,
		StallDuration:                  seconds(s.StallDuration),
		TimeToLive:                     s.TimeToLive[:],
		OutageCount:                    s.Outages,
		SenderDroppedFrames:            s.PacketsDropped,
		DTXSamples:                     s.SilentSamples,
		ClockDriftPPM:                  math.Round(10*s.ClockDriftPPM) / 10,
		DecodeErrors:                   s.DecodeErrors,
	}
}

// SampleSeconds turns one of the sums over pulls into W3C's sum over emitted
// samples of a delay in seconds.
func (s *Stats) SampleSeconds(sum time.Duration) float64 {
	if s.Pulls == 0 {
		return 0
	}
	return math.Round(1e6*sum.Seconds()/float64(s.Pulls)*float64(s.JitterBufferEmittedCount)) / 1e6
}

func seconds(d time.Duration) float64 { return d.Round(time.Microsecond).Seconds() }
