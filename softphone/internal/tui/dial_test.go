package tui

import (
	"slices"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"callcenter/softphone/internal/callstate"
)

func TestTheDialPromptFindsAndDials(t *testing.T) {
	for _, c := range []struct {
		name string
		keys []string
		want []string
	}{
		{"the first that fits is dialed", []string{"/", "grace", "enter"}, []string{"dial room/grace"}},
		{"a part of a name in any case", []string{"/", "HOP", "enter"}, []string{"dial room/grace"}},
		{"two words in any order", []string{"/", "love", " ", "ada", "enter"}, []string{"dial room/ada"}},
		{"other letters", []string{"/", "ång", "enter"}, []string{"dial room/zoe"}},
		{"down chooses", []string{"/", "down", "down", "enter"}, []string{"dial room/sales"}},
		{"ctrl+n and ctrl+p choose", []string{"/", "ctrl+n", "ctrl+n", "ctrl+p", "enter"}, []string{"dial room/support"}},
		{"the end of the list is its end", []string{"/", "zo", "down", "down", "down", "up", "enter"}, []string{"dial room/zoe"}},
		{"what can be dialed as typed comes first", []string{"/", "room/s", "enter"}, []string{"dial room/s"}},
		{"and what fits after it", []string{"/", "room/s", "down", "enter"}, []string{"dial room/support"}},
		{"tab completes", []string{"/", "lead", "tab", "-2", "enter"}, []string{"dial room/lead-2"}},
		{"tab completes what is no contact", []string{"/", "ec", "tab", "enter"}, []string{"dial echo"}},
		{"what can be no destination is not dialed", []string{"/", "4712", "enter", "enter"}, nil},
		{"and stays, to be put right", []string{"/", "4712", "enter", "ctrl+u", "room/4712", "enter"}, []string{"dial room/4712"}},
		{"a number of a favourite", []string{"2"}, []string{"dial room/sales"}},
		{"a number of no favourite", []string{"9", "0"}, nil},
		{"a number in the prompt is text", []string{"/", "2", "esc"}, nil},
		{"r dials the newest of the history", []string{"r"}, []string{"dial room/4711"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, phone, _ := withBench(idleSnapshot())
			quits(m, c.keys...)
			if got := phone.did(); !slices.Equal(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestADestinationIsListedOnce(t *testing.T) {
	m, _, _ := withBench(idleSnapshot())
	quits(m, "/")
	view := m.View()
	if n := strings.Count(view, "room/support"); n != 1 {
		t.Errorf("room/support is there %d times:\n%s", n, view)
	}
}

func TestWhatIsPastedIsCleaned(t *testing.T) {
	long := strings.Repeat("room/x", 2000)
	for _, c := range []struct{ name, pasted, want string }{
		{"a line with its end", "room/sales\r\n", "room/sales"},
		{"several lines", "room/a\n\n\troom/b", "room/a room/b"},
		{"control characters", "ro\x00om\x07/\x7fx\x9b", "room/x"},
		{"escape sequences", "\x1b[31mroom/x\x1b[0m\x1b]0;title\x07", "room/x"},
		{"pictures", "📞room/x👩‍👩‍👧‍👦❤️", "room/x"},
		{"directions", "\u202eroom/\u2066x\u200f", "room/x"},
		{"too much", long, long[:longestEntry]},
		{"nothing at all", "\n\x00\u202e", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, phone := at(callstate.Idle)
			quits(m, "/")
			m.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(c.pasted), Paste: true})
			if got := m.dialer.input.Value(); got != c.want {
				t.Errorf("the line has %q, want %q", got, c.want)
			}
			if len(phone.did()) > 0 {
				t.Errorf("pasting dialed %q", phone.did())
			}
			checkFits(t, m, 80, 24)
			checkFits(t, m, 20, 5)
			if c.want == long[:longestEntry] && !strings.Contains(m.dialer.hint.Text, "were left out") {
				t.Errorf("nobody said that it was cut: %q", m.dialer.hint.Text)
			}
		})
	}
}

func TestAnEntryThatWasNotAnsweredIsKept(t *testing.T) {
	m, _ := at(callstate.Idle)
	quits(m, "/", "room/slaes", "enter", "/")
	if got := m.dialer.input.Value(); got != "room/slaes" {
		t.Errorf("after a call that failed the line has %q", got)
	}
	quits(m, "esc")
	m.Update(snapshotMsg{Snapshot: liveSnapshot()})
	m.Update(snapshotMsg{Snapshot: idleSnapshot()})
	quits(m, "/")
	if got := m.dialer.input.Value(); got != "" {
		t.Errorf("after a call that was answered the line has %q", got)
	}
}
