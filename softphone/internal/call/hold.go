package call

import (
	"sync"
	"sync/atomic"
	"time"

	"callcenter/audio"
)

// holdFade is how long the far end takes to fade out and in, in samples: 20 ms.
const holdFade = 2 * audio.PeriodSamples

// hold is whether this operator holds the call: nothing of the microphone is sent,
// nothing of what comes is played, though the playout goes on, and the other side is
// told. Its zero value holds nothing.
type hold struct {
	on      atomic.Bool
	changed atomic.Int64 // clock reading of the last change; 0: it was never held

	mu    sync.Mutex
	since time.Duration // while it is held
	total time.Duration // before that

	faded int // samples of the fade that were made, of the ear
}

// SetHeld holds the call, or goes on with it. The meter of the microphone goes on
// meanwhile. Whether it is muted is another matter, and stays as it is.
func (c *Call) SetHeld(on bool) {
	h, now := &c.hold, max(1, c.cfg.Clock())
	h.mu.Lock()
	defer h.mu.Unlock()
	if on == h.on.Load() {
		return
	}
	if on {
		h.since = now
	} else {
		h.total += now - h.since
	}
	h.changed.Store(int64(now))
	h.on.Store(on)
	c.queue.Wake()
}

// Held reports whether the call is held by this operator.
func (c *Call) Held() bool { return c.hold.on.Load() }

// heldFor is how long the call was held in sum.
func (c *Call) heldFor() time.Duration {
	h := &c.hold
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.on.Load() {
		return h.total
	}
	now := c.cfg.Clock()
	if end := c.end.Load(); end != 0 {
		now = time.Duration(end)
	}
	return h.total + max(0, now-h.since)
}

// isRated reports that what is heard now is rated: somebody who is muted or holds
// the call is not in a conversation.
func (c *Call) isRated() bool { return !c.muted.Load() && !c.hold.on.Load() }

// hush lets what the far end says fade out while the call is held, and in again. The
// ear calls it for all that the playout gave.
func (h *hold) hush(pcm []int16) {
	step := -1
	if h.on.Load() {
		step = 1
	}
	switch {
	case step < 0 && h.faded == 0:
		return
	case step > 0 && h.faded == holdFade:
		clear(pcm)
		return
	}
	for i, x := range pcm {
		h.faded = min(max(h.faded+step, 0), holdFade)
		pcm[i] = int16(int(x) * (holdFade - h.faded) / holdFade)
	}
}
