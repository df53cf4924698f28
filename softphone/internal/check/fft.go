package check

import (
	"math"
	"math/bits"
	"math/cmplx"
)

// fft transforms x, whose length is a power of two, in place: Cooley and Tukey's
// decimation in time. The inverse is not divided by the length.
func fft(x []complex128, inverse bool) {
	n := len(x)
	shift := bits.LeadingZeros64(uint64(n)) + 1
	for i := range x {
		if j := int(bits.Reverse64(uint64(i)) >> shift); j > i {
			x[i], x[j] = x[j], x[i]
		}
	}
	turn := -2 * math.Pi
	if inverse {
		turn = -turn
	}
	twiddles := make([]complex128, n/2)
	for k := range twiddles {
		twiddles[k] = cmplx.Rect(1, turn*float64(k)/float64(n))
	}
	for half := 1; half < n; half *= 2 {
		step := n / (2 * half)
		for begin := 0; begin < n; begin += 2 * half {
			low, high := x[begin:begin+half], x[begin+half:begin+2*half]
			for k := range low {
				t := twiddles[k*step] * high[k]
				low[k], high[k] = low[k]+t, low[k]-t
			}
		}
	}
}

// atLeast is the power of two that is n or more.
func atLeast(n int) int { return 1 << bits.Len(uint(max(n-1, 0))) }
