// Package port is the hand-over between a clock that must not wait (a sound
// card's callback, or the pacer that stands in for one) and one goroutine that
// may be late. Package device and package pace sit on the callback side, the
// call's uplink and playout on the goroutine side.
//
// Lengths and positions are in samples, 48 kHz mono. The callback side (Deliver
// and Take, or DeliverLive and TakeLive for devices) copies, moves an atomic
// index, stamps and signals: it never allocates, blocks or locks. One goroutine
// at a time may use each side; methods documented for any goroutine are safe
// from all.
//
// A position is a sample's place on the clock of its device: every sample that
// a capture callback ever brought counts, also one that was dropped, so a drop
// shows as a jump, and so does the time in which a device was away. A position
// can be turned into the time at which the callback handled that sample, for
// about the last 20 seconds.
package port

import (
	"sync/atomic"
	"time"

	"callcenter/audio"
)

// RingSamples is the least that a port can hold: one second.
const RingSamples = audio.Rate

// recentSpan is half of the time for which a large callback is remembered.
const recentSpan = 2 * time.Second

// recent is the largest callback of the last two to four seconds. The callback
// adds, any goroutine may read.
type recent struct {
	cur, prev int // of the running span and of the one before
	end       time.Duration
	largest   atomic.Int64
}

func (r *recent) add(n int, now time.Duration) {
	if now >= r.end {
		r.prev = r.cur
		if now >= r.end+recentSpan {
			r.prev = 0
		}
		r.cur, r.end = 0, now+recentSpan
	}
	r.cur = max(r.cur, n)
	r.largest.Store(int64(max(r.cur, r.prev)))
}

func (r *recent) load() int { return int(r.largest.Load()) }

// signal makes the one-slot channel ready, without ever blocking.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
