package callstate

import (
	"time"

	"callcenter/audio"
)

// Talk is push-to-talk: a microphone that is muted and was opened for a while.
// A terminal tells of no key being let go, so it is a latch with a timer.
type Talk struct {
	Open bool
	Left time.Duration // until the microphone is muted again

	Limit time.Duration // for which it is opened, also while it is not
}

// TalkFor is how long push-to-talk keeps a microphone open unless set otherwise.
const TalkFor = 30 * time.Second

// Gains are what the operator turned up or down, in dB.
type Gains struct{ Microphone, Earpiece float64 }

// How far the operator can turn up and down, in dB.
const (
	MinMicrophoneGain = -20.0
	MaxMicrophoneGain = 20.0
	MinEarpieceGain   = -40.0
	MaxEarpieceGain   = 12.0
)

// Training is what is added to the way back of an echo call, to hear what it
// does.
type Training struct {
	Delay, Jitter time.Duration
	LossPct       float64 // of the frames
}

// On reports that anything is added.
func (t Training) On() bool { return t != Training{} }

// What may be added at most.
const (
	MaxTrainingDelay  = time.Second
	MaxTrainingJitter = 200 * time.Millisecond
	MaxTrainingLoss   = 30.0 // percent
)

// Bounded is t within what may be added.
func (t Training) Bounded() Training {
	loss := 0.0
	if t.LossPct > 0 { // also no for what is no number
		loss = min(t.LossPct, MaxTrainingLoss)
	}
	return Training{
		Delay:   min(max(t.Delay, 0), MaxTrainingDelay),
		Jitter:  min(max(t.Jitter, 0), MaxTrainingJitter),
		LossPct: loss,
	}
}

// Mark is what happened in a Moment; several may.
type Mark uint8

// The marks of a timeline.
const (
	MarkMuted Mark = 1 << iota
	MarkHeld
	MarkDevice    // a device was changed, went, or came back
	MarkStall     // nothing came and everything was played
	MarkReconnect // the call had no connection, or went over to another
)

// Moment is one second of a call.
type Moment struct {
	Delay time.Duration // the loop where that is measured, else mouth to ear est.; 0: not known
	MOS   float64       // est.; 0: not rated
	Marks Mark
}

// TimelineSeconds is how many moments a timeline has at most.
const TimelineSeconds = 300

// Contact is somebody, or a room, that can be dialed.
type Contact struct {
	Name        string // may be empty
	Destination string
}

// Directory is who can be dialed with few keys.
type Directory struct {
	Favourites []Contact // at most nine, for the keys 1 to 9
	Contacts   []Contact
	Recent     []Contact // dialed before, the newest first, each once
}

// Bench is the state of the devices' screen.
type Bench struct {
	Listing                bool // the devices are being looked for
	Microphones, Earpieces []BenchDevice
	Recording              Recording
	Err                    string // why there is no list
}

// BenchDevice is a device on the devices' screen.
type BenchDevice struct {
	ID, Name string
	Backend  string
	Default  bool // the system's choice
	Monitor  bool // it records an earpiece
	Chosen   bool // by this operator, for calls
	InCall   bool // open in the call of now
	Gone     bool // it was there when the screen was opened
	Level    Meter
	Open     *audio.Endpoint // what was granted while it is tried; nil: not open
	Tone     bool            // the test tone plays on it
	Err      string          // why it cannot be opened
}

// RecordState is what becomes of a test recording.
type RecordState int

// The states of a test recording.
const (
	RecordIdle RecordState = iota
	RecordListening
	RecordPlaying
)

// Recording is a test recording: three seconds from a microphone, then played.
type Recording struct {
	State  RecordState
	Device string        // the microphone's id
	Left   time.Duration // of the state
	Peak   float64       // of what was recorded, dBFS
	Err    string
}
