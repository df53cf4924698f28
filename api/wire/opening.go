package wire

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"callcenter/api"
	"callcenter/codec"
)

const (
	// MaxMessage is the largest AudioChunk that either side takes, in bytes.
	MaxMessage = 4 << 10
	// MaxText is the most characters of a text that is shown to people.
	MaxText = 64

	maxCallID = 128
)

// FieldError says which field of a chunk is wrong and why. It is InvalidArgument
// on the wire.
type FieldError struct {
	Field, Reason string
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Reason }

// Opening is what the first chunk of a call says.
type Opening struct {
	CallID      string
	Format      codec.Format
	Destination string // "" where the caller has no wish
	DisplayName string // cleaned
	FrameMS     int    // the frame duration that the caller prefers: 10 or 20
	Complete    bool   // keep every word rather than be live
	// Extended callers know the fields above 5: they get acknowledgements,
	// liveness, events and reports. Others get their audio and nothing else.
	Extended bool
}

// Open checks the first chunk of a call and returns what it says, or a
// *FieldError.
func Open(c *api.AudioChunk) (Opening, error) {
	if c.GetCallId() == "" {
		return Opening{}, &FieldError{"call_id", "is missing on the first chunk"}
	}
	if len(c.GetCallId()) > maxCallID {
		return Opening{}, &FieldError{"call_id", fmt.Sprintf("is longer than %d bytes", maxCallID)}
	}
	f := codec.Format{Codec: c.GetCodec(), Rate: int(c.GetSampleRate()), Channels: int(c.GetChannels())}
	if err := checkFormat(f); err != nil {
		return Opening{}, err
	}
	s := c.GetSetup()
	o := Opening{
		CallID:      c.GetCallId(),
		Format:      f,
		Destination: s.GetDestination(),
		DisplayName: Clean(s.GetDisplayName()),
		FrameMS:     20,
		Complete:    s.GetPlayout() == api.Playout_PLAYOUT_COMPLETE,
		Extended:    s != nil || c.GetSequence() != 0,
	}
	for _, ms := range s.GetFrameMs() {
		if ms == 10 || ms == 20 {
			o.FrameMS = int(ms)
			break
		}
	}
	return o, checkAudio(c)
}

func checkFormat(f codec.Format) error {
	if err := f.Validate(); err != nil {
		if fe, ok := err.(*codec.FormatError); ok { //nolint:errorlint // Validate returns it unwrapped
			return &FieldError{fe.Field, fe.Msg}
		}
		return err
	}
	return nil
}

func checkAudio(c *api.AudioChunk) error {
	if n := len(c.GetAudioData()); n > codec.MaxPacket {
		return &FieldError{"audio_data", fmt.Sprintf("has %d bytes, more than %d", n, codec.MaxPacket)}
	}
	return nil
}

// Check reports, as a *FieldError, a later chunk that contradicts the opening:
// what is named again must be the same.
func (o *Opening) Check(c *api.AudioChunk) error {
	switch {
	case c.GetCallId() != "" && c.GetCallId() != o.CallID:
		return &FieldError{"call_id", "changed within the call"}
	case c.GetCodec() != "" && c.GetCodec() != o.Format.Codec:
		return &FieldError{"codec", "changed within the call"}
	case c.GetSampleRate() != 0 && int(c.GetSampleRate()) != o.Format.Rate:
		return &FieldError{"sample_rate", "changed within the call"}
	case c.GetChannels() != 0 && int(c.GetChannels()) != o.Format.Channels:
		return &FieldError{"channels", "changed within the call"}
	}
	return checkAudio(c)
}

// Clean makes a text from the other side safe for screens and logs: no control,
// escape or formatting characters, at most MaxText characters.
func Clean(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n == MaxText {
			break
		}
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			continue
		}
		b.WriteRune(r)
		n++
	}
	return strings.TrimSpace(b.String())
}
