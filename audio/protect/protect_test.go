package protect_test

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/protect"
)

const second = audio.Rate

// magnitude returns the sample that stands for a level of peaks.
func magnitude(dBFS float64) int { return int(32767 * math.Pow(10, dBFS/20)) }

// active returns the RMS level in dBFS of the blocks above -50 dBFS.
func active(pcm []int16) float64 {
	sum, n := 0.0, 0
	for block := range slices.Chunk(pcm, audio.PeriodSamples) {
		energy := 0.0
		for _, x := range block {
			energy += float64(x) * float64(x)
		}
		if energy/float64(len(block)) > math.Pow(32767*math.Pow(10, -50.0/20), 2) {
			sum, n = sum+energy, n+len(block)
		}
	}
	return 10 * math.Log10(sum/float64(n)/(32767*32767))
}

// voices are made once: they take longer than all that is done with them.
var voices = sync.OnceValue(func() []int16 { return audiotest.Speech(24*second, 1) })

// speech returns n samples of speech, at most 12 s, with that RMS while it is
// active. Seeds 0 to 12 give different words.
func speech(n int, dBFS float64, seed int) []int16 {
	pcm := slices.Clone(voices()[seed*second:][:n])
	gain := math.Pow(10, (dBFS-active(pcm))/20)
	for i, x := range pcm {
		pcm[i] = int16(min(max(math.Round(float64(x)*gain), -32768), 32767))
	}
	return pcm
}

// square returns n samples at full scale that change sign at hz.
func square(n int, hz float64) []int16 {
	pcm := audiotest.Sine(n, hz, 1000)
	for i, x := range pcm {
		pcm[i] = math.MaxInt16
		if x < 0 {
			pcm[i] = math.MinInt16
		}
	}
	return pcm
}

// click returns silence with one full-scale sample.
func click(n int) []int16 {
	pcm := make([]int16, n)
	pcm[n/2] = math.MinInt16
	return pcm
}

// loudSounds are what an ear is to be kept from, all at full scale.
func loudSounds(n int) map[string][]int16 {
	beeps := audiotest.Sine(n, 2000, 32767)
	for i := range beeps {
		if i/(second/10)%2 == 1 {
			beeps[i] = 0
		}
	}
	return map[string][]int16{
		"a whistle":         audiotest.Sine(n, 3000, 32767),
		"a fax tone":        audiotest.Sine(n, 1100, 32767),
		"a hum":             audiotest.Sine(n, 60, 32767),
		"a square wave":     square(n, 400),
		"white noise":       audiotest.Noise(n, 32767, 1),
		"a row of beeps":    beeps,
		"a click":           click(n),
		"the lowest sample": slices.Repeat([]int16{math.MinInt16}, n),
	}
}

// run puts pcm through l in blocks and returns what comes out.
func run(l *protect.Limiter, pcm []int16, block int) []int16 {
	out := slices.Clone(pcm)
	for part := range slices.Chunk(out, block) {
		l.Process(part)
	}
	return out
}

func TestNothingEverExceedsTheCeiling(t *testing.T) {
	for _, ceiling := range []float64{-30, -18, protect.DefaultCeiling, 0} {
		for name, sound := range loudSounds(second / 5) {
			for _, block := range []int{1, 7, 48, 120, 480, 960, 9600} {
				l := protect.New(ceiling)
				out := run(l, slices.Concat(speech(second/2, -15, 1), sound), block)
				if got := audiotest.Peak(out); got > magnitude(ceiling) {
					t.Fatalf("%s in blocks of %d: peak %d, ceiling %d (%g dBFS)", name, block, got, magnitude(ceiling), ceiling)
				}
			}
		}
	}
}

func TestABurstAfterQuietSpeechStaysTwentyDecibelsAboveIt(t *testing.T) {
	for _, heard := range []float64{-38, -32} {
		for name, sound := range loudSounds(5 * second) {
			t.Run(fmt.Sprintf("%s after speech at %g dBFS", name, heard), func(t *testing.T) {
				l := protect.New(0)
				run(l, speech(12*second, heard, 2), 480)
				if got := l.SpeechLevel(); math.Abs(got-heard) > 3 {
					t.Fatalf("the running level is %.1f dBFS, the speech is at %g", got, heard)
				}
				limit := magnitude(l.SpeechLevel() + protect.Headroom + 0.5)
				out := run(l, sound, 480)
				if got := audiotest.Peak(out); got > limit {
					t.Errorf("peak %d, want at most %d", got, limit)
				}
				if l.Limited() == 0 {
					t.Error("no sample is counted as turned down")
				}
			})
		}
	}
}

func TestASoundThatGoesOnBeforeAnySpeechComesDown(t *testing.T) {
	for name, sound := range loudSounds(2 * second) {
		l := protect.New(0)
		out := run(l, sound, 480)
		limit := magnitude(-10 + 0.1)
		switch name {
		case "a row of beeps", "a click":
			limit = magnitude(0) // too short to be told from a first word
		}
		if got := audiotest.Peak(out[second:]); got > limit {
			t.Errorf("%s: peak %d after a second, want at most %d", name, got, limit)
		}
		// The first word after it is not the sound's fault.
		run(l, make([]int16, second/10), 480)
		if got := l.SpeechLevel(); got != -20 {
			t.Errorf("%s: the level that is assumed stays at %.1f dBFS", name, got)
		}
	}
}

func TestTheFirstWordsOfACallAreLeftAlone(t *testing.T) {
	for seed := range 6 {
		for _, dBFS := range []float64{-40, -30, -22, -19, -16} {
			in := speech(3*second, dBFS, seed)
			l := protect.New(0)
			if out := run(l, in, 480); !slices.Equal(in, out) {
				t.Errorf("seed %d at %g dBFS: %d samples turned down", seed, dBFS, l.Limited())
			}
		}
	}
}

func TestAMuchSofterTalkerIsFollowedInTheEnd(t *testing.T) {
	l := protect.New(protect.DefaultCeiling)
	run(l, speech(8*second, -18, 1), 480)
	for range 5 {
		run(l, speech(12*second, -40, 3), 480)
	}
	if got := l.SpeechLevel(); math.Abs(got+40) > 4 {
		t.Errorf("after a minute of speech at -40 dBFS the running level is %.1f", got)
	}
}

func TestMurmurBehindAVoiceDoesNotMoveItsLevel(t *testing.T) {
	l := protect.New(protect.DefaultCeiling)
	run(l, speech(12*second, -22, 1), 480)
	before := l.SpeechLevel()
	run(l, speech(10*second, -44, 3), 480)
	if got := l.SpeechLevel(); got < before-5 {
		t.Errorf("the running level went from %.1f to %.1f dBFS in ten seconds of murmur", before, got)
	}
	again := speech(3*second, -22, 5)
	if out := run(l, again, 480); active(again)-active(out) > 0.1 {
		t.Errorf("the voice loses %.2f dB after it", active(again)-active(out))
	}
}

func TestABurstIsHeldAtEveryPlaceOfABlock(t *testing.T) {
	const limit = -10.0
	burst := square(second/50, 1000)
	for offset := range 480 {
		l := protect.New(limit)
		out := run(l, slices.Concat(make([]int16, offset), burst, make([]int16, 960)), 480)
		if got := audiotest.Peak(out); got > magnitude(limit) {
			t.Fatalf("offset %d: peak %d, want at most %d", offset, got, magnitude(limit))
		}
	}
}

func TestManyBurstsDoNotBecomeTheMeasure(t *testing.T) {
	// 60 bursts between words, drifting through the block.
	l := protect.New(protect.DefaultCeiling)
	words := speech(12*second, -38, 3)
	run(l, words, 480)
	before := l.SpeechLevel()
	burst := square(second/50, 1000)
	for i := range 60 {
		limit := magnitude(l.SpeechLevel() + protect.Headroom)
		out := run(l, slices.Concat(make([]int16, 8*i), burst, make([]int16, second/5-8*i)), 480)
		if got := audiotest.Peak(out); got > limit+limit/50 {
			t.Fatalf("burst %d: peak %d, want at most %d", i, got, limit)
		}
		run(l, words[i*second/10:][:second/10], 480)
	}
	if got := l.SpeechLevel(); got > before+3 {
		t.Errorf("the running level went from %.1f to %.1f dBFS", before, got)
	}
}

func TestTheGainIsDownWithinAMillisecond(t *testing.T) {
	// A tone grows 40 dB at once. From 1 ms later on it is a clean tone at the
	// limit, not a clipped one, wherever in a block it begins.
	const hz = 1000
	for _, offset := range []int{0, 1, 100, 240, 450, 479} {
		l := protect.New(-10)
		out := run(l, slices.Concat(make([]int16, offset), audiotest.Sine(second/10, hz, 32767)), 480)
		tone := out[offset+48 : offset+48+4320]
		amplitude := audiotest.Goertzel(tone, hz)
		third := audiotest.Goertzel(tone, 3*hz)
		if third > amplitude/100 {
			t.Errorf("from offset %d: third harmonic %.0f beside %.0f", offset, third, amplitude)
		}
		if amplitude > float64(magnitude(-10))+1 || amplitude < float64(magnitude(-10.5)) {
			t.Errorf("from offset %d: amplitude %.0f, want %d", offset, amplitude, magnitude(-10))
		}
	}
}

func TestWhatIsWithinTheLimitsPassesBitForBit(t *testing.T) {
	for name, in := range map[string][]int16{
		"speech at -30 dBFS":          speech(6*second, -30, 4),
		"speech at -40 dBFS":          speech(6*second, -40, 5),
		"speech at -26 dBFS":          speech(3*second, -26, 6),
		"a tone just below the limit": audiotest.Sine(2*second, 440, float64(magnitude(-10))),
		"noise":                       audiotest.Noise(2*second, 9000, 7),
		"silence":                     make([]int16, second),
	} {
		t.Run(name, func(t *testing.T) {
			l := protect.New(protect.DefaultCeiling)
			if out := run(l, in, 480); !slices.Equal(in, out) {
				t.Error("samples changed")
			}
			if l.Limited() != 0 || l.Gain() != 1 {
				t.Errorf("%d samples counted, gain %.3f", l.Limited(), l.Gain())
			}
		})
	}
}

func TestSomebodyWhoTalksLouderIsFollowed(t *testing.T) {
	for seed := range 3 {
		l := protect.New(protect.DefaultCeiling)
		run(l, speech(12*second, -34, seed), 480)
		louder := speech(10*second, -24, 8+seed)
		out := run(l, louder[:3*second], 480)
		if got := l.SpeechLevel(); got < -27 {
			t.Errorf("seed %d: after 3 s the running level is %.1f dBFS, the speech is at -24", seed, got)
		}
		if lost := active(louder[:3*second]) - active(out); lost > 1 {
			t.Errorf("seed %d: %.2f dB lost while the level follows, want at most 1", seed, lost)
		}
		before := l.Limited()
		rest := run(l, louder[3*second:], 480)
		if !slices.Equal(rest, louder[3*second:]) || l.Limited() != before {
			t.Errorf("seed %d: still limited after 3 s", seed)
		}
	}
}

func TestPausesDoNotMoveTheSpeechLevel(t *testing.T) {
	l := protect.New(protect.DefaultCeiling)
	run(l, speech(12*second, -34, 1), 480)
	before := l.SpeechLevel()
	run(l, make([]int16, 5*second), 480)
	run(l, audiotest.Noise(5*second, 200, 1), 480)
	if got := l.SpeechLevel(); math.Abs(got-before) > 0.5 {
		t.Errorf("the running level went from %.2f to %.2f in a pause", before, got)
	}
}

func TestTheGainComesBackSlowlyAfterABurst(t *testing.T) {
	l := protect.New(-10)
	run(l, audiotest.Sine(second/10, 1000, 32767), 480)
	down := l.Gain()
	if want := math.Pow(10, -10.0/20); math.Abs(down-want) > 0.01 {
		t.Fatalf("gain %.3f in the burst, want %.3f", down, want)
	}
	silence := make([]int16, 480)
	for range 8 { // 80 ms
		l.Process(silence)
	}
	if got := l.Gain(); got > down*1.03 {
		t.Errorf("gain %.3f after 80 ms, want it held at %.3f", got, down)
	}
	for range 21 { // 5 dB
		l.Process(silence)
	}
	if got := 20 * math.Log10(l.Gain()); math.Abs(got+5) > 0.5 {
		t.Errorf("%.2f dB 210 ms later, want about -5", got)
	}
	for range 25 {
		l.Process(silence)
	}
	if got := l.Gain(); got != 1 {
		t.Errorf("gain %.4f in the end, want 1", got)
	}
}

func TestCeilingIsBroughtIntoItsRange(t *testing.T) {
	for _, tc := range []struct{ set, want float64 }{
		{-6, -6},
		{-12.5, -12.5},
		{-90, -30},
		{3, 0},
		{math.Inf(1), 0},
		{math.Inf(-1), -30},
		{math.NaN(), -6},
	} {
		l := protect.New(tc.set)
		if got := l.Ceiling(); got != tc.want {
			t.Errorf("New(%v): ceiling %v, want %v", tc.set, got, tc.want)
		}
	}
}

func TestCeilingMovesDuringACall(t *testing.T) {
	l := protect.New(0)
	tone := audiotest.Sine(second, 500, float64(magnitude(-11)))
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.SetCeiling(-20)
	}()
	run(l, tone, 480)
	<-done
	if got := audiotest.Peak(run(l, tone, 480)); got > magnitude(-20) {
		t.Errorf("peak %d under the new ceiling, want at most %d", got, magnitude(-20))
	}
	if l.Delay() != 0 {
		t.Errorf("delay %d, want none", l.Delay())
	}
	l.Process(nil)
}

// FuzzProcess looks for samples above the limits.
func FuzzProcess(f *testing.F) {
	f.Add([]byte{0xff, 0x7f, 0x00, 0x80, 0xff, 0x7f}, -6.0, uint16(3))
	f.Add(slices.Repeat([]byte{0x00, 0x80}, 2000), -30.0, uint16(480))
	f.Add(slices.Repeat([]byte{1, 2, 3, 0x7f}, 999), 0.0, uint16(1))
	f.Fuzz(func(t *testing.T, raw []byte, ceiling float64, block uint16) {
		pcm := make([]int16, len(raw)/2)
		for i := range pcm {
			pcm[i] = int16(uint16(raw[2*i]) | uint16(raw[2*i+1])<<8)
		}
		l := protect.New(ceiling)
		out := run(l, pcm, max(int(block), 1))
		for i, x := range out {
			if int(x) > magnitude(l.Ceiling()) || -int(x) > magnitude(l.Ceiling()) || int64(x)*int64(pcm[i]) < 0 {
				t.Fatalf("sample %d: %d became %d under a ceiling of %g dBFS", i, pcm[i], x, l.Ceiling())
			}
		}
		if g := l.Gain(); !(g > 0 && g <= 1) {
			t.Fatalf("gain %v", g)
		}
	})
}

func BenchmarkProcess(b *testing.B) {
	for name, pcm := range map[string][]int16{
		"untouched": speech(10*second, -24, 1),
		"limiting":  audiotest.Sine(10*second, 440, 32767),
	} {
		b.Run(name, func(b *testing.B) {
			l := protect.New(protect.DefaultCeiling)
			block := make([]int16, audio.PeriodSamples)
			at := 0
			b.ReportAllocs()
			for b.Loop() {
				copy(block, pcm[at:])
				l.Process(block)
				at = (at + len(block)) % len(pcm)
			}
		})
	}
}
