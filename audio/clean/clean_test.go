package clean_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/clean"
)

const (
	second  = audio.Rate
	ceiling = 29203 // -1 dBFS
)

// magnitude returns the amplitude that stands for a level.
func magnitude(dBFS float64) float64 { return 32767 * math.Pow(10, dBFS/20) }

// level returns the RMS level in dBFS.
func level(pcm []int16) float64 {
	sum := 0.0
	for _, x := range pcm {
		sum += float64(x) * float64(x)
	}
	return 10 * math.Log10(max(sum, 1e-9)/float64(len(pcm))/(32767*32767))
}

// active returns the RMS level in dBFS of the 10 ms blocks that are within 20 dB
// of the loudest.
func active(pcm []int16) float64 {
	loudest := -200.0
	for block := range slices.Chunk(pcm, audio.PeriodSamples) {
		loudest = max(loudest, level(block))
	}
	var speech []int16
	for block := range slices.Chunk(pcm, audio.PeriodSamples) {
		if level(block) > loudest-20 {
			speech = append(speech, block...)
		}
	}
	return level(speech)
}

// body returns pcm as RFC 7874 wants it measured: without what is below 300 Hz,
// by a Butterworth filter of second order.
func body(pcm []int16) []int16 {
	k := math.Tan(math.Pi * 300 / audio.Rate)
	norm := 1 / (1 + math.Sqrt2*k + k*k)
	var x1, x2, y1, y2 float64
	out := make([]int16, len(pcm))
	for i, s := range pcm {
		x := float64(s)
		y := norm * (x - 2*x1 + x2 - 2*(k*k-1)*y1 - (1-math.Sqrt2*k+k*k)*y2)
		x1, x2, y1, y2 = x, x1, y, y1
		out[i] = int16(math.Round(min(max(y, -32768), 32767)))
	}
	return out
}

// voices are made once: they take longer than all that is done with them.
var voices = sync.OnceValue(func() []int16 { return audiotest.Speech(12*second, 1) })

// speech returns n samples of speech, at most 12 s, with that RMS while it is
// active.
func speech(n int, dBFS float64) []int16 {
	pcm := slices.Clone(voices()[:n])
	gain := math.Pow(10, (dBFS-active(pcm))/20)
	for i, x := range pcm {
		pcm[i] = int16(min(max(math.Round(float64(x)*gain), -32768), 32767))
	}
	return pcm
}

// noise returns n samples of white noise with that RMS.
func noise(n int, dBFS float64) []int16 {
	rnd := rand.New(rand.NewPCG(1, 2))
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = int16(math.Round(magnitude(dBFS) * rnd.NormFloat64()))
	}
	return pcm
}

// add returns the sum of two signals of the same length.
func add(a, b []int16) []int16 {
	sum := slices.Clone(a)
	for i, x := range b {
		sum[i] = int16(min(max(int(sum[i])+int(x), -32768), 32767))
	}
	return sum
}

// open returns a Cleaner that the test closes.
func open(tb testing.TB, frame int, o clean.Options) *clean.Cleaner {
	tb.Helper()
	c, err := clean.New(frame, o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Close)
	return c
}

// run puts whole frames of pcm through c and returns what comes out. After each
// frame it calls after, unless that is nil.
func run(c *clean.Cleaner, frame int, pcm []int16, after func()) []int16 {
	out := slices.Clone(pcm[:len(pcm)/frame*frame])
	for part := range slices.Chunk(out, frame) {
		c.Process(part)
		if after != nil {
			after()
		}
	}
	return out
}

// choices are all that Options can say.
func choices() []clean.Options {
	var all []clean.Options
	for i := range 8 {
		all = append(all, clean.Options{HighPass: i&1 != 0, Denoise: i&2 != 0, Level: i&4 != 0})
	}
	return all
}

func TestAllOffPassesEverySampleAsItIs(t *testing.T) {
	in := slices.Concat([]int16{math.MinInt16, math.MaxInt16}, audiotest.Noise(4*960-2, 32767, 1))
	for _, frame := range []int{480, 960} {
		c := open(t, frame, clean.Options{})
		if out := run(c, frame, in, nil); !slices.Equal(in, out) {
			t.Errorf("frames of %d: samples changed", frame)
		}
		if c.Delay() != 0 {
			t.Errorf("frames of %d: a delay of %d", frame, c.Delay())
		}
	}
}

func TestSwitchedOffAgainItPassesEverySampleAsItIs(t *testing.T) {
	in := speech(3*second, -30)
	for _, o := range choices() {
		c := open(t, 480, o)
		run(c, 480, in, nil)
		c.Set(clean.Options{})
		run(c, 480, in[:second/2], nil)
		if out := run(c, 480, in, nil); !slices.Equal(in, out) {
			t.Errorf("%+v: half a second after switching off samples still change", o)
		}
		if c.Delay() != 0 || c.Gain() != 0 {
			t.Errorf("%+v: delay %d and gain %.2f are left", o, c.Delay(), c.Gain())
		}
	}
}

func TestHighPass(t *testing.T) {
	for _, tc := range []struct {
		hz         float64
		least, top float64 // what is left, in dB
	}{
		{20, -90, -23},
		{50, -30, -8},
		{60, -30, -6},
		{80, -3.5, -2.5},
		{100, -1.6, 0.1},
		{150, -0.5, 0.1},
		{300, -0.1, 0.1},
		{1000, -0.1, 0.1},
		{8000, -0.1, 0.1},
	} {
		c := open(t, 480, clean.Options{HighPass: true})
		in := audiotest.Sine(2*second, tc.hz, 16000)
		out := run(c, 480, in, nil)
		if got := level(out[second:]) - level(in[second:]); got < tc.least || got > tc.top {
			t.Errorf("%g Hz changes by %.2f dB, want %g to %g", tc.hz, got, tc.least, tc.top)
		}
	}
	c := open(t, 480, clean.Options{HighPass: true})
	offset := slices.Repeat([]int16{1500}, second)
	if out := run(c, 480, offset, nil); audiotest.Peak(out[second/2:]) != 0 {
		t.Errorf("of a constant offset %d is left", audiotest.Peak(out[second/2:]))
	}
}

func TestSpeechOfAnyLevelEndsNearTheTarget(t *testing.T) {
	for _, from := range []float64{-40, -30, -22, -10} {
		for _, frame := range []int{480, 960} {
			t.Run(fmt.Sprintf("speech at %g dBFS in frames of %d", from, frame), func(t *testing.T) {
				c := open(t, frame, clean.Options{HighPass: true, Level: true})
				out := run(c, frame, speech(12*second, from), nil)[6*second:]
				if got := active(body(out)); math.Abs(got+22) > 2.5 {
					t.Errorf("level above 300 Hz is %.1f dBFS, want -22", got)
				}
				if got := active(out); math.Abs(got+22) > 3.5 {
					t.Errorf("level is %.1f dBFS, want about -22", got)
				}
				if c.Delay() != 0 {
					t.Errorf("a delay of %d", c.Delay())
				}
			})
		}
	}
}

func TestASteadyVowelEndsNearTheTarget(t *testing.T) {
	for _, from := range []float64{-38, -10} {
		in := audiotest.Voice(8*second, 180, 10000)
		gain := math.Pow(10, (from-level(in))/20)
		for i, x := range in {
			in[i] = int16(float64(x) * gain)
		}
		c := open(t, 480, clean.Options{Level: true})
		out := run(c, 480, in, nil)[6*second:]
		if got := level(body(out)); math.Abs(got+22) > 3.1 {
			t.Errorf("from %g dBFS to %.1f dBFS above 300 Hz, want -22", from, got)
		}
	}
}

func TestTheGainMovesSixDecibelsASecondAtMost(t *testing.T) {
	in := slices.Concat(speech(5*second, -40), speech(5*second, -10), speech(5*second, -35))
	c := open(t, 480, clean.Options{Level: true})
	last, most, lowest, highest := 0.0, 0.0, 0.0, 0.0
	run(c, 480, in, func() {
		most = max(most, math.Abs(c.Gain()-last))
		last = c.Gain()
		lowest, highest = min(lowest, last), max(highest, last)
	})
	if most > 0.0601 {
		t.Errorf("the gain moves by %.4f dB in 10 ms, want at most 0.06", most)
	}
	if highest < 10 || highest > 20 || lowest > -5 || lowest < -20 {
		t.Errorf("the gain went from %.1f to %.1f dB", lowest, highest)
	}
}

func TestSettledGainDoesNotPump(t *testing.T) {
	c := open(t, 480, clean.Options{Level: true})
	run(c, 480, speech(8*second, -32), nil)
	lowest, highest := c.Gain(), c.Gain()
	follow := func() { lowest, highest = min(lowest, c.Gain()), max(highest, c.Gain()) }
	for _, pause := range [][]int16{make([]int16, 3*second), noise(3*second, -50), noise(3*second, -35)} {
		run(c, 480, pause, follow)
		run(c, 480, speech(3*second, -32), follow)
	}
	if highest-lowest > 1 {
		t.Errorf("the gain moves between %.2f and %.2f dB over pauses and words", lowest, highest)
	}
}

func TestWhatIsNoSpeechLeavesTheGainAlone(t *testing.T) {
	for name, in := range map[string][]int16{
		"silence":               make([]int16, 10*second),
		"loud noise":            noise(10*second, -25),
		"a hum":                 audiotest.Sine(10*second, 50, magnitude(-20)),
		"speech far too soft":   speech(10*second, -62),
		"a row of clicks":       clicks(10 * second),
		"a constant offset":     slices.Repeat([]int16{3000}, 10*second),
		"speech at the target":  speech(10*second, -21),
		"a tone at the target ": audiotest.Sine(10*second, 1000, magnitude(-19)),
	} {
		c := open(t, 480, clean.Options{HighPass: true, Level: true})
		run(c, 480, in, nil)
		if got := c.Gain(); math.Abs(got) > 3 {
			t.Errorf("%s: the gain goes to %.2f dB", name, got)
		}
	}
}

func clicks(n int) []int16 {
	pcm := make([]int16, n)
	for i := 0; i < n; i += 7001 {
		pcm[i] = 30000
	}
	return pcm
}

func TestANeighbourIsNotBroughtUp(t *testing.T) {
	c := open(t, 480, clean.Options{Level: true})
	run(c, 480, speech(6*second, -24), nil)
	before := c.Gain()
	run(c, 480, speech(12*second, -50), nil)
	if got := c.Gain(); math.Abs(got-before) > 1 {
		t.Errorf("speech 26 dB lower moves the gain from %.1f to %.1f dB", before, got)
	}
}

func TestLimiterHoldsOneDecibelBelowFullScale(t *testing.T) {
	c := open(t, 480, clean.Options{Level: true})
	run(c, 480, speech(8*second, -42), nil)
	if c.Gain() < 15 {
		t.Fatalf("the gain is %.1f dB only", c.Gain())
	}
	for _, in := range [][]int16{
		audiotest.Sine(second/2, 1000, 32767),
		audiotest.Noise(second/2, 32767, 1),
		slices.Repeat([]int16{math.MinInt16, math.MaxInt16}, second/4),
	} {
		if got := audiotest.Peak(run(c, 480, in, nil)); got > ceiling {
			t.Errorf("a peak of %d, want at most %d", got, ceiling)
		}
	}
}

func TestATonePassesUntouchedByTheHighPass(t *testing.T) {
	c := open(t, 480, clean.Options{HighPass: true})
	in := audiotest.Sine(5*second, 440, 10000)
	out := run(c, 480, in, nil)
	for _, at := range []int{second, 3 * second, 4 * second} {
		if got := level(out[at:][:second/2]) - level(in[at:][:second/2]); math.Abs(got) > 0.05 {
			t.Errorf("at sample %d the tone changes by %.3f dB", at, got)
		}
	}
}

func TestSwitchingMakesNoStep(t *testing.T) {
	in := add(speech(9*second, -24), noise(9*second, -60))
	step := audiotest.MaxStep(in)
	all := choices()
	for _, frame := range []int{480, 960} {
		rnd := rand.New(rand.NewPCG(3, uint64(frame)))
		c := open(t, frame, clean.Options{})
		frames, gain := 0, 0.0
		out := run(c, frame, in, func() {
			gain = max(gain, c.Gain())
			if frames++; frames%(1+rnd.IntN(30)) == 0 {
				c.Set(all[rnd.IntN(len(all))])
			}
		})
		// A cross-fade adds the difference of two signals over 480 samples.
		most := float64(step)*math.Pow(10, gain/20) + 2*float64(audiotest.Peak(in))/480
		if got := audiotest.MaxStep(out); float64(got) > 1.1*most {
			t.Errorf("frames of %d: a step of %d, want at most %.0f", frame, got, most)
		}
	}
}

func TestOptionsAreSetFromAnyGoroutine(t *testing.T) {
	c := open(t, 480, clean.Options{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for range 100 {
			for _, o := range choices() {
				c.Set(o)
				_ = c.Options()
				_, _ = c.Delay(), c.Gain()
			}
		}
	})
	run(c, 480, speech(second, -24), nil)
	wg.Wait()
	want := clean.Options{HighPass: true, Denoise: true, Level: true}
	c.Set(want)
	want.Denoise = clean.HasDenoise
	if got := c.Options(); got != want {
		t.Errorf("options %+v, want %+v", got, want)
	}
}

func TestWrongFramesAreRefused(t *testing.T) {
	for _, frame := range []int{-480, 0, 240, 479, 481, 1920} {
		if c, err := clean.New(frame, clean.Options{}); err == nil {
			c.Close()
			t.Errorf("frames of %d are accepted", frame)
		}
	}
	c := open(t, 480, clean.Options{HighPass: true, Denoise: true, Level: true})
	for _, n := range []int{0, 1, 479, 481, 960} {
		in := audiotest.Sine(n, 50, 20000)
		got := slices.Clone(in)
		if c.Process(got); !slices.Equal(in, got) {
			t.Errorf("a slice of %d samples is changed", n)
		}
	}
}

func TestClosedItLeavesSamplesAlone(t *testing.T) {
	c, err := clean.New(480, clean.Options{HighPass: true, Denoise: true, Level: true})
	if err != nil {
		t.Fatal(err)
	}
	in := speech(480, -22)
	run(c, 480, in, nil)
	c.Close()
	c.Close()
	if out := run(c, 480, in, nil); !slices.Equal(in, out) || c.Delay() != 0 {
		t.Errorf("samples change after Close, or a delay of %d is left", c.Delay())
	}
}

// FuzzProcess looks for samples above the limit and for lasting damage.
func FuzzProcess(f *testing.F) {
	f.Add([]byte{0xff, 0x7f, 0x00, 0x80}, uint8(7))
	f.Add(slices.Repeat([]byte{0x00, 0x80, 0xff, 0x7f}, 960), uint8(5))
	f.Add(slices.Repeat([]byte{1, 2, 3}, 3000), uint8(2))
	f.Fuzz(func(t *testing.T, raw []byte, options uint8) {
		c := open(t, 480, choices()[options%8])
		pcm := make([]int16, min(len(raw)/2/480*480, second/5))
		for i := range pcm {
			pcm[i] = int16(uint16(raw[2*i]) | uint16(raw[2*i+1])<<8)
		}
		out := run(c, 480, pcm, func() {
			if g := c.Gain(); !(g >= -20 && g <= 20) {
				t.Fatalf("gain %v", g)
			}
		})
		if c.Options() != (clean.Options{}) && audiotest.Peak(out) > ceiling {
			t.Fatalf("peak %d", audiotest.Peak(out))
		}
		if out := run(c, 480, make([]int16, second/4), nil); audiotest.Peak(out[second/5:]) > 0 {
			t.Fatalf("silence has a peak of %d after 200 ms", audiotest.Peak(out[second/5:]))
		}
	})
}

// BenchmarkProcess measures 10 ms.
func BenchmarkProcess(b *testing.B) {
	in := add(speech(5*second, -30), noise(5*second, -55))
	for _, o := range []clean.Options{
		{},
		{HighPass: true},
		{Denoise: true},
		{Level: true},
		{HighPass: true, Denoise: true, Level: true},
	} {
		b.Run(fmt.Sprintf("highpass=%v/denoise=%v/level=%v", o.HighPass, o.Denoise, o.Level), func(b *testing.B) {
			c := open(b, 480, o)
			frame := make([]int16, 480)
			at := 0
			b.ReportAllocs()
			for b.Loop() {
				copy(frame, in[at:])
				c.Process(frame)
				at = (at + 480) % len(in)
			}
		})
	}
}
