package jitter

import "time"

const (
	baseWindow    = 4 * time.Second
	baseBuckets   = 40 // of baseWindow
	bucketLength  = baseWindow / baseBuckets
	outage        = 450 * time.Millisecond
	drainStep     = 5 * time.Millisecond
	retargetEvery = 100 * time.Millisecond
)

// estimator measures lateness and derives the target from it.
type estimator struct {
	// Minimum of arrival-media over the window, in buckets of time.
	minima [baseBuckets]bucket
	base   time.Duration

	rehearsal rehearsal
	retarget  time.Duration // when the target was found last
	target    time.Duration

	arrived  time.Duration // the newest arrival
	draining bool          // its backlog after an outage is coming in
	outages  uint64

	lastOffset time.Duration
	jitter     float64 // ns
	lateness   time.Duration
	seen       bool

	drift drift
}

type bucket struct {
	slot   int64 // arrival / bucketLength; a stale slot is out of the window
	offset time.Duration
	used   bool
}

func newEstimator(rest time.Duration) estimator {
	e := estimator{rehearsal: newRehearsal(rest)}
	e.target = e.rehearsal.best()
	return e
}

// restart forgets the clocks, not what was learned of the network.
func (e *estimator) restart() {
	e.minima = [baseBuckets]bucket{}
	e.seen, e.draining = false, false
	e.drift = drift{}
}

// observe enters one arrival. Within a silence that was announced nothing is
// expected, and a long wait is no outage.
func (e *estimator) observe(media int64, now time.Duration, silent bool) {
	offset := now - moment(media)
	falling := e.seen && offset < e.lastOffset-drainStep
	waited := now - e.arrived
	e.arrived = now
	outageNow := e.seen && !silent && waited > outage
	e.observeJitter(offset)
	e.observeBase(offset, now)
	e.drift.observe(offset, now)
	late := offset - e.base
	e.lateness += late
	switch {
	case late > outage || outageNow:
		if !e.draining {
			e.outages++
		}
		e.draining = true
	case !falling:
		e.draining = false
	}
	// An outage no buffer bridges; its length teaches nothing.
	if silent || e.draining {
		e.rehearsal.idle(now, silent)
	} else {
		e.rehearsal.pass(now)
	}
	if !e.draining {
		e.rehearsal.arrive(late)
	}
	if since := now - e.retarget; since >= retargetEvery || since < 0 {
		e.retarget = now
		e.target = e.rehearsal.best()
	}
}

// observeJitter is RFC 3550 §6.4.1.
func (e *estimator) observeJitter(offset time.Duration) {
	if e.seen {
		d := float64(offset - e.lastOffset)
		if d < 0 {
			d = -d
		}
		e.jitter += (d - e.jitter) / 16
	}
	e.lastOffset, e.seen = offset, true
}

func (e *estimator) observeBase(offset, now time.Duration) {
	slot := int64(now / bucketLength)
	b := &e.minima[(slot%baseBuckets+baseBuckets)%baseBuckets]
	if !b.used || b.slot != slot || offset < b.offset {
		*b = bucket{slot: slot, offset: offset, used: true}
	}
	e.base = offset
	for i := range e.minima {
		m := &e.minima[i]
		if age := slot - m.slot; m.used && age < baseBuckets && age > -baseBuckets {
			e.base = min(e.base, m.offset)
		}
	}
}
