package tui

import (
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/desk"
)

// workbench is the Bench of the devices' screen, and whether that is open.
type workbench struct {
	bench desk.Bench
	side
}

func newWorkbench(b desk.Bench, woken chan<- struct{}) *workbench {
	return &workbench{bench: b, side: side{woken: woken}}
}

// there reports that there is a bench at all.
func (w *workbench) there() bool { return w.bench != nil }

func (w *workbench) begin() {
	if w.there() && w.opens() {
		w.bench.Begin()
		w.wake()
	}
}

func (w *workbench) end() {
	if w.closes() {
		w.bench.End()
		w.wake()
	}
}

// state is what the devices' screen shows; ok is unset while it is closed.
func (w *workbench) state() (s callstate.Bench, ok bool) {
	if !w.open.Load() {
		return callstate.Bench{}, false
	}
	return w.bench.State(), true
}
