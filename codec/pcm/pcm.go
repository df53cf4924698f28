// Package pcm is the "pcm" codec of the wire: signed 16-bit little-endian
// samples, interleaved, 8 to 96 kHz, one or two channels. It needs no C library.
// main puts a Codec into the codec.Registry; calls and rooms make encoders and
// decoders from there.
//
// PCM is 48 kHz mono on this side. At 48 kHz mono on the wire it is an exact
// copy; otherwise package resample converts the rate, a second channel carries
// the same as the first, and what is received on two is averaged.
//
// An encoder or decoder is for one goroutine at a time. Neither allocates per
// frame.
package pcm

import (
	"encoding/binary"
	"fmt"

	"callcenter/audio"
	"callcenter/audio/resample"
	"callcenter/codec"
)

// sampleBytes is the size of one sample of one channel.
const sampleBytes = 2

// Codec makes pcm encoders and decoders. The zero value is ready and safe for
// concurrent use.
type Codec struct{}

// Name returns the codec's name on the wire.
func (Codec) Name() string { return codec.PCM }

// NewEncoder returns an encoder to the rate and channels of f. A frame that
// would not fit into a packet (20 ms at 96 kHz stereo) is an error. Bitrate and
// complexity have no meaning here. Where the rate gives no whole number of
// samples a frame, packets differ by one sample.
func (Codec) NewEncoder(f codec.Format, o codec.Options) (codec.Encoder, error) {
	if err := check(f); err != nil {
		return nil, err
	}
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("create pcm encoder: %w", err)
	}
	conv, err := resample.New(audio.Rate, f.Rate)
	if err != nil {
		return nil, fmt.Errorf("create pcm encoder: %w", err)
	}
	most := conv.MaxOut(o.FrameSamples)
	if size := most * f.Channels * sampleBytes; size > codec.MaxPacket {
		return nil, fmt.Errorf("create pcm encoder: %v at %d Hz and %d channels is %d bytes, a packet has at most %d: use frames of 10ms",
			audio.Duration(o.FrameSamples), f.Rate, f.Channels, size, codec.MaxPacket)
	}
	return &encoder{
		conv:      conv,
		frame:     o.FrameSamples,
		channels:  f.Channels,
		lookahead: (conv.Delay()*audio.Rate + f.Rate/2) / f.Rate,
		converted: make([]int16, most),
	}, nil
}

// NewDecoder returns a decoder from the rate and channels of f.
func (Codec) NewDecoder(f codec.Format) (codec.Decoder, error) {
	if err := check(f); err != nil {
		return nil, err
	}
	conv, err := resample.New(f.Rate, audio.Rate)
	if err != nil {
		return nil, fmt.Errorf("create pcm decoder: %w", err)
	}
	most := codec.MaxPacket / sampleBytes / f.Channels
	return &decoder{
		conv:      conv,
		format:    f,
		mono:      make([]int16, most),
		converted: make([]int16, maxHeld+conv.MaxOut(most)),
		conceal:   concealer{delay: conv.Delay()},
	}, nil
}

// check returns an error unless f is a pcm format that the wire allows.
func check(f codec.Format) error {
	if f.Codec != codec.PCM {
		return &codec.FormatError{Field: "codec", Msg: fmt.Sprintf("%.32q is not pcm", f.Codec)}
	}
	return f.Validate()
}

type encoder struct {
	conv      *resample.Converter
	frame     int // samples at 48 kHz
	channels  int
	lookahead int     // samples at 48 kHz
	converted []int16 // a frame at the wire's rate
	dtx       bool
}

// SetDTX implements codec.Encoder. This encoder has no ear for silence.
func (e *encoder) SetDTX(on bool) error {
	e.dtx = on
	return nil
}

// Encode implements codec.Encoder.
func (e *encoder) Encode(dst []byte, pcm []int16) (int, error) {
	if len(pcm) != e.frame {
		return 0, fmt.Errorf("encode pcm: %d samples, want a frame of %d", len(pcm), e.frame)
	}
	if most := len(e.converted) * e.channels * sampleBytes; len(dst) < most {
		return 0, fmt.Errorf("encode pcm: room for %d bytes, a frame needs %d", len(dst), most)
	}
	n := e.conv.Process(e.converted, pcm)
	if e.dtx {
		return 0, nil
	}
	at := 0
	for _, x := range e.converted[:n] {
		for range e.channels {
			binary.LittleEndian.PutUint16(dst[at:], uint16(x))
			at += sampleBytes
		}
	}
	return at, nil
}

// Lookahead implements codec.Encoder.
func (e *encoder) Lookahead() int { return e.lookahead }

// maxHeld is the most samples that a decoder keeps for its next packet.
const maxHeld = 8

type decoder struct {
	conv   *resample.Converter
	format codec.Format
	mono   []int16 // a packet at the wire's rate
	// converted holds 48 kHz samples; the first held ones are left over from
	// the packet before. A rate that 48 kHz is no multiple of gives a sample
	// more or less than Format.Samples said, and there may be no room for it.
	converted []int16
	held      int
	conceal   concealer
}

// Decode implements codec.Decoder. The first milliseconds after a concealed gap
// are blended with its end.
func (d *decoder) Decode(pcm []int16, packet []byte) (int, error) {
	want, err := d.format.Samples(packet)
	if err != nil {
		return 0, fmt.Errorf("decode pcm: %w", err)
	}
	if len(pcm) < want {
		return 0, fmt.Errorf("decode pcm: room for %d samples, the packet has %d", len(pcm), want)
	}
	have := d.held + d.conv.Process(d.converted[d.held:], d.unpack(packet))
	n := copy(pcm, d.converted[:have])
	// What exceeds the bound is skipped, one sample in some packets.
	d.held = copy(d.converted, d.converted[n:min(have, n+maxHeld)])
	d.conceal.resume(pcm[:n])
	return n, nil
}

// unpack returns the packet's samples, channels averaged.
func (d *decoder) unpack(packet []byte) []int16 {
	n := len(packet) / sampleBytes / d.format.Channels
	for i := range n {
		if d.format.Channels == 1 {
			d.mono[i] = sample(packet, i)
			continue
		}
		d.mono[i] = int16((int(sample(packet, 2*i)) + int(sample(packet, 2*i+1))) / 2)
	}
	return d.mono[:n]
}

// sample returns sample i of the packet.
func sample(packet []byte, i int) int16 {
	return int16(binary.LittleEndian.Uint16(packet[sampleBytes*i:]))
}

// Conceal implements codec.Decoder. It takes any length.
func (d *decoder) Conceal(pcm []int16) error {
	d.conceal.fill(pcm)
	return nil
}
