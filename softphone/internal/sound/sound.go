package sound

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"

	"callcenter/audio"
	"callcenter/audio/device"
	"callcenter/audio/file"
	"callcenter/audio/port"
	"callcenter/audio/tone"
	"callcenter/softphone/internal/callstate"
)

// Stream is one open end of a call. Its methods are safe for concurrent use.
type Stream interface {
	// Endpoint says what is open. Numbers that are zero are not known.
	Endpoint() audio.Endpoint
	// Start lets sound flow: a file, a tone or null moves its first 10 ms 10 ms
	// later. A device runs since it was opened, so that it is warm, and Start
	// does nothing. So does starting again. After Close what is no device
	// returns an error.
	Start() error
	// Changed gives a sentence for the operator when a device is gone or silent,
	// is back, was opened anew with another period or switched, or when another
	// than the first of Options.Prefer was opened; Endpoint then says what is open. Only the newest few wait.
	Changed() <-chan callstate.Notice
	// Health says how the stream does now. A device that is gone is opened again,
	// by its id, until it is back.
	Health() callstate.End
	// Lost is closed when the stream ends by itself, for good: the file cannot be
	// read or written. The end of a file is silence, no loss. The stream must
	// still be closed. A device never ends.
	Lost() <-chan struct{}
	// Switch puts the device with that id in the place of what is open, of
	// whatever kind that is, behind the same port. It returns at once. The
	// device opens beside what is open, which leaves the port once the device
	// runs; a sentence in Changed says that it does, or why what is open stays.
	// From then on that device is opened again when it is gone, and no other.
	Switch(id string)
	// Err returns why Lost is closed, nil while it is open.
	Err() error
	// Close ends the stream, completes a file, and waits until the port is not
	// used any more. For a device that takes at most 2 s, also while it is being
	// opened again; see device.Stream.
	// Closing again does nothing more and returns the same.
	Close() error
}

// Options are what all streams of a phone share.
type Options struct {
	// Periods say how much a device moves at once. Nil means 10 ms, always.
	Periods *Periods
	// Prefer are the devices to open where the spec is empty, best first: the
	// first of them that is there and opens, otherwise the system's default.
	Prefer []Choice
	// Log receives what the sound libraries say, at level debug. It may be nil.
	Log *slog.Logger

	backends []device.Backend // that tests choose
}

// OpenCapture opens the microphone that spec names, to deliver to p. ctx bounds
// only the opening. An error is one sentence with what to do: ErrSpec, an error
// of package audio/device, or one of the file. The caller closes the stream.
func OpenCapture(ctx context.Context, spec string, p *port.Capture, opt Options) (Stream, error) {
	s, err := Parse(Capture, spec)
	if err != nil {
		return nil, err
	}
	if s.Kind == Device {
		return openCapture(ctx, s.Query, p, opt.complete())
	}
	source, end, err := openSource(s)
	if err != nil {
		return nil, err
	}
	return captureDevice("", p, opt.complete()).standingIn(newCapture(source, end, p)), nil
}

// OpenPlayback opens the earpiece that spec names, to take from p. A file is
// created, or emptied, at once. It is otherwise as OpenCapture.
func OpenPlayback(ctx context.Context, spec string, p *port.Playback, opt Options) (Stream, error) {
	s, err := Parse(Playback, spec)
	if err != nil {
		return nil, err
	}
	if s.Kind == Device {
		return openPlayback(ctx, s.Query, p, opt.complete())
	}
	sink, end, err := openSink(s)
	if err != nil {
		return nil, err
	}
	return playbackDevice("", p, opt.complete()).standingIn(newPlayback(sink, end, p)), nil
}

func (o Options) complete() Options {
	if o.Periods == nil {
		o.Periods = FixedPeriods(audio.Period)
	}
	return o
}

// Info describes a sound device.
type Info = device.Info

// Devices lists the sound devices, microphones first. It takes at most 5 s; call
// it off the screen's goroutine.
func Devices(ctx context.Context, log *slog.Logger) ([]Info, error) {
	return device.List(ctx, device.Config{Log: log})
}

// Default returns which of the listed devices an empty spec opens. The error
// says in a sentence why there is none: no device, or a microphone that is a
// monitor.
func Default(list []Info, dir Direction) (Info, error) {
	return device.Default(list, dir)
}

// openSource opens what is no device as a microphone.
func openSource(s Spec) (audio.Source, audio.Endpoint, error) {
	end := paced(s)
	switch s.Kind {
	case File:
		reader, err := file.Open(s.Path)
		if err != nil {
			return nil, end, err
		}
		end.Rate, end.Channels = reader.Rate(), reader.Channels()
		return reader, end, nil
	case Tone:
		sine, err := tone.New(s.Hertz, toneLevel)
		if err != nil {
			return nil, end, err
		}
		return sine, end, nil
	case Null, Device:
	}
	return silence{}, end, nil
}

// openSink opens what is no device as an earpiece.
func openSink(s Spec) (audio.Sink, audio.Endpoint, error) {
	end := paced(s)
	if s.Kind != File {
		return discard{}, end, nil
	}
	writer, err := file.Create(s.Path)
	if err != nil {
		return nil, end, err
	}
	return writer, end, nil
}

// paced describes an end that a pacer drives.
func paced(s Spec) audio.Endpoint {
	end := audio.Endpoint{Rate: audio.Rate, Channels: 1, Period: audio.Period, Periods: 1}
	switch s.Kind {
	case File:
		end.Backend, end.Name = "file", fileName(s.Path)
	case Tone:
		end.Backend, end.Name = "tone", fmt.Sprintf("%g Hz", s.Hertz)
	case Null, Device:
		end.Backend, end.Name = "null", "null"
	}
	return end
}

// fileName is what of a path fits on a screen.
func fileName(path string) string {
	return device.CleanName(filepath.Base(path))
}

// silence is a microphone without a sound.
type silence struct{}

func (silence) Fill(dst []int16) { clear(dst) }
func (silence) Close() error     { return nil }

// discard is an earpiece without an ear.
type discard struct{}

func (discard) Write([]int16) error { return nil }
func (discard) Close() error        { return nil }
