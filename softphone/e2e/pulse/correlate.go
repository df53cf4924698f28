package pulse

import "math"

// Find returns where in heard the probe is most alike, in samples, and how
// much: the normalised cross-correlation, 1 for a copy at any level, around 0
// for something else. It returns -1 and 0 when heard is shorter than probe.
//
// A coarse search on every 8th sum of samples finds the place, a fine one
// refines it.
func Find(heard, probe []int16) (at int, correlation float64) {
	const step = 8
	coarse, _ := best(decimate(heard, step), decimate(probe, step), 0, math.MaxInt)
	if coarse < 0 {
		return -1, 0
	}
	return best(toFloat(heard), toFloat(probe), (coarse-2)*step, (coarse+2)*step)
}

// Part is a stretch of a probe and where it was heard, in samples.
type Part struct {
	From        int // its place in the probe
	At          int // its place in what was heard
	Correlation float64
}

// PartSamples is the length of a Part: 200 ms.
const PartSamples = 9600

// Trace finds every 200 ms of probe in heard, each on its own, so that a gap or
// a change of delay in one place does not hide the rest. At less From is the
// delay. The search for a part begins where the one before was found.
func Trace(heard, probe []int16) []Part {
	var parts []Part
	start := 0
	for from := 0; from+PartSamples <= len(probe); from += PartSamples {
		at, correlation := Find(heard[start:], probe[from:from+PartSamples])
		if at >= 0 {
			at += start
		}
		if correlation >= 0.9 {
			start = at
		}
		parts = append(parts, Part{From: from, At: at, Correlation: correlation})
	}
	return parts
}

// best searches the places from lo to hi.
func best(heard, probe []float64, lo, hi int) (at int, correlation float64) {
	at, correlation = -1, 0
	lo, hi = max(lo, 0), min(hi, len(heard)-len(probe))
	energy := dot(probe, probe)
	if lo > hi || energy == 0 {
		return -1, 0
	}
	window := dot(heard[lo:lo+len(probe)], heard[lo:lo+len(probe)])
	for i := lo; i <= hi; i++ {
		if window > 0 {
			if c := dot(heard[i:i+len(probe)], probe) / math.Sqrt(window*energy); c > correlation || at < 0 {
				at, correlation = i, c
			}
		}
		if i < hi {
			first, next := heard[i], heard[i+len(probe)]
			window = max(window+next*next-first*first, 0)
		}
	}
	return at, correlation
}

func dot(a, b []float64) float64 {
	var sum float64
	for i, v := range b {
		sum += a[i] * v
	}
	return sum
}

func decimate(pcm []int16, step int) []float64 {
	out := make([]float64, 0, len(pcm)/step)
	for i := 0; i+step <= len(pcm); i += step {
		var sum float64
		for _, v := range pcm[i : i+step] {
			sum += float64(v)
		}
		out = append(out, sum)
	}
	return out
}

func toFloat(pcm []int16) []float64 {
	out := make([]float64, len(pcm))
	for i, v := range pcm {
		out[i] = float64(v)
	}
	return out
}
