// Package callstate is what the operator's screen can see: the state of the
// line, the meters, the delay and the quality, as plain values. The phone
// fills a Snapshot, the screen draws it; neither needs the other's packages.
// A Snapshot is a copy: whoever has one may keep it.
package callstate

import (
	"time"

	"callcenter/audio"
)

// State is the state of the one line.
type State int

// The states, in the order in which a call meets them.
const (
	Idle         State = iota
	Dialing            // devices are opening, the server was asked
	Live               // answered, audio flows
	Reconnecting       // answered, the connection is gone, another is being tried
	Ending             // hung up, what was said last is still being played
)

func (s State) String() string {
	switch s {
	case Idle:
		return "idle"
	case Dialing:
		return "dialing"
	case Live:
		return "live"
	case Reconnecting:
		return "reconnecting"
	case Ending:
		return "ending"
	}
	return "unknown"
}

// Connected reports a call that was answered and is not hung up.
func (s State) Connected() bool { return s == Live || s == Reconnecting }

// Meter is one level meter after its ballistics, all in dBFS, never above 0;
// level.Floor stands for silence.
type Meter struct {
	Peak float64 // bar
	RMS  float64 // mark
	Hold float64 // tick
	Clip bool    // latched for some seconds
}

// Stage is one part of the way from mouth to ear.
type Stage struct {
	Name     string
	Delay    time.Duration
	Measured bool // false: an estimate, to be labelled "est."
}

// Delay is where the time goes. A zero duration with its Known flag unset was
// not measured yet.
type Delay struct {
	RTT      time.Duration // newest smoothed round trip, measured
	RTTKnown bool
	Jitter   time.Duration // interarrival jitter, RFC 3550
	Buffer   time.Duration // jitter buffer now
	Target   time.Duration // what it aims at
	// MouthToEarEst is the sum of Stages.
	MouthToEarEst time.Duration
	Stages        []Stage
	// Loop is the measured way of a sample from the capture callback through
	// the server to the playback callback; only in calls that come back (echo).
	Loop      time.Duration
	LoopKnown bool
}

// Traffic are counters since the call began.
type Traffic struct {
	Sent     uint64 // frames handed to gRPC
	Received uint64 // chunks with audio
	Lost     uint64 // sequence numbers that never came, not marked as dropped
	Dropped  uint64 // frames that either sender dropped for age
	Late     uint64 // arrived too late, twice or without room

	ConcealedPct float64 // share of played samples that were made up, percent
	// Underruns counts the times that the earpiece, or the sound system behind
	// it, had too little; Overruns counts samples of the microphone that nobody,
	// or no callback, took in time.
	Underruns, Overruns uint64
}

// Quality is the E-model's estimate of what this ear hears, without the time in
// which the operator was muted.
type Quality struct {
	Known  bool
	R, MOS float64 // 0 to 93.2 and 1 to 4.41, est.
	// What was rated, and what each takes off the best MOS.
	Delay    time.Duration // mouth to ear, or the loop of an echo call
	DelayMOS float64
	LossPct  float64 // made up, or dropped for age by a sender
	LossMOS  float64
}

// Counts are counters of one ear since the call began, by W3C webrtc-stats;
// samples are at 48 kHz. The means are the sums of W3C divided by their counts.
type Counts struct {
	Inserted, Removed          uint64 // samples, by time scaling
	Concealed, SilentConcealed uint64 // samples
	ConcealmentEvents          uint64
	Interruptions              uint64 // 150 ms and more made up
	InterruptionDuration       time.Duration
	Skipped                    uint64 // samples jumped over to be live again
	DTX                        uint64 // samples of announced silence
	Stalls                     uint64
	StallDuration              time.Duration
	Outages                    uint64
	// BackToLive is how long the call took to be live again after the last
	// stall, and Quick after how many of them it took half a second at most.
	// Only this side knows its own.
	BackToLive          time.Duration
	Quick               uint64
	SenderDropped       uint64 // frames
	ClockDriftPPM       float64
	Underruns, Overruns uint64 // as in Traffic
	EarLimited          uint64 // samples

	BufferMean, TargetMean, MinimumMean time.Duration // per sample played
	ArrivalMean                         time.Duration // per packet, later than the fastest
}

// Remote is what the other side last reported of how it hears us.
type Remote struct {
	Known bool
	Plays bool // it plays us to somebody; an echo does not

	Received, Lost, Late uint64
	ConcealedPct         float64
	Jitter               time.Duration
	Buffer, Target       time.Duration
	MouthToEarEst        time.Duration
	MOS                  float64 // est.; 0: not rated
	Counts               Counts
}

// CleanUp is what is done to the microphone before it is sent.
type CleanUp struct {
	HighPass, Denoise, Level bool
	CanDenoise               bool    // noise suppression is built in
	Gain                     float64 // of the level control now, dB
}

// Protection is the limiter before the earpiece.
type Protection struct {
	On      bool
	Ceiling float64 // dBFS of peaks
	Gain    float64 // now, dB; 0: untouched
	Limited uint64  // samples turned down
}

// LinkState says how the connection to the server does.
type LinkState int

// The states of a connection. The zero value is a good one.
const (
	LinkUp      LinkState = iota
	LinkProblem           // nothing came for a second
	LinkLost              // given up, or broken; others are being tried
)

func (s LinkState) String() string {
	switch s {
	case LinkProblem:
		return "problem"
	case LinkLost:
		return "lost"
	case LinkUp:
	}
	return "up"
}

// Link is the connection to the server during a call.
type Link struct {
	State   LinkState
	Server  string        // the address in use, of several
	Servers int           // how many there are
	Version string        // of the software of the server that answered last; "": it did not tell
	Quiet   time.Duration // since the newest chunk, while State is not LinkUp
	// GiveUpIn is how long the call is still kept without a connection; it
	// means something while State is LinkLost.
	GiveUpIn time.Duration
	Resumes  uint64        // times that the call went over to another connection
	Gap      time.Duration // without a connection that works, in sum
	Draining bool          // the server is about to end; the call is moving
	Security Security
}

// Security is how the connection to the server is secured.
type Security struct {
	Known     bool // it says so; nothing else means anything before
	Encrypted bool
	Local     bool // the server is on this computer
	// KnownBy says what the server is known by, in a few words, Fingerprint is of its
	// key, and First is set where it was met just now; of an encrypted one.
	KnownBy     string
	Fingerprint string
	First       bool
}

// Open reports a connection that whoever is in between can hear.
func (s Security) Open() bool { return s.Known && !s.Encrypted && !s.Local }

// EndState says how one end of a call, a device, does.
type EndState int

// The states of an end. The zero value is a good one.
const (
	EndOpen    EndState = iota
	EndStalled          // its callbacks ceased, without a word
	EndGone             // it is not there; it is opened again once it is back
)

func (s EndState) String() string {
	switch s {
	case EndStalled:
		return "stalled"
	case EndGone:
		return "gone"
	case EndOpen:
	}
	return "open"
}

// End is how one end of a call does.
type End struct {
	State   EndState
	Since   time.Duration // how long it has been in that state, unless EndOpen
	Reopens uint64        // times that it was opened again after a fault
}

// Silence says why a microphone that works brings nothing.
type Silence int

// The kinds of silence. The zero value is a microphone that brings sound, or
// one that was not heard long enough to tell.
const (
	NoSilence   Silence = iota
	ExactZeros          // as of a mute switch on the headset
	FlatLevel           // the same level on and on, as of a loose plug
	NoCallbacks         // the device brings nothing at all
)

// Snapshot is everything the screen shows, taken at one moment.
type Snapshot struct {
	State       State
	Server      string
	Destination string
	CallID      string
	// Duration counts from the answer and stands still after the end.
	Duration time.Duration
	Muted    bool
	// TalkingWhileMuted is set while somebody speaks into a muted microphone.
	TalkingWhileMuted bool
	// Held is set while this operator holds the call: nothing is said and nothing
	// is heard.
	Held bool
	// MayNotSpeak is set where the server lets nobody hear this operator, and
	// MayNotListen where it lets this operator hear nobody: the token says so.
	MayNotSpeak, MayNotListen bool

	Talk     Talk
	Gains    Gains
	Sounds   bool // the softphone's own: ringback, answer, end, link lost, digits
	Training Training

	Microphone, Earpiece Meter
	// MicrophoneOpen and EarpieceOpen are nil while nothing is open.
	MicrophoneOpen, EarpieceOpen *audio.Endpoint
	MicrophoneEnd, EarpieceEnd   End
	// Silence is why the microphone is not heard, unless it is muted here, and
	// SilentFor since when.
	Silence   Silence
	SilentFor time.Duration

	Link Link

	Codec   string // "opus", "pcm"; "" before a call
	FrameMS int
	Delay   Delay
	Traffic Traffic
	Quality Quality
	Counts  Counts
	Remote  Remote

	CleanUp    CleanUp
	Protection Protection

	// Speaking is set while the operator speaks and is not muted.
	Speaking bool
	// Roster are the others in the room, in order of joining, and Unlisted how
	// many more are there than it has room for. Nobody changes the slice that
	// Roster is.
	Roster   []Participant
	Unlisted int

	Health Health
	// Verdict is what the call suffers from, or that all is well.
	Verdict Verdict
	// Warnings are the figures that are beyond their thresholds, in the time that
	// is rated.
	Warnings Warnings
	// Timeline is the call second by second, oldest first. Nobody changes the slice.
	Timeline []Moment
}

// Severity says how much an operator must care about a message.
type Severity int

// Severities, mild first.
const (
	Info Severity = iota
	Warning
	Failure
)

// Notice is one sentence for the operator: what happened, to what, what to do.
type Notice struct {
	Severity Severity
	Text     string
	// About is the trouble that it tells of, if the verdict names that as long as it
	// lasts: a screen that shows the verdict need not say it twice.
	About Kind
	// Presence is set where it tells that somebody came or went, which the roster
	// shows, too.
	Presence bool
	// Private is set where it holds digits that were pressed: parts of a number that
	// is nobody's business, perhaps. It is to be read, not kept.
	Private bool
}
