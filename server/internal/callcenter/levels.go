package callcenter

import (
	"callcenter/api"
	"callcenter/server/internal/room"
)

// Levels implements room.Downlink. Nothing waits: newer levels take the place of
// those that have not left, and what a broken stream swallowed is not said again.
func (d *downlink) Levels(l *room.Levels) { d.levels.Store(l.Formed(levelsOnTheWire).(*api.Levels)) }

// levelsOnTheWire makes the one message that all members are sent, which nobody
// changes any more.
func levelsOnTheWire(l *room.Levels) any {
	all := make([]api.ParticipantLevel, len(l.Speakers))
	m := &api.Levels{Speakers: make([]*api.ParticipantLevel, len(l.Speakers))}
	for i, s := range l.Speakers {
		m.Speakers[i] = &all[i]
		all[i].Id, all[i].Level = s.Participant, uint32(s.DBov)
	}
	return m
}

// attachLevels lets the newest levels leave with this chunk: behind the events, which
// tell who the speakers are, and not in a chunk with a report, which is large. A chunk
// without either leaves at least every 200 ms.
func (st *stream) attachLevels() {
	if st.out.Event == nil && st.out.Report == nil && st.call.levels.Load() != nil {
		st.out.Levels = st.call.levels.Swap(nil)
	}
}
