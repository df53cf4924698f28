package sound

import (
	"time"

	"callcenter/softphone/internal/callstate"
)

const (
	// look is how often a device is looked at.
	look = 50 * time.Millisecond
	// A device without a callback for stallPeriods of its periods, and for
	// stallLeast, is stalled. A sound server may hold callbacks up for three
	// periods and makes up for it, so ten are no hold-up. The floor is for short
	// periods: a busy computer may be late by 100 ms or two, and an opening that
	// proves needless costs a connection to the sound server.
	stallPeriods = 10
	stallLeast   = 300 * time.Millisecond
	// stallFresh is how long a device may take that was just opened: one that was
	// suspended, or a radio link, begins late.
	stallFresh = 1500 * time.Millisecond
	// aliveLooks looks in a row that found callbacks prove that a device is back:
	// one may be the last word of a dying stream.
	aliveLooks = 2
)

// The back-off of openings: at once, after 0.25 s, and then each half second,
// since a device is to be heard within 2 s of its return; after patience each
// second.
const (
	retryFirst = 250 * time.Millisecond
	retryNext  = 500 * time.Millisecond
	retryLast  = time.Second
	patience   = time.Minute
)

// watchdog tells whether a device works, by its callbacks, and when it is to
// be opened again. It knows nothing of how that is done. Times are readings of
// one monotonic clock; it is for one goroutine.
type watchdog struct {
	state callstate.EndState
	since time.Duration // when the fault began
	next  time.Duration // when to open again
	tries int           // openings that failed since the fault began

	heard  uint64        // callbacks at the newest look
	looked time.Duration // its time
	idle   time.Duration // without a callback
	alive  int           // looks in a row that found some
	fresh  bool          // none was found yet
}

// begin says that a device with so many callbacks is watched from now on, and
// works.
func (w *watchdog) begin(now time.Duration, callbacks uint64) {
	*w = watchdog{heard: callbacks, looked: now, fresh: true}
}

// look takes note of the callbacks so far; stall is how long there may be none.
// It reports whether the state has changed.
func (w *watchdog) look(now time.Duration, callbacks uint64, stall time.Duration) bool {
	// A look that comes late proves nothing: this process may not have run at
	// all, on a busy computer or one that slept.
	passed := min(now-w.looked, 2*look)
	w.looked = now
	if callbacks != w.heard {
		w.heard, w.idle, w.fresh = callbacks, 0, false
		w.alive++
		if w.state == callstate.EndOpen || w.alive < aliveLooks {
			return false
		}
		w.begin(now, callbacks)
		w.fresh = false
		return true
	}
	w.alive = 0
	w.idle += passed
	if w.fresh {
		stall = max(stall, stallFresh)
	}
	if w.state != callstate.EndOpen || w.idle < stall {
		return false
	}
	w.fail(callstate.EndStalled, now, now-w.idle)
	return true
}

// fail begins a fault, or makes a known one worse: what is gone does not stall.
func (w *watchdog) fail(state callstate.EndState, now, since time.Duration) {
	if w.state == callstate.EndOpen {
		w.since, w.next, w.tries, w.alive = since, now, 0, 0
	}
	w.state = max(w.state, state)
}

// due reports whether the device is to be opened again now.
func (w *watchdog) due(now time.Duration) bool {
	return w.state != callstate.EndOpen && now >= w.next
}

// failed says that an opening failed.
func (w *watchdog) failed(now time.Duration) {
	wait := retryNext
	switch {
	case w.tries == 0:
		wait = retryFirst
	case now-w.since > patience:
		wait = retryLast
	}
	w.tries++
	w.next = now + wait
}
