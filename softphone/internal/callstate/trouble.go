package callstate

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Kind is whose fault a trouble is.
type Kind int

// The kinds of trouble.
const (
	KindNone       Kind = iota
	KindServerGone      // it cannot be reached
	KindMicrophone      // gone, stalled, silent
	KindEarpiece        // gone, stalled
	KindComputer        // this computer is late
	KindUplink          // what is said waits, or is dropped
	KindServer          // it is busy
	KindDownlink        // nothing comes, or late
	KindUnderruns       // the earpiece ran dry
	KindQuality         // a figure is beyond its threshold
)

// Verdict is what the call suffers from, held for as long as an operator needs to
// read it, the worst first.
type Verdict struct {
	Troubles []Trouble
	// Good is a sentence about why all is well, from what was measured, while
	// there are no troubles: "They hear you, confirmed 0.2 s ago, 0.3 % made up."
	// Where nobody hears by wish it says so: "You are muted: nobody hears you." It
	// may be empty.
	Good string
	// Heard is set while Good says that somebody hears.
	Heard bool
}

// Trouble is what a call suffers from at this moment: what it is about and for
// how long, in a few words, and what that means.
type Trouble struct {
	Kind     Kind
	Severity Severity
	Text     string // "microphone gone 4.2 s"
	Effect   string // "nobody hears you"; it may be empty
}

// String is the whole of it.
func (t Trouble) String() string {
	if t.Effect == "" {
		return t.Text
	}
	return t.Text + ": " + t.Effect
}

// Join puts troubles into one line: the first in full, of the others what they
// are.
func Join(troubles []Trouble) string {
	parts := make([]string, len(troubles))
	for i, t := range troubles {
		parts[i] = t.Text
		if i == 0 {
			parts[i] = t.String()
		}
	}
	return strings.Join(parts, ", ")
}

const (
	unheard = "nobody hears you"
	deaf    = "you hear nothing"
)

// Troubles are what the call suffers from, the worst first; none when all is
// well, or without a call.
func (s *Snapshot) Troubles() []Trouble {
	if !s.State.Connected() {
		return nil
	}
	var found []Trouble
	add := func(when bool, severity Severity, text, effect string) {
		if when {
			found = append(found, Trouble{Severity: severity, Text: text, Effect: effect})
		}
	}
	mic, ear, link := s.MicrophoneEnd, s.EarpieceEnd, s.Link
	lost := link.State == LinkLost || s.State == Reconnecting
	add(lost, Failure, link.reconnecting(), link.silent())
	add(mic.State == EndGone, Failure, "microphone gone "+Spell(mic.Since), unheard)
	add(ear.State == EndGone, Failure, "earpiece gone "+Spell(ear.Since), deaf)
	add(link.State == LinkProblem && !lost, Warning, "connection problem "+Spell(link.Quiet), "")
	add(mic.State == EndStalled, Warning, "microphone stalled "+Spell(mic.Since), unheard)
	add(ear.State == EndStalled, Warning, "earpiece stalled "+Spell(ear.Since), deaf)
	if mic.State == EndOpen {
		silent := "microphone silent " + Spell(s.SilentFor)
		add(s.Silence == ExactZeros, Warning, silent, "exact zeros, muted on the headset?")
		add(s.Silence == FlatLevel, Warning, silent, "flat level, a loose plug?")
		add(s.Silence == NoCallbacks, Warning, silent, "it brings nothing")
	}
	add(link.Draining && !lost, Warning, "the server is about to end", "the call moves to another")
	return found
}

// reconnecting says how long the call is still kept.
func (l Link) reconnecting() string {
	text := "reconnecting"
	if l.State == LinkLost && l.GiveUpIn > 0 {
		text += fmt.Sprintf(", %.0f s left", math.Ceil(l.GiveUpIn.Seconds()))
	}
	return text
}

// silent says for how long nothing has come.
func (l Link) silent() string {
	if l.Quiet <= 0 {
		return ""
	}
	return "nothing heard for " + Spell(l.Quiet)
}

// Spell is a duration as an operator reads it: tenths of a second at first, then
// seconds, minutes, hours.
func Spell(d time.Duration) string {
	switch d = max(d, 0); {
	case d < 9950*time.Millisecond:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 100*time.Second:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 100*time.Minute:
		return fmt.Sprintf("%.0f min", d.Minutes())
	}
	return fmt.Sprintf("%.0f h", d.Hours())
}
