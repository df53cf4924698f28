// Package desk is what an operator's desk asks of the softphone, whether it is
// the screen (package tui) or the line mode (package plain): the line itself, the
// bench that tries the sound devices, the check before a shift, and the history
// of calls. The command line puts the real ones behind both; tests put fakes.
//
// It has interfaces only, whose values are those of package callstate. All their
// methods are safe for concurrent use and return at once: what they cause shows
// up in a later Snapshot or State, or as a Notice.
package desk

import "callcenter/softphone/internal/callstate"

// Phone is the line.
type Phone interface {
	// Dial calls destination; "" is the default destination. It has no effect
	// unless the line is idle.
	Dial(destination string)
	// HangUp ends the call that is dialing or live, if any.
	HangUp()
	// ToggleMute mutes the microphone, or unmutes it.
	ToggleMute()
	// ToggleHighPass, ToggleDenoise and ToggleLevelControl switch a part of the
	// microphone's clean-up, in a call or before it.
	ToggleHighPass()
	ToggleDenoise()
	ToggleLevelControl()
	// ToggleHold holds the call, which the far end is told, or goes on with it.
	ToggleHold()
	// Digit sends a keypad digit, one of 0-9, *, # and A-D, of a call.
	Digit(digit rune)
	// Talk opens a muted microphone for a while, or mutes it again.
	Talk()
	// ChangeMicrophoneGain and ChangeEarpieceGain turn up by dB, or down.
	ChangeMicrophoneGain(dB float64)
	ChangeEarpieceGain(dB float64)
	// ToggleSounds switches the softphone's own sounds.
	ToggleSounds()
	// Train sets what is added to the way back of an echo call. It has no effect
	// in other calls.
	Train(callstate.Training)
	// SaveBlackBox writes the last minute of this call, or of the one before, to a
	// file; screen is what the desk shows at this moment, as plain text. A Notice
	// says where the file is and what it contains, or why there is none.
	SaveBlackBox(screen string)
	// Directory is who can be dialed with few keys.
	Directory() callstate.Directory
	// Snapshot returns the state of this moment.
	Snapshot() callstate.Snapshot
	// Notices brings sentences for the operator. It is closed when the phone ends,
	// and the desk ends with it.
	Notices() <-chan callstate.Notice
	// Changed is a one-slot signal: the state changed, take a Snapshot.
	Changed() <-chan struct{}
}

// Bench tries the sound devices and chooses among them. An id is that of a listed
// device.
type Bench interface {
	// Begin lists the devices and listens to every microphone, until End, which
	// gives every device back.
	Begin()
	End()
	State() callstate.Bench
	// Tone plays a test tone to an earpiece, or stops it.
	Tone(id string)
	// Record takes three seconds from a microphone and plays them on the chosen
	// earpiece.
	Record(id string)
	// Choose takes a device for this call and those that follow.
	Choose(id string)
}

// Check is the test before a shift.
type Check interface {
	// Begin begins the check anew, unless the line is busy. End gives it up, if it
	// goes on, and gives every device back.
	Begin()
	End()
	State() callstate.Check
}

// History is the calls that were.
type History interface {
	// Find looks for calls whose destination, name, end or day contain every word
	// of text, in any case; "" is all of them. The outcome shows up in State.
	Find(text string)
	State() callstate.History
}
