package sound

import "time"

const (
	// troubleLimit looks with new faults within troubleSpan raise the period: a
	// single fault is worth less than the delay.
	troubleLimit = 3
	troubleSpan  = 20 * time.Second
	// calmLeast is how long there must be no fault before a lower period is
	// tried. It doubles with each time that this was wrong, up to calmMost.
	calmLeast = 2 * time.Minute
	calmMost  = time.Hour
	// settling is how long a device is not judged after it was opened.
	settling = 2 * time.Second
)

// ladder decides how long a device's period is: as short as this computer
// keeps up with. It climbs a step when faults come in numbers, and tries the
// lower one again after a time without any. It outlives the device, so that the
// next call begins where this one was; time between calls counts for nothing.
// Times are readings of one monotonic clock; it is for one goroutine.
type ladder struct {
	steps []time.Duration // ascending
	at    int
	// tried is set after a step down, until the lower step has held for calm.
	tried bool

	seen   uint64                      // faults so far
	recent [troubleLimit]time.Duration // when there were new ones, newest first
	count  int                         // of recent
	judge  time.Duration               // faults before this do not count
	since  time.Duration               // the calm began
	last   time.Duration               // the newest look
	calm   time.Duration               // to pass before the lower step is tried
}

func newLadder(steps ...time.Duration) *ladder {
	return &ladder{steps: steps, calm: calmLeast}
}

// period returns the period to open with.
func (l *ladder) period() time.Duration { return l.steps[l.at] }

// begin says that a device was opened at now, with so many faults counted
// before.
func (l *ladder) begin(now time.Duration, faults uint64) {
	l.seen, l.count = faults, 0
	l.since = now - (l.last - l.since)
	l.judge, l.last = now+settling, now
}

// observe looks at how many faults were counted so far, and reports whether
// the device is to be opened with another period. The caller then does so and
// calls begin.
func (l *ladder) observe(now time.Duration, faults uint64) bool {
	fresh := faults != l.seen
	l.seen, l.last = faults, now
	if now < l.judge {
		return false
	}
	if fresh {
		l.since = now
		copy(l.recent[1:], l.recent[:])
		l.recent[0] = now
		l.count = min(l.count+1, troubleLimit)
		return l.count == troubleLimit && now-l.recent[troubleLimit-1] < troubleSpan && l.up(now)
	}
	return now-l.since >= l.calm && l.down(now)
}

// up takes the next higher step.
func (l *ladder) up(now time.Duration) bool {
	l.count, l.since = 0, now
	if l.at == len(l.steps)-1 {
		return false
	}
	l.at++
	if l.tried {
		l.calm = min(2*l.calm, calmMost)
	}
	l.tried = false
	return true
}

// down takes the next lower step. That this one has held until now is
// forgiveness for what went before.
func (l *ladder) down(now time.Duration) bool {
	l.since = now
	if l.tried {
		l.calm = calmLeast
	}
	l.tried = l.at > 0
	if l.at == 0 {
		return false
	}
	l.at--
	return true
}

// keep goes back to the step with that period: no other could be opened.
func (l *ladder) keep(period time.Duration) {
	for i, step := range l.steps {
		if step == period {
			l.at = i
		}
	}
	l.tried = false
}
