package tui

import (
	"strings"
	"testing"
	"time"

	"callcenter/softphone/internal/callstate"
)

// The bars move with every snapshot, the figures four times a second, and a change
// of state changes them at once.
func TestTheFiguresAreReadFourTimesASecond(t *testing.T) {
	s := liveSnapshot()
	now := time.Unix(1000, 0)
	m := scene{snap: s}.stage()
	shown := func() (rtt, peak string, bar int) {
		view := m.View()
		_, after, _ := strings.Cut(view, "round trip")
		_, level, _ := strings.Cut(view, "peak")
		return strings.Fields(after)[0], strings.Fields(level)[0], strings.Count(strings.Split(view, "\n")[4], "█")
	}
	changes := 0
	last, lastPeak, lastBar := shown()
	for i := 1; i <= 20; i++ {
		s.Delay.RTT += time.Millisecond
		s.Microphone.Peak += 0.5
		m.Update(snapshotMsg{Snapshot: s, at: now.Add(time.Duration(i) * pollEvery)})
		rtt, peak, bar := shown()
		if (rtt == last) != (peak == lastPeak) {
			t.Errorf("the round trip %s and the peak %s are not of one moment", rtt, peak)
		}
		if rtt != last {
			changes++
		}
		if bar < lastBar {
			t.Errorf("the bar fell from %d to %d", lastBar, bar)
		}
		last, lastPeak, lastBar = rtt, peak, bar
	}
	if changes != 4 {
		t.Errorf("the figures changed %d times a second", changes)
	}
	s.State, s.Delay.RTT = callstate.Reconnecting, 777*time.Millisecond
	m.Update(snapshotMsg{Snapshot: s, at: now.Add(20*pollEvery + time.Millisecond)})
	if rtt, _, _ := shown(); rtt != "777" {
		t.Errorf("a new state shows the figures of the old one: %s", rtt)
	}
}
