package stretch

import "math"

const (
	decimation = 6   // the coarse search is at 8 kHz
	minCompare = 480 // samples compared at least; less mistakes a slow wave for a fast one
)

// energies are sums of squares from the start, so that the energy of any piece
// is a difference.
type energies [Window + 1]int64

func (e *energies) of(pcm []int16) {
	var sum int64
	for i, s := range pcm[:min(len(pcm), Window)] {
		sum += int64(s) * int64(s)
		e[i+1] = sum
	}
}

// correlation says how alike pcm[:n] and pcm[lag:lag+n] are in shape: 1 is
// identical, and -1 is also said of silence.
func (e *energies) correlation(pcm []int16, lag, n int) float64 {
	aa, bb := e[n], e[lag+n]-e[lag]
	if aa == 0 || bb == 0 {
		return -1
	}
	var ab int64
	a, b := pcm[:n], pcm[lag:lag+n]
	b = b[:len(a)]
	for i, x := range a {
		ab += int64(x) * int64(b[i])
	}
	return float64(ab) / math.Sqrt(float64(aa)*float64(bb))
}

// bestLag finds the lag at which pcm, Window samples long, repeats itself best,
// coarsely and then finely, and how well it does. Of two lags, it favours the
// longer by as much correlation as told over the whole range of lags.
//
// A wave below the range of pitches is like itself at short lags only because
// it is slow: the correlation has to rise before a lag counts.
func bestLag(pcm []int16, favour float64) (lag int, rho float64) {
	const first, last = MinLag / decimation, MaxLag / decimation
	var coarse [Window / decimation]int16
	decimate(coarse[:], pcm)
	var e energies
	e.of(coarse[:])
	best, bestScore := last, math.Inf(-1)
	rising, before := false, math.Inf(1)
	for l := first - 1; l <= last; l++ {
		r := e.correlation(coarse[:], l, max(l, minCompare/decimation))
		rising = rising || r >= before
		before = r
		if score := r + favour*float64(l)/last; rising && l >= first && score > bestScore {
			best, bestScore = l, score
		}
	}
	return refine(pcm, best*decimation)
}

// refine finds the best lag in the neighbourhood of one.
func refine(pcm []int16, near int) (lag int, rho float64) {
	var e energies
	e.of(pcm)
	lag, rho = near, -1.0
	for l := max(MinLag, near-decimation); l <= min(MaxLag, near+decimation); l++ {
		if r := e.correlation(pcm, l, max(l, minCompare)); r > rho {
			lag, rho = l, r
		}
	}
	return lag, rho
}

// decimate fills dst with the means of pcm's pieces of decimation samples.
func decimate(dst, pcm []int16) {
	for i := range dst {
		var sum int
		for _, s := range pcm[i*decimation : (i+1)*decimation] {
			sum += int(s)
		}
		dst[i] = int16(sum / decimation)
	}
}
