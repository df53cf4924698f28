// Package ring is a lock-free queue of PCM samples between exactly two
// goroutines or threads: one that writes and one that reads. It is what a
// device callback shares with the program, so no method allocates, blocks or
// takes a lock.
//
// Lengths are in samples. The writer may call Write, the reader Read and
// Discard; Len, Cap, Written and Taken are for any goroutine. The queue never
// overwrites what was not read: what to do when it is full is decided by those
// who use it (package port).
package ring

import (
	"math/bits"
	"sync/atomic"
)

// cacheLine keeps the two indices apart, so that writer and reader do not
// invalidate each other's cache line at every call.
const cacheLine = 64

// Ring is a bounded queue of samples for one writer and one reader.
type Ring struct {
	buf  []int16
	mask uint64

	_    [cacheLine]byte
	head atomic.Uint64 // samples ever written; only the writer stores it

	_    [cacheLine - 8]byte
	tail atomic.Uint64 // samples ever read or discarded; only the reader stores it
}

// New returns an empty ring that holds at least capacity samples: capacity
// rounded up to a power of two, and never less than 1.
func New(capacity int) *Ring {
	size := uint64(1)
	if capacity > 1 {
		size = 1 << bits.Len64(uint64(capacity-1))
	}
	return &Ring{buf: make([]int16, size), mask: size - 1}
}

// Write appends as much of pcm as there is room for and returns how many
// samples that was. It is for the writer.
func (r *Ring) Write(pcm []int16) int {
	head := r.head.Load()
	room := uint64(len(r.buf)) - (head - r.tail.Load())
	n := min(uint64(len(pcm)), room)
	if n == 0 {
		return 0
	}
	at := head & r.mask
	first := copy(r.buf[at:], pcm[:n])
	copy(r.buf, pcm[first:n])
	r.head.Store(head + n)
	return int(n)
}

// Read moves the oldest samples to dst and returns how many there were, at
// most len(dst). It is for the reader.
func (r *Ring) Read(dst []int16) int {
	tail := r.tail.Load()
	n := min(uint64(len(dst)), r.head.Load()-tail)
	if n == 0 {
		return 0
	}
	at := tail & r.mask
	first := copy(dst[:n], r.buf[at:])
	copy(dst[first:n], r.buf)
	r.tail.Store(tail + n)
	return int(n)
}

// Discard forgets the n oldest samples, or all if there are fewer, and returns
// how many it forgot. It is for the reader.
func (r *Ring) Discard(n int) int {
	if n <= 0 {
		return 0
	}
	tail := r.tail.Load()
	gone := min(uint64(n), r.head.Load()-tail)
	r.tail.Store(tail + gone)
	return int(gone)
}

// Len returns how many samples wait. The reader may take that many and the
// writer may write Cap less that many; for others it is already history.
func (r *Ring) Len() int {
	// The tail first: it never passes a head that is loaded after it.
	tail := r.tail.Load()
	return int(min(r.head.Load()-tail, uint64(len(r.buf))))
}

// Cap returns how many samples the ring holds.
func (r *Ring) Cap() int { return len(r.buf) }

// Written returns how many samples were ever written.
func (r *Ring) Written() uint64 { return r.head.Load() }

// Taken returns how many samples were ever read or discarded: the place of the
// next one on the count of Written.
func (r *Ring) Taken() uint64 { return r.tail.Load() }
