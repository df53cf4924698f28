package tui

import (
	"sync/atomic"
	"time"

	tea "github.com/charmbracelet/bubbletea"
)

// aside is what there is beside the line: the bench, the check and the history,
// each behind a screen of its own. The model opens and closes them, feed looks at
// them while they are open, and Run closes what is open at the end: no device is
// in use for a screen that is gone.
type aside struct {
	bench   *workbench
	check   *checkup
	history *archive
	woken   chan struct{} // a one-slot signal: one was opened, closed, or asked for something
}

func newAside(opts Options) *aside {
	woken := make(chan struct{}, 1)
	return &aside{newWorkbench(opts.Bench, woken), newCheckup(opts.Check, woken), newArchive(opts.History, woken), woken}
}

// asideSettles is for how long feed looks at what was asked for something, at
// least: it may take a moment to begin.
const asideSettles = time.Second

// look sends the state of what is open, and reports that it moves by itself, and
// that anything is open.
func (a *aside) look(now time.Time, send func(tea.Msg)) (moves, open bool) {
	if s, ok := a.bench.state(); ok {
		send(benchMsg(s))
		moves, open = true, true
	}
	if s, ok := a.check.state(); ok {
		send(checkMsg{s, now})
		moves, open = moves || s.Running, true
	}
	if s, ok := a.history.state(); ok {
		send(historyMsg(s))
		moves, open = moves || s.Busy, true
	}
	return moves, open
}

// end closes what is open. One that panics keeps no other open.
func (a *aside) end() {
	defer a.check.end()
	a.bench.end()
}

// side is whether one of them is open.
type side struct {
	open  atomic.Bool
	woken chan<- struct{} // of aside
}

// opens opens it, and reports that it was closed.
func (s *side) opens() bool { return s.open.CompareAndSwap(false, true) }

// closes closes it, and reports that it was open.
func (s *side) closes() bool { return s.open.CompareAndSwap(true, false) }

func (s *side) wake() {
	select {
	case s.woken <- struct{}{}:
	default:
	}
}
