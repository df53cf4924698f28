package sound

import (
	"testing"
	"time"
)

const ms = time.Millisecond

// trial is a ladder looked at once a second, as a stream does.
type trial struct {
	ladder *ladder
	now    time.Duration
	faults uint64
}

func newTrial() *trial {
	w := &trial{ladder: newLadder(5*ms, 10*ms, 20*ms)}
	w.ladder.begin(0, 0)
	return w
}

// run passes seconds, each with so many faults, and returns the changes of the
// period: how many, and how long it took to the last.
func (w *trial) run(seconds int, faults uint64) (changes int, last time.Duration) {
	began := w.now
	for range seconds {
		w.now += time.Second
		w.faults += faults
		if w.ladder.observe(w.now, w.faults) {
			w.ladder.begin(w.now, w.faults)
			changes, last = changes+1, w.now-began
		}
	}
	return changes, last
}

func (w *trial) want(t *testing.T, when string, period time.Duration) {
	t.Helper()
	if got := w.ladder.period(); got != period {
		t.Fatalf("%s the period is %v, want %v", when, got, period)
	}
}

func TestThePeriodRisesStepByStepAndNoFurther(t *testing.T) {
	t.Parallel()
	w := newTrial()
	w.want(t, "at first", 5*ms)
	if n, after := w.run(6, 1); n != 1 || after > 5*time.Second {
		t.Errorf("%d changes, the last after %v; want 1 within 5 s", n, after)
	}
	w.want(t, "after some seconds of faults", 10*ms)
	w.run(60, 100)
	w.want(t, "after a minute of faults", 20*ms)
}

func TestSingleFaultsAndThoseOfTheStartChangeNothing(t *testing.T) {
	t.Parallel()
	w := newTrial()
	w.run(1, 50) // the device settles
	for range 20 {
		if n, _ := w.run(1, 1); n != 0 {
			t.Fatal("a single fault changed the period")
		}
		w.run(14, 0)
	}
	w.want(t, "with a fault every 15 s", 5*ms)
}

func TestALowerPeriodIsTriedEverMoreRarelyWhereItFails(t *testing.T) {
	t.Parallel()
	w := newTrial()
	w.run(6, 1)
	w.want(t, "after faults", 10*ms)
	w.run(6, 1)
	w.want(t, "after more faults", 20*ms)
	for _, calm := range []time.Duration{2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 16 * time.Minute} {
		n, after := w.run(int(calm/time.Second)+1, 0)
		if n != 1 || after < calm-5*time.Second {
			t.Fatalf("%d changes, the last after %v; want 1 after %v", n, after, calm)
		}
		w.want(t, "after the calm", 10*ms)
		w.run(6, 1)
		w.want(t, "after it failed", 20*ms)
	}
	w.run(24*3600, 0)
	w.want(t, "after a calm day", 5*ms)
	w.run(6, 1)
	w.run(125, 0)
	w.want(t, "2 minutes after faults, as calm was forgiven,", 5*ms)
}

func TestTheNextCallBeginsWhereTheLastOneWas(t *testing.T) {
	t.Parallel()
	w := newTrial()
	w.run(6, 1)
	w.run(100, 0)
	w.want(t, "in the first call", 10*ms)
	// An hour later, on a port that counts anew.
	w.now += time.Hour
	w.faults = 0
	w.ladder.begin(w.now, 0)
	if n, _ := w.run(10, 0); n != 0 {
		t.Error("time between the calls counted as calm")
	}
	w.want(t, "in the second call", 10*ms)
	w.run(20, 0)
	w.want(t, "after 2 calm minutes in both", 5*ms)
}

func TestAPeriodThatCannotBeOpenedIsGivenUp(t *testing.T) {
	t.Parallel()
	w := newTrial()
	w.run(6, 1)
	w.ladder.keep(5 * ms)
	w.want(t, "after it could not be opened", 5*ms)
}

func TestAFixedPeriodStays(t *testing.T) {
	t.Parallel()
	w := newTrial()
	w.ladder = newLadder(7 * ms)
	w.ladder.begin(0, 0)
	if n, _ := w.run(600, 3); n != 0 {
		t.Errorf("%d changes", n)
	}
	if n, _ := w.run(6000, 0); n != 0 {
		t.Errorf("%d changes", n)
	}
	w.want(t, "always", 7*ms)
}
