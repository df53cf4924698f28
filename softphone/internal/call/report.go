package call

import (
	"math"
	"time"

	"callcenter/audio/playout"
	"callcenter/softphone/internal/cue"
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
	Reconnects      uint64       `json:"reconnects"`
	GapS            float64      `json:"gap_s"`
	RTTMS           RTT          `json:"rtt_ms"`
	JitterMS        float64      `json:"jitter_ms"`
	BufferMS        Buffer       `json:"buffer_ms"`
	MouthToEarEstMS *float64     `json:"mouth_to_ear_est_ms"`
	LoopMS          *Percentiles `json:"loop_ms,omitempty"`
	MOSEst          *float64     `json:"mos_est"`
	REst            *float64     `json:"r_est"`
	Rating          *Rating      `json:"rating,omitempty"`
	CleanUp         *CleanUp     `json:"clean_up,omitempty"`
	MicSilence      *MicSilence  `json:"microphone_silence_s,omitempty"`
	Training        *Training    `json:"training,omitempty"`
	Remote          *Remote      `json:"remote,omitempty"`
	Encrypted       *bool        `json:"encrypted"`      // null: there was no connection
	MayNotSpeak     bool         `json:"may_not_speak"`  // nobody hears: the token does not allow it
	MayNotListen    bool         `json:"may_not_listen"` // nobody is heard
	Ended           string       `json:"ended"`
	Error           string       `json:"error,omitempty"`
	Stats           *Stats       `json:"stats,omitempty"`
}

// Rating says what mos_est is made of: what was rated, outside the time that was
// spent muted or on hold, and what each takes off the best MOS.
type Rating struct {
	DelayMS  float64 `json:"delay_ms"`
	MOSDelay float64 `json:"mos_delay"`
	LossPct  float64 `json:"loss_pct"`
	MOSLoss  float64 `json:"mos_loss"`
}

// CleanUp is what was done to the microphone at the end of the call.
type CleanUp struct {
	HighPass     bool    `json:"high_pass"`
	Denoise      bool    `json:"denoise"`
	LevelControl bool    `json:"level_control"`
	GainDB       float64 `json:"gain_db"`
}

// Training is what was added to the way back on purpose, so that what the call
// suffered is no fault of the line: for how long, and what was added last. Lost
// are frames, and Refused those for which it had no room.
type Training struct {
	OnS      float64 `json:"on_s"`
	DelayMS  float64 `json:"delay_ms"`
	JitterMS float64 `json:"jitter_ms"`
	LossPct  float64 `json:"loss_pct"`
	Lost     uint64  `json:"lost"`
	Refused  uint64  `json:"refused"`
}

// Remote is what the other side last said of how it hears us. An echo plays us
// to nobody and says only what it received.
type Remote struct {
	Received        uint64   `json:"received"`
	Lost            uint64   `json:"lost"`
	ConcealedPct    *float64 `json:"concealed_pct"`
	JitterMS        *float64 `json:"jitter_ms"`
	BufferMS        *float64 `json:"buffer_ms"`
	MouthToEarEstMS *float64 `json:"mouth_to_ear_est_ms"`
	MOSEst          *float64 `json:"mos_est"`
}

// Stats are the counters of the ear's playout and those around it; W3C has a
// name for PacketsSent alone.
type Stats struct {
	PacketsSent uint64 `json:"packetsSent"`
	playout.Counters
	DeviceUnderruns   uint64 `json:"deviceUnderruns"`
	CaptureOverruns   uint64 `json:"captureOverruns"`
	CallbackLateCount uint64 `json:"callbackLateCount"` // of both devices, so late that sound was missing
	DeviceReopens     uint64 `json:"deviceReopens"`     // after a fault, of both; the phone counts them
	MalformedPackets  uint64 `json:"malformedPackets"`
	EarLimitedSamples uint64 `json:"earLimitedSamples"`

	HeldDuration  float64 `json:"heldDuration"`  // by this operator, seconds
	DigitsSent    uint64  `json:"digitsSent"`    // of the keypad
	DigitsDropped uint64  `json:"digitsDropped"` // too many at once, or too old once there was a connection

	// TalkWhileMutedHints is how often the operator was told of talking into a
	// muted microphone.
	TalkWhileMutedHints uint64 `json:"talkWhileMutedHints"`

	Cues *CueStats `json:"cues,omitempty"` // nil where there were none
}

// CueStats are the softphone's own sounds: played, merged with one that waited
// already, not played since the earpiece stood still, and cut short by one that
// matters more.
type CueStats struct {
	Played uint64 `json:"played"`
	Merged uint64 `json:"merged"`
	Missed uint64 `json:"missed"`
	Cut    uint64 `json:"cut"`
}

// Report returns the account of the call so far.
func (c *Call) Report() Report {
	d, t := c.delay((*histogram).mean), c.traffic()
	link := c.keeper.state(c.cfg.Clock())
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
		Reconnects:   link.Resumes,
		GapS:         round(link.Gap.Seconds()),
		JitterMS:     millis(d.Jitter),
		RTTMS:        RTT{Percentiles: c.figures.rtt.percentiles()},
		Stats:        c.stats(),
	}
	if t.Received > 0 {
		r.RTTMS.Max = optional(c.figures.rtt.most(), r.RTTMS.P50 != nil)
		r.BufferMS = Buffer{P95: c.figures.buffer.percentiles().P95, Target: optional(d.Target, true)}
		r.BufferMS.Mean = optional(c.figures.buffer.mean())
		r.MouthToEarEstMS = optional(d.MouthToEarEst, true)
	}
	if q := c.quality(d, t); q.Known {
		r.REst, r.MOSEst = rounded(q.R), rounded(q.MOS)
		r.Rating = &Rating{
			DelayMS: millis(q.Delay), MOSDelay: round(q.DelayMOS),
			LossPct: round(q.LossPct), MOSLoss: round(q.LossMOS),
		}
	}
	o := c.cleaner.Options()
	r.CleanUp = &CleanUp{HighPass: o.HighPass, Denoise: o.Denoise, LevelControl: o.Level, GainDB: round(c.cleaner.Gain())}
	r.MicSilence = c.micSilence()
	r.Training, r.Remote = c.training(), c.remote()
	if s := c.security.Load(); s != nil && s.Known {
		r.Encrypted = &s.Encrypted
	}
	may := c.permitted()
	r.MayNotSpeak, r.MayNotListen = may.mayNotSpeak, may.mayNotListen
	if d.LoopKnown {
		loop := c.figures.loop.percentiles()
		r.LoopMS = &loop
	}
	return r
}

func (h *histogram) percentiles() Percentiles {
	return Percentiles{P50: optional(h.quantile(0.5)), P95: optional(h.quantile(0.95))}
}

// remote is nil before the other side reported.
func (c *Call) remote() *Remote {
	h := c.peer.load()
	if !h.Known {
		return nil
	}
	r := &Remote{Received: h.Received, Lost: h.Lost}
	if h.Plays {
		r.ConcealedPct = rounded(h.ConcealedPct)
		r.JitterMS, r.BufferMS = optional(h.Jitter, true), optional(h.Buffer, true)
	}
	r.MouthToEarEstMS = optional(h.MouthToEarEst, h.MouthToEarEst > 0)
	if h.MOS > 0 {
		r.MOSEst = rounded(h.MOS)
	}
	return r
}

func (c *Call) stats() *Stats {
	p, t := c.playout.Stats(), c.traffic()
	return &Stats{
		PacketsSent:       t.Sent,
		Counters:          p.Counters(),
		DeviceUnderruns:   t.Underruns,
		CaptureOverruns:   t.Overruns,
		CallbackLateCount: c.cfg.Capture.Stats().Gaps + c.cfg.Playback.Stats().Gaps,
		MalformedPackets:  c.figures.malformed.Load(),
		EarLimitedSamples: c.limited(),
		HeldDuration:      round(c.heldFor().Seconds()),
		DigitsSent:        c.keypad.accepted.Load(),
		DigitsDropped:     c.keypad.dropped.Load(),
		Cues:              c.cueStats(),

		TalkWhileMutedHints: c.hint.hints(),
	}
}

// cueStats are nil where there were no cues.
func (c *Call) cueStats() *CueStats {
	s := c.cues.Stats()
	if s == (cue.Stats{}) && !c.cues.On() {
		return nil
	}
	return &CueStats{Played: s.Played, Merged: s.Merged, Missed: s.Missed, Cut: s.Cut}
}

func millis(d time.Duration) float64 { return round(float64(d) / float64(time.Millisecond)) }

func round(x float64) float64 { return math.Round(x*100) / 100 }

func rounded(x float64) *float64 {
	x = round(x)
	return &x
}

func optional(d time.Duration, known bool) *float64 {
	if !known {
		return nil
	}
	v := millis(d)
	return &v
}
