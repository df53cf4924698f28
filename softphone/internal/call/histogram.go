package call

import (
	"math/bits"
	"sync"
	"time"
)

const (
	subBits    = 5 // 32 steps to each doubling: 3 % wide
	histogramN = 32 << subBits
)

// histogram counts durations in steps of 3 % from a microsecond to over an
// hour, for percentiles in bounded memory. It is safe for concurrent use.
type histogram struct {
	mu      sync.Mutex
	buckets [histogramN]uint32
	count   uint64
	sum     time.Duration
	max     time.Duration
	smooth  time.Duration // exponential average, an eighth each
}

func bucketOf(d time.Duration) int {
	us := uint64(max(0, d) / time.Microsecond)
	if us < 1<<subBits {
		return int(us)
	}
	shift := bits.Len64(us) - 1 - subBits
	return min(histogramN-1, shift<<subBits+int(us>>shift))
}

// bucketValue is the middle of a bucket.
func bucketValue(i int) time.Duration {
	if i < 2<<subBits {
		return time.Duration(i) * time.Microsecond
	}
	shift := i>>subBits - 1
	low := uint64(i-shift<<subBits) << shift
	return time.Duration(low+1<<shift/2) * time.Microsecond
}

func (h *histogram) add(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.buckets[bucketOf(d)]++
	if h.count == 0 {
		h.smooth = d
	}
	h.smooth += (d - h.smooth) / 8
	h.count++
	h.sum += d
	h.max = max(h.max, d)
}

// recent returns the smoothed newest value, and false before the first.
func (h *histogram) recent() (time.Duration, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.smooth, h.count > 0
}

// mean returns the average of all.
func (h *histogram) mean() (time.Duration, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.count == 0 {
		return 0, false
	}
	return h.sum / time.Duration(h.count), true
}

// most returns the largest value.
func (h *histogram) most() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.max
}

// quantile returns the value below which the share q of all lie, within 3 %,
// and false where there are none.
func (h *histogram) quantile(q float64) (time.Duration, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.count == 0 {
		return 0, false
	}
	rank, seen := uint64(q*float64(h.count)), uint64(0)
	for i, n := range h.buckets {
		if seen += uint64(n); seen > rank {
			return min(bucketValue(i), h.max), true
		}
	}
	return h.max, true
}
