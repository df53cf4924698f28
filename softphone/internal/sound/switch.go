package sound

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"callcenter/audio"
	"callcenter/audio/device"
	"callcenter/softphone/internal/callstate"
)

const (
	// moveLimit is how long another device may take to open before the one that
	// is open stays.
	moveLimit = 5 * time.Second
	// moveSilent is how long it may then bring no callback: a radio link begins
	// late, and nothing is lost by the wait.
	moveSilent = 3 * time.Second
)

var (
	errMute     = errors.New("it is open and moves no sound")
	errHeldBack = fmt.Errorf("%w within %v; restart the sound server", device.ErrNoAnswer, moveLimit)
)

// wish is the operator's wish for another device. It is carried out by the
// goroutine that tends to the device.
type wish struct {
	id    string
	until time.Duration // to be open by then
	began bool          // the stream's next is its device
	cfg   device.Config
}

// Switch wishes for the device with that id in place of what is open. It returns
// at once. The newest wish counts.
func (s *deviceStream) Switch(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.tendOnce()
	select {
	case <-s.wishes:
	default:
	}
	s.wishes <- id // there is room: only holders of the lock send
}

// tendOnce begins to tend to the device, unless that has begun. The caller holds
// s.mu or is the only user.
func (s *deviceStream) tendOnce() {
	if s.cancel != nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.running.Go(func() { s.tend(ctx) })
}

// want takes note of a wish.
func (s *deviceStream) want(id string, now time.Duration) {
	s.drop(now)
	s.move = nil
	if id == s.cfg.ID && !s.standsIn() {
		s.say(callstate.Info, "The %s is %q already.", s.what, s.Endpoint().Name)
		return
	}
	s.move = &wish{id: id, until: now + moveLimit}
}

// moving reports that what is being opened is another device.
func (s *deviceStream) moving() bool { return s.move != nil && s.move.began }

// standsIn reports that what is no device still uses the port.
func (s *deviceStream) standsIn() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stand != nil && !s.replaced
}

// beginMove begins to open the other device, beside what is open.
func (s *deviceStream) beginMove() {
	cfg := s.cfg
	cfg.ID, cfg.Query, cfg.Held, cfg.Period = s.move.id, "", true, s.ladder.period()
	s.move.cfg, s.move.began = cfg, true
	s.next, s.ready = s.begin(cfg), false
}

// moveFailed takes note that the other device does not open.
func (s *deviceStream) moveFailed(err error, now time.Duration) {
	next := s.next
	s.next = nil
	s.leave(next, now, true)
	if !absent(err) && s.current != nil && Exclusive(s.Endpoint()) {
		// One may be in the way of the other, as two names of one card are: it is
		// closed first, and opened again if that does not help.
		s.release(now)
		s.dog.fail(callstate.EndStalled, now, now)
		s.move.began = false
		return
	}
	s.stay(err)
}

// stay gives up a wish.
func (s *deviceStream) stay(err error) {
	s.log.Warn("device not switched", "device", s.what, "wanted", s.move.id, "error", err)
	s.move = nil
	s.say(callstate.Warning, "The %s stays %q: %v.", s.what, s.Endpoint().Name, err)
}

// expire gives up a wish that takes too long.
func (s *deviceStream) expire(now time.Duration) {
	if s.move == nil || s.ready && s.next != nil || now < s.move.until {
		return
	}
	s.drop(now)
	s.stay(errHeldBack)
}

// retire makes whatever uses the port leave it.
func (s *deviceStream) retire(now time.Duration) {
	switch {
	case s.standsIn():
		s.mu.Lock()
		s.replaced = true // from now on Start has nothing to do
		s.mu.Unlock()
		s.stand.halt()
	case s.current != nil:
		s.current.Retire()
		// The last of it is played meanwhile.
		s.leave(s.current, now+overlap, false)
	}
}

// moved makes the other device the one that is wanted from now on, and says so.
func (s *deviceStream) moved() {
	s.move, s.said = nil, callstate.EndOpen
	e := s.Endpoint()
	s.say(callstate.Info, "The %s is now %q (%s).", s.what, e.Name, spell(e))
	s.log.Info("device switched", "device", s.what, "name", e.Name, "id", e.ID)
}

// spell says what was granted.
func spell(e audio.Endpoint) string {
	var parts []string
	if e.Rate > 0 {
		parts = append(parts, fmt.Sprintf("%g kHz", float64(e.Rate)/1000))
	}
	if e.Period > 0 {
		parts = append(parts, fmt.Sprintf("%g ms", float64(e.Period)/1e6))
	}
	return strings.Join(append(parts, backendName(e.Backend)), ", ")
}

func backendName(backend string) string {
	switch device.Backend(backend) {
	case device.PulseAudio:
		return "PulseAudio"
	case device.ALSA, device.JACK:
		return strings.ToUpper(backend)
	case device.CoreAudio:
		return "CoreAudio"
	case device.Null:
	}
	return backend
}
