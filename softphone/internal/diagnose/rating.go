package diagnose

import (
	"fmt"
	"strings"
	"time"

	"callcenter/audio"
	"callcenter/audio/quality"
	"callcenter/softphone/internal/callstate"
)

// The thresholds, of one sample a second: those that operators know from the
// call quality warnings of Twilio's voice SDK. A warning comes with comes of the
// last samples beyond its threshold, and goes once none is; that of the loss comes
// with the mean of lossSamples and goes below lossGoes.
const (
	slowTrip   = 400 * time.Millisecond
	wildJitter = 30 * time.Millisecond
	poorMOS    = 3.5
	samples    = 5
	comes      = 3

	lossComes   = 3.0 // percent
	lossGoes    = 1.0
	lossSamples = 7
)

// window is whether the last samples were beyond a threshold, the newest in bit
// 0.
type window uint8

// take enters a sample and returns whether the warning is on, which it was or
// not.
func (w *window) take(beyond, was bool) bool {
	*w = *w << 1 & (1<<samples - 1)
	if beyond {
		*w |= 1
	}
	n := 0
	for i := range samples {
		n += int(*w >> i & 1)
	}
	return n >= comes || was && n > 0
}

// rating rates the call second by second, but for the time in which the operator
// was muted or held the call.
type rating struct {
	due  time.Duration // of the next sample
	base rated         // the counters at the last one
	on   bool          // base is that of a second that is rated

	warnings           callstate.Warnings
	trip, jitter, mean window
	losses             []float64 // the newest last
	mos                float64   // of the newest sample; 0: not rated
	minute             minute
}

// rated are the counters that a sample compares.
type rated struct{ played, concealed, dropped uint64 }

// look takes a sample when one is due.
func (r *rating) look(s *callstate.Snapshot, now time.Duration) {
	if now < r.due {
		return
	}
	if r.due == 0 { // figures of a call that just began say little
		r.due = now + settling
		return
	}
	r.due = now + time.Second - lookEvery/2
	base, was := r.base, r.on
	r.base = rated{s.Health.Played, s.Counts.Concealed, s.Counts.SenderDropped}
	r.on = !s.Muted && !s.Held && s.State == callstate.Live && s.Quality.Known
	r.mos = 0
	if !r.on {
		r.trip, r.jitter, r.mean, r.losses, r.warnings = 0, 0, 0, r.losses[:0], 0
		return
	}
	played := less(r.base.played, base.played)
	if !was || played == 0 {
		return
	}
	frame := uint64(s.FrameMS * audio.Rate / 1000)
	concealed := less(r.base.concealed, base.concealed)
	lost := max(concealed, less(r.base.dropped, base.dropped)*frame)
	loss := min(100*float64(lost)/float64(played+lost-min(concealed, lost)), 100)
	r.mos = quality.Estimate(s.Quality.Delay, loss).MOS
	r.minute.add(second{delay: s.Quality.Delay, heard: played - min(concealed, played), lost: lost})
	r.sample(s, loss)
}

// sample enters a second that is rated.
func (r *rating) sample(s *callstate.Snapshot, loss float64) {
	if len(r.losses) == lossSamples {
		copy(r.losses, r.losses[1:])
		r.losses = r.losses[:lossSamples-1]
	}
	r.losses = append(r.losses, loss)
	was, mean := r.warnings, r.loss()
	r.warnings = 0
	set := func(on bool, w callstate.Warnings) {
		if on {
			r.warnings |= w
		}
	}
	set(r.trip.take(s.Delay.RTTKnown && s.Delay.RTT > slowTrip, was.Has(callstate.WarnRoundTrip)), callstate.WarnRoundTrip)
	set(r.jitter.take(s.Delay.Jitter > wildJitter, was.Has(callstate.WarnJitter)), callstate.WarnJitter)
	set(r.mean.take(r.mos < poorMOS, was.Has(callstate.WarnMOS)), callstate.WarnMOS)
	set(len(r.losses) == lossSamples && mean > lossComes || was.Has(callstate.WarnLoss) && mean >= lossGoes, callstate.WarnLoss)
}

// loss is the mean of the last samples, in percent.
func (r *rating) loss() float64 {
	sum := 0.0
	for _, l := range r.losses {
		sum += l
	}
	return sum / float64(max(1, len(r.losses)))
}

// trouble names the figures that are beyond their thresholds.
func (r *rating) trouble(s *callstate.Snapshot) finding {
	var parts []string
	add := func(w callstate.Warnings, format string, args ...any) {
		if r.warnings.Has(w) {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	add(callstate.WarnMOS, "MOS est. %.1f", r.mos)
	add(callstate.WarnLoss, "loss %.1f %%", r.loss())
	add(callstate.WarnRoundTrip, "round trip %d ms", s.Delay.RTT.Milliseconds())
	add(callstate.WarnJitter, "jitter %d ms", s.Delay.Jitter.Milliseconds())
	return finding{on: true, text: "poor quality: " + strings.Join(parts, ", "), effect: "conversation suffers", over: over}
}
