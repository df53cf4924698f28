//go:build linux && !race

package faults

import (
	"fmt"
	"math"
	"time"

	"callcenter/audio"
)

// Tones are whole multiples of 100 Hz: over a period of 10 ms they are exactly
// orthogonal, whatever their phases, so that each can be told from the others in
// every single period.
const (
	// about is how far the level of a tone that is there may be from the one it
	// was sent with, and double how far above it two of it would be at least, dB.
	about  = 3
	double = 3
	// stretch is how many periods are judged together: single ones may be
	// missing on a busy machine.
	stretch = 20
	// tooLate is how long a machine may stand still before what it measures says
	// nothing of the programs.
	tooLate = 50 * time.Millisecond
)

// cycles holds what every tone here is made of: one cycle of 100 Hz in a period.
// Its k-th harmonic is every k-th value, round and round.
type cycles struct{ cos, sin [audio.PeriodSamples]float64 }

var cycle = func() (c cycles) {
	for n := range c.cos {
		c.sin[n], c.cos[n] = math.Sincos(2 * math.Pi * float64(n) / audio.PeriodSamples)
	}
	return c
}()

const grid = audio.Rate / audio.PeriodSamples // Hz

// component is a tone's part of a period.
func component(pcm []int16, hz int) (re, im float64) {
	step := hz / grid
	for n, at := 0, 0; n < len(pcm); n++ {
		re += float64(pcm[n]) * cycle.cos[at]
		im += float64(pcm[n]) * cycle.sin[at]
		if at += step; at >= audio.PeriodSamples {
			at -= audio.PeriodSamples
		}
	}
	return 2 * re / audio.PeriodSamples, 2 * im / audio.PeriodSamples
}

// decibels of an amplitude, in dBFS, -120 at the least.
func decibels(amplitude float64) float64 {
	return 20 * math.Log10(amplitude/math.MaxInt16+1e-6)
}

// rest is the peak of what remains of a period without those tones and what is
// near them, in dBFS: a tone that changes has sidebands there.
func rest(pcm []int16, tones []int) float64 {
	const near = 2 // steps of the grid
	var left [audio.PeriodSamples]float64
	for n, s := range pcm {
		left[n] = float64(s)
	}
	var removed [50]bool
	for _, hz := range tones {
		for step := max(1, hz/grid-near); step <= hz/grid+near; step++ {
			if removed[step] {
				continue
			}
			removed[step] = true
			re, im := component(pcm, step*grid)
			for n := range left {
				at := n * step % audio.PeriodSamples
				left[n] -= re*cycle.cos[at] + im*cycle.sin[at]
			}
		}
	}
	most := 0.0
	for _, v := range left {
		most = max(most, math.Abs(v))
	}
	return decibels(most)
}

// levels is how loud a tone was in each period.
func levels(heard []period, hz int) []float64 {
	out := make([]float64, len(heard))
	for i := range heard {
		out[i] = decibels(math.Hypot(component(heard[i].pcm[:], hz)))
	}
	return out
}

func isThere(level float64) bool { return math.Abs(level-loud) <= about }

// share is in how many of the periods the tone was there.
func share(levels []float64) float64 {
	n := 0
	for _, l := range levels {
		if isThere(l) {
			n++
		}
	}
	return float64(n) / float64(max(1, len(levels)))
}

// since returns from when on the tone was there for good, and false if it is
// not: from then on it is there in most of every stretch.
func since(heard []period, levels []float64) (time.Time, bool) {
	from := 0
	for i := 0; i+stretch <= len(levels); i++ {
		if share(levels[i:i+stretch]) < 0.5 {
			from = i + 1
		}
	}
	for ; from+stretch <= len(levels); from++ {
		if isThere(levels[from]) && isThere(levels[from+1]) {
			return heard[from].at, true
		}
	}
	return time.Time{}, false
}

// gap is how long the tone was missing, in sum.
func gap(levels []float64) time.Duration {
	n := 0
	for _, l := range levels {
		if !isThere(l) {
			n++
		}
	}
	return time.Duration(n) * audio.Period
}

// loudest is the highest level of a tone in any period.
func loudest(levels []float64) float64 {
	most := math.Inf(-1)
	for _, l := range levels {
		most = max(most, l)
	}
	return most
}

// click is the largest step from sample to sample, in shares of what the tones
// have of their own: 1 is as they are.
func click(heard []period, tones []int) float64 {
	own := 0.0
	for _, hz := range tones {
		own += amplitude * 2 * math.Sin(math.Pi*float64(hz)/audio.Rate)
	}
	before, most := heard[0].pcm[0], 0.0
	for i := range heard {
		for _, s := range heard[i].pcm {
			most = max(most, math.Abs(float64(s)-float64(before)))
			before = s
		}
	}
	return most / own
}

// foreign is the loudest of what is no tone in any three periods in a row, in
// dBFS: the edge of a gap, or the seam where time was stretched, is in one or two
// of them, and a sound that does not belong there in more.
func foreign(heard []period, tones []int) float64 {
	most := math.Inf(-1)
	var before [2]float64
	for i := range heard {
		now := rest(heard[i].pcm[:], tones)
		if i >= len(before) {
			most = max(most, min(now, before[0], before[1]))
		}
		before = [2]float64{before[1], now}
	}
	return most
}

// calm reports that the machine kept up: no period was much later than the one
// before.
func calm(heard []period) bool {
	for i := 1; i < len(heard); i++ {
		if heard[i].at.Sub(heard[i-1].at) > tooLate {
			return false
		}
	}
	return true
}

// course is a picture of the last 15 s of a level, a digit for each 100 ms, for a
// message: in what share of the periods the tone was there.
func course(levels []float64) string {
	levels = levels[max(0, len(levels)-1500):]
	out := ""
	for i := 0; i+10 <= len(levels); i += 10 {
		out += fmt.Sprint(int(9.99 * share(levels[i:i+10])))
	}
	return out
}
