package stretch

import (
	"math"

	"callcenter/audio"
)

const (
	order = 8 // of linear prediction

	// Correction of an autocorrelation before it is fitted, so that the filter is
	// stable and nothing rings: a floor 40 dB below, and peaks at least some 60 Hz
	// wide.
	whiteFloor = 1e-4
	lagWidthHz = 60.0
)

// autocorrelation of a signal at lags 0 to order.
type autocorrelation [order + 1]float64

// correlate returns that of x under a window that is zero at both ends, in such a
// way that a mean square of 1 gives 1. It leaves the windowed signal in x, which has
// more than order samples.
func correlate(x []float64) (r autocorrelation) {
	half := float64(len(x)) / 2
	for i := range x {
		u := (float64(i) + 0.5 - half) / half
		w := 1 - u*u
		x[i] *= w * w
	}
	// All lags at once: one after the other would wait for each addition.
	var r0, r1, r2, r3, r4, r5, r6, r7, r8 float64
	for i := order; i < len(x); i++ {
		p := (*[order + 1]float64)(x[i-order:])
		v := p[8]
		r0 += v * v
		r1 += v * p[7]
		r2 += v * p[6]
		r3 += v * p[5]
		r4 += v * p[4]
		r5 += v * p[3]
		r6 += v * p[2]
		r7 += v * p[1]
		r8 += v * p[0]
	}
	r = autocorrelation{r0, r1, r2, r3, r4, r5, r6, r7, r8}
	for i, v := range x[:order] {
		for k := range i + 1 {
			r[k] += v * x[i-k]
		}
	}
	const meanWindow = 128.0 / 315 // of the window's square
	for k := range r {
		r[k] /= meanWindow * float64(len(x))
	}
	return r
}

// synthesis is a filter that gives white noise the spectrum of a signal, by
// linear prediction. The zero value is silent.
type synthesis struct {
	predict [order]float64 // from the newest past sample to the oldest
	past    [order]float64 // likewise
	gain    float64
}

// fit takes the spectrum of r with this mean square instead of r's own, by
// Levinson and Durbin's recursion. What was made so far goes on.
func (s *synthesis) fit(r *autocorrelation, power float64) {
	s.predict, s.gain = [order]float64{}, 0
	if r[0] <= 0 || power <= 0 {
		s.past = [order]float64{}
		return
	}
	var c [order + 1]float64 // corrected, of power 1
	c[0] = 1
	for k := 1; k <= order; k++ {
		x := 2 * math.Pi * lagWidthHz * float64(k) / audio.Rate
		c[k] = r[k] / r[0] * (1 - x*x/2) / (1 + whiteFloor)
	}
	a, rest := &s.predict, 1.0
	for m := range order {
		next := c[m+1]
		for i := range m {
			next -= a[i] * c[m-i]
		}
		reflection := next / rest
		for i, j := 0, m-1; i <= j; i, j = i+1, j-1 {
			a[i], a[j] = a[i]-reflection*a[j], a[j]-reflection*a[i]
		}
		a[m] = reflection
		rest *= 1 - reflection*reflection
	}
	s.gain = math.Sqrt(rest * power)
}

// next returns the next sample, made of white noise of power 1.
func (s *synthesis) next(white float64) float64 {
	if s.gain == 0 {
		return 0
	}
	a, p := &s.predict, &s.past
	y := s.gain*white + (a[0]*p[0] + a[1]*p[1]) + (a[2]*p[2] + a[3]*p[3]) + (a[4]*p[4] + a[5]*p[5]) + (a[6]*p[6] + a[7]*p[7])
	copy(p[1:], p[:order-1])
	p[0] = y
	return y
}

// random is a source of white noise. The zero value is ready.
type random uint64

// next is evenly spread and has a power of 1.
func (r *random) next() float64 {
	*r = *r*6364136223846793005 + 1442695040888963407 // Knuth's MMIX
	return math.Sqrt(3.0) / (1 << 31) * float64(int32(*r>>32))
}
