package callstate

import "strings"

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
	Over     bool   // it is over, and stands until it was read; Effect says so
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
