package call

import (
	"math"
	"time"

	"callcenter/audio"
)

// Percentiles of a delay, in ms; absent values are null.
type Percentiles struct {
	P50 *float64 `json:"p50"`
	P95 *float64 `json:"p95"`
}

// RTT is the round trip, in ms.
type RTT struct {
	Percentiles
	Max *float64 `json:"max"`
}

// Buffer is the playout delay, in ms.
type Buffer struct {
	Mean   *float64 `json:"mean"`
	P95    *float64 `json:"p95"`
	Target *float64 `json:"target"`
}

// Report is the account of a call, as scripts read it. Delays are in ms; what
// was not measured is null.
type Report struct {
	Destination     string       `json:"destination"`
	CallID          string       `json:"call_id"`
	DurationS       float64      `json:"duration_s"`
	Codec           string       `json:"codec"`
	FrameMS         int          `json:"frame_ms"`
	Sent            uint64       `json:"sent"`
	Received        uint64       `json:"received"`
	Lost            uint64       `json:"lost"`
	Dropped         uint64       `json:"dropped"`
	ConcealedPct    float64      `json:"concealed_pct"`
	RTTMS           RTT          `json:"rtt_ms"`
	JitterMS        float64      `json:"jitter_ms"`
	BufferMS        Buffer       `json:"buffer_ms"`
	MouthToEarEstMS *float64     `json:"mouth_to_ear_est_ms"`
	LoopMS          *Percentiles `json:"loop_ms,omitempty"`
	MOSEst          *float64     `json:"mos_est"`
	Ended           string       `json:"ended"`
	Error           string       `json:"error,omitempty"`
	Stats           *Stats       `json:"stats,omitempty"`
}

// Stats carries W3C webrtc-stats names: times in seconds, samples at 48 kHz.
type Stats struct {
	PacketsSent                    uint64  `json:"packetsSent"`
	PacketsReceived                uint64  `json:"packetsReceived"`
	PacketsLost                    uint64  `json:"packetsLost"`
	PacketsDiscarded               uint64  `json:"packetsDiscarded"`
	Jitter                         float64 `json:"jitter"`
	JitterBufferDelay              float64 `json:"jitterBufferDelay"`
	JitterBufferEmittedCount       uint64  `json:"jitterBufferEmittedCount"`
	TotalSamplesReceived           uint64  `json:"totalSamplesReceived"`
	ConcealedSamples               uint64  `json:"concealedSamples"`
	ConcealmentEvents              uint64  `json:"concealmentEvents"`
	InsertedSamplesForDeceleration uint64  `json:"insertedSamplesForDeceleration"`
	RemovedSamplesForAcceleration  uint64  `json:"removedSamplesForAcceleration"`
	// Below are ours: W3C has no name for them.
	SkippedSamples   uint64 `json:"skippedSamples"`
	DTXSamples       uint64 `json:"dtxSamples"`
	DecodeErrors     uint64 `json:"decodeErrors"`
	DeviceUnderruns  uint64 `json:"deviceUnderruns"`
	CaptureOverruns  uint64 `json:"captureOverruns"`
	MalformedPackets uint64 `json:"malformedPackets"`
}

// Report returns the account of the call so far.
func (c *Call) Report() Report {
	d, t := c.delay((*histogram).mean), c.traffic()
	r := Report{
		Destination:  c.cfg.Destination,
		CallID:       c.cfg.CallID,
		DurationS:    math.Round(c.Duration().Seconds()*1000) / 1000,
		Codec:        c.cfg.Codec.Name(),
		FrameMS:      c.frameMS(),
		Sent:         t.Sent,
		Received:     t.Received,
		Lost:         t.Lost,
		Dropped:      t.Dropped,
		ConcealedPct: round(t.ConcealedPct),
		JitterMS:     millis(d.Jitter),
		RTTMS:        RTT{Percentiles: c.figures.rtt.percentiles()},
		Stats:        c.stats(),
	}
	if t.Received > 0 {
		r.RTTMS.Max = optional(c.figures.rtt.most(), r.RTTMS.P50 != nil)
		r.BufferMS = Buffer{P95: c.figures.buffer.percentiles().P95, Target: optional(d.Target, true)}
		r.BufferMS.Mean = optional(c.figures.buffer.mean())
		r.MouthToEarEstMS = optional(d.MouthToEarEst, true)
		mos := round(c.quality(d, t).MOS)
		r.MOSEst = &mos
	}
	if d.LoopKnown {
		loop := c.figures.loop.percentiles()
		r.LoopMS = &loop
	}
	return r
}

func (h *histogram) percentiles() Percentiles {
	return Percentiles{P50: optional(h.quantile(0.5)), P95: optional(h.quantile(0.95))}
}

func (c *Call) stats() *Stats {
	p, t := c.playout.Stats(), c.traffic()
	// The sum of W3C weighs each sample with its delay.
	perPull := p.JitterBufferDelay.Seconds() * audio.PeriodSamples
	return &Stats{
		PacketsSent:                    t.Sent,
		PacketsReceived:                p.PacketsReceived,
		PacketsLost:                    p.PacketsLost,
		PacketsDiscarded:               p.PacketsDiscarded,
		Jitter:                         p.Jitter.Seconds(),
		JitterBufferDelay:              perPull,
		JitterBufferEmittedCount:       p.JitterBufferEmittedCount,
		TotalSamplesReceived:           p.TotalSamplesReceived,
		ConcealedSamples:               p.ConcealedSamples,
		ConcealmentEvents:              p.ConcealmentEvents,
		InsertedSamplesForDeceleration: p.InsertedSamplesForDeceleration,
		RemovedSamplesForAcceleration:  p.RemovedSamplesForAcceleration,
		SkippedSamples:                 p.SkippedSamples,
		DTXSamples:                     p.SilentSamples,
		DecodeErrors:                   p.DecodeErrors,
		DeviceUnderruns:                t.Underruns,
		CaptureOverruns:                t.Overruns,
		MalformedPackets:               c.figures.malformed.Load(),
	}
}

func millis(d time.Duration) float64 { return round(float64(d) / float64(time.Millisecond)) }

func round(x float64) float64 { return math.Round(x*100) / 100 }

func optional(d time.Duration, known bool) *float64 {
	if !known {
		return nil
	}
	v := millis(d)
	return &v
}
