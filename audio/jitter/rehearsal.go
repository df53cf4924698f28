package jitter

import (
	"math"
	"time"

	"callcenter/audio/quality"
)

const (
	gridStep = 5 * time.Millisecond
	shortest = 5 * time.Millisecond
	gridSize = 79 // to 395 ms
	margin   = 4 * time.Millisecond

	memory      = 40 * time.Second // after which what happened counts for a third
	longestPass = time.Second      // between two packets that counts
	lossWeight  = 3.8              // R points a percent concealed

	// Too little time is padded with an ordinary network: a packet of this
	// lateness so often.
	startLateness = 40 * time.Millisecond
	startEvery    = 500 * time.Millisecond
	startWeight   = 2 * time.Second

	// How fast a delay above the target falls, as a share of time, and above
	// which excess it does so in a hurry: what playout manages on speech.
	slowRecovery = 0.05
	fastRecovery = 0.33
	hurryAt      = 40.0 // ms
	// How much longer audio lasts that is stretched because a packet is overdue.
	stretching = 0.4
	// A packet is overdue from the lateness on at which so many of those that
	// were as late came too late to be played, and never below leastOverdue.
	hazard       = 0.4
	leastOverdue = 20.0 // ms
	// What the edges of a concealment cost beyond its length.
	edges = 2.5 // ms
	// Less than this many late packets, old ones counting less, are no rule.
	fewest = 0.3
)

// rehearsal plays the arrivals on imaginary buffers, one for each delay of a
// grid, and keeps account of what each would have cost. What they do is what
// playout does: stretch while a packet is overdue, conceal when nothing is
// left, and be late until time scaling has caught up. Times are in ms.
type rehearsal struct {
	rest   time.Duration // the way outside this buffer: F of the package comment
	oneWay time.Duration

	buffers [gridSize]imaginary
	now     time.Duration
	heard   time.Duration // in which packets were expected
	late    float64       // of the newest packet
}

// imaginary is a buffer that aims at one delay. Its sums are over time, in which
// old times count less.
type imaginary struct {
	target float64
	delay  float64 // now

	impaired  float64 // delay impairment, times the time for which
	concealed float64
	reached   float64 // packets that came as late as the target
	overdue   float64 // lateness at which a packet is likely to be too late for this delay
}

func newRehearsal(rest time.Duration) rehearsal {
	r := rehearsal{rest: rest}
	for i := range r.buffers {
		b := &r.buffers[i]
		b.target = ms(shortest + time.Duration(i)*gridStep)
		b.delay, b.overdue = b.target, b.target
	}
	return r
}

// pass lets the time go on to now, in which packets were expected.
func (r *rehearsal) pass(now time.Duration) {
	dt := min(max(0, now-r.now), longestPass)
	r.now = now
	r.heard = min(r.heard+dt, startWeight)
	keep, length, fixed := math.Exp(-float64(dt)/float64(memory)), ms(dt), r.rest+r.oneWay
	for i := range r.buffers {
		b := &r.buffers[i]
		b.recover(length)
		b.reached *= keep
		b.concealed *= keep
		b.impaired = b.impaired*keep + quality.DelayImpairment(fixed+fromMS(b.delay))*length
	}
}

// idle lets the time go on to now, in which nothing was expected. An announced
// silence brings every buffer back to its target.
func (r *rehearsal) idle(now time.Duration, silent bool) {
	r.now = now
	if !silent {
		return
	}
	for i := range r.buffers {
		b := &r.buffers[i]
		b.delay = b.target
	}
}

// recover lets the delay fall towards the target.
func (b *imaginary) recover(length float64) {
	e := b.delay - b.target
	switch {
	case e <= 0:
	case e > hurryAt:
		b.delay -= fastRecovery * length
	default:
		b.delay = max(b.target, b.delay-slowRecovery*length)
	}
}

// arrive enters a packet that came so late.
func (r *rehearsal) arrive(late time.Duration) {
	l := ms(late)
	for i := range r.buffers {
		b := &r.buffers[i]
		if b.target > r.late && b.target <= l {
			b.reached++
		}
		if b.delay == b.target && l <= min(b.target, b.overdue) {
			continue
		}
		from := r.overdueAt(b.delay)
		lasts := b.delay + stretching*max(0, b.delay-from)
		switch {
		case l > lasts:
			b.concealed += l - lasts + edges
			b.delay = l
		case l > from:
			b.delay += stretching / (1 + stretching) * (l - from)
		}
	}
	r.late = l
}

// best returns the target of the buffer that would have cost least.
func (r *rehearsal) best() time.Duration {
	r.judge()
	pad := ms(startWeight - r.heard)
	best, least := shortest, math.Inf(1)
	for i := range r.buffers {
		b := &r.buffers[i]
		target := fromMS(b.target)
		padded := pad / ms(startEvery) * max(0, ms(startLateness)-b.target)
		cost := b.impaired + pad*quality.DelayImpairment(r.rest+r.oneWay+target) + 100*lossWeight*(b.concealed+padded)
		if cost < least {
			best, least = target, cost
		}
	}
	return best + margin
}

// judge finds for each delay when a packet is overdue.
func (r *rehearsal) judge() {
	from := 0
	for i := range r.buffers {
		b := &r.buffers[i]
		for from < i && b.reached < hazard*r.buffers[from].reached {
			from++
		}
		b.overdue = b.target
		if b.reached >= fewest {
			b.overdue = max(r.buffers[from].target, leastOverdue)
		}
	}
}

// overdueAt returns the lateness from which on a packet is likely to come too
// late for a delay, both in ms.
func (r *rehearsal) overdueAt(delay float64) float64 {
	i := int((delay - ms(shortest)) / ms(gridStep))
	return r.buffers[max(0, min(i, gridSize-1))].overdue
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func fromMS(x float64) time.Duration { return time.Duration(x * float64(time.Millisecond)) }
