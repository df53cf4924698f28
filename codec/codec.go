// Package codec declares what an audio codec is to the rest of the program,
// knows the codecs of the wire by name, and checks packets without decoding
// them. It links no codec: codec/opus and codec/pcm do, and main puts them into
// a Registry.
//
// PCM on this side is 48 kHz mono whatever the wire's rate and channels are:
// converting is the codec's business. Encoders and decoders are for one
// goroutine at a time.
package codec

import (
	"errors"
	"fmt"
	"sort"
	"strings"
)

// Names of the codecs on the wire.
const (
	Opus = "opus"
	PCM  = "pcm"
)

// MaxPacket is the most bytes that one chunk's audio may have.
const MaxPacket = 3840

// Format is a codec's name, rate and channels as the wire says them.
type Format struct {
	Codec    string
	Rate     int // samples a second
	Channels int
}

// FormatError names the field of a chunk that cannot be right.
type FormatError struct {
	Field string // "codec", "sample_rate" or "channels"
	Msg   string
}

// Error returns the field and what is wrong with it.
func (e *FormatError) Error() string { return e.Field + ": " + e.Msg }

// ErrPacket marks a packet that no decoder may see: malformed, empty, too
// long. The errors that wrap it say why.
var ErrPacket = errors.New("codec: malformed packet")

// Validate returns nil if the wire allows f, and otherwise a *FormatError.
func (f Format) Validate() error {
	switch f.Codec {
	case Opus:
		switch f.Rate {
		case 8000, 12000, 16000, 24000, 48000:
		default:
			return &FormatError{"sample_rate", fmt.Sprintf("%d is no Opus rate (8000, 12000, 16000, 24000 or 48000)", f.Rate)}
		}
	case PCM:
		if f.Rate < minPCMRate || f.Rate > maxPCMRate {
			return &FormatError{"sample_rate", fmt.Sprintf("%d is outside 8000 to 96000", f.Rate)}
		}
	default:
		return &FormatError{"codec", fmt.Sprintf("%.32q is unknown (opus or pcm)", f.Codec)}
	}
	if f.Channels < 1 || f.Channels > 2 {
		return &FormatError{"channels", fmt.Sprintf("%d is outside 1 to 2", f.Channels)}
	}
	return nil
}

// Options are an encoder's settings.
type Options struct {
	Bitrate      int // bits a second; 0: 32000
	Complexity   int // 0 to 10; a caller that wants the default passes 9
	FrameSamples int // 48 kHz samples a frame: 480 or 960
}

// Validate returns nil if every codec can encode with o.
func (o Options) Validate() error {
	switch {
	case o.Bitrate != 0 && (o.Bitrate < 6000 || o.Bitrate > 510000):
		return fmt.Errorf("bitrate %d is outside 6000 to 510000 bit/s", o.Bitrate)
	case o.Complexity < 0 || o.Complexity > 10:
		return fmt.Errorf("complexity %d is outside 0 to 10", o.Complexity)
	case o.FrameSamples != 480 && o.FrameSamples != 960:
		return fmt.Errorf("frame of %d samples is neither 480 (10 ms) nor 960 (20 ms)", o.FrameSamples)
	}
	return nil
}

// Encoder turns frames into packets. It is for one goroutine at a time.
type Encoder interface {
	// Encode writes the packet of one frame (exactly FrameSamples of pcm) to
	// dst, which has room for MaxPacket bytes, and returns its length, or 0 for
	// a frame that SetDTX allowed it to leave out. It does not allocate.
	Encode(dst []byte, pcm []int16) (int, error)
	// SetDTX says whether frames may be left out from the next one on; at first
	// none may. The encoder then leaves out what is silence to its own ear, and
	// an encoder that has none leaves out every frame: the caller allows it
	// while silence is all that the caller hears. It does not allocate.
	SetDTX(on bool) error
	// Lookahead is the delay that encoding adds beyond the frame, in 48 kHz
	// samples.
	Lookahead() int
}

// Decoder turns the packets of one stream, in order, into PCM. It is for one
// goroutine at a time. There is no way to reset it: a stream that starts anew
// gets a new one.
type Decoder interface {
	// Decode writes the packet's samples to pcm and returns how many. The
	// packet was checked with Format.Samples, which tells how many there are;
	// pcm has room for them. Where 48 kHz is no multiple of a pcm rate the
	// count returned may differ from that by a few samples, never exceeds
	// len(pcm), and is right on average. An error leaves the decoder usable:
	// the caller conceals that packet. It does not allocate unless it fails.
	Decode(pcm []int16, packet []byte) (int, error)
	// Conceal fills pcm, a multiple of 120 samples and at most 960, with what
	// may have been there. Repeated calls fade to silence. It does not
	// allocate.
	Conceal(pcm []int16) error
}

// Codec makes encoders and decoders of one wire name.
type Codec interface {
	Name() string
	NewEncoder(Format, Options) (Encoder, error)
	NewDecoder(Format) (Decoder, error)
}

// Registry is the set of codecs that a program links, by wire name.
type Registry map[string]Codec

// NewRegistry returns the registry of these codecs.
func NewRegistry(codecs ...Codec) Registry {
	r := make(Registry, len(codecs))
	for _, c := range codecs {
		r[c.Name()] = c
	}
	return r
}

// Lookup returns the codec of that name, or an error that says which exist.
func (r Registry) Lookup(name string) (Codec, error) {
	if c, ok := r[name]; ok {
		return c, nil
	}
	names := make([]string, 0, len(r))
	for n := range r {
		names = append(names, n)
	}
	sort.Strings(names)
	return nil, &FormatError{"codec", fmt.Sprintf("%.32q is unknown (%s)", name, strings.Join(names, " or "))}
}
