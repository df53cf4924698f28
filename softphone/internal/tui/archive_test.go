package tui

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"callcenter/softphone/internal/callstate"
)

// browsing is a screen that shows these calls.
func browsing(s callstate.Snapshot, h callstate.History) aShift {
	m := newShift(s)
	quits(m.model, "y")
	m.Update(historyMsg(h))
	return m
}

func TestEnterDialsTheCallUnderTheCursor(t *testing.T) {
	for _, c := range []struct {
		name  string
		snap  callstate.Snapshot
		keys  []string
		calls []string
		mode  mode
	}{
		{"the newest at first", idleSnapshot(), []string{"enter"}, []string{"dial room/support"}, modeCall},
		{"after the arrows", idleSnapshot(), []string{"down", "j", "up", "enter"}, []string{"dial echo"}, modeCall},
		{"the oldest", idleSnapshot(), []string{"end", "down", "enter"}, []string{"dial tone"}, modeCall},
		{"and back", idleSnapshot(), []string{"pgdown", "pgup", "home", "k", "enter"}, []string{"dial room/support"}, modeCall},
		{"not in a call", liveSnapshot(), []string{"enter"}, nil, modeHistory},
		{"letters dial nobody", idleSnapshot(), []string{"d", "D", "r", "1", "9", "z"}, nil, modeHistory},
		{"nor while they are typed", idleSnapshot(), []string{"/", "dr1!?q", "enter"}, nil, modeHistory},
		{"after a search", idleSnapshot(), []string{"/", "sup", "enter", "enter"}, []string{"dial room/support"}, modeCall},
		{"the line's keys work in a call", liveSnapshot(), []string{"m", "x", "+", "h"}, []string{"mute", "hold", "mic +1", "hang up"}, modeHistory},
		{"esc closes", idleSnapshot(), []string{"esc"}, nil, modeCall},
		{"its key closes", liveSnapshot(), []string{"y"}, nil, modeCall},
		{"esc shows all before it closes", idleSnapshot(), []string{"/", "sup", "enter", "esc"}, nil, modeHistory},
		{"and then it closes", idleSnapshot(), []string{"/", "sup", "enter", "esc", "esc"}, nil, modeCall},
		{"v opens the devices", idleSnapshot(), []string{"v"}, nil, modeDevices},
		{"c begins the check", idleSnapshot(), []string{"c"}, nil, modeCheck},
		{"q quits, or asks", liveSnapshot(), []string{"q"}, nil, modeQuit},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := browsing(c.snap, calls())
			quits(m.model, c.keys...)
			if got := m.phone.did(); !slices.Equal(got, c.calls) || m.mode != c.mode {
				t.Errorf("the phone was asked for %q in mode %d, want %q in %d", got, m.mode, c.calls, c.mode)
			}
			if m.history.open.Load() != (c.mode == modeHistory) {
				t.Error("the history is looked at while its screen is closed, or not while it is open")
			}
		})
	}
}

// What is dialed is what the history has, whatever of it can be drawn.
func TestADestinationIsDialedAsItIsKept(t *testing.T) {
	m := browsing(idleSnapshot(), callstate.History{Calls: []callstate.Past{{Destination: "room/x\u202e"}}})
	quits(m.model, "enter")
	if got := m.phone.did(); !slices.Equal(got, []string{"dial room/x\u202e"}) {
		t.Errorf("%q", got)
	}
}

func TestEachLetterSearches(t *testing.T) {
	m := browsing(idleSnapshot(), calls())
	quits(m.model, "down", "/", "s", "a", " ", "backspace", "backspace")
	m.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("al\x1b[31mes\n"), Paste: true})
	quits(m.model, "down", "enter", "esc", "esc")
	if want := []string{"", "s", "sa", "s", "sales", ""}; !slices.Equal(m.past.found(), want) {
		t.Errorf("looked for %q, want %q", m.past.found(), want)
	}
}

func TestTheSearchBeginsAtTheNewest(t *testing.T) {
	m := browsing(idleSnapshot(), calls())
	quits(m.model, "end", "/", "s")
	if c, _ := m.browser.current(); c.CallID != "7f1c9a" {
		t.Errorf("the cursor is at %s", c.CallID)
	}
}

func TestTheCursorGoesWithItsCall(t *testing.T) {
	m := browsing(idleSnapshot(), calls())
	quits(m.model, "down", "down")
	h := calls()
	h.Calls = append([]callstate.Past{{CallID: "new", Destination: "room/new"}}, h.Calls...)
	m.Update(historyMsg(h))
	if c, _ := m.browser.current(); c.CallID != "7f1c98" {
		t.Errorf("the cursor went to %s when a call came", c.CallID)
	}
	h.Calls = slices.Delete(h.Calls, 3, 4)
	m.Update(historyMsg(h))
	if c, _ := m.browser.current(); c.CallID != "7f1c97" {
		t.Errorf("the cursor went to %s when its call vanished, want the next", c.CallID)
	}
	m.Update(historyMsg(callstate.History{}))
	quits(m.model, "up", "down", "pgdown", "home", "end", "enter")
	if len(m.phone.did()) > 0 {
		t.Errorf("an empty list dialed: %q", m.phone.did())
	}
}

func TestTheListStaysUntilASearchIsOver(t *testing.T) {
	m := browsing(idleSnapshot(), calls())
	m.Update(historyMsg(callstate.History{Busy: true}))
	if view := m.View(); !strings.Contains(view, "Maria") || !strings.Contains(view, "looking") {
		t.Errorf("it went away:\n%s", view)
	}
	m.Update(historyMsg(callstate.History{}))
	if view := m.View(); strings.Contains(view, "Maria") {
		t.Errorf("it is still there:\n%s", view)
	}
}

func TestTheCallThatEndedIsListed(t *testing.T) {
	m := browsing(liveSnapshot(), calls())
	quits(m.model, "/", "x", "enter")
	m.Update(snapshotMsg{Snapshot: endingSnapshot()})
	m.Update(snapshotMsg{Snapshot: idleSnapshot()})
	m.Update(snapshotMsg{Snapshot: idleSnapshot()})
	if want := []string{"", "x", "x"}; !slices.Equal(m.past.found(), want) || m.mode != modeHistory {
		t.Errorf("looked for %q in mode %d, want %q", m.past.found(), m.mode, want)
	}
}

func TestNewsOfTheHistoryAfterItsScreenAreIgnored(t *testing.T) {
	m := newShift(idleSnapshot())
	quits(m.model, "y", "esc")
	if m.Update(historyMsg(calls())); m.browser.seen {
		t.Error("they were taken")
	}
}

// In every terminal the newest call is told by when, whom and how good, and no
// estimate is without its word.
func TestTheColumnsThatCountAreThere(t *testing.T) {
	m := browsing(idleSnapshot(), calls())
	for width := leastWidth; width <= 200; width++ {
		m.Update(tea.WindowSizeMsg{Width: width, Height: 24})
		view := m.View()
		for _, want := range []string{"Nov", "08:12", "12:34", "Support", "4.3", "est.", "2.6", "hung up", "4.4 s"} {
			if !strings.Contains(view, want) {
				t.Fatalf("%d columns do not show %q:\n%s", width, want, view)
			}
		}
	}
}

// The history is looked at while it is searched, and for a moment after it was
// asked, however long its screen stays open.
func TestTheHistoryIsPolledWhileItSearches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		phone, inner := newFakePhone(idleSnapshot()), &fakeHistory{}
		beside := newAside(Options{History: inner})
		go feed(t.Context(), phone, beside, func(tea.Msg) {})
		during := func(d time.Duration) int {
			time.Sleep(d)
			synctest.Wait()
			return inner.looked()
		}
		if n := during(time.Hour); n != 0 {
			t.Errorf("%d looks at a closed history", n)
		}
		inner.set(callstate.History{Busy: true})
		beside.history.find("")
		if n := during(10*time.Second + time.Millisecond); n != 201 {
			t.Errorf("%d looks in ten seconds of a search, want 201", n)
		}
		inner.set(calls())
		if n := during(24 * time.Hour); n != 1 {
			t.Errorf("%d looks at a history at rest, want the last one", n)
		}
		beside.history.find("x")
		if n := during(24 * time.Hour); n != 20 && n != 21 {
			t.Errorf("%d looks after another search, want those of one second", n)
		}
		beside.history.end()
		if n := during(time.Hour); n != 0 || phone.looked() != 1 {
			t.Errorf("%d looks after the end, %d at the phone", n, phone.looked())
		}
	})
}
