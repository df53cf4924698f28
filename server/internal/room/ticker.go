package room

import (
	"time"

	"callcenter/audio"
)

// maxBehind is how late a tick may be and still be made up for. Beyond it the
// clock starts anew: a burst of old audio would be dropped on the way anyway.
const maxBehind = 200 * time.Millisecond

// ticker is a clock of absolute deadlines for one goroutine: it does not drift,
// and a late tick is followed by the next at once until it has caught up.
type ticker struct {
	clock  audio.Clock
	period time.Duration
	next   time.Duration
	timer  *time.Timer

	late   uint64 // ticks that came more than a period late
	resets uint64 // times that it gave up catching up
}

func newTicker(clock audio.Clock, period time.Duration) *ticker {
	return &ticker{clock: clock, period: period, next: clock(), timer: time.NewTimer(period)}
}

// wait returns the deadline of the tick that is the nth from now when it has come,
// and whether the clock started anew before it. It reports false once done is closed.
func (t *ticker) wait(n int, done <-chan struct{}) (deadline time.Duration, anew, ok bool) {
	t.next += time.Duration(n) * t.period
	left := t.next - t.clock()
	if left > 0 {
		t.timer.Reset(left)
		select {
		case <-done:
			t.timer.Stop()
			return 0, false, false
		case <-t.timer.C:
		}
	}
	select {
	case <-done:
		t.timer.Stop()
		return 0, false, false
	default:
	}
	behind := t.clock() - t.next
	if behind > t.period {
		t.late++
	}
	if behind > maxBehind {
		t.resets++
		t.next += behind
		anew = true
	}
	return t.next, anew, true
}
