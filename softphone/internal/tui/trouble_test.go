package tui

import (
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"callcenter/softphone/internal/callstate"
)

func TestTheCulpritIsNamedOnEveryScreen(t *testing.T) {
	for name, c := range map[string]struct {
		snap callstate.Snapshot
		want string
	}{
		"a quiet link":        {quietSnapshot(), "downlink stalled 1.3 s"},
		"a lost link":         {lostSnapshot(), "server cannot be reached 3.1 s"},
		"a lost headset":      {goneSnapshot(), "microphone gone 4.2 s"},
		"a muted headset":     {silentSnapshot(), "microphone silent 1.7 s"},
		"a server that stops": {drainingSnapshot(), "the server is about to end"},
	} {
		for _, size := range []tea.WindowSizeMsg{{Width: 40, Height: 6}, {Width: 40, Height: 12}, {Width: 80, Height: 24}, {Width: 200, Height: 60}} {
			for _, keys := range [][]string{nil, {"i"}, {"?"}, {"q"}} {
				m := scene{snap: c.snap, keys: keys}.stage()
				m.Update(size)
				if view := m.View(); !strings.Contains(view, c.want) {
					t.Errorf("%s, %dx%d after %q: no %q in\n%s", name, size.Width, size.Height, keys, c.want, view)
				}
			}
		}
	}
}

func TestWhatHasNoRoomIsCounted(t *testing.T) {
	s := goneSnapshot()
	s.Link = callstate.Link{Draining: true}
	for width, want := range map[int]string{
		20:  "✗ microphone gon… +2",
		40:  "✗ microphone gone 4.2 s +2",
		44:  "✗ microphone gone 4.2 s: nobody hears you +2",
		90:  "✗ microphone gone 4.2 s: nobody hears you, earpiece stalled 900 ms +1",
		120: "✗ microphone gone 4.2 s: nobody hears you, earpiece stalled 900 ms, the server is about to end",
	} {
		st := plainStyles()
		if got := (verdict{st: &st, found: diagnosed(s).Verdict.Troubles}).Render(width); got != want {
			t.Errorf("%d wide: %q, want %q", width, got, want)
		}
	}
}

func TestAMeterOfWhatIsGoneStandsStill(t *testing.T) {
	for _, size := range []tea.WindowSizeMsg{{Width: 40, Height: 12}, {Width: 80, Height: 24}} {
		m := scene{snap: goneSnapshot()}.stage()
		m.Update(size)
		view, _, _ := strings.Cut(m.View(), "m2e")
		view, _, _ = strings.Cut(view, "Delay")
		if strings.ContainsAny(view, "█┃│") {
			t.Errorf("%dx%d: a meter moves:\n%s", size.Width, size.Height, view)
		}
	}
}

func TestTheCallIsHungUpAndMutedWhileReconnecting(t *testing.T) {
	p := newFakePhone(lostSnapshot())
	m := newModel(p, Options{})
	m.Update(snapshotMsg{Snapshot: p.snap})
	m.Update(press("m"))
	m.Update(press("h"))
	if did := p.did(); len(did) != 2 || did[0] != "mute" || did[1] != "hang up" {
		t.Errorf("the phone was asked for %q", did)
	}
	if view := m.View(); !strings.Contains(view, "RECONNECTING  0:12:34") {
		t.Errorf("the time does not go on:\n%s", view)
	}
}

func TestATroubleMovesNothing(t *testing.T) {
	for _, size := range [][2]int{{40, 12}, {80, 24}, {120, 40}, {200, 45}} {
		without, with := strings.Split(sized(liveSnapshot(), size[0], size[1]), "\n"), strings.Split(sized(quietSnapshot(), size[0], size[1]), "\n")
		without[1], with[1] = "", ""
		if a, b := strings.Join(without, "\n"), strings.Join(with, "\n"); a != b {
			t.Errorf("without trouble:\n%s\nwith it:\n%s", a, b)
		}
	}
}
