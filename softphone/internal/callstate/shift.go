package callstate

import "time"

// Grade is what a check says of one thing.
type Grade int

// The grades, mild first.
const (
	GradeNone Grade = iota // not known yet, or not asked
	GradePass
	GradeWarn
	GradeFail
)

func (g Grade) String() string {
	switch g {
	case GradePass:
		return "PASS"
	case GradeWarn:
		return "WARN"
	case GradeFail:
		return "FAIL"
	case GradeNone:
	}
	return "–"
}

// CheckLine is one thing that a check looked at.
type CheckLine struct {
	Key     string // for scripts, such as "speech_level"
	Title   string // such as "Speech level"
	Grade   Grade
	Finding string // what was found, with its figures
	Advice  string // a sentence: what to do; "" with GradePass
}

// Check is the state of a check before a shift.
type Check struct {
	Running bool
	Done    bool          // Lines are the outcome
	Ask     string        // what the operator is to do now, such as "Say something, as in a call."
	Left    time.Duration // of what is asked
	Total   time.Duration // until the end of the check
	Level   Meter         // of the microphone now
	Lines   []CheckLine   // nobody changes the slice
	Grade   Grade         // the worst of Lines, once Done
	Err     string        // why there is no check
}

// Past is a call that was.
type Past struct {
	CallID      string
	Start       time.Time // when it was dialed
	Length      time.Duration
	Destination string
	Name        string // of the destination, as a contact or favourite; may be empty
	Server      string
	// MOS and WorstMOS are of the call and of its worst minute, est.; 0: not rated.
	MOS, WorstMOS float64
	ConcealedPct  float64
	Gaps          uint64        // times without a connection
	Gap           time.Duration // in sum
	// Ended says how it ended, such as "hung up"; "cut" is a call whose softphone
	// died. Err is why it failed.
	Ended string
	Err   string
}

// History is the state of a search among the calls that were.
type History struct {
	Find  string // what was looked for
	Busy  bool   // it is being looked for
	Calls []Past // the newest first; nobody changes the slice
	More  bool   // there are more than Calls has
	Err   string // why there are none
}
