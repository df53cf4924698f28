package tui

import "time"

// readEvery is the pace of the figures: no eye reads more, and a line that is as
// it was is not sent to the terminal again. The bars of the meters, the state and
// the marks are as fast as the snapshots come.
const readEvery = 250 * time.Millisecond

// reread takes the figures of the snapshot, at their pace and whenever the state
// of the line changes.
func (m *model) reread() {
	since := m.now.Sub(m.readAt)
	if m.read.State == m.snap.State && !m.readAt.IsZero() && since >= 0 && since < readEvery {
		return
	}
	m.read, m.readAt = m.snap, m.now
}
