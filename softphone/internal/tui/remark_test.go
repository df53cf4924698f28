package tui

import (
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"callcenter/softphone/internal/callstate"
)

// later brings the snapshot again, so much later.
func later(m *model, s callstate.Snapshot, d time.Duration) {
	m.Update(snapshotMsg{Snapshot: s, at: m.now.Add(d)})
}

func TestAGainIsShownAsItIs(t *testing.T) {
	m, _ := at(callstate.Live)
	s := liveSnapshot()
	m.Update(noticeMsg{Text: "echo answered."})
	quits(m, "+")
	s.Gains = callstate.Gains{Microphone: 3, Earpiece: -2}
	later(m, s, time.Millisecond)
	if !strings.Contains(m.View(), "Microphone +3 dB.") {
		t.Errorf("the gain is missing:\n%s", m.View())
	}
	quits(m, "<")
	if !strings.Contains(m.View(), "Ear volume -2 dB.") {
		t.Errorf("the volume is missing:\n%s", m.View())
	}
	s.Gains.Earpiece = 0
	later(m, s, time.Millisecond)
	if !strings.Contains(m.View(), "Ear volume 0 dB, as it comes.") {
		t.Errorf("the volume is missing:\n%s", m.View())
	}
	later(m, s, remarkFor+time.Millisecond)
	if !strings.Contains(m.View(), "echo answered.") {
		t.Errorf("the notice did not come back:\n%s", m.View())
	}
	s.Sounds = false
	quits(m, "s")
	later(m, s, time.Millisecond)
	if !strings.Contains(m.View(), "own sounds are off.") {
		t.Errorf("the sounds are not told:\n%s", m.View())
	}
	m.Update(noticeMsg{Severity: callstate.Failure, Text: "the headset is gone."})
	if !strings.Contains(m.View(), "the headset is gone.") {
		t.Errorf("news are hidden:\n%s", m.View())
	}
}

func TestDigitsOfWhoMayNotSpeakAreNotShownAsSent(t *testing.T) {
	m, phone := at(callstate.Live)
	later(m, listenOnlySnapshot(), time.Second)
	quits(m, "1")
	if view := m.View(); strings.Contains(view, "Sent 1") || !strings.Contains(view, "Not sent: your token does not let you speak") {
		t.Errorf("they are:\n%s", view)
	}
	if len(phone.calls) > 0 {
		t.Errorf("they are sent: %v", phone.calls)
	}
}

func TestDigitsAreShownAsSent(t *testing.T) {
	m, _ := at(callstate.Live)
	quits(m, "1", "2", "*3")
	if !strings.Contains(m.View(), "Sent 1 2 * 3") {
		t.Errorf("they are not:\n%s", m.View())
	}
	later(m, liveSnapshot(), remarkFor+time.Millisecond)
	quits(m, "#")
	if view := m.View(); !strings.Contains(view, "Sent #") {
		t.Errorf("the old digits are still there:\n%s", view)
	}
	for range 1000 {
		quits(m, "7")
	}
	if n := strings.Count(m.View(), " 7"); n != mostDigits {
		t.Errorf("%d digits are shown, want %d", n, mostDigits)
	}
	m.Update(tea.WindowSizeMsg{Width: 40, Height: 12})
	checkFits(t, m, 40, 12)
}

func TestTheTrainingEndsWithTheCall(t *testing.T) {
	m, phone := at(callstate.Live)
	quits(m, "t")
	for range 100 {
		quits(m, "right")
	}
	if did := phone.did(); did[len(did)-1] != "train 1s 0s 0" {
		t.Errorf("the most is %s", did[len(did)-1])
	}
	quits(m, "esc", "t")
	if m.training.Delay != 0 {
		t.Errorf("the phone, which took nothing, is shown with %v", m.training)
	}
	later(m, idleSnapshot(), time.Second)
	if m.mode != modeCall {
		t.Errorf("mode %d", m.mode)
	}
	room := liveSnapshot()
	room.Destination = "room/x"
	later(m, room, time.Second)
	quits(m, "t")
	if m.mode != modeCall || strings.Contains(m.View(), "training") {
		t.Errorf("there is training in a room:\n%s", m.View())
	}
}
