package callcenter

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"callcenter/api"
	"callcenter/api/wire"
)

const (
	// A caller may send ten digits a second, as fast as a keypad's tones can be told
	// apart (ITU-T Q.24), and so many at once after a stall.
	digitRate  = 10
	digitBurst = 32
)

// callerEvents are the events that come from a caller of a call. The receive loop
// uses them, under the call's pushing.
type callerEvents struct {
	digits  *rate.Limiter // nil before the first
	refused atomic.Uint64 // no digits, too many, or of who may not speak
}

// before takes what counts for the chunk's own frame too: a call that goes on does so
// with it. Kinds that are not the caller's to tell are nothing.
func (c *call) before(e *api.Event) {
	if e.GetKind() == api.Event_KIND_RESUME {
		c.leg.Hold(false)
	}
}

// after takes what counts from the next frame on: the frame with which a call is held
// is the last that is heard.
func (c *call) after(ctx context.Context, e *api.Event, now time.Duration) {
	switch e.GetKind() { //nolint:exhaustive // the others are not the caller's to tell
	case api.Event_KIND_HOLD:
		c.leg.Hold(true)
	case api.Event_KIND_DTMF:
		d, ok := wire.Digit(e.GetDigit())
		if !ok || !c.mayPress(now) || !c.leg.Digit(d) {
			c.refuse(ctx)
		}
	}
}

// mayPress reports that another digit now is not too many.
func (c *call) mayPress(now time.Duration) bool {
	if c.caller.digits == nil {
		c.caller.digits = rate.NewLimiter(digitRate, digitBurst)
	}
	return c.caller.digits.AllowN(c.began.Add(now-c.start), 1)
}

// refuse counts an event that goes no further, and logs the first.
func (c *call) refuse(ctx context.Context) {
	if c.caller.refused.Add(1) == 1 {
		c.svc.cfg.Log.LogAttrs(ctx, slog.LevelWarn, "digits refused, they are none, too many, or of who may not speak", c.attrs()...)
	}
}
