package audiotest

import (
	"math"
	"math/cmplx"
	"slices"

	"callcenter/audio"
)

const (
	frameSamples = 1024 // 21 ms, behind a Hann window
	bandCount    = 18   // thirds of an octave, 178 Hz to 11 kHz; the first has all below, too
	lowestBand   = 178.0
	// What is this much quieter than the loudest frame of the source is masked,
	// or below hearing; it counts as equally silent.
	audibleRange = 50.0
)

// Bands is the level of one frame in each third of an octave, in dB of the mean
// square.
type Bands [bandCount]float64

// Spectrum returns the levels of the 21 ms of pcm from at on, zeros where pcm
// has no samples.
func Spectrum(pcm []int16, at int) Bands {
	return decibels(powers(pcm, at))
}

// LongTerm returns the levels of the mean of all of pcm's frames.
func LongTerm(pcm []int16) Bands {
	var sum Bands
	frames := 0.0
	for at := 0; at+frameSamples <= len(pcm); at += frameSamples / 2 {
		for i, p := range powers(pcm, at) {
			sum[i] += p
		}
		frames++
	}
	for i := range sum {
		sum[i] /= max(1, frames)
	}
	return decibels(sum)
}

// Distance is the root mean square of the differences between two spectra over
// all bands, in dB. Levels below floor count as floor.
func (b Bands) Distance(other Bands, floor float64) float64 {
	var sum float64
	for i, x := range b {
		d := max(x, floor) - max(other[i], floor)
		sum += d * d
	}
	return math.Sqrt(sum / bandCount)
}

// Loudest returns the level of the loudest band.
func (b Bands) Loudest() float64 {
	top := math.Inf(-1)
	for _, x := range b {
		top = max(top, x)
	}
	return top
}

// SpectralDistance says how unlike anything in source the worst of got sounds,
// where got is source with parts taken out, put in twice or made up. Each 21 ms
// of got, one frame in 10 ms, is compared with the frames of source within reach
// samples around where place says that it comes from, and only the most alike
// counts: the log-spectral distance in thirds of an octave, in dB. It returns
// the mean and the 99th percentile over all frames that are not silent.
func SpectralDistance(source, got []int16, place func(at int) int, reach int) (mean, p99 float64) {
	const hop = 480
	known := make([]Bands, len(source)/(hop/2)+1)
	floor := math.Inf(-1)
	for i := range known {
		known[i] = Spectrum(source, i*hop/2)
		floor = max(floor, known[i].Loudest()-audibleRange)
	}
	var all []float64
	for at := 0; at+frameSamples <= len(got); at += hop {
		now := Spectrum(got, at)
		if now.Loudest() < floor+10 {
			continue
		}
		best := math.Inf(1)
		first := max(0, (place(at)-reach)/(hop/2))
		for i := first; i <= (place(at)+reach)/(hop/2) && i < len(known); i++ {
			best = min(best, now.Distance(known[i], floor))
		}
		all = append(all, best)
		mean += best
	}
	if len(all) == 0 {
		return 0, 0
	}
	slices.Sort(all)
	return mean / float64(len(all)), all[len(all)*99/100]
}

// powers is the mean square of a frame in each band.
func powers(pcm []int16, at int) Bands {
	var x [frameSamples]complex128
	for i := range x {
		if k := at + i; k >= 0 && k < len(pcm) {
			x[i] = complex(float64(pcm[k])*(0.5-0.5*math.Cos(2*math.Pi*float64(i)/frameSamples)), 0)
		}
	}
	transform(x[:])
	var b Bands
	const gain = 2 / (0.375 * frameSamples * frameSamples)
	for i := 1; i < frameSamples/2; i++ {
		hz := float64(i) * audio.Rate / frameSamples
		if band := max(0, int(3*math.Log2(hz/lowestBand))); band < bandCount {
			b[band] += gain * (real(x[i])*real(x[i]) + imag(x[i])*imag(x[i]))
		}
	}
	return b
}

func decibels(powers Bands) Bands {
	for i, p := range powers {
		powers[i] = 10 * math.Log10(p+1e-9)
	}
	return powers
}

// transform is a Fourier transform in place; the length is a power of two.
func transform(x []complex128) {
	n := len(x)
	for i, j := 1, 0; i < n; i++ {
		bit := n >> 1
		for ; j&bit != 0; bit >>= 1 {
			j ^= bit
		}
		j ^= bit
		if i < j {
			x[i], x[j] = x[j], x[i]
		}
	}
	for size := 2; size <= n; size *= 2 {
		turn := cmplx.Rect(1, -2*math.Pi/float64(size))
		for at := 0; at < n; at += size {
			w := complex(1, 0)
			for k := at; k < at+size/2; k++ {
				odd := w * x[k+size/2]
				x[k], x[k+size/2] = x[k]+odd, x[k]-odd
				w *= turn
			}
		}
	}
}
