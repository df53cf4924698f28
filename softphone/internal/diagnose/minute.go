package diagnose

import (
	"time"

	"callcenter/audio/quality"
)

// minuteSeconds is how many rated seconds are a minute of the call.
const minuteSeconds = 60

// second is what was rated in one second: the delay, and samples.
type second struct {
	delay       time.Duration
	heard, lost uint64
}

// minute finds the worst minute of a call: of all runs of 60 rated seconds the one
// with the lowest MOS, by its mean delay and its loss as a whole, as the call is
// rated. Time that is muted or held is left out, so that a minute may span it. A
// call that is shorter is one minute.
type minute struct {
	ring  [minuteSeconds]second
	count int // seconds in all
	sum   second

	worst float64 // MOS est.; 0: nothing was rated
}

func (m *minute) add(s second) {
	oldest := &m.ring[m.count%minuteSeconds]
	m.sum.delay += s.delay - oldest.delay
	m.sum.heard += s.heard - oldest.heard
	m.sum.lost += s.lost - oldest.lost
	*oldest = s
	m.count++
	of := min(m.count, minuteSeconds)
	all := m.sum.heard + m.sum.lost
	if all == 0 {
		return
	}
	mos := quality.Estimate(m.sum.delay/time.Duration(of), 100*float64(m.sum.lost)/float64(all)).MOS
	if m.count <= minuteSeconds || mos < m.worst {
		m.worst = mos
	}
}
