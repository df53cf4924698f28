package port

import (
	"sync/atomic"
	"time"
)

// stampCount is how many callbacks are remembered: 20 s of quarter periods
// (2.5 ms), which is what PulseAudio makes of a period of 10 ms. It is a power
// of two.
const stampCount = 8192

// stamp says that the callback at that time handled the samples before end.
type stamp struct {
	end  atomic.Uint64
	time atomic.Int64
}

// stamps remembers when the newest callbacks came. One goroutine adds; any
// goroutine may look up while it does so, and notices when the entry it reads
// is overwritten under it.
type stamps struct {
	table [stampCount]stamp
	count atomic.Uint64 // entries ever added; entry i lives in table[i%stampCount]
}

// add remembers that the samples from the previous end up to end came at now.
func (s *stamps) add(end uint64, now time.Duration) {
	n := s.count.Load()
	e := &s.table[n%stampCount]
	e.end.Store(end)
	e.time.Store(int64(now))
	s.count.Store(n + 1)
}

// get reads entry i, or reports false when it is no longer, or not yet, there.
func (s *stamps) get(i uint64) (end uint64, at time.Duration, ok bool) {
	e := &s.table[i%stampCount]
	end, at = e.end.Load(), time.Duration(e.time.Load())
	// Entry i+stampCount goes into the same slot, and its writing begins when
	// count is i+stampCount: with a smaller count, seen afterwards, both values
	// belong to entry i.
	n := s.count.Load()
	return end, at, i < n && n-i < stampCount
}

// find returns when the sample at pos was handled. It reports false when that
// did not happen yet or is too long ago.
func (s *stamps) find(pos uint64) (time.Duration, bool) {
	n := s.count.Load()
	if n == 0 {
		return 0, false
	}
	// One entry less than the table has: the writer may be in the oldest slot.
	oldest := uint64(0)
	if n >= stampCount {
		oldest = n - stampCount + 1
	}
	// The first entry that ends behind pos is in [lo, hi]; hi == n: there is none.
	lo, hi := oldest, n
	for lo < hi {
		mid := lo + (hi-lo)/2
		end, _, ok := s.get(mid)
		// An entry that was overwritten meanwhile is older than what can be
		// answered, so the search goes on behind it.
		if !ok || end <= pos {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo == n {
		return 0, false
	}
	_, at, ok := s.get(lo)
	if !ok {
		return 0, false
	}
	// The entry before tells where this one begins. At the very first entry it
	// is 0; at the oldest one that is remembered it is not known.
	if lo == 0 {
		return at, true
	}
	if before, _, ok := s.get(lo - 1); !ok || before > pos {
		return 0, false
	}
	return at, true
}
