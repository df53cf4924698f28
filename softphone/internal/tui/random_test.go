package tui

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"callcenter/softphone/internal/callstate"
)

// anyKey is a key of the keyboard, more often one that means something, or a
// paste.
func anyKey(r *rand.Rand, meaningful []tea.KeyMsg) tea.KeyMsg {
	switch r.IntN(10) {
	case 0:
		return tea.KeyMsg{Type: tea.KeyType(r.IntN(140) - 100), Alt: r.IntN(2) == 0}
	case 1:
		return tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{rune(r.IntN(0x3000))}, Alt: r.IntN(8) == 0}
	case 2:
		runes := make([]rune, r.IntN(40))
		for i := range runes {
			runes[i] = rune(r.IntN(0x250))
		}
		return tea.KeyMsg{Type: tea.KeyRunes, Runes: runes, Paste: r.IntN(2) == 0}
	}
	return meaningful[r.IntN(len(meaningful))]
}

// meaningful are the keys of the map.
func meaningful() []tea.KeyMsg {
	var keys []tea.KeyMsg
	all := bindings(newKeyMap())
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names) // or a seed would not tell
	for _, name := range names {
		if name == "Interrupt" {
			continue // it ends every run
		}
		for _, k := range all[name].Keys() {
			keys = append(keys, pressed(k))
		}
	}
	return keys
}

// aState is any state of a line and its call.
func aState(r *rand.Rand) callstate.Snapshot {
	all := []func() callstate.Snapshot{
		idleSnapshot, dialingSnapshot, liveSnapshot, liveSnapshot, mutedSnapshot, clippedSnapshot, lostSnapshot, goneSnapshot,
		endingSnapshot, hostileSnapshot, trainingSnapshot, func() callstate.Snapshot { return roomSnapshot(team(7)...) },
	}
	s := all[r.IntN(len(all))]()
	s.Held, s.Talk.Open = r.IntN(5) == 0, r.IntN(5) == 0
	return s
}

// Whatever is pressed, and whatever happens meanwhile, nothing panics, the
// picture fits, and microphones are live only under the screens of the devices and the
// check.
func TestTenThousandRandomKeys(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 6))
			keys, left := meaningful(), 0
			m := newShift(idleSnapshot())
			for range randomKeys / 4 {
				msg := anyMessage(r, keys)
				_, cmd := m.Update(msg)
				if m.bench.isOpen() != (m.mode == modeDevices) || m.check.isOpen() != (m.mode == modeCheck) || m.history.open.Load() != (m.mode == modeHistory) {
					t.Fatalf("after %#v, in mode %d, bench and check are open: %v, %v", msg, m.mode, m.bench.isOpen(), m.check.isOpen())
				}
				if m.mode == modeCheck && m.snap.State != callstate.Idle {
					t.Fatalf("after %#v there is a check in a call", msg)
				}
				checkPicture(t, m.model)
				if cmd == nil {
					continue
				}
				if _, quit := cmd().(tea.QuitMsg); !quit {
					t.Fatalf("%#v caused %T", msg, cmd())
				}
				m.end()
				if m.bench.isOpen() || m.check.isOpen() {
					t.Fatal("the bench or the check is open after the end")
				}
				m = newShift(idleSnapshot())
				left++
			}
			if left == 0 {
				t.Error("nobody ever quit: the keys are not random")
			}
		})
	}
}

// anyMessage is a key, or once in a while what happens by itself.
func anyMessage(r *rand.Rand, keys []tea.KeyMsg) tea.Msg {
	switch r.IntN(16) {
	case 0:
		return snapshotMsg{Snapshot: aState(r), at: time.Unix(1000+r.Int64N(1000), 0)}
	case 1:
		return tea.WindowSizeMsg{Width: r.IntN(301), Height: r.IntN(101)}
	case 2:
		benches := []callstate.Bench{{}, benchState(), goneBench(), toneBench(), crowdedBench(), hostileBench(), {Err: "\x1b[2Jnone"}}
		return benchMsg(benches[r.IntN(len(benches))])
	case 3:
		checks := []callstate.Check{{}, beganCheck(), speakingCheck(), doneCheck(), hostileCheck(), {Err: "\x1b[2Jnone"}}
		return checkMsg{checks[r.IntN(len(checks))], time.Unix(1000+r.Int64N(1000), 0)}
	case 4:
		pasts := []callstate.History{{}, calls(), manyCalls(), hostileHistory(), {Busy: true}, {Err: "\x1b[2Jnone"}}
		return historyMsg(pasts[r.IntN(len(pasts))])
	case 5:
		return noticeMsg{Severity: callstate.Severity(r.IntN(3)), Text: strings.Repeat("\x9bword ", r.IntN(50))}
	}
	return anyKey(r, keys)
}

// checkPicture is checkFits for the size that it has.
func checkPicture(t *testing.T, m *model) {
	t.Helper()
	checkFits(t, m, m.width, m.height)
}

// A window that is dragged about, in a call, on every screen.
func TestAResizeStorm(t *testing.T) {
	for _, keys := range [][]string{nil, {"?"}, {"i"}, {"v"}, {"t"}, {"q"}, {"y"}, {"y", "/", "sup"}, {"!"}} {
		m := newShift(liveSnapshot())
		quits(m.model, keys...)
		m.Update(benchMsg(benchState()))
		m.Update(historyMsg(calls()))
		m.Update(noticeMsg{Text: theBox})
		r := rand.New(rand.NewPCG(1, 6))
		for range 300 {
			checkFits(t, m.model, 1+r.IntN(300), 1+r.IntN(100))
		}
	}
	for _, state := range []callstate.Check{{}, speakingCheck(), doneCheck(), hostileCheck()} {
		m := newShift(idleSnapshot())
		quits(m.model, "c")
		m.tell(state)
		r := rand.New(rand.NewPCG(4, 6))
		for range 300 {
			checkFits(t, m.model, 1+r.IntN(300), 1+r.IntN(100))
		}
	}
}
