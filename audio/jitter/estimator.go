package jitter

import (
	"time"

	"callcenter/audio/quality"
)

const (
	baseWindow    = 4 * time.Second
	baseBuckets   = 40 // of baseWindow
	bucketLength  = baseWindow / baseBuckets
	interval      = 500 * time.Millisecond
	historyLength = 240
	minHistory    = 8
	forget        = 0.983
	outage        = 450 * time.Millisecond
	drainStep     = 5 * time.Millisecond
	startLateness = 40 * time.Millisecond
	gridStep      = 5 * time.Millisecond
	maxTarget     = 400 * time.Millisecond
	minTarget     = 15 * time.Millisecond
	lossWeight    = 3.8 // R points a percent concealed
)

// estimator measures lateness and derives the target from it.
type estimator struct {
	rest   time.Duration // the way outside this buffer: F of the package comment
	oneWay time.Duration

	// Minimum of arrival-media over the window, in buckets of time.
	minima [baseBuckets]bucket
	base   time.Duration

	intervalEnd time.Duration
	intervalMax time.Duration
	arrived     time.Duration                // the newest arrival
	draining    bool                         // its backlog after an outage is coming in
	history     [historyLength]time.Duration // ring, newest at head-1
	head, count int
	outages     uint64

	target time.Duration

	lastOffset time.Duration
	jitter     float64 // ns
	seen       bool
}

type bucket struct {
	slot   int64 // arrival / bucketLength; a stale slot is out of the window
	offset time.Duration
	used   bool
}

func newEstimator(rest time.Duration) estimator {
	e := estimator{rest: rest}
	e.retarget()
	return e
}

// restart forgets the clocks, not what was learned of the network.
func (e *estimator) restart() {
	e.minima = [baseBuckets]bucket{}
	e.seen, e.draining = false, false
	e.intervalMax = 0
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
	late := offset - e.base
	switch {
	case late > outage || outageNow:
		if !e.draining {
			e.outages++
		}
		e.draining = true
	case !falling:
		e.draining = false
	}
	if !e.draining {
		e.intervalMax = max(e.intervalMax, late)
	}
	e.advance(now)
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

// advance closes the intervals that ended. The clock may have stepped back.
func (e *estimator) advance(now time.Duration) {
	if e.intervalEnd == 0 || e.intervalEnd-now > interval {
		e.intervalEnd = now + interval
	}
	if now < e.intervalEnd {
		return
	}
	e.history[e.head] = e.intervalMax
	e.head = (e.head + 1) % historyLength
	e.count = min(e.count+1, historyLength)
	e.intervalMax = 0
	// Intervals in which nothing came (a stall, silence) say nothing new.
	e.intervalEnd = now + interval
	e.retarget()
}

// retarget finds the cheapest delay on the grid.
func (e *estimator) retarget() {
	var weights, lateness [historyLength + minHistory]float64
	n, w := 0, 1.0
	for i := range e.count {
		weights[n] = w
		lateness[n] = ms(e.history[(e.head-1-i+historyLength)%historyLength])
		w *= forget
		n++
	}
	for ; n < minHistory; n++ {
		weights[n], lateness[n] = w, ms(startLateness)
		w *= forget
	}
	var sum float64
	for i := range n {
		sum += weights[i]
	}
	fixed := e.rest + e.oneWay
	best, bestCost := minTarget, 0.0
	for t := 10 * time.Millisecond; t <= maxTarget-gridStep; t += gridStep {
		var short float64
		for i := range n {
			if d := lateness[i] - ms(t); d > 0 {
				short += weights[i] * d
			}
		}
		cost := quality.DelayImpairment(fixed+t) + lossWeight*100*short/(ms(interval)*sum)
		if t == 10*time.Millisecond || cost < bestCost {
			best, bestCost = t+gridStep, cost
		}
	}
	e.target = best
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
