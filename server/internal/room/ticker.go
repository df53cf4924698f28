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

// wait returns when the deadline of the tick that is the nth from now has come, or of
// the next one, once wake tells that it is to be no later: for how many ticks it waited,
// the deadline of the last, and whether the clock started anew before it. It reports
// false once done is closed.
func (t *ticker) wait(n int, wake, done <-chan struct{}) (ticks int, deadline time.Duration, anew, ok bool) {
	from := t.next
	t.next += time.Duration(n) * t.period
	for left := t.next - t.clock(); left > 0; left = t.next - t.clock() {
		t.timer.Reset(left)
		select {
		case <-done:
			t.timer.Stop()
			return 0, 0, false, false
		case <-wake:
			passed := max(0, int((t.clock()-from)/t.period))
			n = min(n, passed+1)
			t.next = from + time.Duration(n)*t.period
		case <-t.timer.C:
		}
	}
	select {
	case <-done:
		t.timer.Stop()
		return 0, 0, false, false
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
	return n, t.next, anew, true
}
