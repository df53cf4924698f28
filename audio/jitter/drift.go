package jitter

import "time"

const (
	driftPoints  = 60
	driftStep    = time.Second
	leastPoints  = 10
	mostDriftPPM = 2000
	// driftNoise is how far the points may lie off the line, in seconds: a sender
	// that loses sound, or a network whose delay changes, is no drift.
	driftNoise = 0.002
)

// drift finds how fast the sender's clock runs from the fastest packet of each
// second, over a minute.
type drift struct {
	points  [driftPoints]time.Duration // minimum of arrival-media of a second
	n       int                        // seconds so far
	until   time.Duration
	least   time.Duration
	started bool
	ppm     float64
}

func (d *drift) observe(offset, now time.Duration) {
	if !d.started || now-d.until > driftStep || d.until-now > driftStep {
		// A new clock, or a gap in which nothing was heard.
		*d = drift{started: true, until: now + driftStep, least: offset}
		return
	}
	if now < d.until {
		d.least = min(d.least, offset)
		return
	}
	d.points[d.n%driftPoints] = d.least
	d.n++
	d.until += driftStep
	d.least = offset
	d.fit()
}

// fit is the least-squares slope of the points. A sender whose clock is fast
// makes arrival-media fall.
func (d *drift) fit() {
	n := min(d.n, driftPoints)
	if n < leastPoints {
		return
	}
	first := d.points[(d.n-n)%driftPoints]
	var sx, sy, sxx, sxy float64
	for i := range n {
		x, y := float64(i), float64(d.points[(d.n-n+i)%driftPoints]-first)/float64(driftStep)
		sx, sy, sxx, sxy = sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	slope := (float64(n)*sxy - sx*sy) / (float64(n)*sxx - sx*sx)
	offset := (sy - slope*sx) / float64(n)
	var off float64
	for i := range n {
		e := float64(d.points[(d.n-n+i)%driftPoints]-first)/float64(driftStep) - offset - slope*float64(i)
		off += e * e
	}
	d.ppm = 0
	if off <= float64(n)*driftNoise*driftNoise {
		d.ppm = max(-mostDriftPPM, min(mostDriftPPM, -slope*1e6))
	}
}
