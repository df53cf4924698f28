package tui

import (
	"slices"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"callcenter/softphone/internal/callstate"
)

// at returns a model and its phone in a state of the line.
func at(state callstate.State) (*model, *fakePhone) {
	s := map[callstate.State]callstate.Snapshot{
		callstate.Idle: idleSnapshot(), callstate.Dialing: dialingSnapshot(),
		callstate.Live: liveSnapshot(), callstate.Ending: endingSnapshot(),
	}[state]
	phone := newFakePhone(s)
	m := newModel(phone, Options{Destination: "echo"})
	m.Update(snapshotMsg{Snapshot: s, at: time.Unix(1000, 0)})
	return m, phone
}

// quits reports whether one of the keys, typed in order, ended the program.
func quits(m *model, keys ...string) bool {
	quit := false
	for _, k := range keys {
		if _, cmd := m.Update(pressed(k)); cmd != nil {
			_, quit = cmd().(tea.QuitMsg)
		}
	}
	return quit
}

func TestEveryKeyInEveryState(t *testing.T) {
	const idle, dialing, live, ending = callstate.Idle, callstate.Dialing, callstate.Live, callstate.Ending
	all := []callstate.State{idle, dialing, live, ending}
	inCall := []callstate.State{dialing, live, ending}
	talking := []callstate.State{dialing, live}
	for _, c := range []struct {
		name   string
		states []callstate.State
		keys   []string
		calls  []string
		quit   bool
		mode   mode
	}{
		{name: "d dials the default at once", states: []callstate.State{idle}, keys: []string{"d"}, calls: []string{"dial "}},
		{name: "caps lock does not matter", states: []callstate.State{live}, keys: []string{"M", "H"}, calls: []string{"mute", "hang up"}},
		{name: "d does nothing in a call", states: inCall, keys: []string{"d"}},
		{name: "slash opens the prompt", states: []callstate.State{idle}, keys: []string{"/"}, mode: modePrompt},
		{name: "slash does nothing in a call", states: inCall, keys: []string{"/"}},
		{name: "enter dials what was typed", states: []callstate.State{idle}, keys: []string{"/", "room/x", "enter"}, calls: []string{"dial room/x"}},
		{name: "keys that arrive together are one by one", states: []callstate.State{idle}, keys: []string{"/room/dhq", "enter"}, calls: []string{"dial room/dhq"}},
		{name: "an empty prompt dials the default", states: []callstate.State{idle}, keys: []string{"/", "enter"}, calls: []string{"dial "}},
		{name: "control characters are not dialed", states: []callstate.State{idle}, keys: []string{"/", " ro\u202eom/\x9bx ", "enter"}, calls: []string{"dial room/x"}},
		{name: "esc cancels the prompt", states: []callstate.State{idle}, keys: []string{"/", "room/x", "esc"}},
		{name: "letters in the prompt are no keys", states: []callstate.State{idle}, keys: []string{"/", "q", "h", "m", "?"}, mode: modePrompt},
		{name: "h hangs up", states: talking, keys: []string{"h"}, calls: []string{"hang up"}},
		{name: "b hangs up", states: talking, keys: []string{"b"}, calls: []string{"hang up"}},
		{name: "h and b do nothing without a call", states: []callstate.State{idle, ending}, keys: []string{"h", "b"}},
		{name: "m mutes", states: talking, keys: []string{"m", "m"}, calls: []string{"mute", "mute"}},
		{name: "m does nothing without a call", states: []callstate.State{idle, ending}, keys: []string{"m"}},
		{name: "question mark opens the help", states: all, keys: []string{"?"}, mode: modeHelp},
		{name: "question mark closes the help", states: all, keys: []string{"?", "?"}},
		{name: "esc closes the help", states: all, keys: []string{"?", "esc"}},
		{name: "esc alone does nothing", states: all, keys: []string{"esc", "esc"}},
		{name: "i opens the details", states: all, keys: []string{"i"}, mode: modeDetails},
		{name: "i closes the details", states: all, keys: []string{"i", "I"}},
		{name: "the help takes the place of the details", states: all, keys: []string{"i", "?"}, mode: modeHelp},
		{name: "esc closes the details", states: all, keys: []string{"i", "esc"}},
		{name: "f, n and l switch the clean-up", states: all, keys: []string{"f", "n", "l", "F"}, calls: []string{"high-pass", "denoise", "level", "high-pass"}},
		{name: "mute works under the help", states: talking, keys: []string{"?", "m"}, calls: []string{"mute"}, mode: modeHelp},
		{name: "dialing closes the help", states: []callstate.State{idle}, keys: []string{"?", "d"}, calls: []string{"dial "}},
		{name: "q quits without a call", states: []callstate.State{idle}, keys: []string{"q"}, quit: true},
		{name: "q asks in a call", states: inCall, keys: []string{"q"}, mode: modeQuit},
		{name: "n stays", states: inCall, keys: []string{"q", "n"}},
		{name: "esc stays", states: inCall, keys: []string{"q", "esc"}},
		{name: "no other key answers", states: inCall, keys: []string{"q", "q", "h", "m", "enter"}, mode: modeQuit},
		{name: "y hangs up first", states: inCall, keys: []string{"q", "y"}, calls: []string{"hang up"}, mode: modeLeaving},
		{name: "keys do nothing while leaving", states: inCall, keys: []string{"q", "y", "d", "m", "h", "q", "esc"}, calls: []string{"hang up"}, mode: modeLeaving},
		{name: "ctrl+c quits without a call", states: []callstate.State{idle}, keys: []string{"ctrl+c"}, quit: true},
		{name: "ctrl+c quits from the prompt", states: []callstate.State{idle}, keys: []string{"/", "ctrl+c"}, mode: modePrompt, quit: true},
		{name: "ctrl+c asks in a call", states: inCall, keys: []string{"ctrl+c"}, mode: modeQuit},
		{name: "ctrl+c twice hangs up", states: inCall, keys: []string{"ctrl+c", "ctrl+c"}, calls: []string{"hang up"}, mode: modeLeaving},
		{name: "ctrl+c three times does not wait", states: inCall, keys: []string{"ctrl+c", "ctrl+c", "ctrl+c"}, calls: []string{"hang up"}, mode: modeLeaving, quit: true},
		{name: "unknown keys do nothing", states: all, keys: []string{"z", "enter", "é", "tab", "up", "pgdown", "j", "k", "backspace", "f1", "%"}},
		{name: "esc and a key soon after it are two keys", states: talking, keys: []string{"?", "alt+m"}, calls: []string{"mute"}},
		{name: "and so they are in the prompt", states: []callstate.State{idle}, keys: []string{"/", "alt+?"}, mode: modeHelp},
		{name: "but for those that move in the line", states: []callstate.State{idle}, keys: []string{"/", "oom/x", "alt+b", "r", "enter"}, calls: []string{"dial room/x"}},
		{name: "esc and ctrl+c soon after it", states: []callstate.State{idle}, keys: []string{"?", "alt+ctrl+c"}, quit: true},
		{name: "x holds", states: []callstate.State{live}, keys: []string{"x", "X"}, calls: []string{"hold", "hold"}},
		{name: "x does nothing without a call", states: []callstate.State{idle, dialing, ending}, keys: []string{"x"}},
		{name: "digits are sent in a call", states: []callstate.State{live}, keys: []string{"0", "9", "*", "#", "12"}, calls: []string{"digit 0", "digit 9", "digit *", "digit #", "digit 1", "digit 2"}},
		{name: "digits do nothing without a call", states: []callstate.State{dialing, ending}, keys: []string{"0", "9", "*", "#"}},
		{name: "digits without favourites do nothing", states: []callstate.State{idle}, keys: []string{"0", "1", "9", "*"}},
		{name: "space talks only while muted", states: all, keys: []string{" "}},
		{name: "plus and minus are the microphone", states: all, keys: []string{"+", "-", "=", "_"}, calls: []string{"mic +1", "mic -1", "mic +1", "mic -1"}},
		{name: "the arrows of the keyboard's corner are the ear", states: all, keys: []string{">", "<", ".", ","}, calls: []string{"ear +1", "ear -1", "ear +1", "ear -1"}},
		{name: "s switches the sounds", states: all, keys: []string{"s", "S"}, calls: []string{"sounds", "sounds"}},
		{name: "r has nothing to dial again", states: all, keys: []string{"r"}},
		{name: "r dials again", states: []callstate.State{idle}, keys: []string{"/", "room/x", "enter", "r"}, calls: []string{"dial room/x", "dial room/x"}},
		{name: "without a bench there is no devices' screen", states: all, keys: []string{"v"}},
		{name: "t opens the training of an echo call", states: []callstate.State{live}, keys: []string{"t"}, mode: modeTraining},
		{name: "t does nothing without a call", states: []callstate.State{idle, dialing, ending}, keys: []string{"t"}},
		{name: "the training is closed by its key and by esc", states: []callstate.State{live}, keys: []string{"t", "t", "t", "esc"}},
		{
			name: "the arrows train", states: []callstate.State{live}, keys: []string{"t", "right", "right", "left", "down", "right", "down", "right", "down", "left", "left", "0"},
			calls: []string{"train 50ms 0s 0", "train 100ms 0s 0", "train 50ms 0s 0", "train 50ms 10ms 0", "train 50ms 10ms 1", "train 0s 10ms 1", "train 0s 10ms 1", "train 0s 0s 0"}, mode: modeTraining,
		},
		{name: "digits are no digits in the training", states: []callstate.State{live}, keys: []string{"t", "1", "#", "m"}, calls: []string{"mute"}, mode: modeTraining},
	} {
		for _, state := range c.states {
			t.Run(c.name+" when "+state.String(), func(t *testing.T) {
				m, phone := at(state)
				if quit := quits(m, c.keys...); quit != c.quit {
					t.Errorf("quit: %v, want %v", quit, c.quit)
				}
				if calls := phone.did(); !slices.Equal(calls, c.calls) {
					t.Errorf("the phone was asked for %q, want %q", calls, c.calls)
				}
				if m.mode != c.mode {
					t.Errorf("mode %d, want %d", m.mode, c.mode)
				}
			})
		}
	}
}

func TestPastedTextIsNoKeys(t *testing.T) {
	m, phone := at(callstate.Idle)
	paste := tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("dq"), Paste: true}
	if _, cmd := m.Update(paste); cmd != nil || len(phone.did()) > 0 {
		t.Errorf("a paste acted: %v", phone.did())
	}
	quits(m, "/")
	paste.Runes = []rune("room/pasted")
	m.Update(paste)
	quits(m, "enter")
	if got := phone.did(); !slices.Equal(got, []string{"dial room/pasted"}) {
		t.Errorf("dialed %q", got)
	}
}

func TestThePromptKeepsTheLastEntry(t *testing.T) {
	m, phone := at(callstate.Idle)
	quits(m, "/", "room/a", "enter", "/", "b", "esc", "/", "enter")
	if got, want := phone.did(), []string{"dial room/a", "dial room/a"}; !slices.Equal(got, want) {
		t.Errorf("dialed %q, want %q", got, want)
	}
}

func TestACallThatBeginsClosesThePrompt(t *testing.T) {
	m, _ := at(callstate.Idle)
	quits(m, "/", "x")
	m.Update(snapshotMsg{Snapshot: dialingSnapshot()})
	if m.mode != modeCall {
		t.Errorf("mode %d", m.mode)
	}
}

func TestLeavingWaitsForTheEndOfTheCall(t *testing.T) {
	for _, c := range []struct {
		name  string
		state callstate.State
		after time.Duration
		quit  bool
	}{
		{"the call is still ending", callstate.Ending, goodbye - time.Millisecond, false},
		{"the call has ended", callstate.Idle, 10 * time.Millisecond, true},
		{"the call does not end in time", callstate.Ending, goodbye, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, _ := at(callstate.Live)
			quits(m, "q", "y")
			_, cmd := m.Update(snapshotMsg{Snapshot: callstate.Snapshot{State: c.state}, at: time.Unix(1000, 0).Add(c.after)})
			if (cmd != nil) != c.quit {
				t.Errorf("quit: %v, want %v", cmd != nil, c.quit)
			}
		})
	}
}

func TestTheQuestionOutlivesTheCall(t *testing.T) {
	m, phone := at(callstate.Live)
	quits(m, "q")
	m.Update(snapshotMsg{Snapshot: idleSnapshot()})
	if !strings.Contains(m.View(), "The call has ended. Quit?") {
		t.Errorf("the question is stale:\n%s", m.View())
	}
	if !quits(m, "y") || len(phone.did()) > 0 {
		t.Errorf("y did not quit, or asked the phone for %q", phone.did())
	}
}

func TestDialingRemovesTheOldMessage(t *testing.T) {
	m, _ := at(callstate.Idle)
	m.Update(noticeMsg{Severity: callstate.Failure, Text: "the server is down."})
	quits(m, "d")
	if strings.Contains(m.View(), "the server is down") {
		t.Errorf("the old message is still there:\n%s", m.View())
	}
}

func TestASizeOfZeroIsIgnored(t *testing.T) {
	m, _ := at(callstate.Idle)
	m.Update(tea.WindowSizeMsg{})
	if m.width != 80 || m.height != 24 {
		t.Errorf("%dx%d", m.width, m.height)
	}
}

func TestTheFooterShowsTheKeysThatWork(t *testing.T) {
	for _, c := range []struct {
		state callstate.State
		keys  []string
		want  string
	}{
		{callstate.Idle, nil, "d dial  / dial another  i details  w delay  s sounds on  ? help  q quit"},
		{callstate.Dialing, nil, "h hang up  m mute  + - mic  < > ear  ! save  i details  ? help  q quit"},
		{callstate.Live, nil, "h hang up  m mute  x hold  + - mic  ! save  t training  ? help  q quit"},
		{callstate.Ending, nil, "+ - mic  < > ear  ! save  i details  w delay  s sounds off  ? help  q quit"},
		{callstate.Idle, []string{"/"}, "enter dial  esc cancel  arrows choose  tab complete"},
		{callstate.Live, []string{"q"}, "y yes  n no"},
		{callstate.Live, []string{"q", "y"}, "ctrl+c quit at once"},
		{callstate.Live, []string{"?"}, "esc close  arrows scroll  h hang up  m mute  x hold  ! save  q quit"},
		{callstate.Live, []string{"t"}, "esc close  arrows choose and change  0 all off  h hang up  m mute  ? help"},
	} {
		m, _ := at(c.state)
		quits(m, c.keys...)
		if got := m.footer().Render(78); got != c.want {
			t.Errorf("%v after %q: %q, want %q", c.state, c.keys, got, c.want)
		}
	}
	m, _ := at(callstate.Live)
	m.Update(snapshotMsg{Snapshot: mutedSnapshot()})
	if got := m.footer().Render(78); !strings.Contains(got, "m unmute") {
		t.Errorf("muted: %q", got)
	}
}

func TestSnapshotsOfThePhoneAreNotChanged(t *testing.T) {
	s := hostileSnapshot()
	name, stage := s.MicrophoneOpen.Name, s.Delay.Stages[6].Name
	m, _ := at(callstate.Idle)
	m.Update(snapshotMsg{Snapshot: s})
	if s.MicrophoneOpen.Name != name || s.Delay.Stages[6].Name != stage {
		t.Error("the screen wrote into the phone's snapshot")
	}
	if m.snap.MicrophoneOpen.Name == name {
		t.Error("the name was not cleaned")
	}
}
