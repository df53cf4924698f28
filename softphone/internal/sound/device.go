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
	// look is how often a device's faults are looked at.
	look = time.Second
	// overlap is how long two devices are open at once when one takes over:
	// before, until the clock of the new one is known, and after, until the last
	// of the old one was played.
	overlap = 300 * time.Millisecond
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

// deviceStream is a device as a Stream: it opens the device anew, behind the
// same port, when another period suits better. A goroutine of its own does so
// and is waited for by Close.
type deviceStream struct {
	open    func(context.Context, device.Config) (*device.Stream, error)
	cfg     device.Config
	what    string // "earpiece"
	clock   audio.Clock
	ladder  *ladder
	faults  func() uint64 // that the port counted so far
	log     *slog.Logger
	changed chan callstate.Notice

	mu      sync.Mutex
	current *device.Stream

	cancel  context.CancelFunc
	running sync.WaitGroup
	lost    chan struct{}
	err     error // written before lost is closed
}

func openCapture(ctx context.Context, query string, p *port.Capture, opt Options) (Stream, error) {
	s := newDevice(opt, query, "microphone", opt.Periods.capture)
	s.open = func(ctx context.Context, cfg device.Config) (*device.Stream, error) {
		return device.OpenCapture(ctx, cfg, p)
	}
	var overruns, overrun uint64
	s.faults = func() uint64 {
		st := p.Stats()
		if st.Overrun != overrun {
			overrun = st.Overrun
			overruns++
		}
		return overruns + st.Gaps
	}
	return s.start(ctx)
}

func openPlayback(ctx context.Context, query string, p *port.Playback, opt Options) (Stream, error) {
	s := newDevice(opt, query, "earpiece", opt.Periods.playback)
	s.open = func(ctx context.Context, cfg device.Config) (*device.Stream, error) {
		return device.OpenPlayback(ctx, cfg, p)
	}
	s.faults = func() uint64 {
		// Where the port ran dry, a margin in the port is the lesser cure: a sound
		// system that was late asks for several periods in a row, and for more of
		// them when they are longer.
		st := p.Stats()
		return st.Starved + st.Gaps
	}
	return s.start(ctx)
}

func newDevice(opt Options, query, what string, l *ladder) *deviceStream {
	log := opt.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &deviceStream{
		cfg:  device.Config{Query: query, Log: opt.Log, Backends: opt.backends},
		what: what, clock: opt.Periods.clock, ladder: l, log: log,
		changed: make(chan callstate.Notice, 1),
		lost:    make(chan struct{}),
	}
}

// start opens the device and the goroutine that tends to it.
func (s *deviceStream) start(ctx context.Context) (Stream, error) {
	s.cfg.Period = s.ladder.period()
	first, err := s.open(ctx, s.cfg)
	if err != nil {
		return nil, err
	}
	s.current = first
	s.ladder.begin(s.clock(), s.faults())
	ctx, s.cancel = context.WithCancel(context.Background())
	s.running.Go(func() { s.tend(ctx) })
	return s, nil
}

// tend looks after the device until ctx ends or the device is lost.
func (s *deviceStream) tend(ctx context.Context) {
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.now().Lost():
			s.lose(s.now().Err())
			return
		case <-ticker.C:
		}
		if !s.ladder.observe(s.clock(), s.faults()) {
			continue
		}
		if err := s.reopen(ctx); err != nil {
			s.lose(err)
			return
		}
		s.ladder.begin(s.clock(), s.faults())
	}
}

// reopen puts a device with the ladder's period in the place of the open one.
// An error means that none is open any more.
func (s *deviceStream) reopen(ctx context.Context) error {
	old, before := s.now(), s.cfg.Period
	s.cfg.Period, s.cfg.Held = s.ladder.period(), true
	next, err := s.open(ctx, s.cfg)
	switch {
	case errors.Is(err, device.ErrNoAnswer):
		s.log.Warn("device keeps its period", "device", s.what, "error", err)
		s.cfg.Period = before
		s.ladder.keep(before)
		return nil
	case err == nil:
		pause(ctx) // it shows its clock meanwhile
	default:
		// Some sound systems open a device but once.
		if next, err = s.reopenAlone(ctx, old, before); err != nil {
			return err
		}
	}
	next.TakeOver(old)
	s.mu.Lock()
	s.current = next
	s.mu.Unlock()
	pause(ctx) // the last of the old one is played meanwhile
	if err := old.Close(); err != nil {
		s.log.Warn("device did not close", "device", s.what, "error", err)
	}
	s.tell(before)
	return nil
}

// reopenAlone closes the old device first, and falls back on its period.
func (s *deviceStream) reopenAlone(ctx context.Context, old *device.Stream, before time.Duration) (*device.Stream, error) {
	if err := old.Close(); err != nil {
		return nil, err
	}
	next, err := s.open(ctx, s.cfg)
	if err == nil {
		return next, nil
	}
	s.log.Warn("device keeps its period", "device", s.what, "error", err)
	s.cfg.Period = before
	s.ladder.keep(before)
	return s.open(ctx, s.cfg)
}

// tell says what changed, to the log and to whoever listens; an older sentence
// that nobody took goes.
func (s *deviceStream) tell(before time.Duration) {
	n := callstate.Notice{}
	switch now := s.cfg.Period; {
	case now > before:
		n.Severity = callstate.Warning
		n.Text = fmt.Sprintf("This computer is late with audio: %s period raised to %d ms.", s.what, now.Milliseconds())
	case now < before:
		n.Text = fmt.Sprintf("Audio has been clean for long: %s period lowered to %d ms.", s.what, now.Milliseconds())
	default:
		return
	}
	s.log.Info("device opened anew", "device", s.what, "period", s.cfg.Period, "before", before)
	select {
	case <-s.changed:
	default:
	}
	s.changed <- n // nobody else sends
}

func pause(ctx context.Context) {
	timer := time.NewTimer(overlap)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

func (s *deviceStream) now() *device.Stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current
}

func (s *deviceStream) lose(err error) {
	s.err = err
	close(s.lost)
}

func (s *deviceStream) Endpoint() audio.Endpoint { return s.now().Endpoint() }

// Start does nothing: the device runs since it was opened.
func (s *deviceStream) Start() error { return nil }

func (s *deviceStream) Changed() <-chan callstate.Notice { return s.changed }

func (s *deviceStream) Lost() <-chan struct{} { return s.lost }

func (s *deviceStream) Err() error {
	select {
	case <-s.lost:
		return s.err
	default:
		return nil
	}
}

func (s *deviceStream) Close() error {
	s.cancel()
	s.running.Wait()
	return s.now().Close()
}
