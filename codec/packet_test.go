package codec_test

import (
	"bytes"
	"errors"
	"testing"

	"callcenter/codec"
)

// toc returns the first byte of an Opus packet of this configuration (0 to 31,
// RFC 6716 table 2) and packing code (0 to 3).
func toc(config, code byte) byte { return config<<3 | code }

// fill returns head followed by n more bytes.
func fill(n int, head ...byte) []byte {
	return append(head, make([]byte, n)...)
}

var opusMono = codec.Format{Codec: codec.Opus, Rate: 48000, Channels: 1}

func TestOpusSamplesOfEveryConfiguration(t *testing.T) {
	want := [32]int{
		480, 960, 1920, 2880, 480, 960, 1920, 2880, 480, 960, 1920, 2880, // SILK
		480, 960, 480, 960, // hybrid
		120, 240, 480, 960, 120, 240, 480, 960, 120, 240, 480, 960, 120, 240, 480, 960, // CELT
	}
	for config, samples := range want {
		for _, stereo := range []byte{0, 4} {
			packet := []byte{toc(byte(config), 0) | stereo, 1, 2, 3}
			if n, err := opusMono.Samples(packet); n != samples || err != nil {
				t.Errorf("configuration %d: Samples() = %d, %v, want %d", config, n, err, samples)
			}
		}
	}
}

func TestOpusSamplesIgnoresTheRateOfTheWire(t *testing.T) {
	for _, rate := range []int{8000, 12000, 16000, 24000, 48000} {
		f := codec.Format{Codec: codec.Opus, Rate: rate, Channels: 2}
		if n, err := f.Samples([]byte{toc(1, 0), 7}); n != 960 || err != nil {
			t.Errorf("at %d Hz: Samples() = %d, %v, want 960", rate, n, err)
		}
	}
}

func TestOpusSamplesOfPackings(t *testing.T) {
	const silk10, silk20, silk40, silk60, celt2, celt20 = 0, 1, 2, 3, 16, 19
	tests := []struct {
		name   string
		packet []byte
		want   int // 0 means malformed
	}{
		{"R1: a packet without a byte", nil, 0},
		{"code 0: a lone first byte is an empty frame", []byte{toc(silk20, 0)}, 960},
		{"code 0: the longest frame", fill(1275, toc(celt20, 0)), 960},
		{"R2: code 0 with a frame too long", fill(1276, toc(celt20, 0)), 0},

		{"code 1: two empty frames", []byte{toc(silk20, 1)}, 1920},
		{"code 1: two frames", fill(20, toc(silk10, 1)), 960},
		{"R2: code 1 with the longest frames", fill(2550, toc(celt20, 1)), 1920},
		{"R2: code 1 with frames too long", fill(2552, toc(celt20, 1)), 0},
		{"R3: code 1 with an odd rest", fill(21, toc(silk10, 1)), 0},
		{"code 1 longer than 60 ms", fill(20, toc(silk40, 1)), 0},

		{"code 2: two frames", fill(9, toc(silk20, 2), 5), 1920},
		{"code 2: the first frame is empty", fill(9, toc(silk20, 2), 0), 1920},
		{"code 2: the second frame is empty", fill(5, toc(silk20, 2), 5), 1920},
		{"code 2: a length of two bytes", fill(1275, toc(silk20, 2), 255, 255), 1920},
		{"R4: code 2 without a length", []byte{toc(silk20, 2)}, 0},
		{"R4: code 2 with half a length", []byte{toc(silk20, 2), 252}, 0},
		{"R4: code 2 with the first frame cut off", fill(4, toc(silk20, 2), 5), 0},
		{"R4: code 2 with a long first frame cut off", fill(1274, toc(silk20, 2), 255, 255), 0},
		{"R2: code 2 with the longest second frame", fill(1275, toc(celt20, 2), 0), 1920},
		{"R2: code 2 with a second frame too long", fill(1276, toc(celt20, 2), 0), 0},
		{"code 2 longer than 60 ms", fill(9, toc(silk60, 2), 5), 0},

		{"code 3 without a count", []byte{toc(silk20, 3)}, 0},
		{"R5: code 3 without frames", fill(9, toc(silk20, 3), 0), 0},
		{"R5: code 3 without frames but padding", fill(9, toc(silk20, 3), 0x40, 9), 0},
		{"code 3: one empty frame", []byte{toc(silk20, 3), 1}, 960},
		{"code 3: three equal frames of 20 ms", fill(9, toc(silk20, 3), 3), 2880},
		{"code 3: four frames are longer than 60 ms", fill(12, toc(silk20, 3), 4), 0},
		{"code 3: 24 frames of 2.5 ms", fill(48, toc(celt2, 3), 24), 2880},
		{"code 3: 25 frames of 2.5 ms are too long", fill(50, toc(celt2, 3), 25), 0},
		{"R5: code 3 of 120 ms", fill(48, toc(celt2, 3), 48), 0},
		{"R6: equal frames that do not divide the rest", fill(10, toc(silk20, 3), 3), 0},
		{"R6: the longest equal frames", fill(3825, toc(celt20, 3), 3), 2880},
		{"R2: equal frames too long", fill(1276, toc(celt20, 3), 1), 0},
		{"code 3: equal frames and padding", fill(9+4, toc(silk20, 3), 0x43, 4), 2880},
		{"code 3: only padding after empty frames", fill(4, toc(silk20, 3), 0x43, 4), 2880},
		{"code 3: padding without its length", []byte{toc(silk20, 3), 0x43}, 0},
		{"R6: more padding than packet", fill(3, toc(silk20, 3), 0x43, 4), 0},
		{"R6: padding leaves no whole frames", fill(10, toc(silk20, 3), 0x43, 2), 0},
		{"code 3: a padding length of two bytes", fill(9+254, toc(silk20, 3), 0x43, 255, 0), 2880},
		{"code 3: a padding length of three bytes", fill(9+254+254+7, toc(silk20, 3), 0x43, 255, 255, 7), 2880},
		{"R6: a padding length that never ends", []byte{toc(silk20, 3), 0x43, 255, 255, 255}, 0},
		{"R6: a padding length cut off before its end", fill(0, toc(silk20, 3), 0x41, 255), 0},
		{"code 3: padding takes the packet above the frames' limit", fill(2000, toc(silk20, 3), 0x41, 255, 255, 255, 255, 255, 255, 255, 200), 960},

		{"code 3: frames of their own sizes", fill(1+2+7, toc(silk20, 3), 0x83, 1, 2), 2880},
		{"code 3: one frame of its own size needs no length", fill(7, toc(silk20, 3), 0x81), 960},
		{"code 3: own sizes and the last frame is empty", fill(1+2, toc(silk20, 3), 0x83, 1, 2), 2880},
		{"code 3: own sizes and padding", fill(1+2+7+6, toc(silk20, 3), 0xc3, 6, 1, 2), 2880},
		{"code 3: own sizes of two bytes", fill(252+4+7, toc(silk20, 3), 0x82, 252, 1), 1920},
		{"R7: a length is missing", []byte{toc(silk20, 3), 0x83, 0}, 0},
		{"R7: half a length", []byte{toc(silk20, 3), 0x82, 253}, 0},
		{"R7: frames longer than the packet", fill(2, toc(silk20, 3), 0x83, 1, 2), 0},
		{"R7: frames reach into the padding", fill(1+2+5, toc(silk20, 3), 0xc3, 6, 1, 2), 0},
		{"R2: own sizes with a last frame too long", fill(1276, toc(celt20, 3), 0x82, 0), 0},
		{"R2: own sizes with the longest last frame", fill(1275, toc(celt20, 3), 0x82, 0), 1920},

		{"the longest packet that the wire allows", fill(3825+12, toc(silk20, 3), 0x43, 12), 2880},
		{"a packet above the wire's limit", fill(codec.MaxPacket, toc(silk20, 3), 3), 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n, err := opusMono.Samples(tt.packet)
			if tt.want == 0 {
				if !errors.Is(err, codec.ErrPacket) || n != 0 {
					t.Fatalf("Samples() = %d, %v, want ErrPacket", n, err)
				}
				return
			}
			if n != tt.want || err != nil {
				t.Fatalf("Samples() = %d, %v, want %d", n, err, tt.want)
			}
		})
	}
}

func TestPCMSamples(t *testing.T) {
	tests := []struct {
		name           string
		rate, channels int
		bytes          int
		want           int // 0 means malformed
	}{
		{"20 ms at 48 kHz mono", 48000, 1, 1920, 960},
		{"10 ms at 48 kHz stereo", 48000, 2, 1920, 480},
		{"20 ms at 8 kHz mono", 8000, 1, 320, 960},
		{"20 ms at 44.1 kHz mono", 44100, 1, 1764, 960},
		{"10 ms at 96 kHz stereo fills the wire", 96000, 2, 3840, 480},
		{"half a sample's worth rounds up", 22050, 1, 220 * 2, 479},
		{"one sample at 96 kHz counts as one", 96000, 1, 2, 1},
		{"the longest packet", 8000, 1, codec.MaxPacket, codec.MaxSamples},
		{"an odd length", 48000, 1, 1921, 0},
		{"half a stereo sample", 48000, 2, 1922, 0},
		{"no data", 48000, 1, 0, 0},
		{"above the wire's limit", 48000, 1, codec.MaxPacket + 2, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := codec.Format{Codec: codec.PCM, Rate: tt.rate, Channels: tt.channels}
			n, err := f.Samples(make([]byte, tt.bytes))
			if tt.want == 0 {
				if !errors.Is(err, codec.ErrPacket) || n != 0 {
					t.Fatalf("Samples() = %d, %v, want ErrPacket", n, err)
				}
				return
			}
			if n != tt.want || err != nil {
				t.Fatalf("Samples() = %d, %v, want %d", n, err, tt.want)
			}
		})
	}
}

func TestSamplesRefusesAWrongFormatFirst(t *testing.T) {
	for _, f := range []codec.Format{{}, {Codec: codec.PCM}, {Codec: codec.PCM, Rate: 8000}, {Codec: codec.Opus, Rate: 1, Channels: 1}} {
		n, err := f.Samples([]byte{0, 0})
		var wrong *codec.FormatError
		if n != 0 || !errors.As(err, &wrong) {
			t.Errorf("%+v: Samples() = %d, %v, want a FormatError", f, n, err)
		}
	}
}

func FuzzSamples(f *testing.F) {
	for _, packet := range [][]byte{
		nil,
		{toc(1, 0)},
		fill(20, toc(0, 1)),
		fill(9, toc(1, 2), 5),
		fill(1275, toc(1, 2), 255, 255),
		fill(9, toc(1, 3), 3),
		fill(9+254, toc(1, 3), 0x43, 255, 0),
		fill(1+2+7+6, toc(1, 3), 0xc3, 6, 1, 2),
		fill(48, toc(16, 3), 24),
		{toc(1, 3), 0x43, 255, 255, 255},
		fill(codec.MaxPacket, toc(1, 3), 3),
		bytes.Repeat([]byte{1, 2}, 960),
	} {
		f.Add(uint8(0), 48000, 1, packet)
		f.Add(uint8(1), 44100, 2, packet)
	}
	f.Fuzz(func(t *testing.T, which uint8, rate, channels int, packet []byte) {
		format := codec.Format{Codec: [...]string{codec.Opus, codec.PCM, "g711"}[which%3], Rate: rate, Channels: channels}
		before := bytes.Clone(packet)
		n, err := format.Samples(packet)
		if !bytes.Equal(before, packet) {
			t.Fatal("Samples changed the packet")
		}
		if err != nil {
			var wrong *codec.FormatError
			if n != 0 || errors.Is(err, codec.ErrPacket) == errors.As(err, &wrong) {
				t.Fatalf("Samples() = %d, %v, want 0 and one kind of error", n, err)
			}
			return
		}
		limit := codec.MaxSamples
		if format.Codec == codec.Opus {
			limit = 2880
			if n%120 != 0 {
				t.Errorf("Samples() = %d, want a multiple of 2.5 ms", n)
			}
		}
		if n < 1 || n > limit || len(packet) == 0 || len(packet) > codec.MaxPacket {
			t.Errorf("Samples() of %d bytes = %d, want 1 to %d", len(packet), n, limit)
		}
	})
}
