package check

import (
	"math"
	"slices"
	"time"

	"callcenter/audio"
)

const (
	// windowSpan is how long the clock looks for the most punctual callback: long
	// enough for the beat of a card's period with ours (1024 samples against 480
	// come together every 0.32 s), short enough for many in a check.
	windowSpan = 500 * time.Millisecond
	// maxWindows bounds what a clock remembers.
	maxWindows = 240
	// stepLeast is what the most punctual callbacks of two windows must differ by
	// beyond the usual before sound is missing between them.
	stepLeast = 1500 * time.Microsecond
	// driftWindows are as many as a drift needs: 6 s.
	driftWindows = 12
)

// deviceClock compares the clock of a device with that of this computer. It is
// told of moments at which the device had moved a number of samples, keeps the
// most punctual of each window (a callback may be late, never early), and fits a
// line through them. Its zero value is ready; one goroutine uses it.
type deviceClock struct {
	windows []punctual // the last of them is being filled
	end     time.Duration
	broken  bool // between the last of them and the next there is a break
	skip    int  // so many more windows are not to be trusted
}

// punctual is the callback of a window that came least late: at what time, and how
// much behind the samples, where only differences mean something.
type punctual struct {
	at, late time.Duration
	pos      uint64
	apart    bool // there is a break before it
}

// add takes note that the device had moved pos samples at a time.
func (c *deviceClock) add(pos uint64, at time.Duration) {
	p := punctual{at: at, late: at - timeOf(pos), pos: pos}
	if len(c.windows) == 0 || at >= c.end {
		c.end = at + windowSpan
		if c.skip > 0 {
			c.skip--
			return
		}
		if len(c.windows) == maxWindows {
			return
		}
		p.apart, c.broken = c.broken, false
		c.windows = append(c.windows, p)
		return
	}
	if c.skip > 0 || c.broken {
		return
	}
	p.apart = c.windows[len(c.windows)-1].apart
	if last := &c.windows[len(c.windows)-1]; p.late < last.late {
		*last = p
	}
}

// interrupt takes note that sound was lost, or the device opened anew, within the
// last half second or so: what was seen then says nothing of the clock.
func (c *deviceClock) interrupt() {
	c.windows = c.windows[:max(0, len(c.windows)-2)]
	c.broken, c.skip = true, 1
}

// timeOf is how long so many samples last.
func timeOf(samples uint64) time.Duration {
	return time.Duration(float64(samples) / audio.Rate * float64(time.Second))
}

// at returns when the device moved the sample at pos, by the most punctual
// callbacks nearby, and false if there were none.
func (c *deviceClock) at(pos uint64) (time.Duration, bool) {
	if len(c.windows) < 2 {
		return 0, false
	}
	i, _ := slices.BinarySearchFunc(c.windows, pos, func(p punctual, pos uint64) int {
		return int(int64(p.pos) - int64(pos))
	})
	i = min(max(i, 1), len(c.windows)-1)
	a, b := c.windows[i-1], c.windows[i]
	late := float64(a.late)
	if b.pos > a.pos {
		late += float64(b.late-a.late) * (float64(pos) - float64(a.pos)) / float64(b.pos-a.pos)
	}
	return timeOf(pos) + time.Duration(late), true
}

// drift is how much faster a clock runs than it should.
type drift struct {
	known bool
	ppm   float64
	error float64 // of ppm: twice the standard error
}

// drift fits the line through the longest time without a break. The first window is
// the start of a device and counts for nothing, and the last one is not full.
func (c *deviceClock) drift() drift {
	if len(c.windows) < driftWindows+2 {
		return drift{}
	}
	w := unbroken(c.windows[1 : len(c.windows)-1])
	if len(w) < driftWindows {
		return drift{}
	}
	x, y := make([]float64, len(w)), make([]float64, len(w))
	for i := range w {
		x[i], y[i] = float64(w[i].at), float64(w[i].late)
	}
	slope, se := fit(x, y)
	// A clock that is fast brings its samples ever earlier.
	return drift{known: true, ppm: -slope * 1e6, error: 2 * se * 1e6}
}

// unbroken is the longest row of windows between which no sound went missing: with
// no step that differs much from the usual one, which is that of the drift.
func unbroken(w []punctual) []punctual {
	steps := make([]float64, len(w)-1)
	for i := range steps {
		steps[i] = float64(w[i+1].late - w[i].late)
	}
	usual := median(steps)
	best, begin := w[:0], 0
	for i := range w {
		if i > 0 && (w[i].apart || math.Abs(steps[i-1]-usual) >= float64(stepLeast)) {
			begin = i
		}
		if row := w[begin : i+1]; len(row) > len(best) {
			best = row
		}
	}
	return best
}

// fit returns the slope of the line through some points, by least squares, and its
// standard error.
func fit(x, y []float64) (slope, se float64) {
	n := float64(len(x))
	mx, my := 0.0, 0.0
	for i := range x {
		mx += x[i] / n
		my += y[i] / n
	}
	var sxx, sxy float64
	for i := range x {
		sxx += (x[i] - mx) * (x[i] - mx)
		sxy += (x[i] - mx) * (y[i] - my)
	}
	if sxx == 0 {
		return 0, math.Inf(1)
	}
	slope = sxy / sxx
	var rest float64
	for i := range x {
		e := y[i] - my - slope*(x[i]-mx)
		rest += e * e
	}
	return slope, math.Sqrt(rest / max(n-2, 1) / sxx)
}

// median returns the middle of some values, which it leaves as they are.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	v := slices.Clone(values)
	slices.Sort(v)
	return v[len(v)/2]
}
