// Package call is one live call of the softphone: the way of a frame from the
// microphone's port to the server, and of a chunk from the server to the
// earpiece's port.
//
//  1. uplink takes a frame from the capture port when the sound card signals,
//     measures, cleans up, mutes and encodes it, and pushes it into the send
//     queue. Of silence it pushes marks only, and so it does by the clock while
//     there is no microphone.
//  2. sender is the sole caller of Send: frames, and empty chunks when
//     liveness, an acknowledgement, an event or a report is due.
//  3. downlink is the sole caller of Recv and always drains: timing, events,
//     and packets into the playout.
//  4. ear keeps the playback port filled from the playout, through the ear's
//     protection, as the sound card asks for more, and drops what is due while
//     there is none.
//
// Each is one goroutine; Run starts all four and waits for them. A call does
// not open devices or connections: package phone does. Snapshot, SetMuted,
// SetCleanUp, Finish and HangUp may be called from any goroutine.
package call

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/audio"
	"callcenter/audio/clean"
	"callcenter/audio/jitter"
	"callcenter/audio/level"
	"callcenter/audio/playout"
	"callcenter/audio/port"
	"callcenter/audio/protect"
	"callcenter/audio/sendq"
	"callcenter/codec"
	"callcenter/softphone/internal/callstate"
)

const (
	// answerLimit is how long a server may take to answer.
	answerLimit = 5 * time.Second
	// flushLimit and drainLimit bound the end of a call: what is still to be
	// sent, and what is still to be heard.
	flushLimit = 300 * time.Millisecond
	drainLimit = 2 * time.Second
	// hangUpLimit is how long a hung-up call waits for the server's goodbye.
	hangUpLimit = 500 * time.Millisecond

	epoch = 1

	// echo is the destination that sends back what we say.
	echo = "echo"
)

// ErrNoAnswer means that the server took the stream and said nothing.
var ErrNoAnswer = errors.New("no answer")

// Config is what a call is made of. All fields but OnAnswer, OnNotice and
// OnPacket are needed.
type Config struct {
	Client      api.CallCenterClient
	CallID      string
	Destination string
	DisplayName string

	Codec   codec.Codec
	Options codec.Options
	// DTX sends marks instead of silence.
	DTX bool
	// CleanUp is what is done to the microphone at first.
	CleanUp clean.Options
	// Unprotected leaves the ear's limiter out, and EarCeiling is its ceiling in
	// dBFS of peaks otherwise; protect.DefaultCeiling is a good one.
	Unprotected bool
	EarCeiling  float64
	// Complete keeps every word, both ways, rather than be live.
	Complete bool

	Clock    audio.Clock
	Capture  *port.Capture
	Playback *port.Playback
	// Microphone and Earpiece are what is open behind the ports at first.
	Microphone, Earpiece audio.Endpoint

	// OnAnswer is called once, when the call is connected.
	OnAnswer func()
	// OnNotice is called for what the operator should read.
	OnNotice func(callstate.Notice)
	// OnPacket is called for each packet that arrives, with the smoothed round
	// trip (0: not known yet). It must not wait, nor keep the packet's data.
	OnPacket func(p jitter.Packet, arrived, rtt time.Duration)
}

// Call is one call. Use New, then Run once.
type Call struct {
	cfg     Config
	enc     codec.Encoder
	queue   *sendq.Queue
	link    *wire.Link
	playout *playout.Playout
	cleaner *clean.Cleaner
	protect *protect.Limiter // nil without protection
	figures figures
	peer    peer
	own     *api.Report // of the sender

	ends atomic.Pointer[endpoints]

	micMeter, earMeter *level.Meter
	voice              *level.Voice
	muted              atomic.Bool
	speaking           atomic.Int64 // clock reading of the last speech heard

	answered  chan struct{}
	answering sync.Once
	start     atomic.Int64 // clock reading of the answer; 0 before
	end       atomic.Int64 // clock reading of the end; 0 before

	ending     chan struct{} // closed by Finish and HangUp
	endOnce    sync.Once
	hungUp     atomic.Bool   // the rest need not be heard
	uplinkDone chan struct{} // nothing more is pushed
	downDone   chan struct{} // nothing more arrives
}

// New returns a call that is ready to run, or says what of cfg cannot be.
func New(cfg Config) (*Call, error) {
	format := codec.Format{Codec: cfg.Codec.Name(), Rate: audio.Rate, Channels: 1}
	enc, err := cfg.Codec.NewEncoder(format, cfg.Options)
	if err != nil {
		return nil, fmt.Errorf("make %s encoder: %w", cfg.Codec.Name(), err)
	}
	dec, err := cfg.Codec.NewDecoder(format)
	if err != nil {
		return nil, fmt.Errorf("make %s decoder: %w", cfg.Codec.Name(), err)
	}
	cleaner, err := clean.New(cfg.Options.FrameSamples, cfg.CleanUp)
	if err != nil {
		return nil, err
	}
	c := &Call{
		cfg:        cfg,
		enc:        enc,
		queue:      sendq.New(),
		link:       wire.NewLink(cfg.Clock()),
		playout:    playout.New(playout.Config{Decoder: dec, Complete: cfg.Complete}),
		cleaner:    cleaner,
		own:        &api.Report{},
		micMeter:   &level.Meter{},
		earMeter:   &level.Meter{},
		voice:      &level.Voice{},
		answered:   make(chan struct{}),
		ending:     make(chan struct{}),
		uplinkDone: make(chan struct{}),
		downDone:   make(chan struct{}),
	}
	if !cfg.Unprotected {
		c.protect = protect.New(cfg.EarCeiling)
	}
	c.queue.SetComplete(cfg.Complete)
	c.SetEndpoints(cfg.Microphone, cfg.Earpiece)
	return c, nil
}

// endpoints are what is open behind the ports now.
type endpoints struct{ microphone, earpiece audio.Endpoint }

// SetEndpoints says that a device was opened anew behind its port.
func (c *Call) SetEndpoints(microphone, earpiece audio.Endpoint) {
	c.ends.Store(&endpoints{microphone, earpiece})
}

// Run makes the call and returns when it is over: nil after Finish or HangUp,
// the server's status or ErrNoAnswer otherwise, ctx's error when it was
// cancelled.
func (c *Call) Run(ctx context.Context) error {
	defer c.cleaner.Close() // once the uplink is over
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer c.stopClock()
	g, gctx := errgroup.WithContext(ctx) // the first error ends the stream and all
	stream, err := c.cfg.Client.LiveCall(gctx)
	if err != nil {
		return err
	}
	g.Go(guard("watch", func() error { return c.watch(gctx, cancel) }))
	g.Go(guard("uplink", func() error { defer close(c.uplinkDone); return c.uplink(gctx) }))
	g.Go(guard("sender", func() error { return c.sender(gctx, stream) }))
	g.Go(guard("ear", func() error { return c.ear(gctx) }))
	g.Go(guard("downlink", func() error {
		defer close(c.downDone)
		return c.downlink(stream)
	}))
	err = g.Wait()
	switch {
	case c.isEnding() && !errors.Is(err, errPanic):
		return nil
	case errors.Is(err, ErrNoAnswer):
		return err
	case ctx.Err() != nil && err == nil:
		return context.Canceled
	}
	return err
}

// watch bounds the answer and the end.
func (c *Call) watch(ctx context.Context, cancel context.CancelFunc) error {
	timer := time.NewTimer(answerLimit)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ErrNoAnswer
	case <-c.answered:
	case <-c.ending:
	case <-ctx.Done():
		return nil
	}
	select {
	case <-c.ending:
	case <-c.downDone:
		return nil
	case <-ctx.Done():
		return nil
	}
	limit := flushLimit + drainLimit
	if c.hungUp.Load() {
		limit = hangUpLimit
	}
	timer.Reset(limit)
	select {
	case <-timer.C:
		cancel()
	case <-c.downDone:
	case <-ctx.Done():
	}
	return nil
}

var errPanic = errors.New("internal error")

// guard turns a panic in one of the call's goroutines into its error.
func guard(name string, f func() error) func() error {
	return func() (err error) {
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("%w in the call's %s: %v", errPanic, name, r)
			}
		}()
		return f()
	}
}

func (c *Call) answer() {
	c.answering.Do(func() {
		c.start.Store(int64(c.cfg.Clock()))
		close(c.answered)
		if c.cfg.OnAnswer != nil {
			c.cfg.OnAnswer()
		}
	})
}

func (c *Call) notice(n callstate.Notice) {
	if c.cfg.OnNotice != nil {
		c.cfg.OnNotice(n)
	}
}

// SetMuted stops or resumes sending the microphone. The meter goes on.
func (c *Call) SetMuted(on bool) { c.muted.Store(on) }

// Muted reports whether the microphone is muted.
func (c *Call) Muted() bool { return c.muted.Load() }

// SetCleanUp changes what is done to the microphone, from the next frame on.
func (c *Call) SetCleanUp(o clean.Options) { c.cleaner.Set(o) }

// Finish ends the call once everything said has been sent and heard.
func (c *Call) Finish() { c.finish(false) }

// HangUp ends the call at once.
func (c *Call) HangUp() { c.finish(true) }

func (c *Call) finish(hangUp bool) {
	c.endOnce.Do(func() {
		c.hungUp.Store(hangUp)
		close(c.ending)
	})
}

func (c *Call) isEnding() bool {
	select {
	case <-c.ending:
		return true
	default:
		return false
	}
}

func (c *Call) stopClock() { c.end.Store(int64(c.cfg.Clock())) }

// Duration is how long the call was connected.
func (c *Call) Duration() time.Duration {
	start, end := c.start.Load(), c.end.Load()
	if start == 0 {
		return 0
	}
	if end == 0 {
		end = int64(c.cfg.Clock())
	}
	return time.Duration(end - start)
}
