package callstate

import "time"

// Health is how the hand-overs of a call do at this moment. What the call suffers
// from, and whose fault that is, follows from it.
type Health struct {
	// Acknowledges is set once the server told what it took of ours. Unheard is
	// how old the oldest is that it did not tell of, waiting or on its way; 0: it
	// has all of it.
	Acknowledges bool
	Unheard      time.Duration
	// Quiet is how long nothing has come from the server; 0 without a connection.
	Quiet time.Duration
	// ServerTime is how long the server holds what it sends, lately; 0: not known.
	ServerTime time.Duration
	// MicrophoneLate and EarpieceLate are the worst of the last second or two:
	// from the callback that brought a frame until it waited to be sent, and from
	// the callback that wanted sound until that was being made.
	MicrophoneLate, EarpieceLate time.Duration

	// Counters since the call began.
	LateCallbacks   uint64 // of both devices, so late that sound was missing
	Underruns       uint64 // times that a callback of the earpiece found too little
	UnderrunSamples uint64 // that it lacked
	Played          uint64 // samples asked of the playout
	OwnDropped      uint64 // frames of ours that were dropped for age
	Unplayable      uint64 // frames that came and are malformed, or cannot be decoded
}

// Warnings are the figures that are beyond their thresholds.
type Warnings uint8

// The warnings. Each comes late and goes late, see package diagnose.
const (
	WarnRoundTrip Warnings = 1 << iota
	WarnJitter
	WarnLoss
	WarnMOS
)

// Has reports whether all of w are among the warnings.
func (all Warnings) Has(w Warnings) bool { return all&w == w }
