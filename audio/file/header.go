package file

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// What the format tag of a WAV file says.
const (
	tagPCM        = 1
	tagFloat      = 3
	tagExtensible = 0xFFFE
)

// riffBytes is the size of what a file begins with.
const riffBytes = 12

// Bounds on what a file may ask for.
const (
	maxChannels = 32
	// maxChunks is how many chunks are looked at: a file of empty chunks would
	// otherwise take as long as it likes.
	maxChunks = 1000
)

// toPCM is the advice for audio that is well-formed but not supported.
const toPCM = "convert it to 16-bit PCM WAV"

// guidTail is what follows the format tag in the sub-format of an extensible
// header.
const guidTail = "\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"

// header is what the chunks of a WAV file say.
type header struct {
	tag      int // tagPCM or tagFloat
	rate     int // frames a second
	channels int
	bytes    int   // of a sample
	start    int64 // of the samples in the file
	frames   int64
}

// frameBytes returns the size of one frame.
func (h *header) frameBytes() int { return h.channels * h.bytes }

// formatError returns an error that wraps ErrFormat.
func formatError(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrFormat}, args...)...)
}

// readRIFF reads what a file begins with, and reports whether its sizes were
// never filled in: who writes into a pipe, or was killed, leaves none.
func readRIFF(r io.ReaderAt, size int64) (unfinished bool, err error) {
	var riff [riffBytes]byte
	if err = readAt(r, riff[:], 0); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return false, formatError("it has only %d bytes; record it again", size)
		}
		return false, fmt.Errorf("read header: %w", err)
	}
	switch id := string(riff[:4]); {
	case id == "RF64" || id == "BW64" || id == "RIFX":
		return false, formatError("its kind is %s; %s", id, toPCM)
	case id != "RIFF" || string(riff[8:]) != "WAVE":
		return false, formatError("it begins with %q; %s", riff[:4], toPCM)
	}
	claimed := binary.LittleEndian.Uint32(riff[4:])
	return claimed == 0 || claimed == math.MaxUint32, nil
}

// readHeader looks through the chunks of a file of that size, in whatever
// order they are.
func readHeader(r io.ReaderAt, size int64) (*header, error) {
	unfinished, err := readRIFF(r, size)
	if err != nil {
		return nil, err
	}
	h := &header{}
	var dataSize int64
	var haveFormat, haveData bool
	at := int64(riffBytes)
	for n := 0; !haveFormat || !haveData; n++ {
		var chunk [8]byte
		err = readAt(r, chunk[:], at)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, missing(haveFormat)
		}
		if err != nil {
			return nil, fmt.Errorf("read header: %w", err)
		}
		if n == maxChunks {
			return nil, formatError("it has more than %d chunks; %s", maxChunks, toPCM)
		}
		length := int64(binary.LittleEndian.Uint32(chunk[4:]))
		at += int64(len(chunk))
		switch string(chunk[:4]) {
		case "fmt ":
			if haveFormat {
				return nil, formatError("it has two formats; %s", toPCM)
			}
			if err = h.readFormat(r, at, length); err != nil {
				return nil, err
			}
			haveFormat = true
		case "data":
			if haveData {
				break // only the first one counts
			}
			if length == 0 && unfinished {
				length = size - at
			}
			haveData, h.start, dataSize = true, at, min(length, size-at)
		}
		at += length + length%2
	}
	h.frames = dataSize / int64(h.frameBytes())
	if h.frames == 0 {
		return nil, formatError("it holds no audio; record it again")
	}
	return h, nil
}

// missing says which chunk is not there.
func missing(haveFormat bool) error {
	if !haveFormat {
		return formatError("its format chunk is missing or cut off; record it again")
	}
	return formatError("its data chunk is missing or cut off; record it again")
}

// readFormat reads the format chunk, whose content begins at at.
func (h *header) readFormat(r io.ReaderAt, at, length int64) error {
	var b [40]byte
	if length < 16 {
		return formatError("its format chunk has %d bytes instead of 16 or more; record it again", length)
	}
	part := b[:min(length, int64(len(b)))]
	if err := readAt(r, part, at); errors.Is(err, io.ErrUnexpectedEOF) {
		return missing(false)
	} else if err != nil {
		return fmt.Errorf("read header: %w", err)
	}
	u16 := func(i int) int { return int(binary.LittleEndian.Uint16(b[i:])) }
	h.tag, h.channels = u16(0), u16(2)
	rate := binary.LittleEndian.Uint32(b[4:])
	align, bits := u16(12), u16(14)
	if h.tag == tagExtensible {
		if len(part) < len(b) || string(b[26:]) != guidTail {
			return formatError("its extended format is unknown; %s", toPCM)
		}
		h.tag = u16(24)
	}
	if h.channels < 1 || h.channels > maxChannels {
		return formatError("it has %d channels, outside 1 to %d; %s", h.channels, maxChannels, toPCM)
	}
	if rate < minRate || rate > maxRate {
		return formatError("its rate is %d Hz, outside %d to %d; %s", rate, minRate, maxRate, toPCM)
	}
	h.rate = int(rate)
	if !supported(h.tag, bits) {
		return formatError("it holds %s of %d bits; %s", tagName(h.tag), bits, toPCM)
	}
	h.bytes = bits / 8
	if align != h.frameBytes() {
		return formatError("its frames of %d channels of %d bits have %d bytes instead of %d; %s",
			h.channels, bits, align, h.frameBytes(), toPCM)
	}
	return nil
}

// supported reports whether there is a conversion for such samples.
func supported(tag, bits int) bool {
	switch tag {
	case tagPCM:
		return bits == 8 || bits == 16 || bits == 24 || bits == 32
	case tagFloat:
		return bits == 32 || bits == 64
	}
	return false
}

// tagName says what a format tag stands for.
func tagName(tag int) string {
	switch tag {
	case tagPCM:
		return "PCM"
	case tagFloat:
		return "floats"
	case 2, 0x11:
		return "ADPCM"
	case 6:
		return "A-law"
	case 7:
		return "mu-law"
	case 0x31:
		return "GSM"
	case 0x50, 0x55:
		return "MPEG audio"
	}
	return fmt.Sprintf("audio of the unknown kind %#04x", tag)
}

// readAt fills b, or returns io.ErrUnexpectedEOF when the file ends before.
func readAt(r io.ReaderAt, b []byte, at int64) error {
	n, err := r.ReadAt(b, at)
	switch {
	case n == len(b):
		return nil
	case err == nil || errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF
	}
	return err
}
