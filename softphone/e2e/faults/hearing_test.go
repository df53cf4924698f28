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

// component is a tone's part of a period: its level in dBFS of its peak.
func component(pcm []int16, hz int) (level, re, im float64) {
	for n, s := range pcm {
		sin, cos := math.Sincos(2 * math.Pi * float64(hz) * float64(n) / audio.Rate)
		re += float64(s) * cos
		im += float64(s) * sin
	}
	re, im = 2*re/float64(len(pcm)), 2*im/float64(len(pcm))
	return decibels(math.Hypot(re, im)), re, im
}

// decibels of an amplitude, in dBFS, -120 at the least.
func decibels(amplitude float64) float64 {
	return 20 * math.Log10(amplitude/math.MaxInt16+1e-6)
}

// rest is the peak of what remains of a period without those tones, in dBFS.
func rest(pcm []int16, tones []int) float64 {
	var left [audio.PeriodSamples]float64
	for n, s := range pcm {
		left[n] = float64(s)
	}
	for _, hz := range tones {
		_, re, im := component(pcm, hz)
		for n := range left {
			sin, cos := math.Sincos(2 * math.Pi * float64(hz) * float64(n) / audio.Rate)
			left[n] -= re*cos + im*sin
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
		out[i], _, _ = component(heard[i].pcm[:], hz)
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
		own += math.MaxInt16 * math.Pow(10, loud/20.) * 2 * math.Sin(math.Pi*float64(hz)/audio.Rate)
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

// foreign is the loudest of what is no tone, in dBFS, in the periods in which
// every tone is as loud as in the periods before and after.
func foreign(heard []period, tones []int) float64 {
	course := make([][]float64, len(tones))
	for i, hz := range tones {
		course[i] = levels(heard, hz)
	}
	most := math.Inf(-1)
	for i := 2; i+2 < len(heard); i++ {
		steady := true
		for _, c := range course {
			for _, j := range []int{i - 2, i - 1, i + 1, i + 2} {
				steady = steady && (math.Abs(c[i]-c[j]) < 0.5 || max(c[i], c[j]) < -60)
			}
		}
		if steady {
			most = max(most, rest(heard[i].pcm[:], tones))
		}
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
