// Package stretch changes how long audio lasts without changing its pitch, and
// fills what is missing so that neither the hole nor its edges are heard. It
// works on PCM (48 kHz, mono) and knows nothing of packets or time;
// audio/playout is its caller.
//
// Faster takes one pitch period away and Slower adds one, by an overlap-add of
// two neighbouring periods that are alike: the fade's two ends continue the
// samples around it exactly. Audio with no pitch is changed only where it is so
// quiet that nobody can tell. Much takes several periods at once, less alike
// ones and steady noise, for when being late is worse than a rough join.
//
// A Concealer goes on where audio stopped: pitch as pitch, breath as noise, and
// soon nothing but the background noise, which it learns from the call. Real
// audio that comes back continues it in phase, where Align says.
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

	// Least correlation of two periods that may be merged. On speech a join at
	// 0.85 is as near to the source as one at 0.95 within 1.3 dB of log-spectral
	// distance, and one more position in ten can be joined than at 0.9.
	accept    = 0.85
	rough     = 0.5   // in a hurry,
	hurryLong = 0.3   // when a longer piece is worth this much correlation
	brevity   = -0.05 // otherwise of two as good the shorter moves the delay least
	steady    = 4     // at most this ratio of energies is no onset
	quietRMS  = 33    // -60 dBFS: too quiet for a splice to be heard
)

// Faster removes one pitch period from pcm, which has at least Window samples, in
// place, and returns how many samples were removed: 0 where pcm cannot be changed
// unheard. The samples that stay are pcm[:len(pcm)-removed]. In a pause between
// words, where the caller knows of one, no pitch is needed: the wish is what is
// removed, within MinLag to MaxLag, and twice that is all that pcm need have.
func Faster(pcm []int16, wish int, pause bool) int {
	if pause || quiet(pcm) {
		return remove(pcm, within(wish), 1)
	}
	lag, rho := bestLag(pcm[:Window], brevity)
	if rho < accept {
		return 0
	}
	return remove(pcm, lag, rho)
}

// within brings a wish into the range of lags.
func within(wish int) int { return min(max(wish, MinLag), MaxLag) }

// Much does what Faster does but removes several periods at once, up to MaxLag
// samples, and accepts periods that are less alike, and none at all in a steady
// noise. Only an onset without a pitch is left alone.
func Much(pcm []int16) int {
	if quiet(pcm) {
		return remove(pcm, MaxLag, 1)
	}
	lag, rho := bestLag(pcm[:Window], hurryLong)
	if rho < rough {
		before, after := Power(pcm[:MaxLag]), Power(pcm[MaxLag:Window])
		if before > steady*after || after > steady*before {
			return 0
		}
	}
	return remove(pcm, lag, rho)
}

// remove takes lag samples away, fading over what is taken, where the two sides
// of the fade correlate by rho.
func remove(pcm []int16, lag int, rho float64) int {
	crossFade(pcm[:lag], pcm[:lag], pcm[lag:2*lag], rho)
	copy(pcm[lag:], pcm[2*lag:])
	return lag
}

// crossFade goes from a to b within dst's length. What is not alike would lose
// power halfway, by 3 dB at no correlation: that much is made up for.
func crossFade(dst, a, b []int16, rho float64) {
	n := len(dst)
	if rho >= accept {
		for i := range dst {
			dst[i] = mixFade(a[i], b[i], i, n)
		}
		return
	}
	rho = max(0, rho)
	for i := range dst {
		v := float64(i) / float64(n)
		u := 1 - v
		dst[i] = round((u*float64(a[i]) + v*float64(b[i])) / math.Sqrt(u*u+v*v+2*u*v*rho))
	}
}

// Slower inserts one pitch period into pcm[:n] before pcm[at], and returns how
// many samples were inserted, or 0. What is before at is only looked at, and may
// have been played: at is at least MaxLag, n at least at+MaxLag, or in a pause at
// and the wish, and pcm has room for MaxLag more. Wish and pause are as in Faster.
func Slower(pcm []int16, at, n, wish int, pause bool) int {
	lag, rho := within(wish), 1.0
	if !pause {
		if around := pcm[at-MaxLag : at+MaxLag]; !quiet(around) {
			lag, rho = bestLag(around, brevity)
		}
	}
	if rho < accept {
		return 0
	}
	// What follows, fading back into what was before, leads to it once more.
	copy(pcm[at+lag:n+lag], pcm[at:n])
	crossFade(pcm[at:at+lag], pcm[at+lag:], pcm[at-lag:], rho)
	return lag
}

// mixFade goes from a at i=0 to b at i=n.
func mixFade(a, b int16, i, n int) int16 {
	return int16((int(a)*(n-i) + int(b)*i) / n)
}

// round limits s to what a sample can be.
func round(s float64) int16 {
	return int16(max(math.MinInt16, min(math.MaxInt16, math.Round(s))))
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
