// Package call is one live call of the softphone: the way of a frame from the
// microphone's port to the server, and of a chunk from the server to the
// earpiece's port.
//
//  1. uplink takes a frame from the capture port when the sound card signals,
//     measures, cleans up, mutes and encodes it, and pushes it into the send
//     queue. Of silence it pushes marks only, and so it does by the clock while
//     there is no microphone.
//  2. A carrier's send loop is the sole caller of Send on its stream: frames,
//     and empty chunks when liveness, an acknowledgement or a report is due.
//  3. Its receive loop is the sole caller of Recv and always drains: timing,
//     events, and packets into the playout.
//  4. ear keeps the playback port filled from the playout, with the cues for the
//     operator over it, through the ear's protection, as the sound card asks for
//     more, and drops what is due while there is none.
//
// A call outlives its connections. Each is a carrier; the keeper opens them,
// one at first and another when the link is silent, broken or about to end, and
// lets the call go over one of them, as its schedule decides. Uplink, ear,
// queue, playout and figures go on meanwhile and never wait for any of it.
//
// Uplink, ear and keeper are one goroutine each, and so are the two loops of a
// carrier; Run starts them and waits for all. A call does not open devices:
// package phone does. Snapshot, Digit, Woke, TalkEnds, Finish, HangUp and what
// begins with Set may be called from any goroutine.
package call

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"callcenter/audio"
	"callcenter/audio/clean"
	"callcenter/audio/jitter"
	"callcenter/audio/level"
	"callcenter/audio/mix"
	"callcenter/audio/playout"
	"callcenter/audio/port"
	"callcenter/audio/protect"
	"callcenter/audio/sendq"
	"callcenter/codec"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/cue"
	"callcenter/softphone/internal/impair"
)

const (
	// answerLimit is how long the last server of the list, or the only one, may
	// take to answer.
	answerLimit = 5 * time.Second
	// flushLimit and drainLimit bound the end of a call: what is still to be
	// sent, and what is still to be heard.
	flushLimit = 300 * time.Millisecond
	drainLimit = 2 * time.Second
	// hangUpLimit is how long a hung-up call waits for the server's goodbye.
	hangUpLimit = 500 * time.Millisecond

	// echo is the destination that sends back what we say.
	echo = "echo"
)

// Config is what a call is made of. All fields but those of functions that are
// told something are needed.
type Config struct {
	// Servers are the addresses that the call is tried at, best first, and
	// Connect makes a connection to one of them, a new one for each attempt. It
	// must not wait.
	Servers []string
	Connect func(server string) (Conn, error)

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
	// Sounds plays the softphone's own sounds to this ear at first, and JoinTones
	// has one among them for when somebody joins or leaves the room.
	Sounds, JoinTones bool
	// Gains are those of microphone and ear at first.
	Gains callstate.Gains

	Clock    audio.Clock
	Capture  *port.Capture
	Playback *port.Playback
	// Microphone and Earpiece are what is open behind the ports at first.
	Microphone, Earpiece audio.Endpoint

	// OnAnswer is called once, when the call is connected.
	OnAnswer func()
	// OnEnding is called where the end of the call is heard, when that begins.
	OnEnding func()
	// OnNotice is called for what the operator should read.
	OnNotice func(callstate.Notice)
	// OnLink is called when the state of the link changed. It must not wait.
	OnLink func(callstate.LinkState)
	// OnPacket is called for each packet that arrives, with the smoothed round
	// trip (0: not known yet). It must not wait, nor keep the packet's data.
	OnPacket func(p jitter.Packet, arrived, rtt time.Duration)
	// Tape takes the call down; nil: nobody does.
	Tape Tape
}

// Call is one call. Use New, then Run once.
type Call struct {
	cfg     Config
	enc     codec.Encoder
	queue   *sendq.Queue
	turn    turn
	hear    hearing
	tokens  tokens
	keeper  *keeper
	playout *playout.Playout
	cleaner *clean.Cleaner
	protect *protect.Limiter // nil without protection
	cues    *cue.Player
	figures figures
	train   *impair.Line // of an echo call
	peer    peer
	roster  roster
	hold    hold
	keypad  keypad

	ends    atomic.Pointer[endpoints]
	version atomic.Pointer[string] // of the server

	rights   atomic.Pointer[rights]             // nil before the answer
	security atomic.Pointer[callstate.Security] // of the carrier; nil before the answer

	micMeter, earMeter *level.Meter
	voice              *level.Voice
	silences           silences
	muted              atomic.Bool
	hint               mutedTalk
	spoken             atomic.Int64 // clock reading of the last speech that was sent
	micGain            mix.Gain
	volume             volume

	stale     atomic.Bool // what the microphone's port holds is to be thrown away
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
	if len(cfg.Servers) == 0 {
		return nil, errors.New("no server to call: name one with --server")
	}
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
		tokens:     tokens{own: rand.Text(), byServer: make(map[string]string)},
		playout:    playout.New(playout.Config{Decoder: dec, Complete: cfg.Complete, Tape: cfg.Tape}),
		train:      impair.New(),
		cleaner:    cleaner,
		micMeter:   &level.Meter{},
		earMeter:   &level.Meter{},
		voice:      &level.Voice{},
		cues:       cue.New(),
		answered:   make(chan struct{}),
		ending:     make(chan struct{}),
		uplinkDone: make(chan struct{}),
		downDone:   make(chan struct{}),
	}
	if !cfg.Unprotected {
		c.protect = protect.New(cfg.EarCeiling)
	}
	c.SetSounds(cfg.Sounds)
	c.SetGains(cfg.Gains)
	c.keeper = newKeeper(c)
	c.queue.SetComplete(cfg.Complete)
	c.SetEndpoints(cfg.Microphone, cfg.Earpiece)
	return c, nil
}

// endpoints are what is open behind the ports now.
type endpoints struct{ microphone, earpiece audio.Endpoint }

// SetEndpoints says that a device was opened anew behind its port.
func (c *Call) SetEndpoints(microphone, earpiece audio.Endpoint) {
	was := c.ends.Swap(&endpoints{microphone, earpiece})
	if was != nil && (was.microphone.ID != microphone.ID || was.microphone.Name != microphone.Name) {
		c.silences.another.Store(true)
	}
}

// Run makes the call and returns when it is over: nil after Finish or HangUp;
// a *ServerError before the answer, with the server's status or ErrNoAnswer in
// it, and where a server refuses or ends the call later; ErrTakenOver; a
// *LostError when no connection could be had for KeepTrying; ctx's error when it
// was cancelled.
func (c *Call) Run(ctx context.Context) error {
	defer c.cleaner.Close() // once the uplink is over
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer c.stopClock()
	c.cues.Ask(cue.Ringback, c.cfg.Clock()+ringAfter)
	g, gctx := errgroup.WithContext(ctx) // the first error ends the carriers and all
	g.Go(guard("uplink", func() error { defer close(c.uplinkDone); return c.uplink(gctx) }))
	g.Go(guard("ear", func() error {
		err := c.ear(gctx)
		c.farewell(ctx)
		return err
	}))
	g.Go(guard("keeper", func() error { defer close(c.downDone); return c.keeper.run(gctx) }))
	err := g.Wait()
	switch {
	case c.isEnding() && !errors.Is(err, errPanic):
		return nil
	case ctx.Err() != nil && err == nil:
		return context.Canceled
	}
	return err
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
		c.start.Store(max(1, int64(c.cfg.Clock())))
		c.cues.Stop(cue.Ringback)
		c.sound(cue.Answered)
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

// Woke tells that this computer slept for so long: every connection is stale,
// and what waits to be sent or played is too old for anybody.
func (c *Call) Woke(slept time.Duration) {
	c.forget()
	select {
	case c.keeper.slept <- slept:
	default: // it is about to be told of another sleep
	}
}

// forget throws away what waits in either direction.
func (c *Call) forget() {
	c.stale.Store(true)
	c.queue.Discard()
	c.keypad.forget()
	c.hear.shut(int(c.turn.epoch.Load()))
	c.train.Flush()
	c.playout.Flush()
}

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

func (c *Call) stopClock() {
	now := c.cfg.Clock()
	c.end.CompareAndSwap(0, max(1, int64(now)))
	c.train.Set(callstate.Training{}, now)
}

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
