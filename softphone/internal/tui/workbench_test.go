package tui

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"callcenter/softphone/internal/callstate"
)

// withBench returns a model with a bench, in a call or not.
func withBench(s callstate.Snapshot) (*model, *fakePhone, *fakeBench) {
	phone, bench := newFakePhone(s), newFakeBench(benchState())
	phone.directory = directory()
	m := newModel(phone, Options{Destination: "echo", Bench: bench})
	m.Update(snapshotMsg{Snapshot: s, at: time.Unix(1000, 0)})
	return m, phone, bench
}

func TestTheBenchIsOpenWhileItsScreenIs(t *testing.T) {
	for _, c := range []struct {
		name string
		snap callstate.Snapshot
		keys []string
		mode mode
	}{
		{"its key closes it", liveSnapshot(), []string{"v"}, modeCall},
		{"esc closes it", idleSnapshot(), []string{"esc"}, modeCall},
		{"the help closes it", idleSnapshot(), []string{"?"}, modeHelp},
		{"the details close it", liveSnapshot(), []string{"i"}, modeDetails},
		{"the quit question closes it", liveSnapshot(), []string{"q"}, modeQuit},
		{"ctrl+c closes it in a call", liveSnapshot(), []string{"ctrl+c"}, modeQuit},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, _, bench := withBench(c.snap)
			quits(m, "v")
			if !bench.isOpen() || m.mode != modeDevices {
				t.Fatalf("v did not open it: mode %d", m.mode)
			}
			quits(m, c.keys...)
			if bench.isOpen() || m.mode != c.mode {
				t.Errorf("open: %v, mode %d, want %d", bench.isOpen(), m.mode, c.mode)
			}
		})
	}
}

func TestTheDevicesScreenTriesAndChooses(t *testing.T) {
	m, phone, bench := withBench(liveSnapshot())
	quits(m, "v", "enter", "t", "r") // nothing is listed yet
	m.Update(benchMsg(benchState()))
	quits(m, "t", "r", "j", "enter", "tab", "r", "t", "down", "enter", "up", "up", "enter", "right", "k", "r")
	want := []string{"begin", "record m1", "choose m2", "tone e1", "choose e2", "choose e1", "record m1"}
	if got := bench.did(); !slices.Equal(got, want) {
		t.Errorf("the bench was asked for %q, want %q", got, want)
	}
	quits(m, "m", "x", "+", "1", "d", "/", "h")
	if got, want := phone.did(), []string{"mute", "hold", "mic +1", "hang up"}; !slices.Equal(got, want) {
		t.Errorf("the phone was asked for %q, want %q", got, want)
	}
}

func TestADeviceThatVanishesLeavesTheCursorWhereItIs(t *testing.T) {
	m, _, bench := withBench(liveSnapshot())
	quits(m, "v")
	m.Update(benchMsg(benchState()))
	quits(m, "down") // the second
	gone := benchState()
	gone.Microphones[1].Gone = true
	m.Update(benchMsg(gone))
	quits(m, "enter", "r") // nothing can be done with it
	gone.Microphones = append([]callstate.BenchDevice{{ID: "new", Name: "New"}}, gone.Microphones...)
	m.Update(benchMsg(gone))
	if d, _ := m.trial.current(); d.ID != "m2" {
		t.Errorf("the cursor went from m2 to %s when the list grew", d.ID)
	}
	gone.Microphones = slices.Delete(gone.Microphones, 2, 3)
	m.Update(benchMsg(gone))
	if d, _ := m.trial.current(); d.ID != "m3" {
		t.Errorf("the cursor went to %s when its row vanished, want the next", d.ID)
	}
	m.Update(benchMsg(callstate.Bench{}))
	quits(m, "up", "down", "pgdown", "pgup", "enter", "tab", "t")
	m.Update(benchMsg(benchState()))
	if d, ok := m.trial.current(); !ok || d.ID != "e1" {
		t.Errorf("the cursor is at %q after the devices came back", d.ID)
	}
	if got := bench.did(); !slices.Equal(got, []string{"begin"}) {
		t.Errorf("the bench was asked for %q", got)
	}
}

func TestMonitorsStandLast(t *testing.T) {
	m, _, _ := withBench(idleSnapshot())
	quits(m, "v")
	b := benchState()
	slices.Reverse(b.Microphones)
	m.Update(benchMsg(b))
	var got []string
	for _, d := range m.trial.bench.Microphones {
		got = append(got, d.ID)
	}
	if want := []string{"m3", "m2", "m1", "m4"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestNewsOfTheBenchAfterItsScreenAreIgnored(t *testing.T) {
	m, _, _ := withBench(idleSnapshot())
	quits(m, "v", "esc")
	m.Update(benchMsg(benchState()))
	if m.trial.seen {
		t.Error("they were taken")
	}
}

// The bench is polled while it is open, also without a call, and costs nothing
// before and after.
func TestTheBenchIsPolledWhileItIsOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		phone, inner := newFakePhone(idleSnapshot()), newFakeBench(benchState())
		beside := newAside(Options{Bench: inner})
		bench := beside.bench
		told := 0
		go feed(t.Context(), phone, beside, func(msg tea.Msg) {
			if _, ok := msg.(benchMsg); ok {
				told++
			}
		})
		polled := func() int {
			synctest.Wait()
			n := told
			told = 0
			return n
		}
		time.Sleep(time.Hour)
		if n := polled(); n != 0 {
			t.Errorf("%d looks at a closed bench", n)
		}
		bench.begin()
		time.Sleep(10*time.Second + time.Millisecond)
		if n := polled(); n != 201 {
			t.Errorf("%d looks in ten seconds, want 201", n)
		}
		bench.end()
		polled() // one may be on its way
		time.Sleep(time.Hour)
		if n := polled(); n != 0 || phone.looked() != 1 {
			t.Errorf("%d looks at the bench after its end, %d at the phone", n, phone.looked())
		}
		if got := inner.did(); !slices.Equal(got, []string{"begin", "end"}) {
			t.Errorf("%q", got)
		}
	})
}

func TestBeginAndEndOfTheBenchComeInPairs(t *testing.T) {
	inner := newFakeBench(callstate.Bench{})
	w := newWorkbench(inner, make(chan struct{}, 1))
	w.end()
	w.begin()
	w.begin()
	w.end()
	w.end()
	if got := inner.did(); !slices.Equal(got, []string{"begin", "end"}) {
		t.Errorf("%q", got)
	}
	none := newWorkbench(nil, make(chan struct{}, 1))
	none.begin()
	none.end()
	if _, open := none.state(); open {
		t.Error("no bench is open")
	}
}
