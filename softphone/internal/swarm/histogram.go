package swarm

import (
	"sync/atomic"
	"time"
)

const (
	grain   = 100 * time.Microsecond // of a histogram
	buckets = 20001                  // up to 2 s; the last has all above
)

// histogram counts durations. It is safe for concurrent use; add does not
// allocate.
type histogram struct {
	counts [buckets]atomic.Uint64
	n      atomic.Uint64
	max    atomic.Int64
}

func (h *histogram) add(d time.Duration) {
	d = max(0, d)
	h.counts[min(int(d/grain), buckets-1)].Add(1)
	h.n.Add(1)
	for {
		m := h.max.Load()
		if int64(d) <= m || h.max.CompareAndSwap(m, int64(d)) {
			return
		}
	}
}

// percentile returns the duration that a share p of all, 0 to 1, do not exceed:
// the upper edge of its bucket, and at most the greatest that was added.
func (h *histogram) percentile(p float64) time.Duration {
	n := h.n.Load()
	if n == 0 {
		return 0
	}
	greatest := time.Duration(h.max.Load())
	rank, sum := uint64(p*float64(n)), uint64(0)
	for i := range h.counts[:buckets-1] {
		if sum += h.counts[i].Load(); sum > rank || sum == n {
			return min(time.Duration(i+1)*grain, greatest)
		}
	}
	return greatest
}

// Delay is a distribution in milliseconds.
type Delay struct {
	Count uint64  `json:"count"`
	P50   float64 `json:"p50"`
	P95   float64 `json:"p95"`
	P99   float64 `json:"p99"`
	Max   float64 `json:"max"`
}

func (h *histogram) delay() Delay {
	return Delay{
		Count: h.n.Load(),
		P50:   ms(h.percentile(0.50)), P95: ms(h.percentile(0.95)), P99: ms(h.percentile(0.99)),
		Max: ms(time.Duration(h.max.Load())),
	}
}

// ms is a duration in milliseconds, to 0.01.
func ms(d time.Duration) float64 {
	return float64(d.Round(10*time.Microsecond)) / float64(time.Millisecond)
}
