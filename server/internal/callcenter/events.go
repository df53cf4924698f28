package callcenter

import (
	"sync"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/server/internal/room"
)

// maxEvents is how many events wait at most for a peer that does not read: the
// members of a full room and as many comings and goings.
const maxEvents = 2 * room.MaxMembers

// eventQueue holds what happened until the send loop says it. When it is full
// the oldest event is dropped and counted. Any goroutine may put, one takes.
type eventQueue struct {
	mu      sync.Mutex
	waiting []*api.Event
	lost    uint64
	ready   chan struct{}
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
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// take removes and returns the oldest event, nil if there is none.
func (q *eventQueue) take() *api.Event {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return nil
	}
	e := q.waiting[0]
	q.waiting[0] = nil
	q.waiting = q.waiting[1:]
	return e
}

func (q *eventQueue) dropped() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.lost
}

// fromRoom puts an event of a room on the wire.
func fromRoom(e room.Event) *api.Event {
	kind := api.Event_KIND_JOINED
	if e.Kind == room.Left {
		kind = api.Event_KIND_LEFT
	}
	return &api.Event{
		Kind:        kind,
		Participant: &api.Participant{Id: e.Participant, DisplayName: e.Name},
	}
}

// reason is an error as an event tells it to people.
func reason(err error) string {
	if err == nil {
		return ""
	}
	return wire.Clean(err.Error())
}
