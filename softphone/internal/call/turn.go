package call

import (
	"sync"
	"sync/atomic"
	"time"

	"callcenter/audio/sendq"
)

// turn is whose turn it is to send what the uplink makes: nobody pops for a
// stream that another has taken over from, or a frame would be lost unmarked.
type turn struct {
	mu     sync.Mutex
	active *carrier
	begun  bool
	last   uint64 // newest sequence that left
	epoch  atomic.Uint32
}

// pop takes the next frame for a carrier whose turn it is.
func (c *Call) pop(k *carrier, f *sendq.Frame, now time.Duration) bool {
	c.turn.mu.Lock()
	defer c.turn.mu.Unlock()
	if c.turn.active != k || !c.queue.Pop(f, now) {
		return false
	}
	c.turn.last = f.Sequence
	return true
}

func (c *Call) isActive(k *carrier) bool {
	c.turn.mu.Lock()
	defer c.turn.mu.Unlock()
	return c.turn.active == k
}

// acknowledged passes on what the server took of ours.
func (c *Call) acknowledged(k *carrier) {
	c.turn.mu.Lock()
	defer c.turn.mu.Unlock()
	if c.turn.active == k {
		ack := k.link.PeerAck()
		c.queue.Ack(ack)
		c.keypad.acknowledge(ack)
	}
}

// adopt gives a carrier the turn. What the one before swallowed is marked,
// unless a server that works took it and this one never heard of the call.
func (c *Call) adopt(k *carrier) {
	t := &c.turn
	t.mu.Lock()
	defer t.mu.Unlock()
	ack := k.ack
	if ack == 0 && t.active != nil {
		ack = t.last
	}
	if t.begun {
		c.queue.Restart(ack)
		c.keypad.restart(ack)
	}
	t.active, t.begun = k, true
	t.epoch.Store(uint32(k.number))
}

// release takes the turn from a carrier that is dropped.
func (c *Call) release(k *carrier) {
	c.turn.mu.Lock()
	defer c.turn.mu.Unlock()
	if c.turn.active == k {
		c.turn.active = nil
	}
}
