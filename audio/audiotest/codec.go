package audiotest

import (
	"encoding/binary"
	"errors"
)

// ErrBroken is what a Decoder says of a packet that begins with Broken.
var ErrBroken = errors.New("audiotest: broken packet")

// Broken begins a packet that Decoder refuses.
const Broken = 0x7fff

// Encode appends pcm to dst as signed 16-bit little-endian samples.
func Encode(dst []byte, pcm []int16) []byte {
	for _, s := range pcm {
		dst = binary.LittleEndian.AppendUint16(dst, uint16(s))
	}
	return dst
}

// Decoder is a codec.Decoder of what Encode makes, which counts what it is
// asked for.
type Decoder struct {
	Decoded   int // samples
	Concealed int // samples
	Failed    int // packets
}

// Decode implements codec.Decoder.
func (d *Decoder) Decode(pcm []int16, packet []byte) (int, error) {
	n := len(packet) / 2
	if n > len(pcm) || n > 0 && binary.LittleEndian.Uint16(packet) == Broken {
		d.Failed++
		return 0, ErrBroken
	}
	for i := range n {
		pcm[i] = int16(binary.LittleEndian.Uint16(packet[2*i:]))
	}
	d.Decoded += n
	return n, nil
}

// Conceal implements codec.Decoder.
func (d *Decoder) Conceal(pcm []int16) error {
	clear(pcm)
	d.Concealed += len(pcm)
	return nil
}
