package call

import (
	"math"
	"sync/atomic"
	"time"

	"callcenter/audio"
	"callcenter/audio/clean"
	"callcenter/audio/level"
	"callcenter/softphone/internal/callstate"
)

// figures are what a call measures besides the playout's own statistics.
type figures struct {
	sent      atomic.Uint64 // frames handed to gRPC
	dropped   atomic.Uint64 // frames of ours dropped for age
	unsaid    atomic.Uint64 // samples that came when silence had been announced instead
	malformed atomic.Uint64
	cleanUp   atomic.Int64 // samples that the clean-up held the last frame back
	rated     rated

	rtt    histogram
	server histogram // in the server
	buffer histogram // playout delay of each period played
	loop   histogram // capture callback to playback callback
	queued histogram // capture callback to the hand-over to gRPC
	ahead  histogram // what the playback port held when a period was pulled
	decode histogram // making a period for the earpiece
	later  histogram // packets behind the fastest, as they arrived

	arrival arrival
	micLate worst // capture callback to the send queue
	earLate worst // playback callback to the pull
}

// Snapshot fills in the part of a snapshot that a call knows. It is cheap
// enough for twenty times a second.
func (c *Call) Snapshot(s *callstate.Snapshot) {
	now := c.cfg.Clock()
	s.Destination, s.CallID = c.cfg.Destination, c.cfg.CallID
	s.Duration = c.Duration()
	s.Link = c.keeper.state(now)
	if v := c.version.Load(); v != nil {
		s.Link.Version = *v
	}
	if v := c.security.Load(); v != nil {
		s.Link.Security = *v
	}
	may := c.permitted()
	s.MayNotSpeak, s.MayNotListen = may.mayNotSpeak, may.mayNotListen
	s.Muted, s.Held = c.muted.Load(), c.Held()
	s.Training = c.train.Training()
	s.TalkingWhileMuted = s.Muted && !s.Held && !s.MayNotSpeak && c.hint.shown(now)
	s.Gains, s.Sounds = c.gains(), c.cues.On()
	s.Speaking = c.isSpeaking(now) && !s.MayNotSpeak
	s.Roster, s.Unlisted = c.roster.load()
	s.Silence, s.SilentFor = c.silence(now)
	s.Microphone = meter(c.micMeter, now)
	s.Earpiece = meter(c.earMeter, now)
	s.Codec = c.cfg.Codec.Name()
	s.FrameMS = c.frameMS()
	s.Delay = c.delay((*histogram).recent)
	s.Traffic = c.traffic()
	s.Quality = c.quality(s.Delay, s.Traffic)
	p := c.playout.Stats()
	s.Counts = c.counts(&p, s.Traffic)
	s.Remote = c.peer.load()
	s.Health = c.health(&p, now)
	o := c.cleaner.Options()
	s.CleanUp = callstate.CleanUp{
		HighPass: o.HighPass, Denoise: o.Denoise, CanDenoise: clean.HasDenoise, Level: o.Level, Gain: c.cleaner.Gain(),
	}
	if c.protect != nil {
		s.Protection = callstate.Protection{
			On: true, Ceiling: c.protect.Ceiling(), Gain: 20 * math.Log10(c.protect.Gain()), Limited: c.protect.Limited(),
		}
	}
}

func meter(m *level.Meter, now time.Duration) callstate.Meter {
	r := m.Read(now)
	return callstate.Meter{Peak: r.Peak, RMS: r.RMS, Hold: r.Hold, Clip: r.Clip}
}

func (c *Call) frameMS() int { return c.cfg.Options.FrameSamples * 1000 / audio.Rate }

// pick is how a delay is read from its histogram: its newest value for the
// screen, its mean for the report.
type pick func(*histogram) (time.Duration, bool)

// delay adds up the way from mouth to ear. In an echo call that is the loop
// from this microphone to this earpiece; elsewhere the far end is taken to be
// like this one.
func (c *Call) delay(of pick) callstate.Delay {
	var d callstate.Delay
	p := c.playout.Stats()
	d.RTT, d.RTTKnown = of(&c.figures.rtt)
	d.Loop, d.LoopKnown = of(&c.figures.loop)
	d.Buffer, _ = of(&c.figures.buffer)
	d.Jitter, d.Target = p.Jitter, p.Target
	d.Stages = c.stages(d, of)
	for _, s := range d.Stages {
		d.MouthToEarEst += s.Delay
	}
	return d
}

// stages are the way of a sound from mouth to ear, in order. The first sample of
// what a callback brings waits for the rest of it, and the first of a frame for
// the rest of that. What the playout calls its delay is counted from when the
// fastest packet arrived, and ends at the earpiece's callback: of it a packet
// spends on its way what it came later, and in the port what was there already.
func (c *Call) stages(d callstate.Delay, of pick) []callstate.Stage {
	period := c.microphonePeriod()
	frame := audio.Duration(c.cfg.Options.FrameSamples)
	full := max(frame, (frame+period)/2) // until a frame is there; of several at once, their mean
	period = min(period, full)
	measured := func(name string, h *histogram) callstate.Stage {
		delay, known := of(h)
		return callstate.Stage{Name: name, Delay: delay, Measured: known}
	}
	ahead, decode, later := measured("earpiece period", &c.figures.ahead), measured("decode", &c.figures.decode), measured("", &c.figures.later)
	buffer := max(0, d.Buffer-ahead.Delay-later.Delay)
	ahead.Delay = max(0, ahead.Delay-decode.Delay) // a period is made while others wait
	stages := append(make([]callstate.Stage, 0, 16),
		callstate.Stage{Name: "microphone period", Delay: period, Measured: c.cfg.Capture.Stats().Callbacks > 0},
		callstate.Stage{Name: "frame", Delay: full - period, Measured: true},
		callstate.Stage{Name: "look-ahead", Delay: audio.Duration(c.enc.Lookahead()), Measured: true})
	if held := c.figures.cleanUp.Load(); held > 0 {
		stages = append(stages, callstate.Stage{Name: "clean-up", Delay: audio.Duration(int(held)), Measured: true})
	}
	stages = append(stages,
		measured("send queue", &c.figures.queued),
		callstate.Stage{Name: "up", Delay: d.RTT / 2},
		measured("server", &c.figures.server),
		callstate.Stage{Name: "down", Delay: d.RTT / 2})
	if added := c.train.Mean(); added > 0 {
		stages = append(stages, callstate.Stage{Name: "training", Delay: added, Measured: true})
	}
	return append(stages,
		callstate.Stage{Name: "buffer", Delay: buffer, Measured: true},
		decode,
		ahead,
		callstate.Stage{Name: "sound system", Delay: c.soundSystem()})
}

// microphonePeriod is what the microphone brings at once, which is not always
// the period that was granted.
func (c *Call) microphonePeriod() time.Duration {
	if s := c.cfg.Capture.Stats(); s.Callbacks > 0 {
		return audio.Duration(s.Largest)
	}
	return c.ends.Load().microphone.Period
}

// soundSystem is what the sound system is taken to hold outside both callbacks:
// about a period of the earpiece.
func (c *Call) soundSystem() time.Duration { return c.ends.Load().earpiece.Period }

func (c *Call) traffic() callstate.Traffic {
	p := c.playout.Stats()
	capture, playback := c.cfg.Capture.Stats(), c.cfg.Playback.Stats()
	own := c.figures.dropped.Load()
	dropped := own + p.PacketsDropped
	if c.cfg.Destination == echo {
		dropped = max(own, p.PacketsDropped) // what was dropped on the way up comes back as marks
	}
	return callstate.Traffic{
		Sent:         c.figures.sent.Load(),
		Received:     p.PacketsReceived,
		Lost:         p.PacketsLost,
		Dropped:      dropped,
		Late:         p.PacketsDiscarded,
		ConcealedPct: share(p.ConcealedSamples, p.TotalSamplesReceived),
		Underruns:    playback.Underruns + playback.Gaps,
		Overruns:     capture.Overrun + capture.Stale + c.figures.unsaid.Load() + uint64(audio.Samples(capture.GapTime)),
	}
}
