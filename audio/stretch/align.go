package stretch

import "math"

const (
	alignSamples = 480 // compared at most, 10 ms,
	alignLeast   = 240 // and at least
	alignLevel   = 0.1 // of speech in what is made up, below which there is no phase
	tie          = 0.1
)

// Align says where in next, the real audio that is about to follow made-up audio
// or a splice, to begin so that it continues what is heard in phase: either
// next[skip:] is to be played, through Played, or all of next after wait samples
// more of Conceal. Both are 0 where there is no pitch to continue, or none of
// next's is like it, or it continues as it is; else each is less than one pitch
// period, at most MaxLag.
// With MaxLag + 480 samples (25 ms) of next it sees all there is to see; it
// makes do with less, down to 5 ms. It changes nothing, and takes 25 us.
func (c *Concealer) Align(next []int16) (skip, wait int) {
	s := &c.speech
	if !c.active || c.level*s.voiced < alignLevel || len(next) < alignLeast {
		return 0, 0
	}
	n := max(alignLeast, min(alignSamples, len(next)-s.period))
	furthest := min(s.period-1, len(next)-n)
	var expected [alignSamples]int16
	s.ahead(expected[:n])

	var coarse [(MaxLag + alignSamples) / decimation]int16
	var want [alignSamples / decimation]int16
	decimate(coarse[:(furthest+n)/decimation], next)
	decimate(want[:n/decimation], expected[:])
	var rho [MaxLag/decimation + 1]float64
	top := -1.0
	for k := 0; k <= furthest/decimation; k++ {
		rho[k] = similarity(want[:n/decimation], coarse[k:])
		top = max(top, rho[k])
	}
	if top < rough {
		return 0, 0
	}
	// Of those about as good, the first skips the least.
	first := 0
	for rho[first] < top-tie || first < furthest/decimation && rho[first+1] > rho[first] {
		first++
	}
	best, top := 0, -2.0
	for k := max(0, (first-1)*decimation); k <= min(furthest, (first+1)*decimation); k++ {
		if r := similarity(expected[:n], next[k:]); r > top {
			best, top = k, r
		}
	}
	if best == 0 {
		return 0, 0
	}
	return best, s.period - best
}

// similarity is the correlation of a with as much of b.
func similarity(a, b []int16) float64 {
	var ab, aa, bb int64
	b = b[:len(a)]
	for i, x := range a {
		x, y := int64(x), int64(b[i])
		ab += x * y
		aa += x * x
		bb += y * y
	}
	if aa == 0 || bb == 0 {
		return -1
	}
	return float64(ab) / math.Sqrt(float64(aa)*float64(bb))
}
