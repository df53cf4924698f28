// Package check is the test before a shift: 20 seconds in which an operator is
// asked to be silent, to speak and to listen, while the connection is measured. It
// says in one line each what it found, with a grade and with advice. The screen,
// the line mode and `softphone check` run it.
//
//	ends.go     opens both sound devices, records the microphone, feeds the ear
//	round.go    one check: its phases, what the operator is asked, its end
//	link.go     an echo call beside it, from a voice made of nothing to no ear, so
//	            that nothing of it is heard and no device can spoil it
//	speech.go   noise floor, level of active speech, clipping
//	echo.go     finds the ear's sound in the microphone
//	drift.go    the devices' clocks against this computer's
//	lines.go,   the lines: what was measured against what is good enough. Each fault
//	judge.go    has one line; what could not be judged because of another is "not
//	            tested", which is no fault
//
// What troubles the connection is what package diagnose says of the echo call.
// Levels are in dBFS, PCM is 48 kHz mono, times are readings of one audio.Clock.
//
// One goroutine runs a check and owns all that it measured; those that open the
// devices and place the call end before it does. The methods of a Check are safe
// for concurrent use, and none but Run and Measure waits.
package check

import (
	"context"
	"log/slog"
	"sync"

	"callcenter/audio"
	"callcenter/audio/protect"
	"callcenter/codec"
	"callcenter/softphone/internal/bearer"
	"callcenter/softphone/internal/call"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/phone"
)

// Phone is the operator's line, which a check gives way to.
type Phone interface {
	Snapshot() callstate.Snapshot
}

// Config is what a Check is made of. Sound, Servers, Connect and Codec must be
// set.
type Config struct {
	Phone   Phone // nil: there is no other call
	Sound   phone.Sound
	Servers []string
	Connect func(server string) (call.Conn, error)
	Token   bearer.Source // the operator's
	Codec   codec.Codec
	Options codec.Options
	// EarCeiling is that of what is played, dBFS of peaks; 0:
	// protect.DefaultCeiling.
	EarCeiling float64
	Version    string      // of the softphone
	Clock      audio.Clock // nil: a new one
	Log        *slog.Logger
}

// Check is the check before a shift. Use New.
type Check struct {
	cfg  Config
	wake chan struct{} // one slot: something was asked

	mu     sync.Mutex
	wanted bool               // to begin
	cancel context.CancelFunc // of the round that runs; nil: none does
	number int                // of the newest wish, so that an older round says nothing
	state  callstate.Check    // its slice is never changed
}

// New returns a check that has not begun.
func New(cfg Config) *Check {
	if cfg.Clock == nil {
		cfg.Clock = audio.NewClock()
	}
	if cfg.EarCeiling == 0 {
		cfg.EarCeiling = protect.DefaultCeiling
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Check{cfg: cfg, wake: make(chan struct{}, 1)}
}

// What State says why there is no check.
const (
	busyText = "A call is up: hang up, then check again."
	gaveWay  = "A call began: the check gave the devices back. Hang up, then check again."
)

// Begin begins the check anew, unless the line is busy; State says so then.
func (c *Check) Begin() {
	c.ask(true, callstate.Check{Running: true, Ask: askOpening, Total: planned})
}

// End gives the check up and every device back, within 2 s. What a check that was
// over has found stays.
func (c *Check) End() { c.ask(false, callstate.Check{}) }

func (c *Check) ask(begin bool, s callstate.Check) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if begin || !c.state.Done {
		c.state = s
	}
	c.wanted = begin
	c.number++
	if c.cancel != nil {
		c.cancel()
	}
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// State is what a desk shows. The caller does not change it.
func (c *Check) State() callstate.Check {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// Run runs the checks that Begin asks for, until ctx ends. It returns nil when
// every device was given back.
func (c *Check) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.wake:
		}
		c.serve(ctx)
	}
}

// serve runs the check that is wanted, if one is.
func (c *Check) serve(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c.mu.Lock()
	begin, mine := c.wanted, c.number
	c.wanted = false
	c.cancel = cancel
	c.mu.Unlock()
	if begin {
		c.measure(ctx, func(s callstate.Check) { c.publish(mine, s) })
	}
	c.mu.Lock()
	c.cancel = nil
	c.mu.Unlock()
}

// publish makes s the state, unless something else was asked meanwhile.
func (c *Check) publish(mine int, s callstate.Check) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.number == mine {
		c.state = s
	}
}

// Measure runs one check, for who needs no Begin, and tells of its state twenty
// times a second. Once ctx ends it gives every device back, and its report has no
// lines.
func (c *Check) Measure(ctx context.Context, tell func(callstate.Check)) Report {
	return c.measure(ctx, tell)
}

func (c *Check) measure(ctx context.Context, tell func(callstate.Check)) Report {
	r := newRound(c.cfg, tell)
	if r.isBusy() {
		return r.refuse(busyText)
	}
	return r.run(ctx)
}
