package port

import (
	"time"

	"callcenter/audio"
)

const (
	// AbsenceLimit is how long a device's callbacks may cease before it counts as
	// having been away: 200 ms, twice of what a reader keeps, and more than a busy
	// computer usually holds a callback up. What comes next is then not taken for
	// the continuation of what came before.
	AbsenceLimit = 200 * time.Millisecond
	// settleTime is how long a device that was away is only listened to: 60 ms.
	// What a sound server kept meanwhile comes at once, and is past by then.
	settleTime = 60 * time.Millisecond
)

// away reports that no callback came between last and now for so long that the
// device was away. A device that brings much at once may take longer.
func (r *recent) away(last, now time.Duration) bool {
	return now-last >= max(AbsenceLimit, 4*audio.Duration(r.load()))
}

// DeliverLive is Deliver for a device, which may be away for a while: unplugged,
// suspended, or its sound server frozen. After that the backlog, if there is
// one, is dropped and counted, and positions jump by the time that was missed,
// so that they go on to tell the time of the sound.
func (c *Capture) DeliverLive(pcm []int16) {
	now := c.clock()
	if !c.live.Load() {
		c.live.Store(true)
	}
	if c.arriving == nil && c.callbacks.Load() > 0 && c.sizes.away(time.Duration(c.last.Load()), now) {
		c.returned, c.settled = Rehearsal{}, now+settleTime
	}
	if c.settled == 0 || c.arriving != nil {
		c.settled = 0
		c.Deliver(pcm)
		return
	}
	c.returned.add(len(pcm), now)
	c.stale.Add(uint64(len(pcm)))
	c.last.Store(uint64(now))
	c.callbacks.Add(1)
	if now >= c.settled {
		c.arriving, c.settled = &c.returned, 0
	}
}

// Live reports that a device delivers, which may be away, and no pacer, which is
// late at most and brings everything. It is for any goroutine.
func (c *Capture) Live() bool { return c.live.Load() }

// TakeLive is Take for a device, which may be away for a while: what was written
// before that is dropped and counted, and silence is played this once.
func (p *Playback) TakeLive(dst []int16) {
	now := p.clock()
	if p.callbacks.Load() == 0 || !p.sizes.away(time.Duration(p.last.Load()), now) {
		p.Take(dst)
		return
	}
	if n := uint64(p.ring.Discard(p.ring.Len())); n > 0 {
		taken := p.taken.Load() + n // as positions go
		p.stamps.add(taken, now)
		p.taken.Store(taken)
		p.stale.Add(n)
	}
	clear(dst)
	p.active.Store(false) // nothing can have been written in time: no underrun
	p.fade, p.rising, p.lag = 0, rampSamples, lag{}
	p.asked += uint64(len(dst))
	p.last.Store(uint64(now))
	p.callbacks.Add(1)
	signal(p.wanted)
}
