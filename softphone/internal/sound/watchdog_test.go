package sound

import (
	"testing"
	"time"

	"callcenter/softphone/internal/callstate"
)

const stallTest = 300 * time.Millisecond

// lookFor runs a watchdog for a while, with a callback in each look or none,
// and returns the time at which the state changed, or when it was over.
func lookFor(w *watchdog, now time.Duration, callbacks *uint64, runs bool, d time.Duration) time.Duration {
	for end := now + d; now < end; {
		now += look
		if runs {
			*callbacks += 5
		}
		if w.look(now, *callbacks, stallTest) {
			return now
		}
	}
	return now
}

func TestADeviceWithoutCallbacksIsStalled(t *testing.T) {
	var w watchdog
	var callbacks uint64
	w.begin(0, 0)
	now := lookFor(&w, 0, &callbacks, true, 10*time.Second)
	if w.state != callstate.EndOpen || w.due(now) {
		t.Fatalf("a device that works is %v", w.state)
	}
	at := lookFor(&w, now, &callbacks, false, time.Minute)
	if w.state != callstate.EndStalled || at-now != stallTest || w.since != now {
		t.Errorf("state %v after %v, since %v", w.state, at-now, w.since-now)
	}
	if !w.due(at) {
		t.Error("it is not opened again at once")
	}
}

func TestALookThatIsLateProvesNothing(t *testing.T) {
	var w watchdog
	w.begin(0, 7)
	if w.look(time.Hour, 7, stallTest) {
		t.Error("a computer that slept for an hour has a stalled device")
	}
	if w.look(time.Hour+look, 12, stallTest) || w.state != callstate.EndOpen {
		t.Error("it has one after all")
	}
}

func TestADeviceThatWasJustOpenedMayBeginLate(t *testing.T) {
	var w watchdog
	var callbacks uint64
	w.begin(0, 0)
	if at := lookFor(&w, 0, &callbacks, false, time.Minute); at != stallFresh {
		t.Errorf("stalled after %v, want %v", at, stallFresh)
	}
}

func TestADeviceThatComesBackByItselfIsOpen(t *testing.T) {
	var w watchdog
	var callbacks uint64
	w.begin(0, 0)
	now := lookFor(&w, 0, &callbacks, false, time.Minute)
	callbacks++
	if now += look; w.look(now, callbacks, stallTest) {
		t.Error("one callback was enough")
	}
	now = lookFor(&w, now, &callbacks, false, 5*time.Second)
	back := lookFor(&w, now, &callbacks, true, time.Minute)
	if w.state != callstate.EndOpen || back-now != aliveLooks*look || w.due(back) {
		t.Errorf("state %v after %v", w.state, back-now)
	}
}

func TestOpeningsAreRetriedWithBackOff(t *testing.T) {
	var w watchdog
	w.begin(0, 0)
	w.fail(callstate.EndGone, time.Second, time.Second)
	var waits []time.Duration
	for now := time.Second; now < 2*time.Minute; now += 10 * time.Millisecond {
		if !w.due(now) {
			continue
		}
		w.failed(now)
		waits = append(waits, w.next-now)
	}
	if waits[0] != retryFirst || waits[1] != retryNext || waits[2] != retryNext {
		t.Errorf("waits %v at first", waits[:3])
	}
	if last := waits[len(waits)-1]; last != retryLast {
		t.Errorf("waits %v after two minutes", last)
	}
}

func TestWhatIsGoneDoesNotStall(t *testing.T) {
	var w watchdog
	w.begin(0, 0)
	w.fail(callstate.EndStalled, 2*time.Second, time.Second)
	w.fail(callstate.EndGone, 3*time.Second, 3*time.Second)
	w.fail(callstate.EndStalled, 4*time.Second, 4*time.Second)
	if w.state != callstate.EndGone || w.since != time.Second {
		t.Errorf("state %v since %v, want one fault that began after a second", w.state, w.since)
	}
}
