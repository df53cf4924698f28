package sound

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/device"
)

// card is a sound system of virtual time: a device that can vanish, a server
// that can freeze or die. It is for synctest bubbles.
type card struct {
	t *testing.T

	mu      sync.Mutex // for all of it, and its handles
	present bool
	frozen  bool
	mute    bool // what opens brings no callback, as if it was suspended
	// others are further devices by their id, with their names; how many may be
	// open at a time is 1 where single is set.
	others  map[string]string
	single  bool
	period  time.Duration
	all     []*fakeHandle
	opening int // at this moment
}

// fakeHandle is an opening and what comes of it.
type fakeHandle struct {
	card     *card
	id       string
	opened   chan error
	lost     chan struct{}
	quit     chan struct{}
	quitOnce sync.Once
	released chan struct{}
	duty     string // "held", "live", "retired"
	opens    bool   // the device is open
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
		if err := h.card.refusal(h); err != nil {
			h.opened <- err
			h.quitOnce.Do(func() { close(h.quit) })
			return
		}
		h.opens = true
		h.opened <- nil
		h.run(!h.card.mute)
	})
	<-h.quit
	h.card.answer() // as PulseAudio's stop waits for it
	h.card.do(func() { h.run(false); h.opens = false })
}

// refusal is why h cannot be opened now. The caller holds the lock.
func (c *card) refusal(h *fakeHandle) error {
	_, known := c.others[h.id]
	if h.id == "usb" {
		known = c.present
	}
	if !known {
		return fmt.Errorf("open %q: %w", h.id, device.ErrUnknownDevice)
	}
	if c.single && slices.ContainsFunc(c.all, func(o *fakeHandle) bool { return o.opens }) {
		return fmt.Errorf("open %q: busy", h.id)
	}
	return nil
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
		duty: "held", id: cmp.Or(cfg.ID, "usb"),
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
	h.card.do(func() {
		e = audio.Endpoint{ID: h.id, Name: cmp.Or(h.card.others[h.id], "Headset"), Backend: "test", Rate: audio.Rate, Period: h.card.period}
	})
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
