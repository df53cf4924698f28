// Package device lists, opens and closes sound devices. It is the only
// importer of malgo (miniaudio). Package softphone/internal/sound and the
// `devices` command call it; a stream's audio goes through the ports of package
// audio/port.
//
// A device is opened at 48 kHz, mono, 16 bits, with periods of 10 ms, three of
// them buffered. Capture and playback are always two independent devices; in
// duplex mode two devices share one clock that does not exist. The size of a
// callback is whatever the sound system likes: with PulseAudio capture brings a
// period, playback asks for a quarter of one.
//
// All calls into the sound system of one stream are made by one goroutine that
// the stream owns, over a connection of its own, so that streams do not wait
// for one another and nothing is ever called from a callback. Those calls
// block for as long as a sound server does not answer. Open, List and Close
// therefore have a time limit: after it they return ErrNoAnswer, and the
// goroutine stays behind until the server answers or dies, then gives
// everything back and ends. Released tells when that happened. BeginCapture,
// BeginPlayback and Stop do not wait at all.
//
// What a stop callback does not tell: when a sound server dies or is frozen, or
// a PulseAudio device vanishes, the callbacks merely cease: Stream.Callbacks
// stands still. A stop need not be the end either: a PulseAudio device that was
// suspended goes on by itself.
//
// The C libraries underneath (ALSA, JACK) may print to standard error.
package device

import (
	"errors"
	"log/slog"
	"runtime"
	"time"
)

// Direction says which way a device carries sound.
type Direction string

// The two directions.
const (
	Capture  Direction = "capture"
	Playback Direction = "playback"
)

// noun returns what an operator calls a device of this direction.
func (d Direction) noun() string {
	if d == Capture {
		return "microphone"
	}
	return "playback device"
}

// Backend is a sound system.
type Backend string

// The sound systems that can be asked for. Null is a clock without a device,
// for tests; it is never picked by itself.
const (
	PulseAudio Backend = "pulseaudio" // PipeWire answers to it, too
	ALSA       Backend = "alsa"
	JACK       Backend = "jack"
	CoreAudio  Backend = "coreaudio"
	Null       Backend = "null"
)

// Backends returns the sound systems that this operating system may have, in
// the order in which they are tried. The null device is not among them, so that
// a missing sound server is an error and not silence.
func Backends() []Backend {
	switch runtime.GOOS {
	case "linux":
		return []Backend{PulseAudio, ALSA, JACK}
	case "darwin":
		return []Backend{CoreAudio}
	}
	return nil
}

// Info describes a device that can be opened.
type Info struct {
	// ID names the device for good: a sink's or source's name with PulseAudio,
	// a hardware name with ALSA, a unique id with CoreAudio, otherwise
	// hexadecimal digits. It has no control characters.
	ID string `json:"id"`
	// Name is what people call it, without control characters and at most 64
	// characters long.
	Name string `json:"name"`
	// Direction is the way it carries sound.
	Direction Direction `json:"direction"`
	// Default marks the device that an empty query opens.
	Default bool `json:"default"`
	// Monitor marks a source that records what a loudspeaker plays.
	Monitor bool `json:"monitor"`
	// Backend is the sound system that has it.
	Backend Backend `json:"-"`
}

// Config says which device to open, and how. The zero value opens the default
// device with the period of 10 ms.
type Config struct {
	// Query is a device's id, its name, or a part of either; capitals do not
	// matter in names. Empty means the device that is the sound server's default
	// now, by PULSE_SINK and PULSE_SOURCE where they are set; the stream stays
	// with it when the default changes. A monitor is opened only by its whole id.
	Query string
	// ID is the id of the device that was open before: it is opened if it is
	// there, whatever Query says, and no other unless Query names one. Empty
	// means none.
	ID string
	// Socket is Stream.Socket of the device that was open before: where nothing
	// listens at it, opening fails at once. libpulse is not asked then, since
	// miniaudio loses a file descriptor and a mapping with each connection that
	// fails. Empty means that it is not known.
	Socket string
	// Period is how much a callback moves, in whole milliseconds from 2 to
	// 100. Zero means 10 ms.
	Period time.Duration
	// Held opens the device beside one that uses the port: it leaves the port
	// alone, and plays silence, until Stream.TakeOver.
	Held bool
	// Backends are the sound systems to try, in order. Empty means Backends().
	Backends []Backend
	// Log receives what the sound library has to say, at level debug. It may be
	// nil.
	Log *slog.Logger
}

// Periods is how many periods a device is asked to buffer. It bounds how long
// a hold-up may last before sound is lost, and adds no delay by itself.
const Periods = 3

// The errors that callers tell apart. Each comes wrapped in a sentence that says
// what to do.
var (
	// ErrNoBackend means that no sound system could be reached.
	ErrNoBackend = errors.New("no sound system")
	// ErrNoDevice means that the sound system has no device for this direction.
	ErrNoDevice = errors.New("no sound device")
	// ErrMonitorDefault means that the default microphone is a monitor, which
	// counts as having none.
	ErrMonitorDefault = errors.New("the default microphone is a monitor")
	// ErrUnknownDevice means that nothing matches the query.
	ErrUnknownDevice = errors.New("unknown sound device")
	// ErrAmbiguous means that more than one device matches the query.
	ErrAmbiguous = errors.New("ambiguous sound device")
	// ErrNoAnswer means that the sound system did not answer in time.
	ErrNoAnswer = errors.New("the sound system does not answer")
	// ErrLost means that a device stopped without being asked to.
	ErrLost = errors.New("the sound device stopped")
)
