package room

import (
	"sync/atomic"
	"time"
)

// muteRest is how long a change of a member's microphone rests before the next is
// told: one who toggles it without end must not crowd out what else happens.
const muteRest = 200 * time.Millisecond

// mute is whether a member's microphone is muted, as the marks of its frames say.
// Of a member who sends none it never is.
type mute struct {
	says atomic.Bool // the newest frame; any goroutine

	told bool // to the others, under room.mu
	rest int  // steps until the next change may be told, under room.mu
}

// hear takes the marks of a frame, or of announced silence.
func (m *mute) hear(marks uint32) {
	if muted := marks&markMuted != 0; muted != m.says.Load() {
		m.says.Store(muted)
	}
}

// step reports whether there is something new to tell in this step.
func (m *mute) step() bool {
	m.rest = max(m.rest-1, 0)
	if m.rest > 0 || m.says.Load() == m.told {
		return false
	}
	m.told, m.rest = !m.told, steps(muteRest)
	return true
}

// tellMutedLocked tells the others who muted the microphone since the step before,
// and who opened it.
func (c *conference) tellMutedLocked() {
	for _, l := range c.legs {
		if !l.mute.step() {
			continue
		}
		kind := Unmuted
		if l.mute.told {
			kind = Muted
		}
		for _, other := range c.legs {
			if other != l {
				other.tell(Event{kind, l.id, l.member.Name})
			}
		}
	}
}

// tellIfMutedLocked tells a newcomer of another member whose microphone is muted.
func (l *conferenceLeg) tellIfMutedLocked(other *conferenceLeg) {
	if other.mute.told {
		l.tell(Event{Muted, other.id, other.member.Name})
	}
}
