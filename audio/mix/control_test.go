package mix_test

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/mix"
)

// speech returns seconds of a voice whose syllables have that level in dBFS.
func speech(seconds int, dBFS float64) []int16 {
	pcm := audiotest.Speech(seconds*audio.Rate, 5)
	return gained(pcm, dBFS-activeLevel(pcm))
}

// gained returns pcm turned up by that, clipped at full scale.
func gained(pcm []int16, dB float64) []int16 {
	out, factor := make([]int16, len(pcm)), math.Pow(10, dB/20)
	for i, x := range pcm {
		out[i] = int16(min(max(math.Round(float64(x)*factor), math.MinInt16), math.MaxInt16))
	}
	return out
}

// activeLevel is the level of the blocks of 10 ms that are within 16 dB of the level
// of all such blocks.
func activeLevel(pcm []int16) float64 {
	gate := 0.0
	for range 5 {
		sum, n := 0.0, 0
		for at := 0; at+480 <= len(pcm); at += 480 {
			e := 0.0
			for _, x := range pcm[at : at+480] {
				e += float64(x) * float64(x)
			}
			if e/480 >= gate {
				sum += e / 480
				n++
			}
		}
		gate = sum / float64(max(n, 1)) / math.Pow(10, 1.6)
	}
	return 10*math.Log10(gate) + 16 - 20*math.Log10(math.MaxInt16)
}

// control runs pcm through c in blocks of 10 ms, and returns the gain after each.
func control(c *mix.Control, pcm []int16) (out []int16, gains []float64) {
	out = slices.Clone(pcm)
	for at := 0; at < len(out); at += 480 {
		c.Process(out[at:min(at+480, len(out))])
		gains = append(gains, c.Gain())
	}
	return out, gains
}

func TestVoicesComeToTheSameLoudness(t *testing.T) {
	for _, tc := range []struct{ from, to float64 }{
		{-40, mix.ControlTarget - 5}, // 12 dB up and no more
		{-32, mix.ControlTarget},
		{-23, mix.ControlTarget},
		{-15, mix.ControlTarget},
		{-10, mix.ControlTarget + 1}, // 12 dB down
	} {
		var c mix.Control
		out, gains := control(&c, speech(15, tc.from))
		got := activeLevel(out[10*audio.Rate:])
		t.Logf("from %.0f dBFS: %.1f dBFS after 10 s, gain %.1f dB", tc.from, got, c.Gain())
		if math.Abs(got-tc.to) > 1.6 {
			t.Errorf("from %.0f dBFS it comes to %.1f, want %.0f", tc.from, got, tc.to)
		}
		for i, g := range gains {
			if math.Abs(g) > mix.ControlRange || i > 0 && math.Abs(g-gains[i-1]) > 0.0401 {
				t.Fatalf("from %.0f dBFS the gain goes from %.3f to %.3f dB in 10 ms", tc.from, gains[max(i-1, 0)], g)
			}
		}
		for i := 1300; i < len(gains); i++ {
			if math.Abs(gains[i]-gains[1300]) > 1.5 {
				t.Errorf("from %.0f dBFS the gain does not rest: %.1f and %.1f dB", tc.from, gains[1300], gains[i])
				break
			}
		}
	}
}

func TestPausesMoveNoGain(t *testing.T) {
	for name, pause := range map[string][]int16{
		"silence":           make([]int16, 30*audio.Rate),
		"noise":             audiotest.Noise(30*audio.Rate, 150, 1), // -51 dBFS
		"a neighbour":       speech(3, -55),
		"loud steady noise": audiotest.Noise(30*audio.Rate, 1000, 1), // -35 dBFS, as loud as the voice
	} {
		var c mix.Control
		_, gains := control(&c, speech(5, -33))
		before := gains[len(gains)-1]
		if before < 5 {
			t.Fatalf("gain is %.1f dB", before)
		}
		_, gains = control(&c, pause)
		moved := 0.0
		for _, g := range gains {
			moved = max(moved, math.Abs(g-before))
		}
		// Whatever begins suddenly is a voice until it proves to be steady: a quarter of
		// a second of the loudest.
		if moved > 0.05 && name != "loud steady noise" || moved > 1.2 {
			t.Errorf("in %s the gain moves by %.2f dB", name, moved)
		}
	}
}

func TestWhatIsSteadyPassesBitForBit(t *testing.T) {
	for name, pcm := range map[string][]int16{
		"a quiet tone":           audiotest.Sine(20*audio.Rate, 440, 400),
		"a tone at full scale":   audiotest.Sine(20*audio.Rate, 440, math.MaxInt16),
		"noise":                  audiotest.Noise(20*audio.Rate, 300, 1),
		"silence":                make([]int16, audio.Rate),
		"a square at full scale": square(5 * audio.Rate),
		"the lowest sample":      slices.Repeat([]int16{math.MinInt16}, audio.Rate),
	} {
		var c mix.Control
		if out, _ := control(&c, pcm); !slices.Equal(out, pcm) {
			t.Errorf("%s is changed", name)
		}
	}
}

// square has the extremes of 16 bits.
func square(n int) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = math.MaxInt16
		if i/240%2 == 1 {
			pcm[i] = math.MinInt16
		}
	}
	return pcm
}

func TestTheGainMovesWithoutSteps(t *testing.T) {
	for _, from := range []float64{-36, -14} {
		var c mix.Control
		in := speech(8, from)
		out, _ := control(&c, in)
		last, at := 1.0, 0
		for i, x := range in {
			if x < 1000 && x > -1000 {
				continue
			}
			gain := float64(out[i]) / float64(x)
			// By 4 dB a second at most, and two samples rounded.
			most := last*(math.Pow(10, 4.01/20*float64(i-at)/audio.Rate)-1) + 2.0/1000
			if math.Abs(gain-last) > most {
				t.Fatalf("from %v dBFS the gain goes from %.4f to %.4f within %d samples", from, last, gain, i-at)
			}
			last, at = gain, i
		}
		if math.Abs(last-1) < 0.5 {
			t.Errorf("the gain is only %.2f", last)
		}
	}
}

func TestAVoiceIsNotTurnedUpBeyondTheCeiling(t *testing.T) {
	pcm := speech(12, -36)
	for at := 8 * audio.Rate; at < len(pcm); at += audio.Rate { // something falls
		for k := range 20 {
			pcm[at+k] = math.MaxInt16
			pcm[at+20+k] = math.MinInt16
		}
	}
	var c mix.Control
	out, gains := control(&c, pcm)
	if g := gains[790]; g < 9 {
		t.Fatalf("gain is %.1f dB after 8 s", g)
	}
	for i, x := range out {
		if x > mix.Ceiling || x < -mix.Ceiling || int(x)*int(pcm[i]) < 0 {
			t.Fatalf("sample %d is %d for %d", i, x, pcm[i])
		}
	}
	if g := c.Gain(); g > gains[790]-1 {
		t.Errorf("the gain is %.1f dB with peaks at full scale, %.1f before", g, gains[790])
	}
}

func TestBlocksOfAnySizeAreControlledAlike(t *testing.T) {
	in := speech(6, -35)
	var one, other mix.Control
	want, _ := control(&one, in)
	got := slices.Clone(in)
	for at := 0; at < len(got); at += 960 {
		other.Process(got[at:min(at+960, len(got))])
	}
	if !slices.Equal(got, want) {
		t.Error("20 ms are not as twice 10 ms")
	}
	for n := range 50 {
		other.Process(got[:n])
	}
	other.Process(nil)
}

func FuzzControlKeepsSignsAndBounds(f *testing.F) {
	f.Add([]byte{0xff, 0x7f, 0, 0x80, 1, 0}, uint8(3))
	f.Add(make([]byte, 64), uint8(0))
	var turnedUp mix.Control
	control(&turnedUp, speech(4, -35))
	f.Fuzz(func(t *testing.T, data []byte, repeat uint8) {
		c := turnedUp
		in := make([]int16, len(data)/2)
		for i := range in {
			in[i] = int16(binary.LittleEndian.Uint16(data[2*i:]))
		}
		for range int(repeat) + 1 {
			out := slices.Clone(in)
			c.Process(out)
			for i, x := range out {
				wide, was := int(x), int(in[i])
				if wide*was < 0 || max(wide, -wide) > max(was, -was, mix.Ceiling) {
					t.Fatalf("%d becomes %d", was, wide)
				}
			}
			if g := c.Gain(); math.IsNaN(g) || math.Abs(g) > mix.ControlRange {
				t.Fatalf("gain is %v dB", g)
			}
		}
	})
}

func BenchmarkControl(b *testing.B) {
	var c mix.Control
	in := speech(4, -35)
	pcm := make([]int16, 480)
	at := 0
	b.ReportAllocs()
	for b.Loop() {
		copy(pcm, in[at:])
		c.Process(pcm)
		at = (at + 480) % (len(in) - 480)
	}
}
