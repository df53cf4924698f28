// Package opus is the Opus codec of the wire, through libopus. It is the only
// package that links it. main puts a Codec into the codec.Registry; calls and
// rooms make encoders and decoders from there.
//
// PCM is 48 kHz mono on this side. An encoder always sends mono made from
// 48 kHz; the wire's rate tells it only how much bandwidth the listener can
// hear. A decoder takes every Opus packet, whatever rate and channels it was
// made from: libopus converts.
//
// An encoder or decoder is for one goroutine at a time. Neither allocates per
// frame.
package opus

import (
	"errors"
	"fmt"

	libopus "github.com/hraban/opus"

	"callcenter/codec"
)

const (
	rate     = 48000
	channels = 1
	// lookahead is what libopus delays speech by beyond the frame in its VoIP
	// mode at 48 kHz, 6.5 ms. Its binding has no call to ask for it.
	lookahead = 312
	// defaultBitrate is in bits a second.
	defaultBitrate = 32000
	// maxFramePacket is the longest packet of one frame: 1275 bytes and the
	// byte before them. With less room libopus would lower the quality.
	maxFramePacket = 1276
	// silentPacket is the longest packet that stands for silence while
	// transmission is discontinuous.
	silentPacket = 2
	// concealChunk is the most samples that libopus conceals well at once,
	// 20 ms, and concealUnit what they must be a multiple of, 2.5 ms.
	concealChunk = 960
	concealUnit  = 120
)

// Codec makes Opus encoders and decoders. The zero value is ready and safe for
// concurrent use.
type Codec struct{}

// Name returns the codec's name on the wire.
func (Codec) Name() string { return codec.Opus }

// NewEncoder returns an encoder of mono speech with a variable bitrate and
// without forward error correction. While SetDTX allows it, Encode returns 0 for
// frames that libopus takes for silence, which it does after 200 ms of it.
func (Codec) NewEncoder(f codec.Format, o codec.Options) (codec.Encoder, error) {
	if err := check(f); err != nil {
		return nil, err
	}
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("create opus encoder: %w", err)
	}
	enc, err := libopus.NewEncoder(rate, channels, libopus.AppVoIP)
	if err != nil {
		return nil, fmt.Errorf("create opus encoder: %w", err)
	}
	bitrate := o.Bitrate
	if bitrate == 0 {
		bitrate = defaultBitrate
	}
	for _, setting := range []struct {
		name string
		err  error
	}{
		{"bitrate", enc.SetBitrate(bitrate)},
		{"complexity", enc.SetComplexity(o.Complexity)},
		{"variable bitrate", enc.SetVBR(true)},
		{"forward error correction", enc.SetInBandFEC(false)},
		{"discontinuous transmission", enc.SetDTX(false)},
		{"bandwidth", enc.SetMaxBandwidth(bandwidth(f.Rate))},
	} {
		if setting.err != nil {
			return nil, fmt.Errorf("set opus encoder's %s: %w", setting.name, setting.err)
		}
	}
	return &encoder{enc: enc, frame: o.FrameSamples}, nil
}

// NewDecoder returns a decoder of any Opus stream to 48 kHz mono.
func (Codec) NewDecoder(f codec.Format) (codec.Decoder, error) {
	if err := check(f); err != nil {
		return nil, err
	}
	dec, err := libopus.NewDecoder(rate, channels)
	if err != nil {
		return nil, fmt.Errorf("create opus decoder: %w", err)
	}
	return &decoder{dec: dec, format: f}, nil
}

// check returns an error unless f is an Opus format that the wire allows.
func check(f codec.Format) error {
	if f.Codec != codec.Opus {
		return &codec.FormatError{Field: "codec", Msg: fmt.Sprintf("%.32q is not opus", f.Codec)}
	}
	return f.Validate()
}

// bandwidth returns the widest band that a listener at this rate can hear.
func bandwidth(rate int) libopus.Bandwidth {
	switch rate {
	case 8000:
		return libopus.Narrowband
	case 12000:
		return libopus.Mediumband
	case 16000:
		return libopus.Wideband
	case 24000:
		return libopus.SuperWideband
	}
	return libopus.Fullband
}

type encoder struct {
	enc   *libopus.Encoder
	frame int  // samples
	dtx   bool // frames of silence may be left out
	quiet bool // the frame before was
}

// Encode implements codec.Encoder.
func (e *encoder) Encode(dst []byte, pcm []int16) (int, error) {
	if len(pcm) != e.frame {
		return 0, fmt.Errorf("encode opus: %d samples, want a frame of %d", len(pcm), e.frame)
	}
	if len(dst) < maxFramePacket {
		return 0, fmt.Errorf("encode opus: room for %d bytes, want %d", len(dst), codec.MaxPacket)
	}
	// The binding goes by the capacity, not the length.
	n, err := e.enc.Encode(pcm, dst[:maxFramePacket:maxFramePacket])
	if err != nil {
		return 0, fmt.Errorf("encode opus: %w", err)
	}
	if e.quiet, err = e.silent(n); err != nil || e.quiet {
		return 0, err
	}
	return n, nil
}

// silent reports whether the frame that was encoded into n bytes is to be left
// out. libopus makes packets of one byte for silence, and a larger one now and
// then to refresh the noise that its decoder makes up.
func (e *encoder) silent(n int) (bool, error) {
	if !e.dtx || n <= silentPacket || !e.quiet {
		return e.dtx && n <= silentPacket, nil
	}
	in, err := e.enc.InDTX()
	if err != nil {
		return false, fmt.Errorf("ask opus encoder for its transmission: %w", err)
	}
	return in, nil
}

// SetDTX implements codec.Encoder.
func (e *encoder) SetDTX(on bool) error {
	if on == e.dtx {
		return nil
	}
	if err := e.enc.SetDTX(on); err != nil {
		return fmt.Errorf("set opus encoder's discontinuous transmission: %w", err)
	}
	e.dtx, e.quiet = on, false
	return nil
}

// SetComplexity sets the complexity from the next frame on, 0 to 10. It does not
// allocate.
func (e *encoder) SetComplexity(complexity int) error {
	if err := e.enc.SetComplexity(complexity); err != nil {
		return fmt.Errorf("set opus encoder's complexity: %w", err)
	}
	return nil
}

// Lookahead implements codec.Encoder.
func (e *encoder) Lookahead() int { return lookahead }

type decoder struct {
	dec    *libopus.Decoder
	format codec.Format
}

// Decode implements codec.Decoder. Whoever calls has checked the packet; that it is
// done again costs 15 ns, and no way leads around it into C.
func (d *decoder) Decode(pcm []int16, packet []byte) (int, error) {
	if _, err := d.format.Samples(packet); err != nil {
		return 0, fmt.Errorf("decode opus packet of %d bytes: %w", len(packet), err)
	}
	if len(pcm) == 0 {
		return 0, errors.New("decode opus: no room for samples")
	}
	// The binding goes by the capacity, not the length.
	n, err := d.dec.Decode(packet, pcm[:len(pcm):len(pcm)])
	if err != nil {
		return 0, fmt.Errorf("decode opus packet of %d bytes: %w", len(packet), err)
	}
	return n, nil
}

// Conceal implements codec.Decoder. After 60 ms or so libopus has faded to
// silence.
func (d *decoder) Conceal(pcm []int16) error {
	if len(pcm)%concealUnit != 0 {
		return fmt.Errorf("conceal opus: %d samples are no multiple of %d", len(pcm), concealUnit)
	}
	for len(pcm) > 0 {
		n := min(len(pcm), concealChunk)
		// The binding goes by the capacity, not the length.
		if err := d.dec.DecodePLC(pcm[:n:n]); err != nil {
			return fmt.Errorf("conceal opus: %w", err)
		}
		pcm = pcm[n:]
	}
	return nil
}
