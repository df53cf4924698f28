package sound

import (
	"log/slog"

	"callcenter/audio"
	"callcenter/audio/device"
	"callcenter/audio/port"
)

// Trial is a device that is open, or opening, outside of a call. Unlike a
// Stream it is not opened again when it is gone. Its methods are safe for
// concurrent use and none waits. Whoever has one stops it.
type Trial interface {
	// Opened gives one value once the opening has ended: nil, or a sentence.
	Opened() <-chan error
	// Endpoint says what is open; it is empty before.
	Endpoint() audio.Endpoint
	// Lost is closed when the device stops without being asked to. Not every
	// sound system tells.
	Lost() <-chan struct{}
	// Stop gives the device back, also while it opens; Released is closed when
	// that is done.
	Stop()
	Released() <-chan struct{}
}

// TryCapture opens a listed microphone, to deliver to p, and returns at once.
// log may be nil.
func TryCapture(d Info, p *port.Capture, log *slog.Logger) Trial {
	return device.BeginCapture(tried(d, log), p)
}

// TryPlayback opens a listed earpiece, to take from p. It is otherwise as
// TryCapture.
func TryPlayback(d Info, p *port.Playback, log *slog.Logger) Trial {
	return device.BeginPlayback(tried(d, log), p)
}

func tried(d Info, log *slog.Logger) device.Config {
	return device.Config{ID: d.ID, Backends: []device.Backend{d.Backend}, Log: log}
}

// Exclusive reports that the sound system of an open end may give a device to
// one stream only.
func Exclusive(e audio.Endpoint) bool {
	switch device.Backend(e.Backend) {
	case device.PulseAudio, device.CoreAudio, device.JACK:
		return false
	case device.ALSA, device.Null:
	}
	return true
}
