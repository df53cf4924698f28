package tui

import (
	"regexp"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"callcenter/softphone/internal/callstate"
)

// sized is the view of a snapshot at a size.
func sized(s callstate.Snapshot, width, height int) string {
	m := scene{snap: s}.stage()
	m.Update(tea.WindowSizeMsg{Width: width, Height: height})
	return m.View()
}

// spot is where a text stands in a view: its line and what is before it.
func spot(view, text string) (line, before int) {
	for i, l := range strings.Split(view, "\n") {
		if before, _, ok := strings.Cut(l, text); ok {
			return i, len([]rune(before))
		}
	}
	return -1, -1
}

func TestOnlyARoomHasARoster(t *testing.T) {
	s := roomSnapshot(team(3)...)
	if view := sized(s, 80, 24); !strings.Contains(view, "In the room ● you") || !strings.Contains(view, "3 others") {
		t.Errorf("the roster is missing:\n%s", view)
	}
	s.Destination = "echo"
	if view := sized(s, 80, 24); strings.Contains(view, "In the room") || strings.Contains(view, "Ada") {
		t.Errorf("an echo has one:\n%s", view)
	}
	s.Destination, s.State = "room/support", callstate.Idle
	if view := sized(s, 80, 24); strings.Contains(view, "Ada") {
		t.Errorf("a call that has ended has one:\n%s", view)
	}
}

func TestMarksMoveAndNamesStay(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {40, 12}, {120, 40}} {
		s := roomSnapshot(team(5)...)
		before := sized(s, size[0], size[1])
		for i := range s.Roster {
			s.Roster[i].Speaking, s.Roster[i].Level = !s.Roster[i].Speaking, -i
		}
		s.Speaking, s.Muted = false, true
		s.Roster = append(s.Roster, callstate.Participant{ID: "9", Name: "Zoe", Level: callstate.SilentLevel})
		after := sized(s, size[0], size[1])
		for _, name := range []string{"you", "Ada", "Grace", "Alan", "somebody"} {
			line, column := spot(before, name)
			nowLine, nowColumn := spot(after, name)
			if line < 0 || line != nowLine || column != nowColumn {
				t.Errorf("%v: %s moved from %d:%d to %d:%d:\n%s\n%s", size, name, line, column, nowLine, nowColumn, before, after)
			}
		}
	}
}

func TestAPlaceSaysWhoSpeaksHowLoudAndWhoIsMuted(t *testing.T) {
	s := roomSnapshot(
		callstate.Participant{ID: "1", Name: "Ada", Speaking: true, Level: -12},
		callstate.Participant{ID: "2", Name: "Bob", Speaking: true, Level: callstate.SilentLevel}, // an older server
		callstate.Participant{ID: "3", Name: "Cy", Muted: true, Level: callstate.SilentLevel},
		callstate.Participant{ID: "4", Name: "Dan", Level: callstate.SilentLevel},
	)
	s.Muted, s.Speaking = true, false
	view := sized(s, 80, 24)
	for _, want := range []string{"○ you +muted", "● Ada +████·", `● Bob`, "○ Cy +muted", "○ Dan"} {
		if !regexp.MustCompile(want).MatchString(view) {
			t.Errorf("%q is not shown:\n%s", want, view)
		}
	}
	s.Link.State = callstate.LinkProblem
	view = sized(s, 80, 24)
	if strings.Contains(view, "● Ada") || !strings.Contains(view, "· Ada") {
		t.Errorf("over a dead link somebody speaks:\n%s", view)
	}
}

func TestWhoHasNoPlaceIsCountedAndNamedWhenSpeaking(t *testing.T) {
	others := team(20)
	others[17] = callstate.Participant{ID: "18", Name: "Zoe", Speaking: true}
	s := roomSnapshot(others...)
	if view := sized(s, 80, 24); !strings.Contains(view, "and 10 more ● Zoe") {
		t.Errorf("they are not:\n%s", view)
	}
	s.Unlisted = 7
	if view := sized(s, 80, 24); !strings.Contains(view, "and 17 more ● Zoe") || !strings.Contains(view, "27 others") {
		t.Errorf("those without a place in the list are not counted:\n%s", view)
	}
	s.Roster = others[:2]
	if view := sized(s, 80, 24); !strings.Contains(view, "and 7 more") {
		t.Errorf("those without a place in the list are not counted:\n%s", view)
	}
	if got := (roster{st: &scene{}.stage().styles, s: &s, most: 1}).Render(18); got != "9 others" && !strings.HasPrefix(got, "9 others ●") {
		t.Errorf("one place alone says %q", got)
	}
}

// A roster of any length leaves the meters, the message and the delay alone.
func TestTheRosterCrowdsOutNoMeter(t *testing.T) {
	for _, n := range []int{0, 1, 5, 255} {
		room := roomSnapshot(team(n)...)
		plain := room
		plain.Destination = "echo"
		for height := 5; height <= 60; height++ {
			for _, width := range []int{20, 40, 60, 80, 120} {
				with, without := sized(room, width, height), sized(plain, width, height)
				for _, text := range []string{"hang up", "loop", "buf"} {
					if strings.Contains(without, text) && !strings.Contains(with, text) {
						t.Fatalf("%d others at %dx%d: %q is gone:\n%s", n, width, height, text, with)
					}
				}
				if bars := meters(with); bars != meters(without) {
					t.Fatalf("%d others at %dx%d: %d meters:\n%s", n, width, height, bars, with)
				}
			}
		}
	}
}

// meters counts the level meters of a view: their ticks of peak hold.
func meters(view string) int { return strings.Count(view, "│") }

func TestALargerScreenListsMore(t *testing.T) {
	s := roomSnapshot(team(200)...)
	last := 0
	for height := 8; height <= 60; height++ {
		n := len(regexp.MustCompile(`[●○] \S`).FindAllString(sized(s, 80, height), -1))
		if n+3 < last { // a place or two come and go with the blanks and rules
			t.Errorf("%d places at %d lines, %d with one less", n, height, last)
		}
		last = n
	}
	if last < 40 {
		t.Errorf("%d places at 60 lines", last)
	}
}

// BenchmarkRoom is one picture of a full room, drawn 20 times a second.
func BenchmarkRoom(b *testing.B) {
	s := roomSnapshot(team(255)...)
	m := scene{snap: s}.stage()
	m.Update(tea.WindowSizeMsg{Width: 120, Height: 60})
	b.ReportAllocs()
	for b.Loop() {
		m.Update(snapshotMsg{Snapshot: s, at: time.Unix(1, 0)})
		_ = m.View()
	}
}

func TestARosterFromOutsideIsSafe(t *testing.T) {
	s := hostileSnapshot()
	s.Link.State = callstate.LinkUp
	for _, size := range [][2]int{{20, 12}, {40, 12}, {80, 24}, {120, 40}} {
		m := scene{snap: s}.stage()
		checkFits(t, m, size[0], size[1])
		if view := m.View(); strings.Contains(view, "\u202e") || strings.Contains(view, "\x1b[2J") {
			t.Errorf("%v: %q", size, view)
		}
	}
}
