package check

import (
	"math"
	"math/cmplx"
	"time"

	"callcenter/audio"
)

// The probe: chirps, each a rising tone of 200 ms from 300 to 3400 Hz, the band
// that every telephone headset has, with soft edges, at the level of the test tone
// of the devices' screen. A chirp whose clock is 300 ppm off is still the same
// chirp, 2 samples longer, which a burst of noise would not be.
const (
	chirpTime = 200 * time.Millisecond
	chirpRest = 500 * time.Millisecond // until the next: the longest echo that is found
	chirpFrom = 300.0
	chirpTo   = 3400.0
	chirpEdge = 20 * time.Millisecond
	chirpPeak = -20.0 // dBFS
	chirps    = 6
)

const (
	// The correlation works on a sixth of the rate: 8 kHz, steps of 125 us.
	thinning  = 6
	thinRate  = audio.Rate / thinning
	thinTaps  = 97
	thinEdge  = 3700.0 // Hz
	echoBegin = -20 * time.Millisecond
	// echoMargin is how far above what correlates by chance an echo must be, in dB.
	// Without one, the greatest of all delays is 9 dB above it with noise, and 13 dB
	// with somebody who talks all the time, at most in some ten checks.
	echoMargin = 15.0
	// echoLeast is the weakest echo that is looked for, dB: nobody hears less.
	echoLeast = -70.0
	// echoSpan is for how long behind its first sound an echo is summed: a headset
	// has a millisecond, a loudspeaker in a room some ten. echoLead is before it.
	echoSpan = 30 * time.Millisecond
	echoLead = 2 * time.Millisecond
	// tooMuch is the share of that which may be there by chance.
	tooMuch = 0.2
)

// echo is what the microphone heard of the ear.
type echo struct {
	tested bool
	found  bool
	gain   float64       // of the echo against what was played, dB, if found
	delay  time.Duration // from the earpiece's callback to the microphone's, if found
	limit  float64       // a weaker one would not have been found, dB
}

// chirp returns the phase of the probe, in radians, and its envelope, at each of n
// samples.
func chirp(n int, rate float64) (phase, shape []float64) {
	phase, shape = make([]float64, n), make([]float64, n)
	length := float64(n) / rate
	edge := int(chirpEdge.Seconds() * rate)
	for i := range phase {
		t := float64(i) / rate
		phase[i] = 2 * math.Pi * (chirpFrom*t + (chirpTo-chirpFrom)*t*t/(2*length))
		shape[i] = 1
		if in := min(i, n-1-i); in < edge {
			shape[i] = 0.5 - 0.5*math.Cos(math.Pi*float64(in)/float64(edge))
		}
	}
	return phase, shape
}

// playedChirp is the probe as it is played, with a peak of dBFS.
func playedChirp(dBFS float64) []int16 {
	phase, shape := chirp(audio.Samples(chirpTime), audio.Rate)
	pcm := make([]int16, len(phase))
	amplitude := math.MaxInt16 * math.Pow(10, dBFS/20)
	for i := range pcm {
		pcm[i] = int16(math.Round(amplitude * shape[i] * math.Sin(phase[i])))
	}
	return pcm
}

// heardProbe is the sound of the microphone around one chirp.
type heardProbe struct {
	pcm  []int16 // from echoBegin before the chirp's own time on
	late float64 // by how many samples pcm begins before that, a fraction of one
}

// probeSamples is how much of the microphone a heardProbe has.
func probeSamples() int {
	return audio.Samples(chirpTime+chirpRest) + thinTaps
}

// findEcho looks for an echo of chirps of that peak among what was heard.
//
// Each chirp's surroundings are correlated with the chirp, both after a filter that
// makes the surroundings white: then what somebody says meanwhile, or a fan,
// correlates as little as white noise does, which is the best that can be had
// against noise that is not white. The squared magnitude of that is taken at every
// delay, in units of its mean over all delays, and the middle of all chirps at each
// delay counts: a word or a door is in one or two of them only. How strong the echo
// is comes from the same without the filter, all its reflections added up, unless it
// is too loud for that: then from its peak behind the filter.
func findEcho(heard []heardProbe, dBFS float64) echo {
	if len(heard) < chirps/2 {
		return echo{}
	}
	m := newMatcher(dBFS)
	shares, white, plain := make([][]float64, len(heard)), make([][]float64, len(heard)), make([][]float64, len(heard))
	grounds := make([]float64, len(heard))
	for i, h := range heard {
		x := h.thinned()
		plain[i] = correlate(x, m.probe, searched())
		a := whitener(x)
		x, p := filter(a, x), filter(a, m.probe)
		white[i] = correlate(x, p, searched())
		grounds[i] = max(ground(white[i]), 1e-12)
		shares[i] = share(white[i], x, p)
	}
	return m.judge(middle(shares), middle(white), middle(plain), median(grounds))
}

// share returns what correlate returned as shares of what was heard while the probe
// would have been, in units of their ground: what is louder at one time than at
// another correlates more there, and is no echo.
func share(v []float64, x, probe []complex128) []float64 {
	power := energy(probe)
	sum := energy(x[:len(probe)-1])
	out := make([]float64, len(v))
	for d := range v {
		sum += real(x[d+len(probe)-1]) * real(x[d+len(probe)-1])
		out[d] = v[d] * power / max(sum, 1)
		sum -= real(x[d]) * real(x[d])
	}
	unit := max(ground(out), 1e-12)
	for d := range out {
		out[d] /= unit
	}
	return out
}

// energy is that of the real part.
func energy(x []complex128) (sum float64) {
	for _, v := range x {
		sum += real(v) * real(v)
	}
	return sum
}

// searched is at how many delays an echo is looked for.
func searched() int { return int((chirpRest - chirpEdge).Seconds() * thinRate) }

// middle is the median of several rows, at each place.
func middle(rows [][]float64) []float64 {
	out, column := make([]float64, len(rows[0])), make([]float64, len(rows))
	for d := range out {
		for i := range rows {
			column[i] = rows[i][d]
		}
		out[d] = median(column)
	}
	return out
}

// ground is the mean of what correlates by chance: of what is not far above the
// middle.
func ground(v []float64) float64 { return mean(v, median(v)*4) }

// thinned is what was heard at a sixth of the rate, without its mean.
func (h *heardProbe) thinned() []complex128 {
	x := make([]complex128, len(h.pcm))
	level := 0.0
	for _, s := range h.pcm {
		level += float64(s) / float64(len(h.pcm))
	}
	for i, s := range h.pcm {
		x[i] = complex(float64(s)-level, 0)
	}
	return thin(x, h.late)
}

// matcher knows the probe.
type matcher struct {
	probe []complex128 // analytic, thinned
	self  []float64    // its correlation with its real part, which is at its middle
}

func newMatcher(dBFS float64) *matcher {
	phase, shape := chirp(audio.Samples(chirpTime), audio.Rate)
	whole := make([]complex128, len(phase))
	amplitude := math.MaxInt16 * math.Pow(10, dBFS/20)
	for i := range phase {
		whole[i] = cmplx.Rect(amplitude*shape[i], phase[i]-math.Pi/2)
	}
	m := &matcher{probe: thin(whole, 0)}
	span := int(echoSpan.Seconds() * thinRate)
	alone := make([]complex128, len(m.probe)+2*span)
	for i, p := range m.probe {
		alone[span+i] = complex(real(p), 0)
	}
	m.self = correlate(alone, m.probe, 2*span)
	return m
}

// correlate returns the squared magnitude of the correlation of x, which is real,
// with a probe at the first n delays; of the real part of the probe itself that is 1.
func correlate(x, probe []complex128, n int) []float64 {
	length := atLeast(len(x) + len(probe))
	a, b := make([]complex128, length), make([]complex128, length)
	for i, v := range x {
		a[i] = complex(real(v), 0)
	}
	copy(b, probe)
	fft(a, false)
	fft(b, false)
	for i := range a {
		a[i] *= cmplx.Conj(b[i])
	}
	fft(a, true)
	power := energy(probe) * float64(length)
	out := make([]float64, max(min(n, len(x)-len(probe)+1), 0))
	for d := range out {
		out[d] = (real(a[d])*real(a[d]) + imag(a[d])*imag(a[d])) / (power * power)
	}
	return out
}

// judge looks for the greatest peak of the shares, and for the strength of the echo
// there. unit is the squared gain that white has by chance.
func (m *matcher) judge(shares, white, plain []float64, unit float64) echo {
	e := echo{tested: true}
	need := max(math.Pow(10, echoMargin/10), math.Pow(10, echoLeast/10)/unit)
	e.limit = 10 * math.Log10(need*unit)
	top := 0
	for d, v := range shares {
		if v > shares[top] {
			top = d
		}
	}
	if shares[top] < need {
		return e
	}
	e.found = true
	near := int(echoLead.Seconds() * thinRate)
	at := top
	for d := max(0, top-near/2); d < min(len(plain), top+near/2); d++ {
		if plain[d] > plain[at] {
			at = d
		}
	}
	span, less := int(echoSpan.Seconds()*thinRate), ground(plain)
	sum := func(v []float64, at int) (s float64) {
		for _, x := range v[max(0, at-near):min(len(v), at+span)] {
			s += x
		}
		return s
	}
	chance := less * float64(near+span)
	gain := (sum(plain, at) - chance) / sum(m.self, len(m.self)/2)
	if chance > tooMuch*sum(plain, at) {
		gain = white[top] - unit
	}
	e.gain = 10 * math.Log10(max(gain, 1e-12))
	e.delay = echoBegin + time.Duration((float64(at)+bend(plain, at))/thinRate*float64(time.Second))
	return e
}

const (
	// whitenerOrder is enough for the formants of a voice below 4 kHz, and
	// whitenerFloor is the noise that is added for it, so that what is empty is not
	// made loud.
	whitenerOrder = 14
	whitenerFloor = 1e-3
)

// whitener returns the filter that makes x white: that of linear prediction, by the
// recursion of Levinson and Durbin.
func whitener(x []complex128) []float64 {
	r := make([]float64, whitenerOrder+1)
	for lag := range r {
		for i := lag; i < len(x); i++ {
			r[lag] += real(x[i]) * real(x[i-lag])
		}
	}
	r[0] += r[0]*whitenerFloor + 1
	a, last := make([]float64, whitenerOrder+1), make([]float64, whitenerOrder+1)
	a[0] = 1
	rest := r[0]
	for k := 1; k <= whitenerOrder; k++ {
		sum := 0.0
		for i := range k {
			sum += a[i] * r[k-i]
		}
		reflect := -sum / rest
		copy(last, a)
		for i := 1; i <= k; i++ {
			a[i] = last[i] + reflect*last[k-i]
		}
		rest *= 1 - reflect*reflect
	}
	return a
}

// filter returns x after the filter a, of the same length.
func filter(a []float64, x []complex128) []complex128 {
	out := make([]complex128, len(x))
	for i := range x {
		for k, c := range a[:min(len(a), i+1)] {
			out[i] += x[i-k] * complex(c, 0)
		}
	}
	return out
}

// mean is that of the values which are not above limit.
func mean(values []float64, limit float64) float64 {
	sum, n := 0.0, 0
	for _, v := range values {
		if v <= limit {
			sum += v
			n++
		}
	}
	return sum / float64(max(n, 1))
}

// bend is how far the top of a parabola through three values is from the middle
// one.
func bend(v []float64, at int) float64 {
	if at == 0 || at == len(v)-1 {
		return 0
	}
	a, b, c := math.Sqrt(v[at-1]), math.Sqrt(v[at]), math.Sqrt(v[at+1])
	if d := a - 2*b + c; d < 0 {
		return min(max((a-c)/(2*d), -0.5), 0.5)
	}
	return 0
}

// thin returns x at a sixth of its rate, its first sample taken late samples into
// x, which is a fraction.
func thin(x []complex128, late float64) []complex128 {
	taps := thinner(late)
	out := make([]complex128, max(0, (len(x)-thinTaps)/thinning+1))
	for i := range out {
		for k, v := range x[i*thinning : i*thinning+thinTaps] {
			out[i] += v * complex(taps[k], 0)
		}
	}
	return out
}

// thinner is a low-pass that delays by late less than half of its length: a
// windowed sinc.
func thinner(late float64) []float64 {
	taps := make([]float64, thinTaps)
	const cut = 2 * thinEdge / audio.Rate
	for k := range taps {
		t := float64(k) - (thinTaps-1)/2 - late
		hann := 0.5 + 0.5*math.Cos(2*math.Pi*t/(thinTaps+1))
		taps[k] = cut * sinc(cut*t) * max(hann, 0)
	}
	return taps
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}
