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

func TestTheCheckGoesOnWhileItsScreenIsOpen(t *testing.T) {
	for _, c := range []struct {
		name string
		keys []string
		mode mode
		open bool
	}{
		{"its key closes it", []string{"c"}, modeCall, false},
		{"esc gives it up", []string{"esc"}, modeCall, false},
		{"ctrl+c gives it up", []string{"ctrl+c"}, modeCheck, true}, // and Run ends what is open
		{"keys that open something else wait", []string{"?", "i", "v", "w", "y", "/", "d", "r", "1", "enter", " ", "m"}, modeCheck, true},
		{"the gains work", []string{"+", "<"}, modeCheck, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newShift(idleSnapshot())
			quits(m.model, "c")
			m.tell(beganCheck())
			if !m.check.isOpen() || m.mode != modeCheck {
				t.Fatalf("c did not begin it: mode %d", m.mode)
			}
			quits(m.model, c.keys...)
			if m.check.isOpen() != c.open || m.mode != c.mode {
				t.Errorf("open: %v, mode %d, want %v and %d", m.check.isOpen(), m.mode, c.open, c.mode)
			}
			if m.end(); m.check.isOpen() {
				t.Error("it is open after the end")
			}
		})
	}
}

func TestACheckThatIsOverBeginsAnewWithEnter(t *testing.T) {
	m := newShift(idleSnapshot())
	quits(m.model, "c", "enter") // nothing is known of it yet
	m.tell(beganCheck())
	quits(m.model, "enter")
	m.tell(doneCheck())
	quits(m.model, "down", "enter")
	if m.exam.seen || m.exam.scroll != 0 {
		t.Error("the old outcome is still there")
	}
	m.tell(callstate.Check{Err: "no microphone."})
	quits(m.model, "enter", "esc")
	if got, want := m.check.did(), []string{"begin", "begin", "begin", "end"}; !slices.Equal(got, want) {
		t.Errorf("the check was asked for %q, want %q", got, want)
	}
}

func TestAfterACheckTheLineWorks(t *testing.T) {
	for key, want := range map[string]mode{"d": modeCall, "/": modePrompt, "v": modeDevices, "y": modeHistory, "?": modeHelp, "i": modeDetails} {
		m := newShift(idleSnapshot())
		quits(m.model, "c")
		m.tell(doneCheck())
		quits(m.model, key)
		if m.mode != want || m.check.isOpen() {
			t.Errorf("%s: mode %d, the check open: %v", key, m.mode, m.check.isOpen())
		}
	}
}

func TestThereIsNoCheckInACall(t *testing.T) {
	for _, s := range []callstate.Snapshot{dialingSnapshot(), liveSnapshot(), lostSnapshot(), endingSnapshot()} {
		m := newShift(s)
		if quits(m.model, "c", "C"); m.mode != modeCall || len(m.check.did()) > 0 {
			t.Errorf("%v: mode %d, %q", s.State, m.mode, m.check.did())
		}
		m.Update(tea.WindowSizeMsg{Width: 200, Height: 60})
		quits(m.model, "?")
		if view := m.View(); !strings.Contains(view, "[without a call, which needs the devices]") {
			t.Errorf("%v: the help does not say why:\n%s", s.State, view)
		}
	}
}

func TestACallThatBeginsEndsTheCheck(t *testing.T) {
	m := newShift(idleSnapshot())
	quits(m.model, "c")
	m.Update(snapshotMsg{Snapshot: dialingSnapshot()})
	if m.mode != modeCall || m.check.isOpen() {
		t.Errorf("mode %d, open: %v", m.mode, m.check.isOpen())
	}
}

func TestNewsOfTheCheckAfterItsScreenAreIgnored(t *testing.T) {
	m := newShift(idleSnapshot())
	quits(m.model, "c", "esc")
	if m.tell(doneCheck()); m.exam.seen {
		t.Error("they were taken")
	}
}

func TestWhatASoftphoneHasNotGotHasNoKey(t *testing.T) {
	m, phone := at(callstate.Idle)
	quits(m, "c", "y")
	if m.mode != modeCall || len(phone.did()) > 0 {
		t.Errorf("mode %d", m.mode)
	}
	for _, c := range m.chapters() {
		for _, topic := range c.topics {
			if k := topic.key.Help().Key; k == "c" || k == "y" {
				t.Errorf("the help names %s", k)
			}
		}
	}
}

// All of an outcome can be read in any terminal that is not too small, and its
// advice is whole.
func TestTheOutcomeScrollsToItsEnd(t *testing.T) {
	for _, size := range []tea.WindowSizeMsg{{Width: 40, Height: 12}, {Width: 60, Height: 20}, {Width: 80, Height: 24}, {Width: 200, Height: 60}} {
		m := newShift(idleSnapshot())
		m.Update(size)
		quits(m.model, "c")
		m.tell(doneCheck())
		var seen []string
		for range 60 {
			for line := range strings.SplitSeq(m.View(), "\n") {
				if line = strings.TrimSpace(line); !slices.Contains(seen, line) {
					seen = append(seen, line)
				}
			}
			quits(m.model, "down")
		}
		all := strings.Join(seen, " ")
		for _, l := range doneCheck().Lines {
			for _, text := range []string{l.Title, l.Finding, l.Advice} {
				for word := range strings.FieldsSeq(text) {
					if !strings.Contains(all, word) {
						t.Errorf("%dx%d never shows %q of %q", size.Width, size.Height, word, text)
					}
				}
			}
		}
		if at := m.exam.scroll; at > 0 {
			if quits(m.model, "up"); m.exam.scroll != at-1 {
				t.Errorf("%dx%d: up from row %d leads to row %d", size.Width, size.Height, at, m.exam.scroll)
			}
		}
	}
}

func TestTheFiguresOfTheCheckHaveTheirPace(t *testing.T) {
	var e exam
	at := time.Unix(1000, 0)
	for i := range 6 {
		e.take(checkMsg{callstate.Check{Running: true, Level: callstate.Meter{Peak: float64(-i)}}, at.Add(time.Duration(i) * pollEvery)})
		if want := map[bool]float64{true: -5, false: 0}[i == 5]; e.read.Peak != want || e.check.Level.Peak != float64(-i) {
			t.Errorf("after %d looks the figure is %v and the bar at %v", i+1, e.read.Peak, e.check.Level.Peak)
		}
	}
}

// A check is looked at while it goes on, and for a moment after it was begun,
// however long its screen stays open.
func TestACheckIsPolledWhileItGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		phone, inner := newFakePhone(idleSnapshot()), &fakeCheck{}
		beside := newAside(Options{Check: inner})
		go feed(t.Context(), phone, beside, func(tea.Msg) {})
		during := func(d time.Duration) int {
			time.Sleep(d)
			synctest.Wait()
			return inner.looked()
		}
		if n := during(time.Hour); n != 0 {
			t.Errorf("%d looks at a closed check", n)
		}
		beside.check.begin()
		if n := during(time.Hour); n != 20 && n != 21 {
			t.Errorf("%d looks at a check that does not begin, want those of one second", n)
		}
		inner.set(beganCheck())
		beside.check.begin()
		if n := during(20*time.Second + time.Millisecond); n != 401 {
			t.Errorf("%d looks in 20 s, want 401", n)
		}
		inner.set(doneCheck())
		if n := during(24 * time.Hour); n != 1 {
			t.Errorf("%d looks at a check that is over, want the last one", n)
		}
		beside.check.end()
		if n := during(time.Hour); n != 0 || phone.looked() != 1 {
			t.Errorf("%d looks after the end, %d at the phone", n, phone.looked())
		}
		if got := inner.did(); !slices.Equal(got, []string{"begin", "begin", "end"}) {
			t.Errorf("%q", got)
		}
	})
}
