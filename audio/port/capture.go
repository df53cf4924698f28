package port

import (
	"sync/atomic"
	"time"

	"callcenter/audio"
	"callcenter/audio/ring"
)

const (
	// CaptureLimit is how much may wait behind what Read returns: 100 ms. The
	// reader drains every whole frame at each signal, so more than that means
	// that it was held up, and speech that old only adds delay.
	CaptureLimit = audio.Rate / 10
	// CaptureKeep is how much of it stays when the limit is passed: 60 ms. It
	// is well below the limit, so that one hold-up costs one gap.
	CaptureKeep = audio.Rate * 6 / 100
)

// CaptureStats are the counts of a Capture since it was made.
type CaptureStats struct {
	Callbacks uint64 // calls of Deliver
	Samples   uint64 // samples delivered, dropped ones included
	Overrun   uint64 // samples dropped because the reader was late
	Flushed   uint64 // samples dropped because nobody wanted them: Flush, or no Read yet
	Stale     uint64 // samples dropped because the device was away: DeliverLive
	// Gaps are the times that the device brought less sound than time passed: the
	// sound system dropped some because the callback was late. GapTime is how
	// much. Both are known half a second later. A device that was away, or gave
	// way to another, is no gap.
	Gaps    uint64
	GapTime time.Duration
	// Last is the time of the newest callback; it means nothing while Callbacks
	// is 0. Largest is the most that one of the last few seconds brought.
	Last    time.Duration
	Largest int
}

// Capture takes samples from a capture callback to one goroutine.
//
// When the reader is late the oldest samples go: Read trims what waits to
// CaptureKeep once it exceeds CaptureLimit (both are raised to fit a device that
// brings more than 50 ms at once). When nobody reads for a whole second the
// callback itself drops what comes, until the reader is back; the reader then
// starts afresh, as all that waited is stale.
type Capture struct {
	clock  audio.Clock
	ring   *ring.Ring
	stamps stamps
	sizes  recent
	ready  chan struct{}

	// stalled is set by the callback when the ring is full, and from then on it
	// writes nothing; the reader empties the ring and then clears it. So the
	// ring is always empty when offset changes, and one offset is right for all
	// that the ring holds.
	stalled atomic.Bool
	jumped  atomic.Bool   // it stalls for a jump of the position, so nothing drops for want of a reader
	offset  atomic.Uint64 // position of a sample less its place in the ring's count
	reading atomic.Bool   // Read was called since the last Flush
	live    atomic.Bool   // DeliverLive was called
	frame   atomic.Int64  // samples that the last Read wanted

	// Of the callback side only.
	lag      lag
	arriving *Rehearsal // the next device, until its first Deliver
	overlap  int        // samples of it that the one before had brought
	joining  bool       // its first sample is still to come
	seam     bridge
	returned Rehearsal     // of this device after it was away,
	settled  time.Duration // until then; 0: it was not

	callbacks, samples, last atomic.Uint64
	gaps, gapTime            atomic.Uint64
	lost                     atomic.Uint64 // dropped by the callback while a reader should have read
	unwanted                 atomic.Uint64 // dropped by the callback while there was none
	trimmed                  atomic.Uint64 // dropped by Read
	flushed                  atomic.Uint64 // dropped by Flush
	stale                    atomic.Uint64 // dropped after the device was away
}

// NewCapture returns an empty port whose stamps are readings of clock.
func NewCapture(clock audio.Clock) *Capture {
	return &Capture{clock: clock, ring: ring.New(RingSamples), ready: make(chan struct{}, 1)}
}

// Deliver copies pcm, which the device just recorded, stamps it with the time
// and signals when as much waits as Read takes. It is for the callback: it does not allocate, block or keep pcm.
func (c *Capture) Deliver(pcm []int16) {
	now := c.clock()
	c.sizes.add(len(pcm), now)
	if c.arriving != nil {
		c.begin(c.join(len(pcm), now), now)
	}
	cut := min(c.overlap, len(pcm))
	c.overlap -= cut
	if pcm = pcm[cut:]; c.joining && len(pcm) > 0 {
		c.joining = false
		c.seam.to(pcm[0])
	}
	c.put(pcm, now)
	if d := c.lag.add(c.samples.Load(), now); d > 0 {
		c.gaps.Add(1)
		c.gapTime.Add(uint64(d))
	}
	c.last.Store(uint64(now))
	c.callbacks.Add(1)
	// Waking the reader for what is no whole frame would be for nothing.
	if int64(c.ring.Len()) >= c.frame.Load() || c.stalled.Load() {
		signal(c.ready)
	}
}

// begin puts a seam between two devices, with a hole of so many samples, or an
// overlap if it is negative.
func (c *Capture) begin(hole int, now time.Duration) {
	c.joining = true
	switch {
	case hole > joinLimit:
		// The reader is to start afresh: only then may the position jump.
		c.samples.Add(uint64(hole))
		c.jumped.Store(true)
		c.stalled.Store(true)
	case hole > 0:
		c.seam.to(0)
		for ; hole > 0; hole -= rampSamples {
			var silence [rampSamples]int16
			c.put(silence[:min(hole, rampSamples)], now)
		}
	default:
		c.overlap = min(-hole, joinLimit)
	}
}

// put queues pcm behind what came before, with the seam smoothed.
func (c *Capture) put(pcm []int16, now time.Duration) {
	smooth, rest := c.seam.over(pcm)
	c.add(smooth, now)
	c.add(rest, now)
}

// add queues pcm and stamps it.
func (c *Capture) add(pcm []int16, now time.Duration) {
	if len(pcm) == 0 {
		return
	}
	before := c.samples.Load()
	total := before + uint64(len(pcm))
	c.stamps.add(total, now)
	c.write(pcm, before)
	c.samples.Store(total)
}

// write queues pcm, the sample at pos being the first, or drops and counts it.
func (c *Capture) write(pcm []int16, pos uint64) {
	if !c.stalled.Load() {
		if c.ring.Cap()-c.ring.Len() >= len(pcm) {
			// Before the samples: who sees them sees their offset, too. It
			// differs only in the first write after a stall.
			if offset := pos - c.ring.Written(); offset != c.offset.Load() {
				c.offset.Store(offset)
			}
			c.ring.Write(pcm)
			return
		}
		c.stalled.Store(true)
	}
	switch {
	case !c.reading.Load():
		c.unwanted.Add(uint64(len(pcm)))
	case c.jumped.Load():
		c.stale.Add(uint64(len(pcm)))
	default:
		c.lost.Add(uint64(len(pcm)))
	}
}

// Ready is signalled after each Deliver with which as many samples wait as the
// last Read wanted. It has one slot: the reader takes all that it can use each
// time.
func (c *Capture) Ready() <-chan struct{} { return c.ready }

// Read fills dst with the next samples if that many wait, and returns the
// position of dst[0]. Otherwise it reports false and leaves dst alone. It
// first drops the oldest samples when too many wait; len(dst) is at most
// RingSamples. It is for the reading goroutine.
func (c *Capture) Read(dst []int16) (pos uint64, ok bool) {
	if !c.reading.Load() {
		c.reading.Store(true)
	}
	if n := int64(len(dst)); c.frame.Load() != n {
		c.frame.Store(n)
	}
	if c.stalled.Load() {
		count := &c.trimmed
		if c.jumped.Load() {
			count = &c.stale
		}
		c.restart(count)
		return 0, false
	}
	waiting := c.ring.Len()
	if waiting < len(dst) {
		return 0, false
	}
	largest := c.sizes.load()
	if behind := waiting - len(dst); behind > max(CaptureLimit, 2*largest) {
		gone := c.ring.Discard(behind - max(CaptureKeep, largest))
		c.trimmed.Add(uint64(gone))
	}
	pos = c.ring.Taken() + c.offset.Load()
	c.ring.Read(dst)
	return pos, true
}

// Flush drops what waits without calling it an overrun: nobody wanted it, for
// example because the call is not answered yet. Until the next Read nothing
// counts as an overrun. It is for the reading goroutine.
func (c *Capture) Flush() {
	c.reading.Store(false)
	if c.stalled.Load() {
		c.restart(&c.flushed)
		return
	}
	c.flushed.Add(uint64(c.ring.Discard(c.ring.Len())))
}

// restart empties the ring after a stall and lets the callback write again.
func (c *Capture) restart(count *atomic.Uint64) {
	count.Add(uint64(c.ring.Discard(c.ring.Len())))
	c.jumped.Store(false)
	c.stalled.Store(false)
}

// DeliveredAt returns when the callback brought the sample at pos. It reports
// false for one that did not come yet and for one of more than about 8000
// callbacks ago (20 s of callbacks of 2.5 ms, 80 s of 10 ms). It is for any goroutine.
func (c *Capture) DeliveredAt(pos uint64) (time.Duration, bool) {
	return c.stamps.find(pos)
}

// Stats returns the counts so far. It is for any goroutine; counts of a
// callback that is running may be there in part.
func (c *Capture) Stats() CaptureStats {
	return CaptureStats{
		Callbacks: c.callbacks.Load(),
		Samples:   c.samples.Load(),
		Overrun:   c.lost.Load() + c.trimmed.Load(),
		Stale:     c.stale.Load(),
		Flushed:   c.unwanted.Load() + c.flushed.Load(),
		Gaps:      c.gaps.Load(),
		GapTime:   time.Duration(c.gapTime.Load()),
		Last:      time.Duration(c.last.Load()),
		Largest:   c.sizes.load(),
	}
}
