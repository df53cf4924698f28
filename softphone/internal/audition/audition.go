// Package audition tries the sound devices for the devices' screen: the live
// level of every microphone, a test tone on an earpiece, a short recording that
// is played back, and the choice of a device, which in a call switches to it. The
// screen calls a Bench, through the interface that it declares, and the command
// line runs it.
//
// Devices are open only between Begin and End, and so is the list looked at: what
// is plugged in appears within 2 s, what is unplugged is marked as gone. Each
// device opens in its own time, so one that hangs delays no other. A device that
// the call of now uses is not opened again for its level, which is the call's.
// Nothing plays but through the ear's protection.
//
// One goroutine, Run, does everything and waits for no sound system but at the
// end, for 2 s at most; the other methods of a Bench are safe for concurrent use,
// and return at once. Levels are in dBFS, PCM is 48 kHz mono.
package audition

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"callcenter/audio"
	"callcenter/audio/port"
	"callcenter/audio/protect"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/sound"
)

const (
	// look is how often the bench does what is to be done, as often as the screen
	// draws.
	look = 50 * time.Millisecond
	// closeLimit is how long the end waits for the sound system.
	closeLimit = 2 * time.Second
	// maxAsks is how many keys may wait for the bench.
	maxAsks = 32
	// maxLeaving is how many devices a sound system that does not answer may owe,
	// before none is opened any more.
	maxLeaving = 32
)

// Phone is what the bench needs of the phone.
type Phone interface {
	Snapshot() callstate.Snapshot
	// ChooseMicrophone and ChooseEarpiece switch the call of now.
	ChooseMicrophone(id string)
	ChooseEarpiece(id string)
	Say(callstate.Notice)
}

// Choices are the operator's choices for calls.
type Choices interface {
	// Chosen is which of the listed devices is chosen, if one is.
	Chosen(list []sound.Info, dir sound.Direction) (sound.Info, bool)
	// Choose takes a listed device for the calls that follow.
	Choose(d sound.Info)
}

// Hardware are the sound devices.
type Hardware interface {
	// List lists the devices; it may take until ctx ends.
	List(ctx context.Context) ([]sound.Info, error)
	// TryCapture and TryPlayback return at once.
	TryCapture(d sound.Info, p *port.Capture) sound.Trial
	TryPlayback(d sound.Info, p *port.Playback) sound.Trial
}

// Config is what a Bench is made of. Phone and Choices must be set.
type Config struct {
	Phone    Phone
	Choices  Choices
	Hardware Hardware    // nil: this computer's
	Clock    audio.Clock // nil: a new one
	Ceiling  float64     // of what is played, dBFS of peaks; 0: protect.DefaultCeiling
	Log      *slog.Logger
}

// Bench tries devices. Use New.
type Bench struct {
	cfg  Config
	wake chan struct{} // one slot: something was asked

	mu    sync.Mutex
	open  bool
	asks  []ask
	state callstate.Bench // its slices are never changed

	leaving []sound.Trial // of Run: stopped and not yet released
}

// ask is what a key asks for.
type ask struct {
	what wish
	key  string // of a row
}

type wish int

const (
	toTone wish = iota
	toRecord
	toChoose
)

// New returns a bench without an open device.
func New(cfg Config) *Bench {
	if cfg.Hardware == nil {
		cfg.Hardware = computer{cfg.Log}
	}
	if cfg.Clock == nil {
		cfg.Clock = audio.NewClock()
	}
	if cfg.Ceiling == 0 {
		cfg.Ceiling = protect.DefaultCeiling
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Bench{cfg: cfg, wake: make(chan struct{}, 1)}
}

// computer is the Hardware of this computer.
type computer struct{ log *slog.Logger }

func (c computer) List(ctx context.Context) ([]sound.Info, error) { return sound.Devices(ctx, c.log) }

func (c computer) TryCapture(d sound.Info, p *port.Capture) sound.Trial {
	return sound.TryCapture(d, p, c.log)
}

func (c computer) TryPlayback(d sound.Info, p *port.Playback) sound.Trial {
	return sound.TryPlayback(d, p, c.log)
}

// Begin lists the devices and listens to every microphone, until End.
func (b *Bench) Begin() { b.turn(true) }

// End gives every device back, within 2 s.
func (b *Bench) End() { b.turn(false) }

func (b *Bench) turn(open bool) {
	b.mu.Lock()
	if b.open != open {
		b.open, b.asks, b.state = open, nil, callstate.Bench{Listing: open}
	}
	b.mu.Unlock()
	b.signal()
}

// State is what the screen shows. The caller does not change it.
func (b *Bench) State() callstate.Bench {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state
}

// Tone plays a test tone of 5 s to an earpiece, or stops it.
func (b *Bench) Tone(id string) { b.ask(ask{toTone, id}) }

// Record takes three seconds from a microphone and plays them on the earpiece of
// the call, or the chosen one, or the default; or stops doing so.
func (b *Bench) Record(id string) { b.ask(ask{toRecord, id}) }

// Choose takes a device for the call of now and those that follow.
func (b *Bench) Choose(id string) { b.ask(ask{toChoose, id}) }

func (b *Bench) ask(a ask) {
	b.mu.Lock()
	if b.open && len(b.asks) < maxAsks {
		b.asks = append(b.asks, a)
	}
	b.mu.Unlock()
	b.signal()
}

func (b *Bench) signal() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// asked takes what was asked, and reports whether the bench is open.
func (b *Bench) asked() (asks []ask, open bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	asks, b.asks = b.asks, nil
	return asks, b.open
}

// publish makes s what the screen shows, unless the bench was closed meanwhile.
func (b *Bench) publish(s callstate.Bench) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open {
		b.state = s
	}
}

// Run does what the other methods ask for, until ctx ends. It returns nil when
// every device was given back, or 2 s later.
func (b *Bench) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-b.wake:
		}
		if _, open := b.asked(); open {
			b.sit(ctx)
		}
	}
}

// sit runs one sitting.
func (b *Bench) sit(ctx context.Context) {
	s := newSitting(b)
	defer s.end()
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for {
		asks, open := b.asked()
		if !open {
			return
		}
		for _, a := range asks {
			s.do(a)
		}
		s.step(b.cfg.Clock())
		select {
		case <-ctx.Done():
			return
		case <-b.wake:
		case <-ticker.C:
		}
	}
}

// leave gives a device back.
func (b *Bench) leave(t sound.Trial) {
	t.Stop()
	b.leaving = append(b.leaving, t)
}

// owed reports whether too many devices were not given back, which happens
// where the sound system does not answer.
func (b *Bench) owed() bool {
	kept := b.leaving[:0]
	for _, t := range b.leaving {
		select {
		case <-t.Released():
		default:
			kept = append(kept, t)
		}
	}
	clear(b.leaving[len(kept):])
	b.leaving = kept
	return len(kept) >= maxLeaving
}
