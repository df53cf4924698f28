package sound

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"callcenter/audio"
	"callcenter/audio/device"
	"callcenter/softphone/internal/callstate"
)

// card is a sound system of virtual time: a device that can vanish, a server
// that can freeze or die. It is for synctest bubbles.
type card struct {
	t *testing.T

	mu      sync.Mutex // for all of it, and its handles
	present bool
	frozen  bool
	mute    bool // what opens brings no callback, as if it was suspended
	period  time.Duration
	all     []*fakeHandle
	opening int // at this moment
}

// fakeHandle is an opening and what comes of it.
type fakeHandle struct {
	card     *card
	opened   chan error
	lost     chan struct{}
	quit     chan struct{}
	quitOnce sync.Once
	released chan struct{}
	duty     string // "held", "live", "retired"
	runs     bool
	at       time.Time // from then on
	count    uint64
}

func (c *card) begin(cfg device.Config) handle {
	h := c.handle(cfg)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.opening++
	if c.opening > 1 {
		c.t.Error("two openings at a time")
	}
	go h.own()
	return h
}

// own does what the goroutine behind a device.Stream does.
func (h *fakeHandle) own() {
	defer close(h.released)
	h.card.answer()
	time.Sleep(20 * time.Millisecond)
	h.card.do(func() {
		h.card.opening--
		if !h.card.present {
			h.opened <- fmt.Errorf("open: %w", device.ErrUnknownDevice)
			h.quitOnce.Do(func() { close(h.quit) })
			return
		}
		h.opened <- nil
		h.run(!h.card.mute)
	})
	<-h.quit
	h.card.answer() // as PulseAudio's stop waits for it
	h.card.do(func() { h.run(false) })
}

// answer returns once the server is not frozen.
func (c *card) answer() {
	for frozen := true; frozen; {
		c.do(func() { frozen = c.frozen })
		if frozen {
			time.Sleep(time.Millisecond)
		}
	}
}

func (c *card) do(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

func (c *card) handle(cfg device.Config) *fakeHandle {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := &fakeHandle{
		card: c, opened: make(chan error, 1), lost: make(chan struct{}), quit: make(chan struct{}), released: make(chan struct{}),
		duty: "held",
	}
	if !cfg.Held {
		h.duty = "live"
	}
	c.all = append(c.all, h)
	return h
}

// run starts or stops the callbacks, one each 10 ms. The caller holds the lock,
// as does count's.
func (h *fakeHandle) run(on bool) {
	h.count, h.at, h.runs = h.sofar(), time.Now(), on
}

func (h *fakeHandle) sofar() uint64 {
	if !h.runs {
		return h.count
	}
	return h.count + uint64(time.Since(h.at)/(10*time.Millisecond))
}

func (h *fakeHandle) Opened() <-chan error { return h.opened }

func (h *fakeHandle) Callbacks() (n uint64) {
	h.card.do(func() { n = h.sofar() })
	return n
}

func (h *fakeHandle) Endpoint() (e audio.Endpoint) {
	h.card.do(func() { e = audio.Endpoint{ID: "usb", Name: "Headset", Backend: "test", Period: h.card.period} })
	return e
}
func (h *fakeHandle) Socket() string            { return "" }
func (h *fakeHandle) Lost() <-chan struct{}     { return h.lost }
func (h *fakeHandle) Released() <-chan struct{} { return h.released }
func (h *fakeHandle) Retire()                   { h.card.do(func() { h.duty = "retired" }) }

func (h *fakeHandle) TakeOver() {
	h.card.do(func() {
		if h.duty == "held" {
			h.duty = "live"
		}
	})
}

func (h *fakeHandle) Stop() {
	h.Retire()
	h.quitOnce.Do(func() { close(h.quit) })
}

// refused is an opening that fails.
func refused(err error) handle {
	h := (&card{}).handle(device.Config{Held: true})
	h.opened <- err
	close(h.released)
	return h
}

// live returns how many handles use the port.
func (c *card) live() (n int) {
	c.do(func() {
		for _, h := range c.all {
			if h.duty == "live" && h.runs {
				n++
			}
		}
	})
	return n
}

// opened returns how many openings there were.
func (c *card) opened() (n int) {
	c.do(func() { n = len(c.all) })
	return n
}

// vanish takes the device away; word says that a stop callback tells.
func (c *card) vanish(word bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.present = false
	for _, h := range c.all {
		if h.runs {
			h.run(false)
			if word && h.duty == "live" {
				close(h.lost)
			}
		}
	}
}

// freeze stops everything that runs, thaw lets it go on.
func (c *card) freeze() (thaw func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frozen = true
	var stopped []*fakeHandle
	for _, h := range c.all {
		if h.runs {
			h.run(false)
			stopped = append(stopped, h)
		}
	}
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.frozen = false
		for _, h := range stopped {
			h.run(true)
		}
	}
}

// openCard opens the card's device as a microphone.
func openCard(t *testing.T) (*card, *deviceStream) {
	t.Helper()
	c := &card{t: t, present: true, period: 10 * time.Millisecond}
	d := newDevice(Options{Periods: FixedPeriods(10 * time.Millisecond)}, "", "microphone", newLadder(10*time.Millisecond))
	d.effect, d.faults = "nobody hears you", func() uint64 { return 0 }
	d.begin = c.begin
	d.open = func(_ context.Context, cfg device.Config) (handle, error) {
		h := c.begin(cfg)
		return h, <-h.Opened()
	}
	if _, err := d.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c, d
}

// sentences returns what was said so far.
func sentences(d *deviceStream) (said []string) {
	for {
		select {
		case n := <-d.Changed():
			said = append(said, n.Text)
		default:
			return said
		}
	}
}

// closed closes the stream and wants everything to be given back.
func closed(t *testing.T, c *card, d *deviceStream) {
	t.Helper()
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	for i, h := range c.all {
		select {
		case <-h.released:
		default:
			t.Errorf("handle %d of %d was not given back", i, len(c.all))
		}
	}
}

func TestADeviceThatWasUnpluggedIsTakenBack(t *testing.T) {
	for name, word := range map[string]bool{"with a word": true, "without a word": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, d := openCard(t)
				defer closed(t, c, d)
				for round := range uint64(20) {
					time.Sleep(time.Second)
					c.vanish(word)
					time.Sleep(3*time.Second + 77*time.Millisecond)
					if h := d.Health(); h.State != callstate.EndGone || h.Since < 3*time.Second || h.Reopens != round {
						t.Fatalf("unplugged for 3 s: %+v", h)
					}
					c.do(func() { c.present = true })
					back := time.Now()
					for c.live() == 0 {
						time.Sleep(time.Millisecond)
					}
					if took := time.Since(back); took > 750*time.Millisecond {
						t.Errorf("taken back after %v", took)
					}
					time.Sleep(time.Second)
					if h := d.Health(); h.State != callstate.EndOpen || h.Since != 0 || h.Reopens != round+1 {
						t.Errorf("back: %+v", h)
					}
					if c.live() != 1 {
						t.Fatalf("%d devices use the port", c.live())
					}
					said := sentences(d)
					if len(said) != 2 || said[0] != `The microphone "Headset" is gone: nobody hears you until it is back. The call goes on.` ||
						!strings.HasPrefix(said[1], `The microphone "Headset" is back after 3.`) {
						t.Fatalf("said %q", said)
					}
				}
			})
		})
	}
}

func TestADeviceWhoseServerFrozeIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, d := openCard(t)
		defer closed(t, c, d)
		time.Sleep(time.Second)
		thaw := c.freeze()
		time.Sleep(5 * time.Second)
		if h := d.Health(); h.State != callstate.EndStalled || h.Since < 5*time.Second-look || c.opened() != 2 {
			t.Errorf("frozen: %+v, %d openings", h, c.opened()-1)
		}
		thaw()
		time.Sleep(time.Second)
		if h := d.Health(); h.State != callstate.EndOpen || c.live() != 1 || c.opened() != 2 {
			t.Errorf("thawed: %+v, %d use the port of %d", h, c.live(), c.opened())
		}
		said := sentences(d)
		if len(said) != 2 || !strings.Contains(said[0], "stopped without a word (sound server?)") || !strings.Contains(said[1], "is back after 5.") {
			t.Errorf("said %q", said)
		}
	})
}

func TestAStreamThatDiedInAFreezeIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, d := openCard(t)
		defer closed(t, c, d)
		time.Sleep(time.Second)
		c.freeze() // and what ran never goes on
		time.Sleep(5 * time.Second)
		c.do(func() { c.frozen = false })
		time.Sleep(500 * time.Millisecond)
		if h := d.Health(); h.State != callstate.EndOpen || h.Reopens != 1 || c.live() != 1 {
			t.Errorf("thawed: %+v, %d use the port", h, c.live())
		}
	})
}

func TestASuspendedDeviceIsTriedUntilItGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, d := openCard(t)
		defer closed(t, c, d)
		time.Sleep(time.Second)
		first := c.all[0]
		close(first.lost)
		c.do(func() {
			first.run(false)
			c.mute = true
		})
		time.Sleep(10 * time.Second)
		if h := d.Health(); h.State != callstate.EndGone || h.Reopens != 0 {
			t.Errorf("suspended: %+v", h)
		}
		c.do(func() { first.run(true) })
		time.Sleep(time.Second)
		if h := d.Health(); h.State != callstate.EndOpen || h.Reopens != 0 || c.live() != 1 {
			t.Errorf("resumed: %+v, %d use the port", h, c.live())
		}
	})
}

func TestAShortHoldUpIsNotWorthASentence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, d := openCard(t)
		defer closed(t, c, d)
		time.Sleep(time.Second)
		thaw := c.freeze()
		time.Sleep(600 * time.Millisecond)
		if h := d.Health(); h.State != callstate.EndStalled {
			t.Errorf("held up: %+v", h)
		}
		thaw()
		time.Sleep(time.Second)
		if said := sentences(d); len(said) != 0 || d.Health().State != callstate.EndOpen {
			t.Errorf("said %q", said)
		}
	})
}

func TestADeviceComesBackWithAnotherPeriod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, d := openCard(t)
		defer closed(t, c, d)
		time.Sleep(time.Second)
		c.vanish(false)
		time.Sleep(time.Second)
		c.do(func() { c.present, c.period = true, 23*time.Millisecond })
		time.Sleep(time.Second)
		if e := d.Endpoint(); e.Period != 23*time.Millisecond || d.Health().State != callstate.EndOpen {
			t.Errorf("open is %+v", e)
		}
	})
}

func TestClosingEndsInTimeWhileTheServerIsFrozen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, d := openCard(t)
		time.Sleep(time.Second)
		thaw := c.freeze()
		time.Sleep(time.Second)
		began := time.Now()
		if err := d.Close(); err == nil || !strings.Contains(err.Error(), "does not answer") {
			t.Errorf("closing said %v", err)
		}
		if took := time.Since(began); took > closeLimit {
			t.Errorf("closing took %v", took)
		}
		thaw()
		for _, h := range c.all {
			<-h.released
		}
	})
}

func TestAnOutageOfAnHourLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, d := openCard(t)
		defer closed(t, c, d)
		c.vanish(false)
		time.Sleep(time.Hour)
		if n := c.opened(); n > 3600+120 || n < 1800 {
			t.Errorf("%d openings in an hour", n)
		}
		left := 0
		for _, h := range c.all {
			select {
			case <-h.released:
			default:
				left++
			}
		}
		if left > 1 {
			t.Errorf("%d devices were not given back", left)
		}
	})
}
