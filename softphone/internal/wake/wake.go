// Package wake finds out that this computer slept. The phone asks it once a
// second during a call.
//
// In sleep the clock that Go's timers use stands still, so nothing else in the
// program notices. Asleep says how long the computer has slept in all, by two
// clocks of which one goes on; a Watch turns its growth into naps. A process
// that was stopped, or a machine that hung, did not sleep: both clocks went on.
// Durations are Go's. A Watch is for one goroutine.
package wake

import (
	"errors"
	"time"
)

const (
	// shortest is the shortest nap. Clocks that are slewed drift apart by 0.5
	// ms a second at most, and a call survives two seconds without help.
	shortest = 2 * time.Second
	// together is how far apart two clocks may be read and count as one reading.
	together = 100 * time.Millisecond
	attempts = 3
)

var errApart = errors.New("the clocks could not be read together")

// clock reads a clock.
type clock func() (time.Duration, error)

// Watch finds naps. Use New.
type Watch struct {
	asleep clock
	seen   time.Duration // what asleep said last
	known  bool
}

// New returns a Watch to which everything before its first look is past. asleep
// says how long the computer has slept in all, from any origin; see Asleep.
func New(asleep func() (time.Duration, error)) *Watch { return &Watch{asleep: asleep} }

// Slept returns how long the computer slept since the look before, or 0 if that
// was less than 2 s. A look at which the clocks could not be read says 0, and
// the next one makes up for it.
func (w *Watch) Slept() time.Duration {
	total, err := w.asleep()
	if err != nil {
		return 0
	}
	nap := total - w.seen
	first := !w.known
	w.seen, w.known = total, true
	if first || nap < shortest {
		return 0
	}
	return nap
}

// between returns how far through is ahead of awake. Both go at one pace, and
// awake stands still in sleep. A reading in between which the process was held
// up would look like a nap and is taken again.
func between(through, awake clock) (time.Duration, error) {
	for range attempts {
		before, err := awake()
		if err != nil {
			return 0, err
		}
		at, err := through()
		if err != nil {
			return 0, err
		}
		after, err := awake()
		if err != nil {
			return 0, err
		}
		if after-before <= together {
			return at - after, nil
		}
	}
	return 0, errApart
}
