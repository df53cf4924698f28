package sound

import (
	"context"
	"errors"
	"time"

	"callcenter/audio/device"
	"callcenter/softphone/internal/callstate"
)

const (
	// overlap is how long two devices are open at once when one takes over:
	// before, until the clock of the new one is known, and after, until the last
	// of the old one was played.
	overlap = 300 * time.Millisecond
	// rehearsal is how long a device is listened to that takes the place of one
	// which is silent anyway, and rehearsalLimit how long it may be silent itself
	// after it opened, as on a device that is suspended.
	rehearsal      = 60 * time.Millisecond
	rehearsalLimit = time.Second
	// stallSaid is how long a device is stalled before the operator is told in a
	// sentence; the screen shows it at once.
	stallSaid = time.Second
	// maxLeaving is how many devices may wait to be given back, by a sound system
	// that does not answer, before none is opened any more.
	maxLeaving = 4
)

// tend looks after the device until ctx ends.
func (s *deviceStream) tend(ctx context.Context) {
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for {
		var stopped <-chan struct{}
		if s.current != nil && !s.lost {
			stopped = s.current.Lost()
		}
		var opened <-chan error
		if s.next != nil && !s.ready {
			opened = s.next.Opened()
		}
		select {
		case <-ctx.Done():
			return
		case <-stopped:
			now := s.clock()
			s.lost = true
			s.dog.fail(callstate.EndGone, now, now)
		case err := <-opened:
			s.opened(err, s.clock())
		case id := <-s.wishes:
			s.want(id, s.clock())
		case <-ticker.C:
		}
		s.step(s.clock())
	}
}

// step does what is to be done now. It waits for nothing.
func (s *deviceStream) step(now time.Duration) {
	if s.current != nil && s.dog.look(now, s.current.Callbacks(), s.stall()) && s.dog.state == callstate.EndOpen {
		if !s.moving() { // then whatever was to take its place is not needed
			s.drop(now)
		}
		s.ladder.begin(now, s.faults())
	}
	s.rehearse(now)
	s.giveBack(now)
	s.expire(now)
	switch {
	case s.next != nil || !s.mayOpen(now):
	case s.move != nil:
		s.beginMove()
	case s.standsIn():
	case s.dog.due(now):
		s.reopen()
	case s.dog.state == callstate.EndOpen && now-s.judged >= judging:
		s.judged = now
		if s.ladder.observe(now, s.faults()) {
			s.reopen()
		}
	}
	s.publish(now)
}

// stall is how long the open device may bring no callback.
func (s *deviceStream) stall() time.Duration {
	return max(stallLeast, stallPeriods*max(s.before, s.Endpoint().Period))
}

// mayOpen reports whether the sound system has given back enough of what it was
// to give back. An opening that was given up must have ended, and a device that
// may be in the way gets a moment.
func (s *deviceStream) mayOpen(now time.Duration) bool {
	for _, l := range s.leaving {
		if l.unused || s.current == nil && now-l.at < rehearsalLimit {
			return false
		}
	}
	return len(s.leaving) < maxLeaving
}

// reopen begins to open the device, with the ladder's period.
func (s *deviceStream) reopen() {
	s.cfg.Period = s.ladder.period()
	s.next, s.ready = s.begin(s.cfg), false
}

// opened takes note of how an opening has ended.
func (s *deviceStream) opened(err error, now time.Duration) {
	if err == nil {
		s.ready, s.openedAt = true, now
		return
	}
	s.log.Debug("device does not open", "device", s.what, "error", err)
	if s.moving() {
		s.moveFailed(err, now)
		return
	}
	next := s.next
	s.next = nil
	s.leave(next, now, true)
	s.dog.failed(now)
	if s.dog.state != callstate.EndOpen && absent(err) {
		s.dog.fail(callstate.EndGone, now, now)
	}
	switch {
	case s.dog.state == callstate.EndOpen && s.current != nil:
		// Some sound systems open a device but once: it is closed first.
		s.release(now)
		s.dog.fail(callstate.EndStalled, now, now)
	case s.current != nil:
		// Nothing comes back from it, or it is in the way.
		s.release(now)
	case s.cfg.Period != s.before:
		s.log.Warn("device keeps its period", "device", s.what, "error", err)
		s.ladder.keep(s.before)
	}
}

// absent reports that a device could not be opened because it is not there.
func absent(err error) bool {
	for _, reason := range []error{
		device.ErrNoBackend, device.ErrNoDevice, device.ErrUnknownDevice, device.ErrAmbiguous, device.ErrMonitorDefault,
	} {
		if errors.Is(err, reason) {
			return true
		}
	}
	return false
}

// rehearse lets a device that is open take over once its clock is known.
func (s *deviceStream) rehearse(now time.Duration) {
	if s.next == nil || !s.ready {
		return
	}
	wait, open := rehearsal, now-s.openedAt
	if s.dog.state == callstate.EndOpen {
		wait = overlap
	}
	switch {
	case s.next.Callbacks() > 1 && open >= wait:
		s.takeOver(now)
	case s.moving():
		if open >= moveSilent {
			s.drop(now)
			s.stay(errMute)
		}
	case s.next.Callbacks() <= 1 && open >= rehearsalLimit:
		s.drop(now)
		s.dog.failed(now)
		s.ladder.keep(s.before)
	}
}

// takeOver puts the device that was opened in the place of the one before.
func (s *deviceStream) takeOver(now time.Duration) {
	faulty, before := s.dog.state != callstate.EndOpen, s.before
	s.retire(now)
	next := s.next
	s.next = nil
	next.TakeOver()
	if s.moving() {
		s.cfg = s.move.cfg
		s.pin(next)
		s.adopt(next, now)
		s.moved()
		return
	}
	s.adopt(next, now)
	if faulty {
		s.mu.Lock()
		s.reopens++
		s.mu.Unlock()
	}
	s.tell(before)
}

// release gives up the device that uses the port.
func (s *deviceStream) release(now time.Duration) {
	s.current.Retire()
	s.leave(s.current, now, false)
	s.current = nil
}

// drop gives up the device that was to take over, if there is one.
func (s *deviceStream) drop(now time.Duration) {
	if s.next == nil {
		return
	}
	s.leave(s.next, now, true)
	s.next = nil
}

func (s *deviceStream) leave(h handle, at time.Duration, unused bool) {
	s.leaving = append(s.leaving, leaving{handle: h, at: at, unused: unused})
}

// giveBack stops the devices whose time has come and forgets those that were
// given back.
func (s *deviceStream) giveBack(now time.Duration) {
	kept := s.leaving[:0]
	for _, l := range s.leaving {
		if !l.stopped && now >= l.at {
			l.Stop()
			l.stopped = true
		}
		select {
		case <-l.Released():
		default:
			kept = append(kept, l)
		}
	}
	clear(s.leaving[len(kept):])
	s.leaving = kept
}

// tell says that the period has changed.
func (s *deviceStream) tell(before time.Duration) {
	now := s.cfg.Period
	switch {
	case now > before:
		s.say(callstate.Warning, "This computer is late with audio: %s period raised to %d ms.", s.what, now.Milliseconds())
	case now < before:
		s.say(callstate.Info, "Audio has been clean for long: %s period lowered to %d ms.", s.what, now.Milliseconds())
	default:
		return
	}
	s.log.Info("device opened anew", "device", s.what, "period", now, "before", before)
}

// publish makes the state of the device known, and says it once an event.
func (s *deviceStream) publish(now time.Duration) {
	s.mu.Lock()
	before := s.end
	s.end, s.since = s.dog.state, s.dog.since
	name := s.endpoint.Name
	s.mu.Unlock()
	if before != s.dog.state {
		s.log.Warn("device", "device", s.what, "name", name, "state", s.dog.state.String())
	}
	switch {
	case s.dog.state == callstate.EndOpen && s.said != callstate.EndOpen:
		s.said = callstate.EndOpen
		s.say(callstate.Info, "The %s %q is back after %.1f s.", s.what, name, (now - s.fault).Seconds())
	case s.dog.state == callstate.EndGone && s.said != callstate.EndGone:
		s.said, s.fault = callstate.EndGone, s.dog.since
		s.say(callstate.Failure, "The %s %q is gone: %s until it is back. The call goes on.", s.what, name, s.effect)
	case s.dog.state == callstate.EndStalled && s.said == callstate.EndOpen && now-s.dog.since >= stallSaid:
		s.said, s.fault = callstate.EndStalled, s.dog.since
		s.say(callstate.Failure, "The %s %q stopped without a word (sound server?): %s until it is back. The call goes on.",
			s.what, name, s.effect)
	}
}
