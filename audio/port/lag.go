package port

import (
	"time"

	"callcenter/audio"
)

const (
	// lagSpan is how long lag looks for the most punctual callback.
	lagSpan = 500 * time.Millisecond
	// gapLeast is the least loss that counts: far above what clocks of 300 ppm
	// drift in a span (0.15 ms), below what an ear makes of a hole.
	gapLeast = 2 * time.Millisecond
)

// lag watches whether a device moves as much sound as time passes. A callback
// that is merely late makes up for it with the next; what a sound system dropped
// (capture) or played as silence of its own (playback) stays missing. So it
// compares the most punctual callbacks of two spans: if the newer ones are
// later, sound is missing. Slow drift of the clocks goes into the comparison
// span by span and is no loss.
type lag struct {
	best  time.Duration // least lateness of the span before
	least time.Duration // of the running span
	end   time.Duration // when the running span ends
	spans int           // how many began
}

// add takes note of a callback at now after which the device has moved total
// samples, and returns what a span that ended with it lacks. The first span is
// the start of a device and counts for nothing.
func (l *lag) add(total uint64, now time.Duration) (missing time.Duration) {
	late := now - span(total)
	if l.spans > 0 && now < l.end {
		l.least = min(l.least, late)
		return 0
	}
	if d := l.least - l.best; l.spans > 2 && d >= gapLeast {
		missing = d
	}
	l.best, l.least, l.end = l.least, late, now+lagSpan
	l.spans++
	return missing
}

// lateness returns the lateness of the most punctual callbacks, where zero
// means nothing by itself: only differences do. It reports false before the
// first callback.
func (l *lag) lateness() (time.Duration, bool) {
	if l.spans < 2 {
		return l.least, l.spans > 0
	}
	return min(l.best, l.least), true
}

// span is audio.Duration for counts of any size.
func span(samples uint64) time.Duration {
	return time.Duration(samples/audio.Rate)*time.Second + audio.Duration(int(samples%audio.Rate))
}
