// Package mix adds up the voices of a conference so that each participant hears
// the others: a Sum of all, and from it for each participant the sum minus their
// own voice (mix-minus), brought below full scale by a Limiter of theirs.
//
// The conference room uses it once a tick:
//
//	sum.Reset()
//	for each speaker { sum.Add(voice) }
//	for each listener { sum.Minus(out, own, &limiter) }
//
// A Gain is a knob for one signal.
//
// PCM is mono int16; lengths are in samples. Nothing allocates after NewSum. A
// Sum or Limiter is for one goroutine at a time.
package mix

import "math"

// Sum is the sum of one block of several voices. It is exact for up to 65,536
// of them.
type Sum struct {
	total []int32
	rest  []int32 // total without one voice
}

// NewSum returns an empty Sum of blocks of that many samples.
func NewSum(block int) *Sum {
	block = max(block, 0)
	return &Sum{total: make([]int32, block), rest: make([]int32, block)}
}

// Reset empties s for the next block.
func (s *Sum) Reset() { clear(s.total) }

// Add adds a voice. One shorter than the block counts as silent after its end,
// and what is longer than the block is left out.
func (s *Sum) Add(pcm []int16) {
	n := min(len(pcm), len(s.total))
	total := s.total[:n]
	for i, x := range pcm[:n] {
		total[i] += int32(x)
	}
}

// Minus writes to dst the sum without own, which must be what was added, as lim
// lets it through. own is nil for a listener whose voice is not in the sum. A
// nil lim just clips at full scale. What dst has beyond the block is silence.
// dst may be own.
func (s *Sum) Minus(dst, own []int16, lim *Limiter) {
	n := min(len(dst), len(s.total))
	rest := s.rest[:n]
	copy(rest, s.total)
	for i, x := range own[:min(len(own), n)] {
		rest[i] -= int32(x)
	}
	clear(dst[n:])
	if lim != nil {
		lim.Process(dst[:n], rest)
		return
	}
	for i, x := range rest {
		dst[i] = int16(min(max(x, math.MinInt16), math.MaxInt16))
	}
}
