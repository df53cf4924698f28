// Package phone is the operator's line: one call at a time, its devices, its
// connection, and the sentences that say what happened. The screen and the
// command line both place their calls here. How it gets into its servers,
// encrypted or not and as whom, is an Access.
//
//	idle --Dial--> dialing --answer--> live --HangUp, Finish--> ending --> idle
//	                  \-- refused, no answer, no device --> idle
//	                      live --connection gone--> reconnecting --resumed--> live
//	                      live, reconnecting -- ended by the server, lost --> idle
//
// Where own sounds are on, a call is ending while its end is heard, however it
// ended.
//
// Devices are open only during a call, so that no microphone is live without
// one, and a device that goes away does not end it. All methods are safe for
// concurrent use and none but Run and Place waits.
package phone

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"callcenter/audio"
	"callcenter/audio/clean"
	"callcenter/audio/jitter"
	"callcenter/audio/port"
	"callcenter/codec"
	"callcenter/softphone/internal/bearer"
	"callcenter/softphone/internal/blackbox"
	"callcenter/softphone/internal/call"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/diagnose"
)

// ErrBusy means that there is a call already.
var ErrBusy = errors.New("there is a call already: hang up first")

// noticeBacklog is how many sentences wait for a reader; the oldest go first.
const noticeBacklog = 16

// Stream is one open end of a call: a device, or what stands in for one.
type Stream interface {
	Endpoint() audio.Endpoint
	// Start begins delivery where a stream does not begin by itself.
	Start() error
	// Changed gives a sentence for the operator when Endpoint or Health changed.
	Changed() <-chan callstate.Notice
	// Health says how the stream does now.
	Health() callstate.End
	// Switch puts the device with that id in the place of what is open, and
	// returns at once: Changed says what came of it.
	Switch(id string)
	// Lost is closed when the stream ended by itself; Err says why.
	Lost() <-chan struct{}
	Err() error
	Close() error
}

// Sound opens the two ends of a call.
type Sound interface {
	OpenCapture(context.Context, *port.Capture) (Stream, error)
	OpenPlayback(context.Context, *port.Playback) (Stream, error)
}

// Config is what a phone is made of.
type Config struct {
	Servers     []string // host:port each, best first
	Destination string   // what Dial("") dials
	DisplayName string
	Codec       codec.Codec
	Options     codec.Options
	DTX         bool          // announce silence instead of sending it
	CleanUp     clean.Options // of the microphone, at first
	Unprotected bool          // no limiter before the earpiece
	EarCeiling  float64       // its ceiling, dBFS of peaks
	Complete    bool          // keep every word rather than be live
	Sounds      bool          // own sounds for the operator, at first
	JoinTones   bool          // one among them when somebody joins or leaves the room
	Sound       Sound
	// Gains are those of microphone and earpiece, at first; OnGains is told of what
	// the operator made of them. It must not wait.
	Gains   callstate.Gains
	OnGains func(callstate.Gains)
	// TalkLimit is how long push-to-talk keeps the microphone open; 0:
	// callstate.TalkFor.
	TalkLimit time.Duration
	// Connect returns a new connection to a server.
	Connect func(server string) (call.Conn, error)
	// Token is where the operator's token is, to say what a server has against it.
	Token bearer.Source
	Log   *slog.Logger
	// Favourites and Contacts are who can be dialed with few keys.
	Favourites, Contacts []callstate.Contact
	// Ledger takes down the calls; nil: nobody does.
	Ledger Ledger
	// Boxes is where black boxes go; nil: no call is kept.
	Boxes *blackbox.Shelf
	// Asleep says how long this computer has slept; nil: wake.Asleep.
	Asleep func() (time.Duration, error)
}

// Phone is the line. Use New.
type Phone struct {
	cfg     Config
	clock   audio.Clock
	dial    chan string
	changed chan struct{}
	notices chan callstate.Notice

	saying sync.Mutex
	silent bool // notices is closed

	mu         sync.Mutex
	state      callstate.State
	dest       string
	muted      bool
	latch      latch // push-to-talk
	cleanUp    clean.Options
	gains      callstate.Gains
	sounds     bool
	current    *call.Call // this call, or the last one
	cancel     context.CancelFunc
	microphone *audio.Endpoint
	earpiece   *audio.Endpoint
	mic, ear   Stream // of this call
	wishes     wishes // for others, while they open
	findings   diagnose.Findings
	past       callstate.Past     // this call, or the last one, as the ledger has it
	box        *blackbox.Recorder // of this call, or the last one; nil: none

	saving atomic.Bool // a black box is being written
	saves  chan save
}

// New returns an idle phone.
func New(cfg Config) *Phone {
	return &Phone{
		cfg:     cfg,
		cleanUp: cfg.CleanUp,
		gains:   within(cfg.Gains),
		sounds:  cfg.Sounds,
		clock:   audio.NewClock(),
		dial:    make(chan string, 1),
		changed: make(chan struct{}, 1),
		notices: make(chan callstate.Notice, noticeBacklog),
		saves:   make(chan save, 1),
	}
}

// Run places the calls that Dial asks for until ctx ends, then hangs up and
// waits for the end of the call.
func (p *Phone) Run(ctx context.Context) error {
	defer p.hush()
	defer p.keepBoxes()()
	for {
		select {
		case <-ctx.Done():
			return nil
		case dest := <-p.dial:
			r, err := p.Place(ctx, Order{Destination: dest})
			p.Say(p.outcome(r, err))
		}
	}
}

// outcome is the last sentence of a call.
func (p *Phone) outcome(r call.Report, err error) callstate.Notice {
	if err != nil {
		return callstate.Notice{Severity: callstate.Failure, Text: err.Error()}
	}
	d := time.Duration(r.DurationS * float64(time.Second)).Truncate(time.Second)
	return callstate.Notice{Text: fmt.Sprintf("Call to %s ended after %s.", r.Destination, d)}
}

// Order is a call to be placed.
type Order struct {
	Destination string // "": the default
	// Limit ends the call so long after the answer, once everything has been
	// heard; 0: no limit.
	Limit time.Duration
	// OnPacket is call.Config's; nil: nobody looks on.
	OnPacket func(p jitter.Packet, arrived, rtt time.Duration)
}

// Place makes a call and returns when it is over: its report, also when it
// failed, and an error that a person can act on. Cancelling ctx hangs up.
func (p *Phone) Place(ctx context.Context, o Order) (call.Report, error) {
	if o.Destination == "" {
		o.Destination = p.cfg.Destination
	}
	id := rand.Text()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := p.begin(o.Destination, cancel); err != nil {
		return call.Report{Destination: o.Destination, Ended: "failed", Error: err.Error()}, err
	}
	p.opens(id, o.Destination)
	log := p.cfg.Log.With("call_id", id, "destination", o.Destination)
	log.Info("call dialing", "server", strings.Join(p.cfg.Servers, ","))
	r, err := p.place(ctx, id, o)
	var lost *call.LostError
	inGap := errors.As(err, &lost)
	if err != nil {
		err = p.explain(err, r.DurationS > 0)
		r.Ended, r.Error = "failed", err.Error()
	}
	p.closes(r, inGap)
	p.idle()
	log.Info("call ended", "duration_s", r.DurationS, "ended", r.Ended, "error", r.Error,
		"reconnects", r.Reconnects, "gap_s", r.GapS, "sent", r.Sent, "received", r.Received, "lost", r.Lost, "dropped", r.Dropped)
	return r, err
}

func (p *Phone) begin(dest string, cancel context.CancelFunc) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state != callstate.Idle {
		return ErrBusy
	}
	p.state, p.dest, p.cancel, p.current, p.box = callstate.Dialing, dest, cancel, nil, nil
	p.wishes = wishes{}
	p.findings = diagnose.Findings{}
	p.signal()
	return nil
}

func (p *Phone) idle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state, p.muted, p.latch, p.cancel = callstate.Idle, false, latch{}, nil
	p.microphone, p.earpiece = nil, nil
	p.mic, p.ear = nil, nil
	p.findings.Verdict, p.findings.Warnings = callstate.Verdict{}, 0 // the timeline stays
	p.signal()
}

// place opens both ends and the connection, runs the call and closes them.
func (p *Phone) place(ctx context.Context, id string, o Order) (_ call.Report, err error) {
	empty := call.Report{
		Destination: o.Destination, CallID: id, Codec: p.cfg.Codec.Name(),
		FrameMS: p.cfg.Options.FrameSamples * 1000 / audio.Rate,
	}
	capture, playback := port.NewCapture(p.clock), port.NewPlayback(p.clock)
	mic, err := p.cfg.Sound.OpenCapture(ctx, capture)
	if err != nil {
		return empty, err
	}
	defer func() { err = errors.Join(err, closing("microphone", mic)) }()
	ear, err := p.cfg.Sound.OpenPlayback(ctx, playback)
	if err != nil {
		return empty, err
	}
	defer func() { err = errors.Join(err, closing("earpiece", ear)) }()
	p.opened(mic, ear)

	answered := make(chan struct{})
	c, err := call.New(call.Config{
		Servers: p.cfg.Servers, Connect: p.cfg.Connect, CallID: id,
		Destination: o.Destination, DisplayName: p.cfg.DisplayName,
		Codec: p.cfg.Codec, Options: p.cfg.Options, DTX: p.cfg.DTX,
		Unprotected: p.cfg.Unprotected, EarCeiling: p.cfg.EarCeiling,
		Complete: p.cfg.Complete, JoinTones: p.cfg.JoinTones,
		Clock: p.clock, Capture: capture, Playback: playback,
		Microphone: mic.Endpoint(), Earpiece: ear.Endpoint(),
		OnAnswer: func() { close(answered) },
		OnEnding: func() { p.setState(callstate.Ending) },
		OnNotice: p.Say,
		OnLink:   p.linkChanged,
		OnPacket: o.OnPacket,
		Tape:     p.tape(id, o.Destination),
	})
	if err != nil {
		return empty, err
	}
	p.attach(c)
	ended, err := p.converse(ctx, c, mic, ear, answered, o.Limit)
	r := c.Report()
	r.Ended = ended
	r.Stats.DeviceReopens = mic.Health().Reopens + ear.Health().Reopens
	return r, err
}

func closing(what string, s Stream) error {
	if err := s.Close(); err != nil {
		return fmt.Errorf("close %s: %w", what, err)
	}
	return nil
}

// opened notes what is open.
func (p *Phone) opened(mic, ear Stream) {
	in, out := mic.Endpoint(), ear.Endpoint()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.microphone, p.earpiece = &in, &out
	p.mic, p.ear = mic, ear
	p.grant()
	p.signal()
}

func (p *Phone) attach(c *call.Call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.current = c
	c.SetMuted(p.muted)
	c.SetCleanUp(p.cleanUp)
	c.SetSounds(p.sounds)
	c.SetGains(p.gains)
	p.signal()
}

// converse runs the call and tends to what happens around it. It returns how
// the call ended.
func (p *Phone) converse(ctx context.Context, c *call.Call, mic, ear Stream, answered <-chan struct{}, limit time.Duration) (string, error) {
	done := make(chan error, 1)
	go func() { done <- c.Run(context.WithoutCancel(ctx)) }()
	defer p.attend()()
	ended := "hung up"
	cancelled := ctx.Done()
	micLost, earLost := mic.Lost(), ear.Lost()
	var timeUp <-chan time.Time
	for {
		select {
		case err := <-done:
			return ended, err
		case <-answered:
			answered = nil
			p.setState(callstate.Live)
			if err := errors.Join(ear.Start(), mic.Start()); err != nil {
				c.HangUp()
				return "failed", errors.Join(err, <-done)
			}
			if limit > 0 {
				timer := time.NewTimer(limit)
				defer timer.Stop()
				timeUp = timer.C
			}
		case <-cancelled:
			cancelled = nil
			p.setState(callstate.Ending)
			c.HangUp()
		case <-timeUp:
			ended = "duration"
			p.setState(callstate.Ending)
			c.Finish()
		case n := <-mic.Changed():
			p.changedEnds(c, mic, ear, n)
		case n := <-ear.Changed():
			p.changedEnds(c, mic, ear, n)
		case <-micLost:
			micLost = nil
			p.lost("microphone", "nobody hears you", mic)
		case <-earLost:
			earLost = nil
			p.lost("earpiece", "you hear nothing", ear)
		}
	}
}

// changedEnds takes note that one end is gone, back, or opened anew.
func (p *Phone) changedEnds(c *call.Call, mic, ear Stream, n callstate.Notice) {
	c.SetEndpoints(mic.Endpoint(), ear.Endpoint())
	p.opened(mic, ear)
	p.Say(n)
}

// lost says that one end of a call, which is no device, ended for good; the call
// goes on.
func (p *Phone) lost(what, effect string, s Stream) {
	text := fmt.Sprintf("The %s %q is gone and %s: hang up, put it right, dial again.", what, s.Endpoint().Name, effect)
	p.cfg.Log.Warn("stream lost", "stream", what, "name", s.Endpoint().Name, "error", s.Err())
	p.Say(callstate.Notice{Severity: callstate.Failure, Text: text})
}

// linkChanged logs how the link does, and tells the screen to look.
func (p *Phone) linkChanged(link callstate.LinkState) {
	p.cfg.Log.Info("call link", "state", link.String())
	p.mu.Lock()
	defer p.mu.Unlock()
	p.signal()
}

func (p *Phone) setState(s callstate.State) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state = s
	p.signal()
}

// signal tells the screen to look. The caller holds p.mu.
func (p *Phone) signal() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// Say queues a sentence for the operator. When nobody reads, the oldest goes.
// After Run it does nothing.
func (p *Phone) Say(n callstate.Notice) {
	p.saying.Lock()
	defer p.saying.Unlock()
	for !p.silent {
		select {
		case p.notices <- n:
			return
		default:
		}
		select {
		case <-p.notices:
		default:
		}
	}
}

// hush ends the notices.
func (p *Phone) hush() {
	p.saying.Lock()
	defer p.saying.Unlock()
	p.silent = true
	close(p.notices)
}
