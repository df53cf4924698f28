package call

import (
	"slices"
	"sync"
	"time"

	"callcenter/api"
	"callcenter/softphone/internal/callstate"
)

const (
	// maxRoster is how many others are listed: a server's room holds no more.
	maxRoster = 256
	// maxParticipantID bounds what is kept of a participant's id, in bytes.
	maxParticipantID = 128
	// settling is how long after an answer the server tells who is there, or what
	// a broken stream kept from us: news of old, without a cue.
	settling = time.Second
)

// roster is who else is in the room, as the stream that carries the call tells.
// Its zero value is empty. Any goroutine may use it.
type roster struct {
	mu       sync.Mutex
	members  []callstate.Participant // in order of joining
	unlisted int                     // who are there, and for whom there is no place
	from     int                     // number of the carrier that was heard last
	quiet    time.Duration           // until when changes make no cue

	shown []callstate.Participant // a copy of members that stays as it is
	stale bool                    // shown is no copy any more
}

// change is what an event made of the roster, for the ear and the message line.
type change int

const (
	noChange change = iota
	hasJoined
	hasLeft
	hasHeld
	hasResumed
)

// take notes an event that a carrier brought about a participant. What a carrier
// says after a newer one spoke is of a room that was left. Of somebody who is not
// listed nothing is noted but the coming and going: what a member does is told
// after the joining, so it is nobody whom the operator could know.
func (r *roster) take(carrier int, kind api.Event_Kind, id, name string, newCall bool, now time.Duration) change {
	r.mu.Lock()
	defer r.mu.Unlock()
	if carrier < r.from {
		return noChange
	}
	if carrier > r.from || kind == api.Event_KIND_ANSWERED {
		r.from, r.quiet = carrier, now+settling
	}
	c := noChange
	switch kind { //nolint:exhaustive // the others are no news of a participant
	case api.Event_KIND_ANSWERED:
		if newCall {
			r.members, r.unlisted, r.stale = r.members[:0], 0, true
		}
	case api.Event_KIND_JOINED:
		c = r.join(id, name)
	case api.Event_KIND_LEFT:
		c = r.leave(id)
	case api.Event_KIND_SPEAKING, api.Event_KIND_SILENT, api.Event_KIND_MUTE, api.Event_KIND_UNMUTE:
		r.mark(kind, id)
	case api.Event_KIND_HOLD, api.Event_KIND_RESUME:
		return r.hold(id, kind == api.Event_KIND_HOLD)
	}
	if now < r.quiet {
		return noChange
	}
	return c
}

// join lists somebody. Whoever had the id before is no more: a server that was
// restarted gives its ids anew.
func (r *roster) join(id, name string) change {
	p := callstate.Participant{ID: id, Name: name, Level: callstate.SilentLevel}
	at := r.find(id)
	switch {
	case id == "":
		return noChange
	case at >= 0:
		r.members[at], r.stale = p, true
		return noChange
	case len(r.members) == maxRoster, len(id) > maxParticipantID:
		r.unlisted++
	default:
		r.members, r.stale = append(r.members, p), true
	}
	return hasJoined
}

func (r *roster) leave(id string) change {
	at := r.find(id)
	switch {
	case at >= 0:
		r.members, r.stale = slices.Delete(r.members, at, at+1), true
	case r.unlisted > 0 && id != "":
		r.unlisted--
	default:
		return noChange
	}
	return hasLeft
}

// mark notes what a member does.
func (r *roster) mark(kind api.Event_Kind, id string) {
	at := r.find(id)
	if at < 0 {
		return
	}
	p := r.members[at]
	switch kind { //nolint:exhaustive // these are all
	case api.Event_KIND_SPEAKING:
		p.Speaking = true
	case api.Event_KIND_SILENT:
		p.Speaking, p.Level = false, callstate.SilentLevel
	case api.Event_KIND_MUTE:
		p.Muted = true
	case api.Event_KIND_UNMUTE:
		p.Muted = false
	}
	if p != r.members[at] {
		r.members[at], r.stale = p, true
	}
}

// hold notes that a member holds the call, or goes on with it.
func (r *roster) hold(id string, on bool) change {
	at := r.find(id)
	if at < 0 || r.members[at].Held == on {
		return noChange
	}
	r.members[at].Held, r.stale = on, true
	if on {
		return hasHeld
	}
	return hasResumed
}

// levels notes how loud the speakers are, of whom a message has room for some
// hundreds. Who is not among them has no level.
func (r *roster) levels(carrier int, l *api.Levels) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if carrier < r.from {
		return
	}
	for i := range r.members {
		p := &r.members[i]
		level := callstate.SilentLevel
		for _, s := range l.GetSpeakers() {
			if s.GetId() == p.ID {
				level = -int(min(s.GetLevel(), -callstate.SilentLevel))
			}
		}
		if level != p.Level {
			p.Level, r.stale = level, true
		}
	}
}

// find returns the place of a member, -1 if there is none.
func (r *roster) find(id string) int {
	return slices.IndexFunc(r.members, func(p callstate.Participant) bool { return p.ID == id })
}

// load returns the members and how many are there besides. The slice stays as it
// is; a new one is made only where something changed.
func (r *roster) load() ([]callstate.Participant, int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stale {
		r.shown, r.stale = slices.Clone(r.members), false
	}
	return r.shown, r.unlisted
}
