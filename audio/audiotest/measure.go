package audiotest

import (
	"math"
	"math/cmplx"

	"callcenter/audio"
)

// MaxStep returns the largest difference between neighbouring samples: a click
// is a step that the source does not have.
func MaxStep(pcm []int16) int {
	step := 0
	for i := 1; i < len(pcm); i++ {
		d := int(pcm[i]) - int(pcm[i-1])
		step = max(step, d, -d)
	}
	return step
}

// Peak returns the largest magnitude.
func Peak(pcm []int16) int {
	peak := 0
	for _, s := range pcm {
		peak = max(peak, int(s), -int(s))
	}
	return peak
}

// Goertzel returns the amplitude of the sine of hz in pcm, behind a Hann
// window.
func Goertzel(pcm []int16, hz float64) float64 {
	w := 2 * math.Pi * hz / audio.Rate
	var s1, s2, gain float64
	for i, x := range pcm {
		hann := 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/float64(len(pcm)))
		gain += hann
		s1, s2 = float64(x)*hann+2*math.Cos(w)*s1-s2, s1
	}
	power := s1*s1 + s2*s2 - 2*math.Cos(w)*s1*s2
	return 2 * math.Sqrt(max(0, power)) / gain
}

// Frequency returns the frequency of the partial of pcm that is within 15 Hz of
// near, averaged over time by its energy: how fast its phase turns.
func Frequency(pcm []int16, near float64) float64 {
	const (
		block = audio.Rate / 20
		hop   = block / 2
	)
	var shape [block]complex128 // Hann window, turning backwards at near
	for i := range shape {
		hann := 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/block)
		shape[i] = cmplx.Rect(hann, -2*math.Pi*near*float64(i)/audio.Rate)
	}
	var sum, last complex128
	for at := 0; at+block <= len(pcm); at += hop {
		var now complex128
		for i, s := range pcm[at : at+block] {
			now += complex(float64(s), 0) * shape[i]
		}
		now *= cmplx.Rect(1, -2*math.Pi*near*float64(at)/audio.Rate)
		sum += now * cmplx.Conj(last)
		last = now
	}
	return near + cmplx.Phase(sum)/(2*math.Pi)*audio.Rate/hop
}

// Cents returns the interval from one frequency to another, 1200 an octave.
func Cents(from, to float64) float64 { return 1200 * math.Log2(to/from) }

// Find returns where ref is in pcm, looking from position from up to position
// to, and how well it correlates there (1 is identical in shape).
func Find(ref, pcm []int16, from, to int) (pos int, rho float64) {
	var energy float64
	for _, s := range ref {
		energy += float64(s) * float64(s)
	}
	from, to = max(0, from), min(to, len(pcm)-len(ref))
	pos = -1
	for p := from; p <= to; p++ {
		var dot, power int64
		for i, s := range ref {
			x := int64(pcm[p+i])
			dot += int64(s) * x
			power += x * x
		}
		if power == 0 {
			continue
		}
		if r := float64(dot) / math.Sqrt(energy*float64(power)); r > rho {
			pos, rho = p, r
		}
	}
	return pos, rho
}
