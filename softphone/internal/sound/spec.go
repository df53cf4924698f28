// Package sound opens what --capture and --playback name: a sound device, a WAV
// file, a tone or nothing at all. The commands check the settings with it before
// anything else happens, the phone opens both ends of a call with it, and the
// screen and the `devices` command list devices with it.
//
// A spec is one of these texts:
//
//	""          the default device
//	TEXT        a device's id, or a part of its name or id
//	file:PATH   a WAV file: played as the microphone, once and then silence; or
//	            written with what the earpiece plays
//	tone:HZ     a sine of 20 to 20000 Hz at -20 dBFS; as the microphone only
//	null        silence as the microphone, nowhere as the earpiece
//
// An end of any kind is a Stream on a port of package audio/port. What is no
// device is clocked by package audio/pace, in a goroutine that Close waits for. A
// device has a goroutine, too, which opens it again, behind the same port, when
// it was away or another period suits this computer better.
package sound

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"callcenter/audio/device"
	"callcenter/audio/tone"
)

// toneLevel is the level of a tone, in dBFS.
const toneLevel = -20

// ErrSpec means that a spec cannot be right, whatever devices there are: wrong
// usage.
var ErrSpec = errors.New("wrong sound setting")

// Kind is what a Spec names.
type Kind int

// The kinds.
const (
	Device Kind = iota
	File
	Tone
	Null
)

// Spec is a checked spec.
type Spec struct {
	Kind  Kind
	Query string  // of a Device: "" is the default
	Path  string  // of a File
	Hertz float64 // of a Tone
}

// Direction says for which end of a call a spec is.
type Direction = device.Direction

// The two ends.
const (
	Capture  = device.Capture
	Playback = device.Playback
)

// Parse checks a spec without opening anything. A device is not looked for. An
// error is ErrSpec and says which forms there are.
func Parse(dir Direction, text string) (Spec, error) {
	scheme, rest, colon := strings.Cut(text, ":")
	switch {
	case text == "null":
		return Spec{Kind: Null}, nil
	case colon && scheme == "file":
		if rest == "" {
			return Spec{}, specError(dir, text, "names no file")
		}
		return Spec{Kind: File, Path: rest}, nil
	case colon && scheme == "tone":
		return parseTone(dir, text, rest)
	case colon && scheme == "null":
		return Spec{}, specError(dir, text, "has something behind null")
	}
	return Spec{Kind: Device, Query: text}, nil
}

func parseTone(dir Direction, text, hertz string) (Spec, error) {
	if dir == Playback {
		return Spec{}, specError(dir, text, "is a microphone only")
	}
	hz, err := strconv.ParseFloat(hertz, 64)
	if err != nil || !(hz >= tone.MinHz && hz <= tone.MaxHz) {
		return Spec{}, specError(dir, text, fmt.Sprintf("has no frequency from %d to %d Hz", tone.MinHz, tone.MaxHz))
	}
	return Spec{Kind: Tone, Hertz: hz}, nil
}

func specError(dir Direction, text, problem string) error {
	forms := "a device's name part or id, file:PATH, tone:HZ or null"
	if dir == Playback {
		forms = "a device's name part or id, file:PATH or null"
	}
	return fmt.Errorf("%w: %s %.80q %s; use %s", ErrSpec, dir, text, problem, forms)
}

// Check checks the specs of both ends together, without opening anything. An
// error is ErrSpec.
func Check(capture, playback string) error {
	in, err := Parse(Capture, capture)
	if err != nil {
		return err
	}
	out, err := Parse(Playback, playback)
	if err != nil {
		return err
	}
	if in.Kind == File && out.Kind == File && sameFile(in.Path, out.Path) {
		return fmt.Errorf("%w: capture and playback both name %.80q, which would be emptied before it is read; write to another file",
			ErrSpec, out.Path)
	}
	return nil
}

func sameFile(a, b string) bool {
	if a == b {
		return true
	}
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

// String says what s names in words, for people.
func (s Spec) String() string {
	switch s.Kind {
	case File:
		return fmt.Sprintf("file %q", s.Path)
	case Tone:
		return fmt.Sprintf("tone of %g Hz", s.Hertz)
	case Null:
		return "nothing"
	case Device:
		if s.Query != "" {
			return fmt.Sprintf("device %q", s.Query)
		}
	}
	return "default device"
}
