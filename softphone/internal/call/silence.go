package call

import (
	"sync/atomic"
	"time"

	"callcenter/audio"
	"callcenter/audio/level"
	"callcenter/softphone/internal/callstate"
)

const (
	// stalledAfter is how long a microphone may bring nothing at all, and
	// stalledPeriods how many of its periods if that is more.
	stalledAfter   = time.Second
	stalledPeriods = 4
)

// silences is what a call knows of a microphone that is open and not heard.
type silences struct {
	detector level.Silence // of the uplink, as is newest
	newest   time.Duration // clock reading of the newest frame; 0: none yet
	another  atomic.Bool   // the next frame is of another microphone

	dead        atomic.Int32  // a level.Dead
	since       atomic.Uint64 // samples for which it has been that, unless alive
	zeros, flat atomic.Uint64 // samples
	stalled     atomic.Int64  // in stalls that are over, a time.Duration
}

// listen takes note of a frame as the device brought it.
func (s *silences) listen(pcm []int16, now time.Duration) {
	if gap := now - s.newest; s.newest > 0 && gap > stalledAfter {
		s.stalled.Add(int64(gap))
	}
	s.newest = now
	if s.another.Swap(false) {
		s.detector.Forget()
	}
	s.dead.Store(int32(s.detector.Add(pcm)))
	s.since.Store(uint64(s.detector.Lasted()))
	zeros, flat := s.detector.Times()
	s.zeros.Store(zeros)
	s.flat.Store(flat)
}

// silence is why nobody hears a microphone that is neither muted here nor of a call
// that is held, and since when. What is no device is silent by wish.
func (c *Call) silence(now time.Duration) (callstate.Silence, time.Duration) {
	if !c.isRated() || !isDevice(c.ends.Load().microphone) {
		return callstate.NoSilence, 0
	}
	if stalled := c.stalledFor(now); stalled > 0 {
		return callstate.NoCallbacks, stalled
	}
	lasted := audio.Duration(int(c.silences.since.Load()))
	switch level.Dead(c.silences.dead.Load()) {
	case level.Zeros:
		return callstate.ExactZeros, lasted
	case level.Flat:
		return callstate.FlatLevel, lasted
	case level.Alive:
	}
	return callstate.NoSilence, 0
}

// stalledFor is how long the microphone of a live call has brought nothing by
// now, or 0 if that is no stall.
func (c *Call) stalledFor(now time.Duration) time.Duration {
	start, end := c.start.Load(), c.end.Load()
	if start == 0 || end != 0 {
		return 0
	}
	since := time.Duration(start)
	if st := c.cfg.Capture.Stats(); st.Callbacks > 0 {
		since = max(since, st.Last)
	}
	if age := now - since; age > max(stalledAfter, stalledPeriods*c.ends.Load().microphone.Period) {
		return age
	}
	return 0
}

// isDevice says whether an end is a sound card, and not a file, a tone or null.
func isDevice(e audio.Endpoint) bool {
	switch e.Backend {
	case "file", "tone", "null":
		return false
	}
	return true
}

// MicSilence says for how long an open microphone brought no sound, in
// seconds, also while it was muted: exact zeros, a flat level, or nothing at all.
type MicSilence struct {
	Zeros   float64 `json:"zeros"`
	Flat    float64 `json:"flat"`
	Stalled float64 `json:"stalled"`
}

// micSilence is nil for what is no device.
func (c *Call) micSilence() *MicSilence {
	if !isDevice(c.ends.Load().microphone) {
		return nil
	}
	stalled := time.Duration(c.silences.stalled.Load()) + c.stalledFor(c.cfg.Clock())
	return &MicSilence{
		Zeros:   round(float64(c.silences.zeros.Load()) / audio.Rate),
		Flat:    round(float64(c.silences.flat.Load()) / audio.Rate),
		Stalled: round(stalled.Seconds()),
	}
}
