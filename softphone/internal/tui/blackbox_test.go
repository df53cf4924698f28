package tui

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/muesli/termenv"

	"callcenter/softphone/internal/callstate"
)

// Where a black box is, and what a phone says of it.
const (
	thePath = "/home/ada/.local/share/softphone/blackbox/softphone-20261126-081207-room-support.zip"
	theBox  = thePath + ": saved 60 s of both voices, statistics, settings and this screen. It holds what was said. softphone open FILE shows it."
)

func TestTheBlackBoxIsSavedInACallAndAfterIt(t *testing.T) {
	fresh := idleSnapshot()
	for _, c := range []struct {
		name  string
		snap  callstate.Snapshot
		keys  []string
		saves int
	}{
		{"in a call", liveSnapshot(), []string{"!"}, 1},
		{"while dialing", dialingSnapshot(), []string{"!"}, 1},
		{"without a connection", lostSnapshot(), []string{"!"}, 1},
		{"while ending", endingSnapshot(), []string{"!"}, 1},
		{"after a call", afterSnapshot(), []string{"!", "!"}, 2},
		{"without a call before", fresh, []string{"!"}, 0},
		{"on every screen of a call", liveSnapshot(), []string{"?", "!", "i", "!", "w", "!", "t", "!", "v", "!", "y", "!"}, 6},
		{"and after it", afterSnapshot(), []string{"?", "!", "i", "!", "w", "!", "v", "!", "y", "!"}, 5},
		{"in the dial prompt it is a character", afterSnapshot(), []string{"/", "!"}, 0},
		{"in a search, too", liveSnapshot(), []string{"y", "/", "!"}, 0},
		{"not when asked about quitting", liveSnapshot(), []string{"q", "!"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newShift(c.snap)
			quits(m.model, c.keys...)
			saves := slices.DeleteFunc(m.phone.did(), func(s string) bool { return s != "save" })
			if len(saves) != c.saves {
				t.Errorf("saved %d times, want %d: %q", len(saves), c.saves, m.phone.did())
			}
		})
	}
	m := newShift(afterSnapshot())
	quits(m.model, "c")
	m.tell(doneCheck())
	if quits(m.model, "!"); !slices.Equal(m.phone.did(), []string{"save"}) {
		t.Errorf("after a check: %q", m.phone.did())
	}
}

func TestTheBlackBoxHoldsWhatTheScreenShows(t *testing.T) {
	m := newShift(clippedSnapshot())
	m.phone.obeys = true
	m.styles = newStyles(colours(termenv.TrueColor, true))
	quits(m.model, "!")
	if p := m.phone.screen; !strings.Contains(p, "CLIP") || !strings.Contains(p, "MOS 2.9! est.") || strings.ContainsRune(p, '\x1b') || strings.Count(p, "\n") != 23 {
		t.Errorf("%q", p)
	}
	m.Update(tea.WindowSizeMsg{Width: 3000, Height: 1000})
	m.Update(snapshotMsg{Snapshot: roomSnapshot(team(90)...)})
	quits(m.model, "!")
	if p := m.phone.screen; len(p) > mostPicture || len(p) < 1000 || !utf8.ValidString(p) {
		t.Errorf("%d bytes of a huge terminal", len(p))
	}
	if got := shorter(strings.Repeat("é", mostPicture)); len(got) != mostPicture || !utf8.ValidString(got) {
		t.Errorf("%d bytes, valid: %v", len(got), utf8.ValidString(got))
	}
}

// Digits may be parts of a secret number, and other calls are nobody's business.
func TestTheBlackBoxHoldsNoDigitsAndNoOtherCall(t *testing.T) {
	m := newShift(liveSnapshot())
	m.phone.obeys = true
	quits(m.model, "4", "7", "1", "!")
	if p := m.phone.screen; strings.Contains(p, "Sent") || strings.Contains(p, "4 7 1") {
		t.Errorf("it holds what was pressed:\n%s", p)
	}
	m.Update(noticeMsg{Text: "The server heard 4.", Private: true})
	quits(m.model, "!")
	if p := m.phone.screen; strings.Contains(p, "heard 4") {
		t.Errorf("it holds what was heard:\n%s", p)
	}
	if !strings.Contains(m.View(), "The server heard 4.") {
		t.Errorf("the operator does not see it any more:\n%s", m.View())
	}
	quits(m.model, "y")
	m.Update(historyMsg(calls()))
	quits(m.model, "!")
	if p := m.phone.screen; strings.Contains(p, "Maria") || !strings.Contains(p, "MOS 4.4 est.") {
		t.Errorf("it holds other calls, or not this one:\n%s", p)
	}
	if m.mode != modeHistory || !strings.Contains(m.View(), "Maria") {
		t.Errorf("the history is closed:\n%s", m.View())
	}
	m.Update(noticeMsg{Text: "Bob joined."})
	if quits(m.model, "!"); !strings.Contains(m.phone.screen, "Bob joined.") {
		t.Errorf("the message is missing:\n%s", m.phone.screen)
	}
}

// Where the file is can be read to its end, on every screen and in the smallest
// terminal, until the next key.
func TestWhereTheBlackBoxIsCanBeRead(t *testing.T) {
	notice := noticeMsg{Text: theBox}
	for _, size := range []tea.WindowSizeMsg{{Width: 40, Height: 12}, {Width: 60, Height: 16}, {Width: 80, Height: 24}, {Width: 120, Height: 40}} {
		for _, keys := range [][]string{{"!"}, {"?", "!"}, {"w", "!"}, {"i", "!"}, {"v", "!"}, {"y", "!"}} {
			m := newShift(mutedSnapshot())
			m.Update(size)
			quits(m.model, keys...)
			m.Update(notice)
			squeezed := strings.Join(strings.Fields(m.View()), "")
			for _, want := range []string{thePath, "Itholdswhatwassaid.softphoneopenFILEshowsit."} {
				if !strings.Contains(squeezed, want) {
					t.Errorf("%dx%d after %q: %q cannot be read:\n%s", size.Width, size.Height, keys, want, m.View())
				}
			}
			checkPicture(t, m.model)
			quits(m.model, "z")
			if most := strings.Count(m.message().Render(78), "\n") + 1; most > 4 {
				t.Errorf("it takes %d lines after another key", most)
			}
		}
	}
}

// The key stands out while the call suffers, and for a minute after; nothing moves.
func TestTheBlackBoxStandsOutWhileItIsNeeded(t *testing.T) {
	m := newShift(liveSnapshot())
	m.Update(tea.WindowSizeMsg{Width: 120, Height: 40})
	at := time.Unix(2000, 0)
	look := func(s callstate.Snapshot, after time.Duration, want bool) {
		t.Helper()
		m.Update(snapshotMsg{Snapshot: s, at: at.Add(after)})
		if got := m.footer().loud == "!"; got != want {
			t.Errorf("after %v it stands out: %v", after, got)
		}
		if view := m.View(); !strings.Contains(view, "! save last minute") {
			t.Errorf("it is not in the footer:\n%s", view)
		}
	}
	look(liveSnapshot(), 0, false)
	look(quietSnapshot(), time.Second, true)
	look(liveSnapshot(), 59*time.Second, true)
	look(liveSnapshot(), 62*time.Second, false)
	look(quietSnapshot(), 70*time.Second, true)
	look(afterSnapshot(), 80*time.Second, true)
	quits(m.model, "d")
	look(liveSnapshot(), 90*time.Second, false)
}
