// Package diagnose says what a call suffers from and whose fault that is, or why
// all is well: one line for an operator who must never wonder "can they hear me,
// and if not, whose fault is it?". It also rates the call second by second, for
// warnings and for the timeline.
//
// The phone looks four times a second at a snapshot of the call. Each look goes
// through three steps:
//
//  1. causes.go finds what is wrong at this moment, at most one trouble of each
//     kind, from hard facts (a device is gone), from the age of what should have
//     moved on (a frame that the server did not acknowledge, the newest chunk) and
//     from counters compared with those of some seconds ago.
//  2. Of what is found, whatever follows from another trouble is left out: an echo
//     call whose uplink stands still has gaps in its downlink, and a computer
//     that is late has an earpiece that runs dry. Symptoms wait a moment for their
//     cause to show.
//  3. hold.go keeps what was found for as long as a person needs to read it: it is
//     named at the next look, and goes 3 s after it was over, or later where it
//     comes again and again.
//
// Times are arguments, readings of one audio.Clock; nothing here waits. One
// goroutine uses a Watch, of one call. What a Look returns is never changed.
package diagnose

import (
	"fmt"
	"time"

	"callcenter/softphone/internal/callstate"
)

const (
	// lookEvery is how often the phone looks. A look that comes later than this
	// by lateLook says that the program did not run.
	lookEvery = 250 * time.Millisecond
	lateLook  = 300 * time.Millisecond
	// settling is how long after the answer, or another device, counters and
	// figures are not judged, and starting how long counters are not kept: devices
	// start, buffers fill.
	settling = 3 * time.Second
	starting = 2 * time.Second
)

// Findings are what a look found.
type Findings struct {
	Verdict  callstate.Verdict
	Warnings callstate.Warnings
	Timeline []callstate.Moment
	// WorstMOS is the MOS est. of the worst minute of the call until now; 0: nothing
	// was rated.
	WorstMOS float64
}

// Tell makes the findings part of a picture of the call.
func (f *Findings) Tell(s *callstate.Snapshot) {
	s.Verdict, s.Warnings, s.Timeline = f.Verdict, f.Warnings, f.Timeline
}

// Watch watches one call. Its zero value is ready.
type Watch struct {
	begun     bool
	last      time.Duration // of the looks
	dialing   time.Duration // when it was first seen to be dialed
	connected time.Duration // and to be connected, or its devices were changed
	live      bool
	devices   [2]device

	past    past
	server  usual
	busy    int // looks in a row
	seen    [kinds]time.Duration
	stalled time.Duration // when the downlink last stood still
	since   [kinds]time.Duration
	held    holder
	poor    time.Duration // until then the figures were good, or explained

	rating   rating
	timeline timeline
	praise   praise
}

// Look judges the call at now.
func (w *Watch) Look(s *callstate.Snapshot, now time.Duration) Findings {
	if !w.begun {
		w.begun, w.last, w.dialing = true, now, now
		for k := range w.seen {
			w.seen[k] = now - time.Hour
		}
		w.stalled = now - time.Hour
	}
	late := max(0, now-w.last-lookEvery)
	w.last = now
	if !s.State.Connected() {
		return w.unconnected(s, now)
	}
	if open := [2]device{identity(s.MicrophoneOpen), identity(s.EarpieceOpen)}; !w.live || open != w.devices {
		w.live, w.connected, w.devices, w.past = true, now, open, past{}
	}
	if now-w.connected >= starting {
		w.past.add(s, now)
	}
	found := w.find(s, now, late)
	w.explain(s, &found, now)
	w.rating.look(s, now)
	if w.rating.warnings == 0 || s.Training.On() || !w.unexplained(&found, now) {
		w.poor = now
	} else if now-w.poor >= patience {
		found[callstate.KindQuality] = w.rating.trouble(s)
	}
	w.timeline.look(s, &found, w.rating.mos, now)
	f := Findings{Warnings: w.rating.warnings, Timeline: w.timeline.moments, WorstMOS: w.rating.minute.worst}
	f.Verdict.Troubles = w.held.troubles(&found, now)
	if len(f.Verdict.Troubles) == 0 {
		f.Verdict.Good, f.Verdict.Heard = w.praise.sentence(s, now)
	} else {
		w.praise.listen(s, now)
	}
	return f
}

// answerAfter is how long a server may take to answer before that is said.
const answerAfter = time.Second

// unconnected is a call that is dialed, or ends.
func (w *Watch) unconnected(s *callstate.Snapshot, now time.Duration) Findings {
	f := Findings{Timeline: w.timeline.moments, WorstMOS: w.rating.minute.worst}
	if s.State != callstate.Dialing {
		return f
	}
	if waited := now - w.dialing; waited >= answerAfter {
		text := "server " + s.Server + " does not answer "
		if s.Link.Servers > 1 {
			text = "no server answers "
		}
		f.Verdict.Troubles = []callstate.Trouble{{
			Kind: callstate.KindServerGone, Severity: callstate.Warning,
			Text: text + span(waited), Effect: "you are not connected yet",
		}}
	}
	return f
}

// span is a duration as an operator reads it: in milliseconds up to a second.
func span(d time.Duration) string {
	if d < 995*time.Millisecond {
		return fmt.Sprintf("%d ms", max(d, 0)/(10*time.Millisecond)*10)
	}
	return callstate.Spell(d)
}
