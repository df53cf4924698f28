package tui

import (
	"testing"
	"time"
)

// BenchmarkView is one picture of a call, drawn 20 times a second.
func BenchmarkView(b *testing.B) {
	m := scene{snap: liveSnapshot()}.stage()
	b.ReportAllocs()
	for b.Loop() {
		m.Update(snapshotMsg{Snapshot: liveSnapshot(), at: time.Unix(1, 0)})
		_ = m.View()
	}
}
