package codec

import "fmt"

// MaxSamples is the most 48 kHz samples a channel that a packet can play: a
// full pcm packet at 8 kHz mono.
const MaxSamples = MaxPacket / 2 * wireRate / minPCMRate

const (
	// wireRate is the rate in which Samples counts, that of audio between
	// packages.
	wireRate = 48000
	// minPCMRate and maxPCMRate bound the rate of pcm.
	minPCMRate = 8000
	maxPCMRate = 96000
	// maxOpus is the longest Opus packet, 60 ms. No frame is shorter than
	// 2.5 ms, so that the other bound needs no check.
	maxOpus = wireRate * 60 / 1000
	// maxFrame is the most bytes one Opus frame may have (RFC 6716, R2).
	maxFrame = 1275
)

// Samples returns how many 48 kHz samples a channel the packet plays. It reads
// only the packing, decodes nothing and does not allocate unless it fails. An
// Opus packet that passes meets R1 to R7 of RFC 6716 section 3 and lasts at
// most 60 ms; a pcm packet that passes is a whole number of interleaved samples
// (converted to 48 kHz, rounded). Anything else is an error that wraps
// ErrPacket, or a *FormatError when f itself is wrong.
func (f Format) Samples(packet []byte) (int, error) {
	if err := f.Validate(); err != nil {
		return 0, err
	}
	switch {
	case len(packet) == 0:
		return 0, malformed("no data")
	case len(packet) > MaxPacket:
		return 0, fmt.Errorf("%w: %d bytes, at most %d are allowed", ErrPacket, len(packet), MaxPacket)
	case f.Codec == Opus:
		return opusSamples(packet)
	}
	size := 2 * f.Channels
	if len(packet)%size != 0 {
		return 0, fmt.Errorf("%w: %d bytes are no whole number of %d-byte samples", ErrPacket, len(packet), size)
	}
	return (len(packet)/size*wireRate + f.Rate/2) / f.Rate, nil
}

// opusSamples checks the packing of an Opus packet and returns its duration.
// The letters R1 to R7 are those of RFC 6716 section 3.4; R1, a packet has at
// least one byte, is the caller's.
func opusSamples(packet []byte) (int, error) {
	frame := opusFrameSamples(packet[0])
	body := packet[1:]
	switch packet[0] & 3 {
	case 0: // one frame
		if len(body) > maxFrame {
			return 0, malformed("frame above 1275 bytes") // R2
		}
		return frame, nil
	case 1: // two frames of one size
		if len(body)%2 != 0 {
			return 0, malformed("two equal frames in an odd number of bytes") // R3
		}
		if len(body)/2 > maxFrame {
			return 0, malformed("frame above 1275 bytes") // R2
		}
		return opusDuration(frame, 2)
	case 2: // two frames, the first one's size given
		size, used := opusFrameSize(body)
		if used == 0 || size > len(body)-used {
			return 0, malformed("first frame is cut off") // R4
		}
		if len(body)-used-size > maxFrame {
			return 0, malformed("frame above 1275 bytes") // R2
		}
		return opusDuration(frame, 2)
	default: // a counted number of frames
		return opusCounted(frame, body)
	}
}

// opusCounted checks what follows the first byte of a code 3 packet: a count
// byte, the length of padding, frame sizes, frames, padding.
func opusCounted(frame int, body []byte) (int, error) {
	if len(body) == 0 {
		return 0, malformed("frame count is missing") // R6, R7
	}
	vbr, padded, count := body[0]&0x80 != 0, body[0]&0x40 != 0, int(body[0]&0x3f)
	if count == 0 {
		return 0, malformed("no frames") // R5
	}
	body = body[1:]
	if padded {
		var ok bool
		if body, ok = opusUnpad(body); !ok {
			return 0, malformed("padding exceeds the packet") // R6, R7
		}
	}
	total, err := opusDuration(frame, count) // R5, and our tighter limit
	if err != nil {
		return 0, err
	}
	if !vbr {
		if len(body)%count != 0 {
			return 0, malformed("equal frames do not divide the packet") // R6
		}
		if len(body)/count > maxFrame {
			return 0, malformed("frame above 1275 bytes") // R2
		}
		return total, nil
	}
	// Sizes come first and all but the last frame have one. All of them
	// together with their frames must fit.
	last := len(body)
	for range count - 1 {
		size, used := opusFrameSize(body)
		last -= used + size
		if used == 0 || last < 0 {
			return 0, malformed("frames exceed the packet") // R7
		}
		body = body[used:]
	}
	if last > maxFrame {
		return 0, malformed("frame above 1275 bytes") // R2
	}
	return total, nil
}

// opusUnpad reads the length of padding and returns the rest of the packet
// without the padding at its end.
func opusUnpad(body []byte) ([]byte, bool) {
	padding := 0
	for len(body) > 0 {
		b := int(body[0])
		body = body[1:]
		if b < 255 {
			padding += b
			if padding > len(body) {
				return nil, false
			}
			return body[:len(body)-padding], true
		}
		padding += 254 // and another length byte follows
	}
	return nil, false
}

// opusFrameSize reads a frame size of one or two bytes and returns it and how
// many bytes it took, 0 when it is cut off.
func opusFrameSize(b []byte) (size, used int) {
	switch {
	case len(b) > 0 && b[0] < 252:
		return int(b[0]), 1
	case len(b) > 1:
		return int(b[0]) + 4*int(b[1]), 2
	}
	return 0, 0
}

// opusFrameSamples returns the duration of each frame in a packet with this
// first byte, at 48 kHz.
func opusFrameSamples(toc byte) int {
	config := toc >> 3
	switch {
	case config < 12: // SILK: 10, 20, 40, 60 ms
		if config&3 == 3 {
			return 2880
		}
		return 480 << (config & 3)
	case config < 16: // hybrid: 10, 20 ms
		return 480 << (config & 1)
	}
	return 120 << (config & 3) // CELT: 2.5, 5, 10, 20 ms
}

// opusDuration returns the duration of count frames.
func opusDuration(frame, count int) (int, error) {
	if frame*count > maxOpus {
		return 0, malformed("longer than 60 ms")
	}
	return frame * count, nil
}

// malformed returns an ErrPacket that says why.
func malformed(why string) error {
	return fmt.Errorf("%w: %s", ErrPacket, why)
}
