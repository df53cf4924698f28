package mix_test

import (
	"math"
	"testing"
	"time"

	"callcenter/audio/mix"
)

// wide returns a tone that may exceed 16 bits.
func wide(hz, amplitude float64, n int) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = int32(amplitude * math.Sin(2*math.Pi*hz*float64(i)/48000))
	}
	return out
}

// limit runs src through a limiter in blocks, and returns the gain after each.
func limit(src []int32, block int) (out []int16, gains []float64) {
	var l mix.Limiter
	dst := make([]int16, block)
	for at := 0; at+block <= len(src); at += block {
		l.Process(dst, src[at:at+block])
		out, gains = append(out, dst...), append(gains, l.Gain())
	}
	return out, gains
}

func TestCeilingIsOneDecibelBelowFullScale(t *testing.T) {
	if db := 20 * math.Log10(mix.Ceiling/32767.0); db > -1 || db < -1.001 {
		t.Errorf("ceiling is %.4f dBFS, want -1", db)
	}
}

func TestLimitingHasNoClicks(t *testing.T) {
	// A voice grows from quiet to far above full scale at various places of a
	// block: no step of the output exceeds those of the voice itself.
	for _, hz := range []float64{100, 440, 2000} {
		for start := 0; start < 960; start += 37 {
			src := wide(hz, 3000, 9600)
			loud := wide(hz, 150000, 9600)
			// Both cross zero here, so the change itself is no click.
			period := int(48000 / hz)
			from := (1920 + start) / period * period
			if 48000%int(hz) != 0 {
				from = 4800 // 440 Hz crosses zero on a sample every 50 ms only
			}
			copy(src[from:], loud[from:])
			most := 0.0
			for i := from; i < len(src); i++ {
				most = max(most, math.Abs(float64(src[i]-src[i-1])))
			}
			out, _ := limit(src, 960)
			for i := 1; i < len(out); i++ {
				if d := math.Abs(float64(out[i]) - float64(out[i-1])); d > most {
					t.Fatalf("%v Hz from sample %d: step of %v at %d, the voice has at most %v", hz, from, d, i, most)
				}
			}
		}
	}
}

func TestTheGainIsDownBeforeThePeakComes(t *testing.T) {
	src := make([]int32, 960)
	for i := range src {
		src[i] = 10000
	}
	src[700] = 4 * mix.Ceiling
	out, _ := limit(src, 960)
	if out[300] != 10000 {
		t.Errorf("long before the peak the output is %d, want 10000", out[300])
	}
	if out[699] > 2600 || out[701] > 2600 {
		t.Errorf("beside the peak the output is %d and %d, want about a quarter of 10000", out[699], out[701])
	}
	for i := 1; i < 700; i++ {
		if d := int(out[i-1]) - int(out[i]); d < 0 || d > 60 {
			t.Fatalf("on the way to the peak the output steps from %d to %d", out[i-1], out[i])
		}
	}
}

func TestASteadyToneIsTurnedDownAndNotDistorted(t *testing.T) {
	out, _ := limit(wide(200, 120000, 48000), 480)
	settled := out[24000:]
	total := 0.0
	for _, x := range settled {
		total += float64(x) * float64(x)
	}
	amplitude := goertzel(200, settled)
	tone := amplitude * amplitude / 2 * float64(len(settled))
	if distortion := 10 * math.Log10((total-tone)/tone); distortion > -40 {
		t.Errorf("distortion is %.1f dB, want below -40", distortion)
	}
	if amplitude < 0.95*mix.Ceiling {
		t.Errorf("amplitude is %.0f, want almost %d", amplitude, mix.Ceiling)
	}
}

func TestTheGainComesBackSlowlyAndCompletely(t *testing.T) {
	src := wide(400, 4*mix.Ceiling, 72000)
	quiet := wide(400, 5000, 72000)
	copy(src[4800:], quiet[4800:])
	out, gains := limit(src, 480)
	if down := gains[9]; down < 0.24 || down > 0.27 {
		t.Fatalf("gain is %.3f while loud, want about a quarter", down)
	}
	for i := 10; i < len(gains); i++ {
		if rise := gains[i] / gains[i-1]; rise < 1 || rise > 1.03 {
			t.Fatalf("gain goes from %.3f to %.3f in 10 ms", gains[i-1], gains[i])
		}
	}
	if at := gains[30]; at > 0.6 {
		t.Errorf("gain is %.3f after 200 ms, want a slow return", at)
	}
	// 12 dB at 24 dB a second.
	if at := gains[64]; at != 1 {
		t.Errorf("gain is %.3f after 550 ms, want 1", at)
	}
	for i := 48000; i < len(out); i++ {
		if int32(out[i]) != src[i] {
			t.Fatalf("sample %d = %d, want %d bit for bit", i, out[i], src[i])
		}
	}
}

func TestExtremeSamplesAreSafe(t *testing.T) {
	src := []int32{math.MinInt32, math.MaxInt32, 0, math.MinInt32, -1, mix.Ceiling, -mix.Ceiling, mix.Ceiling + 1}
	out, _ := limit(src, len(src))
	for i, x := range out {
		if x > mix.Ceiling || x < -mix.Ceiling || int64(x)*int64(src[i]) < 0 {
			t.Errorf("%d becomes %d", src[i], x)
		}
	}
}

func TestLongBlocksAreLimitedThroughout(t *testing.T) {
	src := wide(300, 90000, 5000)
	out := make([]int16, 5000)
	new(mix.Limiter).Process(out, src)
	for i, x := range out {
		if x > mix.Ceiling || x < -mix.Ceiling || int64(x)*int64(src[i]) < 0 {
			t.Fatalf("sample %d = %d for %d", i, x, src[i])
		}
	}
}

func TestALimiterOfAnotherShapeWorksInPlace(t *testing.T) {
	l := mix.NewLimiter(10000, time.Millisecond, 80*time.Millisecond)
	pcm := make([]int16, 480)
	pcm[300] = -30000
	for i := range pcm {
		if i != 300 {
			pcm[i] = 900
		}
	}
	l.InPlace(pcm)
	if pcm[300] != -10000 || pcm[251] != 900 || pcm[270] == 900 || pcm[479] > 301 {
		t.Errorf("the peak is %d, 49 samples before it %d, 30 before it %d, at the end %d", pcm[300], pcm[251], pcm[270], pcm[479])
	}
	// Down to a third takes two thirds of the attack.
	if got := l.Limited(); got < 211 || got > 213 {
		t.Errorf("%d samples counted, want the last 212", got)
	}
	l.SetCeiling(200)
	for range 100 {
		for i := range pcm {
			pcm[i] = 900
		}
		if l.InPlace(pcm); pcm[479] > 200 {
			t.Fatalf("a sample of %d above the new ceiling", pcm[479])
		}
	}
}
