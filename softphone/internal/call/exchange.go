package call

import (
	"sync"
	"time"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/softphone/internal/callstate"
)

// peer is what the other side last reported of how it hears us.
type peer struct {
	mu    sync.Mutex
	heard callstate.Remote
}

// take notes a report.
func (p *peer) take(r *api.Report) {
	micro := func(us uint32) time.Duration { return time.Duration(us) * time.Microsecond }
	heard := callstate.Remote{
		Known:         true,
		Plays:         r.GetTotalSamplesReceived() > 0,
		Received:      r.GetPacketsReceived(),
		Lost:          r.GetPacketsLost(),
		Late:          r.GetPacketsDiscarded(),
		ConcealedPct:  share(r.GetConcealedSamples(), r.GetTotalSamplesReceived()),
		Jitter:        micro(r.GetJitterUs()),
		Buffer:        micro(r.GetBufferUs()),
		Target:        micro(r.GetBufferTargetUs()),
		MouthToEarEst: micro(r.GetMouthToEarEstUs()),
		MOS:           r.GetMosEst(),
		Counts: callstate.Counts{
			Inserted: r.GetInsertedSamplesForDeceleration(), Removed: r.GetRemovedSamplesForAcceleration(),
			Concealed: r.GetConcealedSamples(), SilentConcealed: r.GetSilentConcealedSamples(),
			ConcealmentEvents: r.GetConcealmentEvents(),
			Interruptions:     r.GetInterruptionCount(), InterruptionDuration: seconds(r.GetTotalInterruptionDuration()),
			Skipped: r.GetSkippedSamples(), DTX: r.GetDtxSamples(),
			Stalls: r.GetStallCount(), StallDuration: seconds(r.GetStallDuration()), Outages: r.GetOutageCount(),
			SenderDropped: r.GetSenderDroppedFrames(), ClockDriftPPM: r.GetClockDriftPpm(),
			Underruns: r.GetDeviceUnderruns(), Overruns: r.GetCaptureOverruns(), EarLimited: r.GetEarLimitedSamples(),
		},
	}
	if n := r.GetJitterBufferEmittedCount(); n > 0 {
		per := func(sum float64) time.Duration { return seconds(sum / float64(n)) }
		heard.Counts.BufferMean = per(r.GetJitterBufferDelay())
		heard.Counts.TargetMean = per(r.GetJitterBufferTargetDelay())
		heard.Counts.MinimumMean = per(r.GetJitterBufferMinimumDelay())
	}
	if n := r.GetPacketsReceived(); n > 0 {
		heard.Counts.ArrivalMean = seconds(r.GetRelativePacketArrivalDelay() / float64(n))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heard = heard
}

func (p *peer) load() callstate.Remote {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.heard
}

// ownReport fills in what this side tells the other; a send loop reuses it.
func (c *Call) ownReport(r *api.Report) *api.Report {
	s := c.playout.Stats()
	d, t := c.delay((*histogram).recent), c.traffic()
	wire.Describe(r, &s)
	r.PacketsDropped = c.figures.dropped.Load()
	r.MouthToEarEstUs = uint32(max(0, min(d.MouthToEarEst/time.Microsecond, 1<<31)))
	r.DeviceUnderruns, r.CaptureOverruns = t.Underruns, t.Overruns
	r.EarLimitedSamples = c.limited()
	r.Training = c.train.Training().On()
	r.REst, r.MosEst = 0, 0
	if q := c.quality(d, t); q.Known {
		r.REst, r.MosEst = q.R, q.MOS
	}
	return r
}

// seconds is a duration from the wire, within reason.
func seconds(s float64) time.Duration {
	const most = 1e6
	if !(s > 0) {
		return 0
	}
	return time.Duration(min(s, most) * float64(time.Second))
}

// share is a part of a whole in percent.
func share(part, whole uint64) float64 {
	if whole == 0 {
		return 0
	}
	return 100 * float64(part) / float64(whole)
}
