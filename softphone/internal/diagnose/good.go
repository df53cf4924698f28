package diagnose

import (
	"fmt"
	"time"

	"callcenter/softphone/internal/callstate"
)

const (
	// restate is how often the figures of a good sentence change.
	restate = time.Second
	// forgotten is for how long the oldest age counts in it.
	forgotten = 4
)

// praise says why all is well.
type praise struct {
	due   time.Duration
	ages  [forgotten]time.Duration // worst of each of the last seconds, the newest first
	heard time.Duration            // worst of those, as it is said
	pct   float64

	known known // of text
	text  string
}

// listen takes note of how old the oldest is that the server does not have.
func (p *praise) listen(s *callstate.Snapshot, now time.Duration) {
	if now >= p.due {
		p.due = now + restate
		p.heard = 0
		for _, age := range p.ages {
			p.heard = max(p.heard, age)
		}
		p.pct = s.Remote.ConcealedPct
		copy(p.ages[1:], p.ages[:])
		p.ages[0] = 0
	}
	p.ages[0] = max(p.ages[0], s.Health.Unheard)
}

// sentence says why all is well, and whether that is that somebody hears.
func (p *praise) sentence(s *callstate.Snapshot, now time.Duration) (text string, heard bool) {
	p.listen(s, now)
	switch {
	case s.Held:
		return "You hold the call: nobody hears you, and you hear nobody.", false
	case s.MayNotSpeak && s.MayNotListen:
		return "Nobody hears you, you hear nobody: your token allows neither.", false
	case s.MayNotSpeak:
		return "Nobody hears you: your token does not let you speak.", false
	case s.Muted && s.MayNotListen:
		return "You are muted: nobody hears you; your token does not let you listen.", false
	case s.Muted:
		return "You are muted: nobody hears you.", false
	case s.InRoom() && !s.MayNotListen && len(s.Roster)+s.Unlisted == 0: // who may not listen is told of nobody
		return "Nobody else is here.", false
	case s.InRoom() && !s.MayNotListen && allHold(s):
		return "Everybody else holds the call: nobody hears you.", false
	case s.MayNotListen && !s.Health.Acknowledges:
		return "You hear nobody: your token does not let you listen.", false
	case !s.Health.Acknowledges:
		if s.Duration < settling {
			return "", false
		}
		return "The server does not say whether it hears you.", false
	}
	if is := (known{p.heard, p.pct, s.InRoom(), s.Remote.Plays, s.MayNotListen}); p.text == "" || is != p.known {
		p.known, p.text = is, is.sentence()
	}
	return p.text, true
}

// known is what a good sentence is made of.
type known struct {
	age           time.Duration
	pct           float64
	inRoom, plays bool
	deaf          bool // by the token
}

// sentence says up to when the server has everything, in steps that do not
// flicker.
func (k known) sentence() string {
	const step = 100 * time.Millisecond // what counts is said in 38 cells
	until := fmt.Sprintf("%.1f s", ((k.age+step-1)/step*step + step).Seconds())
	if !k.inRoom {
		return "You are heard, confirmed " + until + " ago."
	}
	if k.deaf { // of who is there, if anybody, nothing is known
		return "You get through, confirmed " + until + " ago; your token does not let you listen."
	}
	text := "They hear you, confirmed " + until + " ago"
	if k.plays {
		text += fmt.Sprintf(", %.1f %% made up", k.pct)
	}
	return text + "."
}

// allHold reports that everybody who is known in the room holds the call.
func allHold(s *callstate.Snapshot) bool {
	for _, p := range s.Roster {
		if !p.Held {
			return false
		}
	}
	return s.Unlisted == 0
}
