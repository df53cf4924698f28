package tui

import (
	"sync/atomic"

	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/desk"
)

// workbench is the Bench of the devices' screen, and whether that is open. The
// model opens and closes it, feed looks at it while it is open, and Run closes
// what is open at the end: no microphone is live for a screen that is gone.
type workbench struct {
	bench desk.Bench
	open  atomic.Bool
	woken chan struct{} // a one-slot signal: it was opened, or closed
}

func newWorkbench(b desk.Bench) *workbench {
	return &workbench{bench: b, woken: make(chan struct{}, 1)}
}

// there reports that there is a bench at all.
func (w *workbench) there() bool { return w.bench != nil }

func (w *workbench) begin() {
	if w.there() && w.open.CompareAndSwap(false, true) {
		w.bench.Begin()
		w.wake()
	}
}

func (w *workbench) end() {
	if w.open.CompareAndSwap(true, false) {
		w.bench.End()
		w.wake()
	}
}

func (w *workbench) wake() {
	select {
	case w.woken <- struct{}{}:
	default:
	}
}

// state is what the devices' screen shows; ok is unset while it is closed.
func (w *workbench) state() (s callstate.Bench, ok bool) {
	if !w.open.Load() {
		return callstate.Bench{}, false
	}
	return w.bench.State(), true
}
