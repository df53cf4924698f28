// Package stretch changes how long audio lasts without changing its pitch, and
// fills what is missing so that neither the hole nor its edges are heard. It
// works on PCM (48 kHz, mono) and knows nothing of packets or time;
// audio/playout is its caller.
//
// Faster takes one pitch period away and Slower adds one, by an overlap-add of
// two neighbouring periods that are alike: the fade's two ends continue the
// samples around it exactly. Audio with no pitch is changed only where it is so
// quiet that nobody can tell. Much takes several periods at once, and less alike
// ones, for when being late is worse than a rough join.
//
// Nothing here allocates. Values are for one goroutine.
package stretch

import "math"

const (
	// MinLag is the shortest pitch period, in samples: 2.5 ms.
	MinLag = 120
	// MaxLag is the longest: 15 ms.
	MaxLag = 720
	// Window is how many samples Faster and Much look at.
	Window = 2 * MaxLag

	decimation = 6   // coarse search at 8 kHz
	minCompare = 480 // samples compared at least; less mistakes a slow wave for a fast one
	accept     = 0.9 // least correlation of two periods that may be merged
	rough      = 0.5 // in a hurry
	quietRMS   = 33  // -60 dBFS: too quiet for a splice to be heard
)

// Faster removes one pitch period from pcm, which has at least Window samples,
// in place, and returns how many samples were removed: 0 where pcm cannot be
// changed unheard. The samples that stay are pcm[:len(pcm)-removed]. In a pause
// between words, where the caller knows of one, no pitch is needed.
func Faster(pcm []int16, pause bool) int {
	if pause || quiet(pcm) {
		return remove(pcm, MaxLag/2)
	}
	lag, rho := bestLag(pcm[:Window])
	if rho < accept {
		return 0
	}
	return remove(pcm, lag)
}

// Much does what Faster does but removes as many periods as fit into MaxLag, and
// accepts periods that are less alike.
func Much(pcm []int16) int {
	if quiet(pcm) {
		return remove(pcm, MaxLag)
	}
	lag, rho := bestLag(pcm[:Window])
	if rho < rough {
		return 0
	}
	for n := MaxLag / lag; n > 1; n-- {
		if many, r := refine(pcm[:Window], n*lag); r >= min(rho, accept) {
			return remove(pcm, many)
		}
	}
	return remove(pcm, lag)
}

// remove takes lag samples away, fading over what is taken.
func remove(pcm []int16, lag int) int {
	for i := range lag {
		pcm[i] = mixFade(pcm[i], pcm[i+lag], i, lag)
	}
	copy(pcm[lag:], pcm[2*lag:])
	return lag
}

// Slower inserts one pitch period into pcm[:n] before pcm[at], and returns how
// many samples were inserted, or 0. What is before at is only looked at, and may
// have been played: at is at least MaxLag, n at least at+MaxLag, and pcm has room
// for MaxLag more. A pause is as in Faster.
func Slower(pcm []int16, at, n int, pause bool) int {
	around := pcm[at-MaxLag : at+MaxLag]
	lag, rho := MaxLag/2, 1.0
	if !pause && !quiet(around) {
		lag, rho = bestLag(around)
	}
	if rho < accept {
		return 0
	}
	// What follows, fading back into what was before, leads to it once more.
	copy(pcm[at+lag:n+lag], pcm[at:n])
	for i := range lag {
		pcm[at+i] = mixFade(pcm[at+lag+i], pcm[at-lag+i], i, lag)
	}
	return lag
}

// mixFade goes from a at i=0 to b at i=n.
func mixFade(a, b int16, i, n int) int16 {
	return int16((int(a)*(n-i) + int(b)*i) / n)
}

// bestLag finds the lag at which pcm, Window samples long, repeats itself best,
// coarsely and then finely, and how well it does.
func bestLag(pcm []int16) (int, float64) {
	var coarse [Window / decimation]int16
	for i := range coarse {
		var sum int
		for _, s := range pcm[i*decimation : (i+1)*decimation] {
			sum += int(s)
		}
		coarse[i] = int16(sum / decimation)
	}
	best, bestRho := MinLag, -1.0
	for l := MinLag / decimation; l <= MaxLag/decimation; l++ {
		n := max(l, minCompare/decimation)
		if r := correlation(coarse[:n], coarse[l:l+n]); r > bestRho {
			best, bestRho = l*decimation, r
		}
	}
	return refine(pcm, best)
}

// refine finds the best lag in the neighbourhood of one.
func refine(pcm []int16, near int) (int, float64) {
	lag, rho := near, -1.0
	for l := max(MinLag, near-decimation); l <= min(MaxLag, near+decimation); l++ {
		n := max(l, minCompare)
		if r := correlation(pcm[:n], pcm[l:l+n]); r > rho {
			lag, rho = l, r
		}
	}
	return lag, rho
}

func correlation(a, b []int16) float64 {
	b = b[:len(a)]
	var ab, aa, bb int64
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

// quiet reports that nobody would hear a splice in the next Window samples.
func quiet(pcm []int16) bool {
	return Power(pcm[:Window]) < quietRMS*quietRMS
}

// Power is the mean square of pcm.
func Power(pcm []int16) float64 {
	var sum int64
	for _, s := range pcm {
		sum += int64(s) * int64(s)
	}
	return float64(sum) / float64(len(pcm))
}
