package call

import (
	"sync/atomic"
	"time"

	"callcenter/audio/playout"
	"callcenter/audio/quality"
	"callcenter/softphone/internal/callstate"
)

// rated counts what was heard in the time that is rated: not while muted or held. The
// ear adds, any goroutine reads.
type rated struct {
	total, concealed, dropped atomic.Uint64

	// What the playout had counted before, of the ear.
	lastTotal, lastConcealed, lastDropped uint64
}

// heard notes what the playout counted since the last time.
func (r *rated) heard(s *playout.Stats, rate bool) {
	if rate {
		r.total.Add(s.TotalSamplesReceived - r.lastTotal)
		r.concealed.Add(s.ConcealedSamples - r.lastConcealed)
		r.dropped.Add(s.PacketsDropped - r.lastDropped)
	}
	r.lastTotal, r.lastConcealed, r.lastDropped = s.TotalSamplesReceived, s.ConcealedSamples, s.PacketsDropped
}

// loss is the E-model's Ppl in percent: samples that were made up, and those of
// frames that senders dropped for age, of frame samples each. A dropped frame
// whose gap was concealed, while it was missed or in the stall that made it too
// old, counts once: only what was dropped beyond that is added.
func (r *rated) loss(frame int) float64 {
	total, concealed := r.total.Load(), r.concealed.Load()
	lost := max(concealed, r.dropped.Load()*uint64(frame))
	return min(share(lost, total+lost-concealed), 100)
}

// quality rates what this ear hears.
func (c *Call) quality(d callstate.Delay, t callstate.Traffic) callstate.Quality {
	if t.Received == 0 || c.figures.rated.total.Load() == 0 {
		return callstate.Quality{}
	}
	way := d.MouthToEarEst
	if d.LoopKnown {
		// Measured, plus the parts outside both callbacks: a sample waits for half
		// of what the microphone brings at once, in the mean.
		way = d.Loop + c.microphonePeriod()/2 + c.soundSystem()
	}
	loss := c.figures.rated.loss(c.cfg.Options.FrameSamples)
	s := quality.Estimate(way, loss)
	return callstate.Quality{
		Known: true, R: s.R, MOS: s.MOS,
		Delay: way, DelayMOS: s.DelayMOS,
		LossPct: loss, LossMOS: s.LossMOS,
	}
}

// limited is how many samples the ear's protection turned down.
func (c *Call) limited() uint64 {
	if c.protect == nil {
		return 0
	}
	return c.protect.Limited()
}

// counts are the counters of what this ear hears, for the details.
func (c *Call) counts(p *playout.Stats, t callstate.Traffic) callstate.Counts {
	n := callstate.Counts{
		Inserted: p.InsertedSamplesForDeceleration, Removed: p.RemovedSamplesForAcceleration,
		Concealed: p.ConcealedSamples, SilentConcealed: p.SilentConcealedSamples,
		ConcealmentEvents: p.ConcealmentEvents,
		Interruptions:     p.InterruptionCount, InterruptionDuration: p.TotalInterruptionDuration,
		Skipped: p.SkippedSamples, DTX: p.SilentSamples,
		Stalls: p.StallCount, StallDuration: p.StallDuration, Outages: p.Outages,
		SenderDropped: p.PacketsDropped, ClockDriftPPM: p.ClockDriftPPM,
		Underruns: t.Underruns, Overruns: t.Overruns, EarLimited: c.limited(),
	}
	n.BackToLive = p.LastTimeToLive
	for _, count := range p.TimeToLive[:4] { // up to 500 ms
		n.Quick += count
	}
	if p.Pulls > 0 {
		per := func(sum time.Duration) time.Duration { return sum / time.Duration(p.Pulls) }
		n.BufferMean, n.TargetMean = per(p.JitterBufferDelay), per(p.JitterBufferTargetDelay)
		n.MinimumMean = per(p.JitterBufferMinimumDelay)
	}
	if p.PacketsReceived > 0 {
		n.ArrivalMean = p.RelativePacketArrivalDelay / time.Duration(p.PacketsReceived)
	}
	return n
}
