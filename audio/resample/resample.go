// Package resample converts PCM between 48 kHz mono and what is at the edges:
// other sample rates (Converter) and more channels (Downmix, Interleave).
// Package codec/pcm uses it for the wire and audio/file for WAV files.
//
// A Converter is a polyphase windowed-sinc filter that steps its phase with
// whole numbers, so rates never drift however long it runs. At the lower of
// the two rates it passes 0 to 0.42 of the rate, rejects what lies above half
// of it by more than 70 dB, and delays by 28 samples: 3.5 ms at 8 kHz, 1.8 ms at 16 kHz,
// 0.6 ms at 44.1 kHz.
//
// It is our own because no library fitted: tphakala/go-audio-resampler is
// LGPL, oov/audio/resampler (MIT) has had no release since 2017 and is gone
// from the module proxy, zaf/resample needs libsoxr through cgo, and the
// resampler of gopxl/beep interpolates stereo float64 streams without a filter
// against aliases.
package resample

import (
	"fmt"
	"math"

	"callcenter/audio"
)

// The range of the rate that is not 48 kHz.
const (
	MinRate = 1000
	MaxRate = 384000
)

const (
	// tapsAtLow is the length of the filter in samples of the lower rate. With
	// the window below its transition is 0.08 of that rate wide.
	tapsAtLow = 56
	// cutoff is the middle of the transition, from 0.42 to 0.5 of the lower rate.
	cutoff = 0.46
	// beta shapes the Kaiser window for a stop band of 72 dB.
	beta = 6.98
	// exactPhases is how many phases get a filter of their own; it covers all
	// usual rates (11025 to 48000 has 640). Ratios with more interpolate between
	// tablePhases filters, which costs less than 16 bits of precision.
	exactPhases = 640
	tablePhases = 256
	// blockSamples is how much input is worked on at once.
	blockSamples = 512
)

// Converter changes the sample rate of one stream. It is for one goroutine at
// a time and does not allocate after New.
type Converter struct {
	up, down int // output and input rate without their common factor
	taps     int // input samples under the filter, even
	phases   int // filters in the table, less one
	table    []float32
	// hist holds the last taps-1 samples and behind them the block at work.
	hist []float32
	// The next output lies at input sample index + phase/up, index counted from
	// the next one that comes in.
	index, phase int
	delay        int
}

// New returns a converter between 48 kHz and another rate (1000 to 384000, the
// same rate included), in either direction.
func New(from, to int) (*Converter, error) {
	other := from
	if from == audio.Rate {
		other = to
	}
	switch {
	case from != audio.Rate && to != audio.Rate:
		return nil, fmt.Errorf("resample: neither %d nor %d is %d", from, to, audio.Rate)
	case other < MinRate || other > MaxRate:
		return nil, fmt.Errorf("resample: rate %d is outside %d to %d", other, MinRate, MaxRate)
	}
	common := gcd(from, to)
	c := &Converter{up: to / common, down: from / common}
	if from != to {
		c.design(from, to)
	}
	return c, nil
}

// MaxOut returns the most samples that Process writes for n samples of input.
func (c *Converter) MaxOut(n int) int { return (n*c.up + c.down - 1) / c.down }

// Delay returns by how many output samples a sound comes out later than it
// went in.
func (c *Converter) Delay() int { return c.delay }

// Process converts all of src and returns how many samples it wrote to dst,
// which has room for MaxOut(len(src)); what does not fit is lost. The stream
// goes on where the last call ended: the output does not depend on how the
// input is cut. Over n samples of input there are n*to/from of output, rounded
// up. dst and src do not overlap.
func (c *Converter) Process(dst, src []int16) (written int) {
	if c.table == nil {
		return copy(dst, src)
	}
	for len(src) > 0 {
		n := min(len(src), blockSamples)
		block := c.hist[c.taps-1 : c.taps-1+n]
		for i, s := range src[:n] {
			block[i] = float32(s)
		}
		written += c.convert(dst[written:], n)
		copy(c.hist[:c.taps-1], c.hist[n:n+c.taps-1])
		src = src[n:]
	}
	return written
}

// convert makes the output of a block of n samples.
func (c *Converter) convert(dst []int16, n int) int {
	written := 0
	for c.index < n {
		if written < len(dst) {
			dst[written] = c.sample()
			written++
		}
		c.phase += c.down
		c.index += c.phase / c.up
		c.phase %= c.up
	}
	c.index -= n
	return written
}

// sample filters at the place of the next output.
func (c *Converter) sample() int16 {
	x := c.hist[c.index : c.index+c.taps]
	if c.phases == c.up {
		return round(dot(x, c.table[c.phase*c.taps:]))
	}
	scaled := c.phase * c.phases
	at, share := scaled/c.up, float32(scaled%c.up)/float32(c.up)
	a := dot(x, c.table[at*c.taps:])
	b := dot(x, c.table[(at+1)*c.taps:])
	return round(a + share*(b-a))
}

// design computes the filters.
func (c *Converter) design(from, to int) {
	low := min(from, to)
	half := (tapsAtLow/2*from + low - 1) / low
	c.taps = 2 * half
	c.delay = (half*to + from/2) / from
	c.phases = c.up
	if c.up > exactPhases {
		c.phases = tablePhases
	}
	c.hist = make([]float32, c.taps-1+blockSamples)
	c.table = make([]float32, (c.phases+1)*c.taps)
	fc := cutoff * float64(low) / float64(from) // in cycles an input sample
	scale := 1 / bessel(beta)
	h := make([]float64, c.taps)
	for p := range c.phases + 1 {
		frac := float64(p) / float64(c.phases)
		sum := 0.0
		for i := range h {
			t := float64(i+1-half) - frac // distance from the middle, in input samples
			r := t / float64(half)
			h[i] = sinc(2*fc*t) * bessel(beta*math.Sqrt(math.Max(1-r*r, 0))) * scale
			sum += h[i]
		}
		// The same gain for each phase, or a steady level would hum.
		for i, v := range h {
			c.table[p*c.taps+i] = float32(v / sum)
		}
	}
}

// dot returns the inner product of x and as much of h. Four sums let the
// processor work on four products at once.
func dot(x, h []float32) float32 {
	var a, b, c, d float32
	h = h[:len(x)]
	i := 0
	for ; i+4 <= len(x); i += 4 {
		a += x[i] * h[i]
		b += x[i+1] * h[i+1]
		c += x[i+2] * h[i+2]
		d += x[i+3] * h[i+3]
	}
	for ; i < len(x); i++ {
		a += x[i] * h[i]
	}
	return (a + b) + (c + d)
}

// round returns the nearest sample.
func round(v float32) int16 {
	switch {
	case v >= math.MaxInt16:
		return math.MaxInt16
	case v <= math.MinInt16:
		return math.MinInt16
	case v < 0:
		return int16(v - 0.5)
	}
	return int16(v + 0.5)
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// bessel is the modified Bessel function of the first kind, of order 0.
func bessel(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > sum*1e-12; k++ {
		term *= (x / (2 * k)) * (x / (2 * k))
		sum += term
	}
	return sum
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
