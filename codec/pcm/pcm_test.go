package pcm_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"callcenter/audio/resample"
	"callcenter/codec"
	"callcenter/codec/pcm"
)

func format(rate, channels int) codec.Format {
	return codec.Format{Codec: codec.PCM, Rate: rate, Channels: channels}
}

// sine returns n samples at 48 kHz.
func sine(hz, amplitude float64, n int) []int16 {
	out := make([]int16, n)
	for i := range out {
		out[i] = int16(math.Round(amplitude * math.Sin(2*math.Pi*hz*float64(i)/48000)))
	}
	return out
}

func newPair(tb testing.TB, f codec.Format, frame int) (codec.Encoder, codec.Decoder) {
	tb.Helper()
	enc, err := pcm.Codec{}.NewEncoder(f, codec.Options{FrameSamples: frame})
	if err != nil {
		tb.Fatal(err)
	}
	dec, err := pcm.Codec{}.NewDecoder(f)
	if err != nil {
		tb.Fatal(err)
	}
	return enc, dec
}

// transcode sends in through f. spare is the room that Decode gets beyond what
// Samples announced.
func transcode(t *testing.T, f codec.Format, frame, spare int, in []int16) (out []int16) {
	t.Helper()
	enc, dec := newPair(t, f, frame)
	packet := make([]byte, codec.MaxPacket)
	room := make([]int16, codec.MaxSamples)
	for ; len(in) >= frame; in = in[frame:] {
		n, err := enc.Encode(packet, in[:frame])
		if err != nil {
			t.Fatal(err)
		}
		want, err := f.Samples(packet[:n])
		if err != nil || want < frame-6 || want > frame+6 {
			t.Fatalf("Samples() = %d, %v, want about %d", want, err, frame)
		}
		got, err := dec.Decode(room[:want+spare], packet[:n])
		if err != nil || got > want+spare || got < want-6 {
			t.Fatalf("Decode() = %d, %v, want about %d", got, err, want)
		}
		out = append(out, room[:got]...)
	}
	return out
}

func TestNoConversionIsAnExactCopy(t *testing.T) {
	in := sine(997, 32767, 9600)
	in[0], in[1] = math.MinInt16, math.MaxInt16
	for _, channels := range []int{1, 2} {
		for _, frame := range []int{480, 960} {
			if out := transcode(t, format(48000, channels), frame, 0, in); !slices.Equal(in, out) {
				t.Errorf("%d channels, frames of %d: audio changed", channels, frame)
			}
		}
	}
}

func TestBytesOnTheWire(t *testing.T) {
	enc, _ := newPair(t, format(48000, 2), 480)
	in := make([]int16, 480)
	in[0], in[1] = 0x1234, -2
	packet := make([]byte, codec.MaxPacket)
	n, err := enc.Encode(packet, in)
	if n != 1920 || err != nil {
		t.Fatalf("Encode() = %d, %v, want 1920", n, err)
	}
	if want := []byte{0x34, 0x12, 0x34, 0x12, 0xfe, 0xff, 0xfe, 0xff, 0, 0}; !slices.Equal(packet[:10], want) {
		t.Errorf("packet starts with % x, want % x", packet[:10], want)
	}
}

func TestStereoIsAveraged(t *testing.T) {
	_, dec := newPair(t, format(48000, 2), 480)
	var packet []byte
	for _, x := range []int16{100, 200, -100, -300, 32767, 32767, -32768, -32768, 32767, -32768} {
		packet = binary.LittleEndian.AppendUint16(packet, uint16(x))
	}
	out := make([]int16, 5)
	if n, err := dec.Decode(out, packet); n != 5 || err != nil {
		t.Fatalf("Decode() = %d, %v, want 5", n, err)
	}
	if want := []int16{150, -200, 32767, -32768, 0}; !slices.Equal(out, want) {
		t.Errorf("decoded %v, want %v", out, want)
	}
}

func TestToneSurvivesEveryRate(t *testing.T) {
	in := sine(1000, 10000, 9600)
	for _, rate := range []int{8000, 11025, 16000, 22050, 44100, 47999, 96000} {
		for _, frame := range []int{480, 960} {
			for _, spare := range []int{0, 2} {
				t.Run(fmt.Sprintf("%d Hz in frames of %d with %d to spare", rate, frame, spare), func(t *testing.T) {
					out := transcode(t, format(rate, 1), frame, spare, in)
					if d := len(in) - len(out); d < -8 || d > 8 {
						t.Errorf("%d samples come back of %d", len(out), len(in))
					}
					enc, _ := newPair(t, format(rate, 1), frame)
					conv, err := resample.New(rate, 48000)
					if err != nil {
						t.Fatal(err)
					}
					amplitude, delay, noise := fit(1000, out[2400:7200])
					want := float64((2400 - enc.Lookahead() - conv.Delay()) % 48)
					if d := math.Mod(delay+want+72, 48) - 24; math.Abs(d) > 1.5 {
						t.Errorf("tone is %.2f samples late", d)
					}
					if math.Abs(amplitude-10000) > 30 || noise > -60 {
						t.Errorf("amplitude %.0f with noise at %.1f dB, want 10000 and below -60", amplitude, noise)
					}
				})
			}
		}
	}
}

// fit returns the amplitude and delay (in samples, within one period) of the
// tone in pcm, and in dB how much else there is relative to it. pcm lasts whole
// periods.
func fit(hz float64, pcm []int16) (amplitude, delay, noise float64) {
	w := 2 * math.Pi * hz / 48000
	var s, c, all float64
	for i, x := range pcm {
		v := float64(x)
		s += v * math.Sin(w*float64(i))
		c += v * math.Cos(w*float64(i))
		all += v * v
	}
	n := float64(len(pcm))
	amplitude = 2 / n * math.Hypot(s, c)
	tone := amplitude * amplitude / 2 * n
	return amplitude, math.Atan2(-c, s) / w, 10 * math.Log10(max(all-tone, 1)/tone)
}

func TestPacketsNeverExceedTheWire(t *testing.T) {
	for _, rate := range []int{8000, 8001, 44100, 48000, 95999, 96000} {
		for _, channels := range []int{1, 2} {
			for _, frame := range []int{480, 960} {
				enc, err := pcm.Codec{}.NewEncoder(format(rate, channels), codec.Options{FrameSamples: frame})
				if err != nil {
					if frame == 480 || rate*channels <= 96000 {
						t.Errorf("%d Hz, %d channels, frame of %d: %v", rate, channels, frame, err)
					}
					if !strings.Contains(err.Error(), "use frames of 10ms") {
						t.Errorf("error %q does not say what to use", err)
					}
					continue
				}
				packet := make([]byte, codec.MaxPacket)
				in := make([]int16, frame)
				for range 5 {
					n, err := enc.Encode(packet, in)
					if err != nil || n%(2*channels) != 0 {
						t.Errorf("%d Hz, %d channels, frame of %d: Encode() = %d, %v", rate, channels, frame, n, err)
					}
				}
			}
		}
	}
}

func TestLookaheadIsThatOfTheConversion(t *testing.T) {
	for _, tt := range []struct{ rate, want int }{{48000, 0}, {8000, 168}, {16000, 84}, {24000, 56}, {96000, 28}} {
		if enc, _ := newPair(t, format(tt.rate, 1), 480); enc.Lookahead() != tt.want {
			t.Errorf("at %d Hz Lookahead() = %d, want %d", tt.rate, enc.Lookahead(), tt.want)
		}
	}
}

func TestOddPacketSizesKeepWhatIsHeldBounded(t *testing.T) {
	// 962.2 samples a packet, and room for 962: the rest must not pile up.
	_, dec := newPair(t, format(11025, 1), 960)
	packet := make([]byte, 221*2)
	out := make([]int16, 2000)
	for range 200 {
		if n, err := dec.Decode(out[:962], packet); n != 962 && n != 961 || err != nil {
			t.Fatalf("Decode() = %d, %v, want 962", n, err)
		}
	}
	if n, err := dec.Decode(out, packet); n > 962+9 || err != nil {
		t.Errorf("Decode() with room = %d, %v, want at most 971", n, err)
	}
}

func TestTheLongestPacketDecodes(t *testing.T) {
	for _, f := range []codec.Format{format(8000, 1), format(8000, 2), format(96000, 2), format(11025, 1)} {
		_, dec := newPair(t, f, 480)
		packet := make([]byte, codec.MaxPacket)
		want, err := f.Samples(packet)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if n, err := dec.Decode(make([]int16, want+1), packet); n < want-1 || n > want+1 || err != nil {
				t.Errorf("%+v: Decode() = %d, %v, want %d", f, n, err, want)
			}
		}
	}
}

func TestWrongUseIsAnError(t *testing.T) {
	enc, dec := newPair(t, format(48000, 1), 960)
	fails := func(name, message string, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%s: error %v, want one with %q", name, err, message)
		}
	}
	_, err := enc.Encode(make([]byte, codec.MaxPacket), make([]int16, 480))
	fails("a short frame", "want a frame of 960", err)
	_, err = enc.Encode(make([]byte, 1919), make([]int16, 960))
	fails("a small buffer", "a frame needs 1920", err)
	_, err = dec.Decode(make([]int16, 959), make([]byte, 1920))
	fails("no room", "the packet has 960", err)
	_, err = dec.Decode(make([]int16, 960), make([]byte, 1919))
	if fails("an odd packet", "whole number", err); !errors.Is(err, codec.ErrPacket) {
		t.Errorf("an odd packet: error %v, want ErrPacket", err)
	}
	_, err = dec.Decode(make([]int16, 960), nil)
	if !errors.Is(err, codec.ErrPacket) {
		t.Errorf("no packet: error %v, want ErrPacket", err)
	}
	_, err = pcm.Codec{}.NewEncoder(format(48000, 1), codec.Options{FrameSamples: 100})
	fails("an odd frame", "frame of 100 samples", err)
	var wrong *codec.FormatError
	for _, f := range []codec.Format{{Codec: codec.Opus, Rate: 48000, Channels: 1}, format(7000, 1), format(48000, 3)} {
		if _, err := (pcm.Codec{}).NewEncoder(f, codec.Options{FrameSamples: 960}); !errors.As(err, &wrong) {
			t.Errorf("NewEncoder(%+v): error %v, want a FormatError", f, err)
		}
		if _, err := (pcm.Codec{}).NewDecoder(f); !errors.As(err, &wrong) {
			t.Errorf("NewDecoder(%+v): error %v, want a FormatError", f, err)
		}
	}
}

func TestWhereSilenceMayBeLeftOutTheCallerDecides(t *testing.T) {
	enc, err := pcm.Codec{}.NewEncoder(codec.Format{Codec: codec.PCM, Rate: 48000, Channels: 1}, codec.Options{FrameSamples: 480})
	if err != nil {
		t.Fatal(err)
	}
	frame, packet := make([]int16, 480), make([]byte, codec.MaxPacket)
	for i, on := range []bool{false, true, false} {
		if err := enc.SetDTX(on); err != nil {
			t.Fatal(err)
		}
		n, err := enc.Encode(packet, frame)
		if err != nil || (n == 0) != on {
			t.Errorf("frame %d: %d bytes, %v", i, n, err)
		}
	}
}
