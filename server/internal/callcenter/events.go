package callcenter

import (
	"slices"
	"sync"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/server/internal/room"
)

// maxEvents is how many events wait at most for a peer that does not read: the
// members of a full room and as many comings and goings.
const maxEvents = 2 * room.MaxMembers

// eventQueue holds what happened until the send loop says it, and until the peer
// is known to have heard it: what a broken stream swallowed is said again. When it
// is full the oldest event is dropped and counted. Any goroutine may put, one takes.
type eventQueue struct {
	mu      sync.Mutex
	keep    bool        // the peer echoes what it hears, and may come back
	said    []saidEvent // not yet heard, oldest first
	waiting []*api.Event
	lost    uint64
	ready   chan struct{}
}

type saidEvent struct {
	*api.Event
	sentAt uint64 // as on the wire; 0: about to leave
	behind uint64 // sequence of the newest frame that left before it
}

func newEventQueue() *eventQueue { return &eventQueue{ready: make(chan struct{}, 1)} }

// put appends an event. It never waits.
func (q *eventQueue) put(e *api.Event) {
	q.mu.Lock()
	if len(q.waiting) == maxEvents {
		q.waiting = append(q.waiting[:0], q.waiting[1:]...)
		q.lost++
	}
	q.waiting = append(q.waiting, e)
	q.mu.Unlock()
	q.signal()
}

// take removes and returns the oldest event, nil if there is none. It leaves behind
// the frame of that sequence.
func (q *eventQueue) take(behind uint64) *api.Event {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return nil
	}
	e := q.waiting[0]
	q.waiting[0] = nil
	q.waiting = q.waiting[1:]
	if q.keep {
		if len(q.said) == maxEvents {
			q.said = append(q.said[:0], q.said[1:]...)
		}
		q.said = append(q.said, saidEvent{Event: e, behind: behind})
	}
	return e
}

// sent notes when an event that was taken left.
func (q *eventQueue) sent(e *api.Event, sentAt uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range q.said {
		if q.said[i].Event == e {
			q.said[i].sentAt = sentAt
		}
	}
}

// heard notes that the peer has everything up to a chunk's sent_at. It returns
// the resume token in that, "" if there is none.
func (q *eventQueue) heard(sentAt uint64) (token string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.said) > 0 && q.said[0].sentAt != 0 && q.said[0].sentAt <= sentAt {
		if t := q.said[0].GetResumeToken(); t != "" {
			token = t
		}
		q.said[0].Event = nil
		q.said = q.said[1:]
	}
	return token
}

// rewind puts what the peer may not have heard back, behind what another stream
// begins with: what left before a frame that it took it has heard. The first of that is the answer: while the peer may not know that the
// call is new, it says so again, and so does all that is told in a new call.
func (q *eventQueue) rewind(taken uint64, first ...*api.Event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	again := first
	if q.newCallLocked() {
		first[0].NewCall = true
	}
	for _, s := range q.said {
		if !ofAStream(s.Event) && s.behind >= taken {
			again = append(again, s.Event)
		}
	}
	for _, e := range q.waiting {
		if !ofAStream(e) {
			again = append(again, e)
		}
	}
	if n := len(again) - maxEvents; n > 0 {
		again = append(first, again[len(first)+n:]...)
		q.lost += uint64(n)
	}
	q.said, q.waiting = q.said[:0], again
	q.signal()
}

// newCallLocked reports that the peer may not have heard that the call is new.
func (q *eventQueue) newCallLocked() bool {
	for _, s := range q.said {
		if s.GetNewCall() {
			return true
		}
	}
	return slices.ContainsFunc(q.waiting, (*api.Event).GetNewCall)
}

// ofAStream reports an event that every stream of a call says anew.
func ofAStream(e *api.Event) bool {
	switch e.GetKind() { //nolint:exhaustive // the others happen once
	case api.Event_KIND_ANSWERED, api.Event_KIND_RESUME_TOKEN, api.Event_KIND_DRAINING:
		return true
	}
	return false
}

func (q *eventQueue) signal() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

func (q *eventQueue) dropped() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.lost
}

// fromRoom puts an event of a room on the wire.
func fromRoom(e room.Event) *api.Event {
	kind := api.Event_KIND_UNSPECIFIED
	switch e.Kind {
	case room.Joined:
		kind = api.Event_KIND_JOINED
	case room.Left:
		kind = api.Event_KIND_LEFT
	case room.Speaking:
		kind = api.Event_KIND_SPEAKING
	case room.Silent:
		kind = api.Event_KIND_SILENT
	case room.Muted:
		kind = api.Event_KIND_MUTE
	case room.Unmuted:
		kind = api.Event_KIND_UNMUTE
	case room.Held:
		kind = api.Event_KIND_HOLD
	case room.Resumed:
		kind = api.Event_KIND_RESUME
	case room.Pressed:
		kind = api.Event_KIND_DTMF
	}
	told := &api.Event{Kind: kind}
	if e.Participant != "" {
		told.Participant = &api.Participant{Id: e.Participant, DisplayName: e.Name}
	}
	if e.Digit != 0 {
		told.Digit = string(e.Digit)
	}
	return told
}

// reason is an error as an event tells it to people.
func reason(err error) string {
	if err == nil {
		return ""
	}
	return wire.Clean(err.Error())
}
