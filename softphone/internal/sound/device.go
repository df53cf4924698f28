package sound

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"callcenter/audio"
	"callcenter/audio/device"
	"callcenter/audio/port"
	"callcenter/softphone/internal/callstate"
)

const (
	// judging is how often a device's faults are counted.
	judging = time.Second
	// closeLimit is how long Close waits for the sound system.
	closeLimit = 2 * time.Second
	// backlog is how many sentences wait for whoever reads Changed.
	backlog = 4
)

// Periods remembers, from call to call, how long the devices' periods must be
// on this computer. One call at a time may use it. Use NewPeriods or
// FixedPeriods.
type Periods struct {
	clock             audio.Clock
	capture, playback *ladder
}

// NewPeriods returns periods that adapt: they begin low, are raised when the
// device is late in numbers, and lowered again after minutes without a fault.
func NewPeriods() *Periods {
	const ms = time.Millisecond
	return &Periods{
		clock:    audio.NewClock(),
		capture:  newLadder(5*ms, 10*ms, 20*ms, 40*ms),
		playback: newLadder(5*ms, 10*ms, 20*ms, 40*ms),
	}
}

// FixedPeriods returns periods that stay as they are.
func FixedPeriods(period time.Duration) *Periods {
	return &Periods{clock: audio.NewClock(), capture: newLadder(period), playback: newLadder(period)}
}

// handle is a device.Stream, as far as it is used here.
type handle interface {
	Opened() <-chan error
	Callbacks() uint64
	Endpoint() audio.Endpoint
	Socket() string
	Lost() <-chan struct{}
	Retire()
	TakeOver()
	Stop()
	Released() <-chan struct{}
}

// deviceStream is a device as a Stream. It opens the device anew, behind the
// same port, when another period suits better and when the device is back that
// was unplugged, or whose sound server died or froze. One goroutine does all of
// that, never waits for a sound system, and is waited for by Close.
type deviceStream struct {
	open    func(context.Context, device.Config) (handle, error) // waits, within a limit
	begin   func(device.Config) handle                           // does not
	cfg     device.Config
	dir     Direction
	what    string // "earpiece"
	effect  string // of its loss
	clock   audio.Clock
	ladder  *ladder
	faults  func() uint64 // that the port counted so far
	log     *slog.Logger
	changed chan callstate.Notice
	prefer  []Choice // what to open first where the query is empty
	list    func(context.Context) ([]Info, error)
	wishes  chan string  // for another device, the newest; sent with mu held
	stand   *pacedStream // what is no device and uses the port until replaced; or nil

	// Of the goroutine that tends to the device.
	dog      watchdog
	current  handle // uses the port; nil once it is known to be gone
	lost     bool   // it said that it stopped
	next     handle // is being opened, or listened to
	move     *wish  // the wish for another device; nil: there is none
	ready    bool   // it is open
	openedAt time.Duration
	before   time.Duration // the period of current
	leaving  []leaving
	judged   time.Duration
	said     callstate.EndState // of the running fault
	fault    time.Duration      // when it began

	mu       sync.Mutex
	endpoint audio.Endpoint
	end      callstate.EndState
	since    time.Duration
	reopens  uint64
	replaced bool // stand no longer uses the port
	closed   bool

	cancel  context.CancelFunc // nil: nobody tends to it
	running sync.WaitGroup
}

// leaving is a device that is given back, or soon.
type leaving struct {
	handle
	at      time.Duration // not before
	stopped bool
	unused  bool // it never used the port, and may still be opening
}

func openCapture(ctx context.Context, query string, p *port.Capture, opt Options) (Stream, error) {
	return captureDevice(query, p, opt).start(ctx)
}

// captureDevice returns a stream that has opened nothing yet.
func captureDevice(query string, p *port.Capture, opt Options) *deviceStream {
	s := newDevice(opt, query, "microphone", opt.Periods.capture)
	s.dir = Capture
	s.effect = "nobody hears you"
	s.open = func(ctx context.Context, cfg device.Config) (handle, error) {
		return device.OpenCapture(ctx, cfg, p)
	}
	s.begin = func(cfg device.Config) handle { return device.BeginCapture(cfg, p) }
	var overruns, overrun uint64
	s.faults = func() uint64 {
		st := p.Stats()
		if st.Overrun != overrun {
			overrun = st.Overrun
			overruns++
		}
		return overruns + st.Gaps
	}
	return s
}

func openPlayback(ctx context.Context, query string, p *port.Playback, opt Options) (Stream, error) {
	return playbackDevice(query, p, opt).start(ctx)
}

// playbackDevice is to openPlayback what captureDevice is to openCapture.
func playbackDevice(query string, p *port.Playback, opt Options) *deviceStream {
	s := newDevice(opt, query, "earpiece", opt.Periods.playback)
	s.dir = Playback
	s.effect = "you hear nothing"
	s.open = func(ctx context.Context, cfg device.Config) (handle, error) {
		return device.OpenPlayback(ctx, cfg, p)
	}
	s.begin = func(cfg device.Config) handle { return device.BeginPlayback(cfg, p) }
	s.faults = func() uint64 {
		// Where the port ran dry, a margin in the port is the lesser cure: a sound
		// system that was late asks for several periods in a row, and for more of
		// them when they are longer.
		st := p.Stats()
		return st.Starved + st.Gaps
	}
	return s
}

func newDevice(opt Options, query, what string, l *ladder) *deviceStream {
	log := opt.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	cfg := device.Config{Query: query, Log: opt.Log, Backends: opt.backends}
	return &deviceStream{
		cfg: cfg, prefer: opt.Prefer,
		list: func(ctx context.Context) ([]Info, error) { return device.List(ctx, cfg) },
		what: what, clock: opt.Periods.clock, ladder: l, log: log,
		changed: make(chan callstate.Notice, backlog),
		wishes:  make(chan string, 1),
	}
}

// start opens the device and the goroutine that tends to it.
func (s *deviceStream) start(ctx context.Context) (Stream, error) {
	s.cfg.Period = s.ladder.period()
	first, err := s.openFirst(ctx)
	if err != nil {
		return nil, err
	}
	s.pin(first)
	s.adopt(first, s.clock())
	s.tendOnce()
	return s, nil
}

// standingIn returns a stream on what is no device, which may be switched to one.
func (s *deviceStream) standingIn(stand *pacedStream) *deviceStream {
	s.stand, s.endpoint = stand, stand.Endpoint()
	return s
}

// pin makes what was opened first the device that is wanted from now on, of
// the same sound system. Only a query that is no id may lead to another.
func (s *deviceStream) pin(first handle) {
	e := first.Endpoint()
	s.cfg.Socket = first.Socket()
	s.cfg.Backends = []device.Backend{device.Backend(e.Backend)}
	s.cfg.ID, s.cfg.Held = e.ID, true
	if s.cfg.Query == e.ID {
		s.cfg.Query = ""
	}
}

// adopt makes h the device that uses the port.
func (s *deviceStream) adopt(h handle, now time.Duration) {
	s.current, s.lost, s.before = h, false, s.cfg.Period
	s.dog.begin(now, h.Callbacks())
	s.ladder.begin(now, s.faults())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endpoint = h.Endpoint()
}

// say queues a sentence; when nobody reads, the oldest goes.
func (s *deviceStream) say(severity callstate.Severity, format string, args ...any) {
	n := callstate.Notice{Severity: severity, Text: fmt.Sprintf(format, args...)}
	if severity == callstate.Failure { // it is gone, which the verdict tells, too
		n.About = callstate.KindMicrophone
		if s.dir == Playback {
			n.About = callstate.KindEarpiece
		}
	}
	for {
		select {
		case s.changed <- n:
			return
		default:
		}
		select {
		case <-s.changed:
		default:
		}
	}
}

func (s *deviceStream) Endpoint() audio.Endpoint {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.endpoint
}

// Start does nothing for a device, which runs since it was opened.
func (s *deviceStream) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stand == nil || s.replaced {
		return nil
	}
	return s.stand.Start()
}

func (s *deviceStream) Changed() <-chan callstate.Notice { return s.changed }

// Lost returns nil for a device, which is opened again for as long as it takes.
func (s *deviceStream) Lost() <-chan struct{} {
	if s.stand == nil {
		return nil
	}
	return s.stand.Lost()
}

func (s *deviceStream) Err() error {
	if s.stand == nil {
		return nil
	}
	return s.stand.Err()
}

func (s *deviceStream) Health() callstate.End {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stand != nil && !s.replaced {
		return s.stand.Health()
	}
	h := callstate.End{State: s.end, Reopens: s.reopens}
	if s.end != callstate.EndOpen {
		h.Since = s.clock() - s.since
	}
	return h
}

// Close ends the goroutine and gives back whatever is open or opening, within 2
// s for all of it.
func (s *deviceStream) Close() error {
	s.mu.Lock()
	s.closed = true
	cancel := s.cancel
	s.mu.Unlock()
	if cancel != nil {
		cancel()
	}
	s.running.Wait()
	if s.stand == nil {
		return s.giveAllBack()
	}
	return errors.Join(s.stand.Close(), s.giveAllBack())
}

// giveAllBack closes every device, within 2 s for all of them.
func (s *deviceStream) giveAllBack() error {
	all := make([]handle, 0, len(s.leaving)+2)
	for _, h := range []handle{s.current, s.next} {
		if h != nil {
			all = append(all, h)
		}
	}
	for _, l := range s.leaving {
		all = append(all, l.handle)
	}
	for _, h := range all {
		h.Stop()
	}
	timer := time.NewTimer(closeLimit)
	defer timer.Stop()
	for _, h := range all {
		select {
		case <-h.Released():
		case <-timer.C:
			return fmt.Errorf("close %q: %w within %v; restart the sound server", s.Endpoint().Name, device.ErrNoAnswer, closeLimit)
		}
	}
	return nil
}
