package device

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/gen2brain/malgo"

	"callcenter/audio"
	"callcenter/audio/port"
)

// closeLimit is how long Close waits for the sound system.
const closeLimit = 2 * time.Second

// The periods that may be asked for.
const (
	minPeriod = 2 * time.Millisecond
	maxPeriod = 100 * time.Millisecond
)

// The duties of a callback.
const (
	live    int32 = iota // it uses the port
	held                 // another stream does; it watches its clock, and is silent
	retired              // it leaves the port alone. A stop is no loss
)

// fadeSamples is how long a playback device that retires fades out: 2.5 ms.
const fadeSamples = 120

// Stream is an open device whose callbacks run. Its methods are safe for
// concurrent use.
type Stream struct {
	dir      Direction
	endpoint atomic.Pointer[audio.Endpoint]
	socket   string // written before opened

	// duty is what the callback does with the port, and inside whether it is at
	// it: who sets duty and then sees that it is not inside knows that it will
	// act by the new duty.
	duty   atomic.Int32
	inside atomic.Bool
	// Of the callback.
	rehearsal  port.Rehearsal
	tail, fade int // the sample played last, and how far it still fades
	takeOver   func()
	callbacks  atomic.Uint64

	opened   chan error // one value
	quitOnce sync.Once
	quit     chan struct{} // closed when the owner is to give the device back
	released chan struct{} // closed when it did

	lostOnce sync.Once
	lost     chan struct{}
}

// OpenCapture opens a microphone and starts it: from now on its callback
// delivers to p, or, with Config.Held, from TakeOver on. ctx bounds the opening
// only, which also has a limit of 5 s.
// Errors are ErrNoBackend, ErrNoDevice, ErrMonitorDefault, ErrUnknownDevice,
// ErrAmbiguous, ErrNoAnswer and those of the sound system. The caller closes
// the stream.
func OpenCapture(ctx context.Context, cfg Config, p *port.Capture) (*Stream, error) {
	return BeginCapture(cfg, p).wait(ctx, cfg)
}

// OpenPlayback opens a playback device and starts it: from now on its callback
// takes from p. It is otherwise as OpenCapture.
func OpenPlayback(ctx context.Context, cfg Config, p *port.Playback) (*Stream, error) {
	return BeginPlayback(cfg, p).wait(ctx, cfg)
}

// BeginCapture begins what OpenCapture does and returns at once: Opened tells
// how it went, without any limit, since a frozen sound server may hold it up for
// as long as it likes. The caller closes or stops the stream also when opening
// it failed or did not end.
func BeginCapture(cfg Config, p *port.Capture) *Stream {
	s := newStream(Capture)
	s.takeOver = func() { p.TakeOver(&s.rehearsal) }
	return s.begin(cfg, s.deliverTo(p))
}

// BeginPlayback is to OpenPlayback what BeginCapture is to OpenCapture.
func BeginPlayback(cfg Config, p *port.Playback) *Stream {
	s := newStream(Playback)
	s.takeOver = p.TakeOver
	return s.begin(cfg, s.takeFrom(p))
}

// deliverTo returns the capture callback.
func (s *Stream) deliverTo(p *port.Capture) malgo.DataProc {
	return func(_, in []byte, _ uint32) {
		s.inside.Store(true)
		s.callbacks.Add(1)
		switch pcm := samples(in); s.duty.Load() {
		case live:
			p.DeliverLive(pcm)
		case held:
			p.Rehearse(&s.rehearsal, len(pcm))
		}
		s.inside.Store(false)
	}
}

// takeFrom returns the playback callback.
func (s *Stream) takeFrom(p *port.Playback) malgo.DataProc {
	return func(out, _ []byte, _ uint32) {
		s.inside.Store(true)
		s.callbacks.Add(1)
		pcm := samples(out)
		if s.duty.Load() == live {
			p.TakeLive(pcm)
			if len(pcm) > 0 {
				s.tail, s.fade = int(pcm[len(pcm)-1]), fadeSamples
			}
		} else {
			s.fadeOut(pcm)
		}
		s.inside.Store(false)
	}
}

// fadeOut fills pcm with silence, after a slope from what was played last.
func (s *Stream) fadeOut(pcm []int16) {
	for i := range pcm {
		pcm[i] = int16(s.tail * s.fade / fadeSamples)
		s.fade = max(0, s.fade-1)
	}
}

// Retire makes a stream leave the port alone from now on, for good; it still has
// to be closed. If it plays, it fades to silence: leave it open for as long as
// it buffers, or the last of it is not heard.
func (s *Stream) Retire() {
	s.duty.Store(retired)
	for s.inside.Load() { // for some µs: callbacks do not block
		runtime.Gosched()
	}
}

// TakeOver makes a stream that was opened with Config.Held the one that uses
// the port. The one before it must have been retired. One goroutine at a time
// may call TakeOver.
func (s *Stream) TakeOver() {
	s.takeOver()
	s.duty.CompareAndSwap(held, live)
}

// samples views the memory of the sound library, which is valid only during the
// callback, as samples.
func samples(raw []byte) []int16 {
	if len(raw) < 2 {
		return nil
	}
	return unsafe.Slice((*int16)(unsafe.Pointer(&raw[0])), len(raw)/2)
}

func newStream(dir Direction) *Stream {
	return &Stream{
		dir:      dir,
		opened:   make(chan error, 1),
		quit:     make(chan struct{}),
		released: make(chan struct{}),
		lost:     make(chan struct{}),
	}
}

// begin starts the owner.
func (s *Stream) begin(cfg Config, data malgo.DataProc) *Stream {
	if cfg.Period == 0 {
		cfg.Period = audio.Period
	}
	if cfg.Held {
		s.duty.Store(held)
	}
	go s.own(cfg, data)
	return s
}

// wait waits until the owner has the device.
func (s *Stream) wait(ctx context.Context, cfg Config) (*Stream, error) {
	timer := time.NewTimer(openLimit)
	defer timer.Stop()
	var err error
	select {
	case err = <-s.opened:
		if err == nil {
			return s, nil
		}
		<-s.released
		return nil, err
	case <-ctx.Done():
		err = fmt.Errorf("%w: %w", ErrNoAnswer, ctx.Err())
	case <-timer.C:
		err = fmt.Errorf("%w within %v; restart the sound server", ErrNoAnswer, openLimit)
	}
	s.Stop()
	return nil, s.explain(cfg, err)
}

// explain says what could not be opened.
func (s *Stream) explain(cfg Config, err error) error {
	switch {
	case err == nil:
		return nil
	case cfg.Query != "":
		return fmt.Errorf("open %s %q: %w", s.dir.noun(), clean(cfg.Query, maxName), err)
	case cfg.ID != "":
		return fmt.Errorf("open %s %q: %w", s.dir.noun(), clean(cfg.ID, maxName), err)
	}
	return fmt.Errorf("open default %s: %w", s.dir.noun(), err)
}

// own makes every call into the sound system for this stream: it opens the
// device, reports, waits for quit and gives everything back.
func (s *Stream) own(cfg Config, data malgo.DataProc) {
	defer close(s.released)
	if cfg.Period < minPeriod || cfg.Period > maxPeriod || cfg.Period%time.Millisecond != 0 {
		s.opened <- fmt.Errorf("open %s: a period of %v is not possible; use whole milliseconds from %v to %v",
			s.dir.noun(), cfg.Period, minPeriod, maxPeriod)
		return
	}
	session, err := reconnect(cfg)
	if err != nil {
		s.opened <- s.explain(cfg, err)
		return
	}
	defer session.tap.drain(cfg.Log)
	defer session.close()
	dev, err := s.start(session, cfg, data)
	if err == nil && session.backend == PulseAudio {
		s.socket = pulseSocket(os.Getenv)
	}
	s.opened <- s.explain(cfg, err)
	if err != nil {
		return
	}
	for running := true; running; {
		select {
		case line := <-session.tap.lines:
			logLine(cfg.Log, line)
		case <-s.quit:
			running = false
		}
	}
	// Stopped first, while the callbacks still fill the device with silence.
	if err := dev.Stop(); err != nil && cfg.Log != nil {
		cfg.Log.Debug("sound device did not stop", "device", s.Endpoint().ID, "error", err)
	}
	dev.Uninit()
}

// errStopped is why a stream does not open that was stopped meanwhile.
var errStopped = errors.New("nobody wants it any more")

// start opens and starts the device and fills endpoint.
func (s *Stream) start(session *session, cfg Config, data malgo.DataProc) (*malgo.Device, error) {
	info, id, err := session.find(s.dir, cfg.ID, cfg.Query)
	if err != nil {
		return nil, err
	}
	select {
	case <-s.quit:
		return nil, errStopped
	default:
	}
	session.tap.drain(cfg.Log)
	conf := deviceConfig(s.dir, cfg.Period)
	if id != nil {
		var pin runtime.Pinner
		defer pin.Unpin()
		pin.Pin(id)
		conf.Capture.DeviceID = unsafe.Pointer(id)
		conf.Playback.DeviceID = unsafe.Pointer(id)
	}
	dev, err := malgo.InitDevice(session.ctx.Context, conf, malgo.DeviceCallbacks{Data: data, Stop: s.stopped})
	if err != nil {
		return nil, fmt.Errorf("open %s: %w; is it in use by another program?", label(info), err)
	}
	g := parseGranted(session.tap.drain(cfg.Log), s.dir)
	s.endpoint.Store(&audio.Endpoint{
		ID: info.ID, Name: info.Name, Backend: string(session.backend), Monitor: info.Monitor,
		Rate: g.rate, Channels: g.channels, Period: g.period, Periods: g.periods,
	})
	if err := dev.Start(); err != nil {
		dev.Uninit()
		return nil, fmt.Errorf("start %s: %w", label(info), err)
	}
	return dev, nil
}

func deviceConfig(dir Direction, period time.Duration) malgo.DeviceConfig {
	conf := malgo.DefaultDeviceConfig(dir.malgo())
	conf.SampleRate = audio.Rate
	conf.PeriodSizeInMilliseconds = uint32(period / time.Millisecond)
	conf.Periods = Periods
	conf.PerformanceProfile = malgo.LowLatency
	// With fixed sizes miniaudio buffers one more period.
	conf.NoFixedSizedCallback = 1
	conf.Capture.Format, conf.Capture.Channels = malgo.FormatS16, 1
	conf.Playback.Format, conf.Playback.Channels = malgo.FormatS16, 1
	conf.Pulse.StreamNameCapture, conf.Pulse.StreamNamePlayback = "microphone", "earpiece"
	return conf
}

// stopped is malgo's stop callback. It runs on a device thread, also after a
// stop that was asked for.
func (s *Stream) stopped() {
	if s.duty.Load() != retired {
		s.lostOnce.Do(func() { close(s.lost) })
	}
}

// Opened gives one value once the opening has ended: nil, or an error as of
// OpenCapture. Only one goroutine may wait for it, and only after BeginCapture
// or BeginPlayback.
func (s *Stream) Opened() <-chan error { return s.opened }

// Callbacks counts the callbacks of this device, whether or not they used the
// port. Where it stands still the device is silent, and says so in no other
// way.
func (s *Stream) Callbacks() uint64 { return s.callbacks.Load() }

// Endpoint says what is open; it is empty before the device is. Rate, Channels,
// Period and Periods are those granted to the stream by the sound system; a
// zero could not be learned. Behind a sound server the hardware may run at
// another rate: it does not say.
func (s *Stream) Endpoint() audio.Endpoint {
	if e := s.endpoint.Load(); e != nil {
		return *e
	}
	return audio.Endpoint{}
}

// Socket returns the local socket of the sound server behind an open device, ""
// if there is none or it is not known.
func (s *Stream) Socket() string { return s.socket }

// Lost is closed when the device stops without being asked to: unplugged,
// suspended, taken away. The stream must still be closed.
func (s *Stream) Lost() <-chan struct{} { return s.lost }

// Err returns why Lost is closed, nil while it is open.
func (s *Stream) Err() error {
	select {
	case <-s.lost:
		return fmt.Errorf("%w: %q was unplugged, suspended or taken away; connect it again or choose another", ErrLost, s.Endpoint().Name)
	default:
		return nil
	}
}

// Released is closed once the device and the connection were given back and the
// goroutine behind them has ended.
func (s *Stream) Released() <-chan struct{} { return s.released }

// Close stops the device and gives it back. The port is not used any more from
// then on. It takes at most 2 s: when the sound system does not answer in that
// time it returns ErrNoAnswer, and one goroutine and its thread stay behind
// until the server answers or dies. Closing again waits again.
func (s *Stream) Close() error {
	s.Stop()
	timer := time.NewTimer(closeLimit)
	defer timer.Stop()
	select {
	case <-s.released:
		return nil
	case <-timer.C:
		return fmt.Errorf("close %q: %w within %v; restart the sound server", s.Endpoint().Name, ErrNoAnswer, closeLimit)
	}
}

// Stop begins what Close does and does not wait: Released tells the end. The
// port is not used any more once callbacks that run at this moment have
// returned.
func (s *Stream) Stop() {
	s.duty.Store(retired)
	s.quitOnce.Do(func() { close(s.quit) })
}
