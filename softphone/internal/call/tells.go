package call

import (
	"time"

	"callcenter/api"
	"callcenter/audio/sendq"
)

// unframed is how long an event waits for a frame to leave with, which puts it in
// order with the audio and tells for certain whether it arrived.
const unframed = 300 * time.Millisecond

// tells is what a send loop has told of this operator over its stream.
type tells struct {
	framed time.Duration // when a frame left last, or the stream began to tell
	hold   bool          // it was told whether the call is held,
	held   bool          // and that it is
}

// tellNext returns the event that is to leave at now with the frame f, or without one
// if none comes; nil if there is nothing to tell. Each stream that carries the call is
// told anew that it is held, or is no more.
func (k *carrier) tellNext(f *sendq.Frame, now time.Duration) *api.Event {
	c, t := k.call, &k.tells
	if f != nil {
		t.framed = now
	}
	held, changed := c.hold.on.Load(), time.Duration(c.hold.changed.Load())
	news := changed != 0 && (!t.hold || t.held != held)
	switch {
	case !news && c.keypad.count.Load() == 0, !c.isActive(k):
		return nil
	case t.framed == 0:
		t.framed = now
	}
	switch {
	case !news:
		return c.tellDigit(k, f, now)
	case !inOrder(f, changed, now, t.framed):
		return nil
	}
	t.hold, t.held = true, held
	if held {
		return &api.Event{Kind: api.Event_KIND_HOLD}
	}
	return &api.Event{Kind: api.Event_KIND_RESUME}
}

// tellDigit returns the digit that is to leave, if any does. No other carrier gets the
// turn meanwhile: it would not know of it.
func (c *Call) tellDigit(k *carrier, f *sendq.Frame, now time.Duration) *api.Event {
	c.turn.mu.Lock()
	var key byte
	var ok bool
	var expired []byte
	if c.turn.active == k {
		key, ok, expired = c.keypad.next(f, now, k.tells.framed)
	}
	c.turn.mu.Unlock()
	c.sayExpired(expired)
	if !ok {
		return nil
	}
	return &api.Event{Kind: api.Event_KIND_DTMF, Digit: string(rune(key))}
}

// inOrder reports that what happened at at may leave at now with f, which was made
// later, or without a frame if none has left since framed.
func inOrder(f *sendq.Frame, at, now, framed time.Duration) bool {
	if f == nil {
		return now-max(at, framed) >= unframed
	}
	return f.Made >= at
}
