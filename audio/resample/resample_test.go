package resample_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"callcenter/audio"
	"callcenter/audio/resample"
)

// rates are those that files and the wire have, and two whose ratio to 48 kHz
// has very many phases.
var rates = []int{8000, 11025, 16000, 22050, 44100, 96000, 12347, 47999}

// sine returns n samples of the given frequency and amplitude.
func sine(hz, amplitude float64, rate, n int) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = int16(math.Round(amplitude * math.Sin(2*math.Pi*hz*float64(i)/float64(rate))))
	}
	return pcm
}

// amplitudeAt measures one frequency by correlation with it, under a Hann
// window so that other tones do not leak in.
func amplitudeAt(pcm []int16, hz float64, rate int) float64 {
	w := 2 * math.Pi * hz / float64(rate)
	coeff := 2 * math.Cos(w)
	var s1, s2, sum float64
	for i, v := range pcm {
		window := 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/float64(len(pcm)))
		sum += window
		s1, s2 = float64(v)*window+coeff*s1-s2, s1
	}
	power := s1*s1 + s2*s2 - coeff*s1*s2
	return 2 * math.Sqrt(math.Max(power, 0)) / sum
}

func db(ratio float64) float64 { return 20 * math.Log10(math.Max(ratio, 1e-9)) }

func convert(t testing.TB, from, to int, pcm []int16) []int16 {
	t.Helper()
	c, err := resample.New(from, to)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]int16, c.MaxOut(len(pcm)))
	return out[:c.Process(out, pcm)]
}

// each calls f for both directions of every rate.
func each(t *testing.T, f func(t *testing.T, from, to int)) {
	t.Helper()
	for _, rate := range rates {
		t.Run(fmt.Sprintf("%d to 48000", rate), func(t *testing.T) { f(t, rate, audio.Rate) })
		t.Run(fmt.Sprintf("48000 to %d", rate), func(t *testing.T) { f(t, audio.Rate, rate) })
	}
}

func TestTonesKeepTheirLevelInThePassBand(t *testing.T) {
	each(t, func(t *testing.T, from, to int) {
		low := float64(min(from, to))
		for _, hz := range []float64{100, 1000, 0.25 * low, 0.35 * low, 0.42 * low} {
			out := convert(t, from, to, sine(hz, 16000, from, from/10))
			got := db(amplitudeAt(out[len(out)/4:], hz, to) / 16000)
			if math.Abs(got) > 0.2 {
				t.Errorf("%.0f Hz comes out at %+.2f dB", hz, got)
			}
		}
	})
}

func TestImagesOfAnUpConvertedToneAreRejected(t *testing.T) {
	each(t, func(t *testing.T, from, to int) {
		if to < from {
			return
		}
		for _, hz := range []float64{1000, 0.3 * float64(from), 0.42 * float64(from)} {
			out := convert(t, from, to, sine(hz, 16000, from, from/10))
			for k := 1; k <= 2; k++ {
				for _, image := range []float64{float64(k*from) - hz, float64(k*from) + hz} {
					if image >= float64(to)/2 {
						continue
					}
					if got := db(amplitudeAt(out[len(out)/4:], image, to) / 16000); got > -65 {
						t.Errorf("image of %.0f Hz at %.0f Hz: %.1f dB", hz, image, got)
					}
				}
			}
		}
	})
}

func TestTonesAboveTheNewHalfRateDoNotAlias(t *testing.T) {
	each(t, func(t *testing.T, from, to int) {
		if to > from {
			return
		}
		for _, factor := range []float64{0.505, 0.58, 0.7, 0.9} {
			hz := factor * float64(to)
			if hz >= float64(from)/2 {
				continue
			}
			out := convert(t, from, to, sine(hz, 16000, from, from/10))
			rest := out[len(out)/4:]
			alias := math.Abs(hz - float64(to))
			if got := db(amplitudeAt(rest, alias, to) / 16000); got > -65 {
				t.Errorf("alias of %.0f Hz at %.0f Hz: %.1f dB", hz, alias, got)
			}
			for _, v := range rest { // nor anywhere else
				if v < -16 || v > 16 {
					t.Errorf("%.0f Hz leaves a sample of %d", hz, v)
					break
				}
			}
		}
	})
}

func TestSampleCountIsExactHoweverLongItRuns(t *testing.T) {
	each(t, func(t *testing.T, from, to int) {
		c, err := resample.New(from, to)
		if err != nil {
			t.Fatal(err)
		}
		src := make([]int16, 997)
		dst := make([]int16, c.MaxOut(len(src)))
		total := 0
		for left := countSeconds * from; left > 0; {
			n := min(left, len(src))
			total += c.Process(dst, src[:n])
			left -= n
		}
		if d := total - countSeconds*to; d < -1 || d > 1 {
			t.Errorf("%d samples in %d s, want %d", total, countSeconds, countSeconds*to)
		}
	})
}

func TestOutputDoesNotDependOnHowTheInputIsCut(t *testing.T) {
	each(t, func(t *testing.T, from, to int) {
		pcm := sine(777, 30000, from, from/20)
		whole := convert(t, from, to, pcm)
		for _, size := range []int{1, 7, 441, 512, 513} {
			c, _ := resample.New(from, to)
			var parts []int16
			dst := make([]int16, c.MaxOut(size))
			for rest := pcm; len(rest) > 0; {
				n := min(size, len(rest))
				if c.MaxOut(n) > len(dst) {
					t.Fatalf("MaxOut(%d) is above MaxOut(%d)", n, size)
				}
				parts = append(parts, dst[:c.Process(dst, rest[:n])]...)
				rest = rest[n:]
			}
			if !slices.Equal(whole, parts) {
				t.Fatalf("chunks of %d give other output (%d and %d samples)", size, len(parts), len(whole))
			}
		}
	})
}

func TestSoundComesOutDelayAfterItWentIn(t *testing.T) {
	each(t, func(t *testing.T, from, to int) {
		c, _ := resample.New(from, to)
		// A short hump at 50 ms: its middle is found by its centre of mass.
		pcm := make([]int16, from/10)
		mid, width := float64(from)/20, 0.005*float64(from)
		for i := range pcm {
			r := (float64(i) - mid) / width
			pcm[i] = int16(20000 * math.Exp(-r*r))
		}
		out := make([]int16, c.MaxOut(len(pcm)))
		out = out[:c.Process(out, pcm)]
		var mass, moment float64
		for i, v := range out {
			mass += float64(v)
			moment += float64(v) * float64(i)
		}
		got := moment/mass - mid*float64(to)/float64(from)
		if math.Abs(got-float64(c.Delay())) > 0.6 {
			t.Errorf("delayed by %.2f samples, Delay says %d", got, c.Delay())
		}
	})
}

func TestFullScaleStaysWithinRangeAndSteady(t *testing.T) {
	each(t, func(t *testing.T, from, to int) {
		for _, v := range []int16{math.MaxInt16, math.MinInt16} {
			pcm := make([]int16, from/50)
			for i := range pcm {
				pcm[i] = v
			}
			out := convert(t, from, to, pcm)
			for i, got := range out[len(out)/2:] {
				if d := int(got) - int(v); d < -1 || d > 1 {
					t.Fatalf("steady %d: sample %d is %d", v, i, got)
				}
			}
		}
	})
}

func TestSameRateIsACopy(t *testing.T) {
	pcm := sine(1000, 12345, audio.Rate, 1000)
	c, err := resample.New(audio.Rate, audio.Rate)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]int16, c.MaxOut(len(pcm)))
	if n := c.Process(out, pcm); n != len(pcm) || !slices.Equal(out, pcm) || c.Delay() != 0 {
		t.Errorf("%d samples with delay %d, want an exact copy", n, c.Delay())
	}
}

func TestShortDestinationLosesTheRestOnly(t *testing.T) {
	c, _ := resample.New(8000, audio.Rate)
	if n := c.Process(make([]int16, 10), make([]int16, 80)); n != 10 {
		t.Errorf("wrote %d into room for 10", n)
	}
	if n := c.Process(make([]int16, 480), make([]int16, 80)); n != 480 {
		t.Errorf("wrote %d afterwards, want 480", n)
	}
}

func TestRatesOutsideTheRangeAreRefused(t *testing.T) {
	for _, c := range [][2]int{{8000, 16000}, {999, 48000}, {48000, 384001}, {0, 48000}, {48000, 0}, {-48000, 48000}} {
		if _, err := resample.New(c[0], c[1]); err == nil {
			t.Errorf("New(%d, %d) is accepted", c[0], c[1])
		}
	}
	for _, c := range [][2]int{{1000, 48000}, {48000, 1000}, {384000, 48000}, {48000, 384000}} {
		if _, err := resample.New(c[0], c[1]); err != nil {
			t.Errorf("New(%d, %d): %v", c[0], c[1], err)
		}
	}
}

func TestDownmixIsTheMeanOfEachFrame(t *testing.T) {
	for _, tc := range []struct {
		name     string
		src      []int16
		channels int
		want     []int16
	}{
		{"mono", []int16{1, -2, 3}, 1, []int16{1, -2, 3}},
		{"stereo", []int16{100, 300, -32768, -32768, 32767, 32767, 1, -1}, 2, []int16{200, -32768, 32767, 0}},
		{"half a frame is left out", []int16{10, 20, 30}, 2, []int16{15}},
		{"three channels", []int16{3, 6, 9, -3, -6, -9}, 3, []int16{6, -6}},
		{"no channels", []int16{1, 2}, 0, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dst := make([]int16, 8)
			n := resample.Downmix(dst, tc.src, tc.channels)
			if !slices.Equal(dst[:n], tc.want) {
				t.Errorf("got %v, want %v", dst[:n], tc.want)
			}
			n = resample.Downmix(tc.src, tc.src, tc.channels)
			if !slices.Equal(tc.src[:n], tc.want) {
				t.Errorf("in place: got %v, want %v", tc.src[:n], tc.want)
			}
		})
	}
}

func TestInterleaveRepeatsEachSample(t *testing.T) {
	dst := make([]int16, 5)
	if n := resample.Interleave(dst, []int16{7, -8, 9}, 2); n != 4 || !slices.Equal(dst[:n], []int16{7, 7, -8, -8}) {
		t.Errorf("got %v", dst[:n])
	}
	if n := resample.Interleave(dst, []int16{7}, 0); n != 0 {
		t.Errorf("wrote %d samples of no channels", n)
	}
}

func BenchmarkProcess(b *testing.B) {
	for _, c := range [][2]int{{8000, 48000}, {44100, 48000}, {96000, 48000}, {48000, 8000}, {48000, 44100}, {47999, 48000}} {
		b.Run(fmt.Sprintf("%d-%d", c[0], c[1]), func(b *testing.B) {
			conv, err := resample.New(c[0], c[1])
			if err != nil {
				b.Fatal(err)
			}
			src := make([]int16, c[0]/100) // 10 ms
			dst := make([]int16, conv.MaxOut(len(src)))
			b.ReportAllocs()
			for b.Loop() {
				conv.Process(dst, src)
			}
		})
	}
}

func BenchmarkNew(b *testing.B) {
	for _, rate := range []int{8000, 8001, 11025} {
		b.Run(fmt.Sprint(rate), func(b *testing.B) {
			for b.Loop() {
				if _, err := resample.New(audio.Rate, rate); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
