package room

import (
	"sync/atomic"
	"time"
)

// stateRest is how long a change of a member's state rests before the next is told:
// one who toggles it without end must not crowd out what else happens.
const stateRest = 200 * time.Millisecond

// state is something of a member that the others are told when it changes: that its
// microphone is muted, as the marks of its frames say, or that it holds the call. Of a
// member who never says so it is off.
type state struct {
	says atomic.Bool // the newest word of it; any goroutine

	told bool // to the others, under room.mu
	rest int  // steps until the next change may be told, under room.mu
}

// set takes what the member says.
func (s *state) set(on bool) {
	if on != s.says.Load() {
		s.says.Store(on)
	}
}

// step reports whether there is something new to tell in this step.
func (s *state) step() bool {
	s.rest = max(s.rest-1, 0)
	if s.rest > 0 || s.says.Load() == s.told {
		return false
	}
	s.told, s.rest = !s.told, steps(stateRest)
	return true
}

// tellStatesLocked tells the others who muted the microphone since the step before and
// who opened it, who holds the call and who goes on with it, and what was pressed.
func (c *conference) tellStatesLocked() {
	for _, l := range c.legs {
		if l.mute.step() {
			c.tellOthersLocked(l, l.event(either(l.mute.told, Muted, Unmuted)))
		}
		if l.hold.step() {
			c.tellOthersLocked(l, l.event(either(l.hold.told, Held, Resumed)))
		}
		for range len(l.digits) {
			e := l.event(Pressed)
			e.Digit = <-l.digits
			c.tellOthersLocked(l, e)
		}
	}
}

func either(on bool, yes, no EventKind) EventKind {
	if on {
		return yes
	}
	return no
}

// tellOthersLocked tells everybody but l.
func (c *conference) tellOthersLocked(l *conferenceLeg, e Event) {
	for _, other := range c.legs {
		if other != l {
			other.tell(e)
		}
	}
}

// tellStateOfLocked tells a newcomer how another member is.
func (l *conferenceLeg) tellStateOfLocked(other *conferenceLeg) {
	if other.mute.told {
		l.tell(other.event(Muted))
	}
	if other.hold.told {
		l.tell(other.event(Held))
	}
}
