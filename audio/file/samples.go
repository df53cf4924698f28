package file

import (
	"encoding/binary"
	"math"
)

// decode writes to dst the mean of each frame in raw.
func (h *header) decode(dst []int16, raw []byte) {
	size := h.frameBytes()
	scale := 1 / float64(h.channels)
	for i := range dst {
		frame := raw[i*size : (i+1)*size]
		sum := 0.0
		for len(frame) >= h.bytes {
			sum += h.sample(frame)
			frame = frame[h.bytes:]
		}
		dst[i] = quantize(sum * scale)
	}
}

// sample returns the first sample of b on the scale of 16 bits.
func (h *header) sample(b []byte) float64 {
	if h.tag == tagFloat {
		v := 0.0
		if h.bytes == 4 {
			v = float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
		} else {
			v = math.Float64frombits(binary.LittleEndian.Uint64(b))
		}
		if math.IsNaN(v) {
			return 0
		}
		// Bounded, so that a broken file cannot make the mean of two infinities.
		return 32768 * min(max(v, -2), 2)
	}
	switch h.bytes {
	case 1: // the only one without a sign
		return float64(int(b[0])-128) * 256
	case 2:
		return float64(int16(binary.LittleEndian.Uint16(b)))
	case 3:
		return float64(int32(uint32(b[0])<<8|uint32(b[1])<<16|uint32(b[2])<<24)) / (1 << 16)
	}
	return float64(int32(binary.LittleEndian.Uint32(b))) / (1 << 16)
}

// quantize returns the nearest sample.
func quantize(v float64) int16 {
	return int16(math.RoundToEven(min(max(v, math.MinInt16), math.MaxInt16)))
}
