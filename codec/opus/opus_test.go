package opus_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"callcenter/codec"
	"callcenter/codec/opus"
)

var (
	mono  = codec.Format{Codec: codec.Opus, Rate: 48000, Channels: 1}
	usual = codec.Options{FrameSamples: 960, Complexity: 5}
)

// speech returns n samples that sound like syllables: harmonics of a gliding
// pitch under moving formants, with a hiss at the end of each.
func speech(n int) []int16 {
	pcm := make([]int16, n)
	rng := rand.New(rand.NewPCG(3, 4))
	phase, hiss := 0.0, 0.0
	for i := range pcm {
		at := float64(i) / 48000
		syllable := math.Mod(at*3.7, 1)
		pitch := 120 + 30*math.Sin(2*math.Pi*0.9*at)
		phase += 2 * math.Pi * pitch / 48000
		first, second := 500+250*math.Sin(2*math.Pi*1.3*at), 1500+500*math.Sin(2*math.Pi*0.7*at)
		vowel := 0.0
		for h := 1; h <= 16; h++ {
			hz := float64(h) * pitch
			gain := math.Exp(-sq((hz-first)/200)) + 0.4*math.Exp(-sq((hz-second)/250))
			vowel += gain * math.Sin(float64(h)*phase)
		}
		noise := rng.NormFloat64()
		hiss = noise - hiss/2
		pcm[i] = int16(5000*vowel*math.Exp(-sq((syllable-0.35)/0.2)) + 300*hiss*math.Exp(-sq((syllable-0.8)/0.07)) + 5*noise)
	}
	return pcm
}

func sq(x float64) float64 { return x * x }

// correlation returns the normalised correlation of a and b.
func correlation(a, b []int16) float64 {
	var ab, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	return ab / math.Sqrt(aa*bb)
}

func rms(pcm []int16) float64 {
	sum := 0.0
	for _, x := range pcm {
		sum += float64(x) * float64(x)
	}
	return math.Sqrt(sum / float64(len(pcm)))
}

// newPair returns an encoder and a decoder.
func newPair(tb testing.TB, f codec.Format, o codec.Options) (codec.Encoder, codec.Decoder) {
	tb.Helper()
	enc, err := opus.Codec{}.NewEncoder(f, o)
	if err != nil {
		tb.Fatal(err)
	}
	dec, err := opus.Codec{}.NewDecoder(f)
	if err != nil {
		tb.Fatal(err)
	}
	return enc, dec
}

// transcode sends pcm through f and returns what comes out, and the bytes sent.
func transcode(t *testing.T, f codec.Format, o codec.Options, pcm []int16) (out []int16, bytes int) {
	t.Helper()
	enc, dec := newPair(t, f, o)
	packet := make([]byte, codec.MaxPacket)
	frame := make([]int16, o.FrameSamples)
	for len(pcm) >= o.FrameSamples {
		n, err := enc.Encode(packet, pcm[:o.FrameSamples])
		if err != nil {
			t.Fatal(err)
		}
		if samples, err := f.Samples(packet[:n]); samples != o.FrameSamples || err != nil {
			t.Fatalf("Samples() = %d, %v, want %d", samples, err, o.FrameSamples)
		}
		if got, err := dec.Decode(frame, packet[:n]); got != o.FrameSamples || err != nil {
			t.Fatalf("Decode() = %d, %v, want %d", got, err, o.FrameSamples)
		}
		out = append(out, frame...)
		pcm, bytes = pcm[o.FrameSamples:], bytes+n
	}
	return out, bytes
}

func TestSpeechComesBackAfterTheLookahead(t *testing.T) {
	in := speech(28800)
	for _, frame := range []int{480, 960} {
		for _, rate := range []int{8000, 16000, 48000} {
			f := codec.Format{Codec: codec.Opus, Rate: rate, Channels: 1}
			out, _ := transcode(t, f, codec.Options{FrameSamples: frame, Complexity: 9}, in)
			enc, _ := newPair(t, f, codec.Options{FrameSamples: frame})
			best, at := 0.0, 0
			for delay := 200; delay < 400; delay++ {
				if c := correlation(in[14400:24000], out[14400+delay:24000+delay]); c > best {
					best, at = c, delay
				}
			}
			if want := enc.Lookahead(); at < want-4 || at > want+4 {
				t.Errorf("%d Hz, frames of %d: speech is delayed by %d samples, want about %d", rate, frame, at, want)
			}
			if best < 0.9 {
				t.Errorf("%d Hz, frames of %d: correlation %.3f, want 0.9", rate, frame, best)
			}
		}
	}
}

func TestBitrateIsKept(t *testing.T) {
	in := speech(48000)
	for _, tt := range []struct{ bitrate, want int }{{0, 32000}, {12000, 12000}, {64000, 64000}} {
		_, bytes := transcode(t, mono, codec.Options{FrameSamples: 960, Complexity: 5, Bitrate: tt.bitrate}, in)
		if got := bytes * 8; got < tt.want*6/10 || got > tt.want*13/10 {
			t.Errorf("bitrate %d: %d bit/s, want about %d", tt.bitrate, got, tt.want)
		}
	}
}

func TestANarrowListenerGetsANarrowBand(t *testing.T) {
	// Configurations of RFC 6716 table 2 that are wider than narrowband are
	// refused for a listener at 8 kHz.
	enc, _ := newPair(t, codec.Format{Codec: codec.Opus, Rate: 8000, Channels: 1}, usual)
	packet := make([]byte, codec.MaxPacket)
	for in := speech(19200); len(in) >= 960; in = in[960:] {
		if _, err := enc.Encode(packet, in[:960]); err != nil {
			t.Fatal(err)
		}
		if config := packet[0] >> 3; config > 3 && (config < 16 || config > 19) {
			t.Fatalf("configuration %d is not narrowband", config)
		}
	}
}

func TestDTX(t *testing.T) {
	count := func(dtx bool, signal []int16) (sent int) {
		enc, _ := newPair(t, mono, usual)
		if err := enc.SetDTX(dtx); err != nil {
			t.Fatal(err)
		}
		packet := make([]byte, codec.MaxPacket)
		for ; len(signal) >= 960; signal = signal[960:] {
			n, err := enc.Encode(packet, signal[:960])
			if err != nil {
				t.Fatal(err)
			}
			if n > 0 {
				sent++
			}
		}
		return sent
	}
	silence := make([]int16, 100*960)
	if sent := count(false, silence); sent != 100 {
		t.Errorf("without DTX %d of 100 silent frames give a packet, want all", sent)
	}
	if sent := count(true, silence); sent < 8 || sent > 12 {
		t.Errorf("with DTX %d of 100 silent frames give a packet, want those of the first 200 ms", sent)
	}
	if sent := count(true, speech(100*960)); sent != 100 {
		t.Errorf("with DTX %d of 100 frames of speech give a packet, want all", sent)
	}
}

func TestDTXCanBeTakenBack(t *testing.T) {
	enc, _ := newPair(t, mono, usual)
	packet, silence := make([]byte, codec.MaxPacket), make([]int16, 960)
	for i := range 90 {
		on := i/30%2 == 0
		if err := enc.SetDTX(on); err != nil {
			t.Fatal(err)
		}
		n, err := enc.Encode(packet, silence)
		if err != nil {
			t.Fatal(err)
		}
		if !on && n == 0 {
			t.Fatalf("frame %d was left out", i)
		}
		if i%30 > 25 && on && n != 0 {
			t.Fatalf("frame %d was not left out", i)
		}
	}
}

func TestDecodeStaysInsideTheSlice(t *testing.T) {
	enc, dec := newPair(t, mono, usual)
	const mark = -12345
	buffer := slices.Repeat([]int16{mark}, 5760)
	packet := slices.Repeat([]byte{0xa5}, 2*codec.MaxPacket)
	n, err := enc.Encode(packet[:codec.MaxPacket], speech(960))
	if err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(packet[codec.MaxPacket:], func(b byte) bool { return b != 0xa5 }) {
		t.Error("Encode wrote beyond its slice")
	}
	outside := func(op string) {
		t.Helper()
		if slices.ContainsFunc(buffer[960:], func(x int16) bool { return x != mark }) {
			t.Fatalf("%s wrote beyond its slice", op)
		}
	}
	if got, err := dec.Decode(buffer[:960], packet[:n]); got != 960 || err != nil {
		t.Fatalf("Decode() = %d, %v", got, err)
	}
	outside("Decode")
	if err := dec.Conceal(buffer[:960]); err != nil {
		t.Fatal(err)
	}
	outside("Conceal")
	if got, err := dec.Decode(buffer[:480], packet[:n]); err == nil {
		t.Errorf("Decode of 20 ms into 10 ms = %d, want an error", got)
	}
	outside("a failed Decode")
}

func TestConcealFadesAndTheStreamGoesOn(t *testing.T) {
	in := speech(28800)
	for _, chunk := range []int{120, 480, 600, 960} {
		enc, dec := newPair(t, mono, usual)
		packet := make([]byte, codec.MaxPacket)
		frame := make([]int16, 960)
		play := func(from int) {
			t.Helper()
			n, err := enc.Encode(packet, in[from:from+960])
			if err != nil {
				t.Fatal(err)
			}
			if _, err := dec.Decode(frame, packet[:n]); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 10 {
			play(i * 960)
		}
		loud := rms(frame)
		hidden := make([]int16, 9600)
		for at := 0; at < len(hidden); at += chunk {
			if err := dec.Conceal(hidden[at:min(at+chunk, len(hidden))]); err != nil {
				t.Fatalf("chunks of %d: %v", chunk, err)
			}
		}
		if first := rms(hidden[:480]); first < loud/10 {
			t.Errorf("chunks of %d: first 10 ms have RMS %.0f after %.0f, want speech to go on", chunk, first, loud)
		}
		if last := rms(hidden[len(hidden)-960:]); last > loud/20 {
			t.Errorf("chunks of %d: RMS %.0f after 200 ms, want silence", chunk, last)
		}
		for i := 20; i < 30; i++ {
			play(i * 960)
		}
		if back := rms(frame); back < loud/10 {
			t.Errorf("chunks of %d: RMS %.0f after the gap, want speech", chunk, back)
		}
	}
}

func TestConcealBeforeTheFirstPacketIsSilence(t *testing.T) {
	_, dec := newPair(t, mono, usual)
	pcm := slices.Repeat([]int16{99}, 960)
	if err := dec.Conceal(pcm); err != nil {
		t.Fatal(err)
	}
	if rms(pcm) != 0 {
		t.Error("something was made up from nothing")
	}
}

func TestWrongUseIsAnError(t *testing.T) {
	enc, dec := newPair(t, mono, usual)
	big := make([]byte, codec.MaxPacket)
	var wrong *codec.FormatError
	fails := func(name, message string, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%s: error %v, want one with %q", name, err, message)
		}
	}
	_, err := enc.Encode(big, make([]int16, 480))
	fails("a short frame", "want a frame of 960", err)
	_, err = enc.Encode(big[:1275], make([]int16, 960))
	fails("a small buffer", "room for 1275 bytes", err)
	_, err = dec.Decode(make([]int16, 960), nil)
	if fails("no packet", "no data", err); !errors.Is(err, codec.ErrPacket) {
		t.Errorf("no packet: error %v, want ErrPacket", err)
	}
	_, err = dec.Decode(make([]int16, 5760), []byte{0xff, 0xff})
	fails("a malformed packet", "packet of 2 bytes", err)
	_, err = dec.Decode(nil, []byte{8})
	fails("no room", "decode opus", err)
	fails("an odd concealment", "no multiple of 120", dec.Conceal(make([]int16, 100)))
	_, err = opus.Codec{}.NewEncoder(mono, codec.Options{FrameSamples: 500})
	fails("an odd frame", "frame of 500 samples", err)
	_, err = opus.Codec{}.NewEncoder(mono, codec.Options{FrameSamples: 960, Complexity: 11})
	fails("a complexity too high", "complexity 11", err)
	for _, f := range []codec.Format{{Codec: codec.PCM, Rate: 48000, Channels: 1}, {Codec: codec.Opus, Rate: 44100, Channels: 1}} {
		if _, err := (opus.Codec{}).NewEncoder(f, usual); !errors.As(err, &wrong) {
			t.Errorf("NewEncoder(%+v): error %v, want a FormatError", f, err)
		}
		if _, err := (opus.Codec{}).NewDecoder(f); !errors.As(err, &wrong) {
			t.Errorf("NewDecoder(%+v): error %v, want a FormatError", f, err)
		}
	}
}

func TestDecoderOutlivesAMalformedPacket(t *testing.T) {
	enc, dec := newPair(t, mono, usual)
	packet := make([]byte, codec.MaxPacket)
	frame := make([]int16, 960)
	in := speech(19200)
	for i := range 20 {
		n, err := enc.Encode(packet, in[i*960:(i+1)*960])
		if err != nil {
			t.Fatal(err)
		}
		if i%5 == 4 {
			if _, err := dec.Decode(frame, []byte{0xff, 0xff, 0}); err == nil {
				t.Fatal("a malformed packet was decoded")
			}
			if err := dec.Conceal(frame); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if got, err := dec.Decode(frame, packet[:n]); got != 960 || err != nil {
			t.Fatalf("Decode() = %d, %v", got, err)
		}
	}
	if rms(frame) < 100 {
		t.Error("no speech after malformed packets")
	}
}
