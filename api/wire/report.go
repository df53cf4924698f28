package wire

import (
	"time"

	"callcenter/api"
	"callcenter/audio/playout"
)

// Describe fills in what of a report a playout knows. It does not allocate.
func Describe(r *api.Report, s *playout.Stats) {
	r.PacketsReceived = s.PacketsReceived
	r.PacketsLost = s.PacketsLost
	r.PacketsDiscarded = s.PacketsDiscarded
	r.TotalSamplesReceived = s.TotalSamplesReceived
	r.ConcealedSamples = s.ConcealedSamples
	r.JitterUs = micros(s.Jitter)
	r.BufferUs = micros(s.Delay)
	r.BufferTargetUs = micros(s.Target)

	r.SilentConcealedSamples = s.SilentConcealedSamples
	r.ConcealmentEvents = s.ConcealmentEvents
	r.InsertedSamplesForDeceleration = s.InsertedSamplesForDeceleration
	r.RemovedSamplesForAcceleration = s.RemovedSamplesForAcceleration
	r.JitterBufferDelay = s.SampleSeconds(s.JitterBufferDelay)
	r.JitterBufferTargetDelay = s.SampleSeconds(s.JitterBufferTargetDelay)
	r.JitterBufferMinimumDelay = s.SampleSeconds(s.JitterBufferMinimumDelay)
	r.JitterBufferEmittedCount = s.JitterBufferEmittedCount
	r.RelativePacketArrivalDelay = s.RelativePacketArrivalDelay.Seconds()
	r.InterruptionCount = s.InterruptionCount
	r.TotalInterruptionDuration = s.TotalInterruptionDuration.Seconds()

	r.SkippedSamples = s.SkippedSamples
	r.DtxSamples = s.SilentSamples
	r.StallCount = s.StallCount
	r.StallDuration = s.StallDuration.Seconds()
	r.OutageCount = s.Outages
	r.SenderDroppedFrames = s.PacketsDropped
	r.ClockDriftPpm = s.ClockDriftPPM
}

func micros(d time.Duration) uint32 { return uint32(max(0, min(d/time.Microsecond, 1<<31))) }
