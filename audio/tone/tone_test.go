package tone_test

import (
	"math"
	"slices"
	"testing"

	"callcenter/audio"
	"callcenter/audio/tone"
)

func fill(t *testing.T, hz, dbfs float64, sizes ...int) []int16 {
	t.Helper()
	src, err := tone.New(hz, dbfs)
	if err != nil {
		t.Fatal(err)
	}
	var out []int16
	for _, n := range sizes {
		part := make([]int16, n)
		src.Fill(part)
		out = append(out, part...)
	}
	if err := src.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	return out
}

func TestToneHasItsFrequencyAndLevel(t *testing.T) {
	for _, hz := range []float64{20, 440, 1000, 12345.678, 20000} {
		pcm := fill(t, hz, -12, 2*audio.Rate)[audio.Rate:]
		var re, im, power float64
		for i, v := range pcm {
			x := 2 * math.Pi * hz * float64(i) / audio.Rate
			re += float64(v) * math.Cos(x)
			im += float64(v) * math.Sin(x)
			power += float64(v) * float64(v)
		}
		n := float64(len(pcm))
		amplitude := 2 * math.Hypot(re, im) / n
		want := 32767 * math.Pow(10, -12.0/20)
		if math.Abs(20*math.Log10(amplitude/want)) > 0.05 {
			t.Errorf("%g Hz: amplitude %.0f, want %.0f", hz, amplitude, want)
		}
		// All the power is in that one frequency.
		if rest := power/n - amplitude*amplitude/2; rest > 2 {
			t.Errorf("%g Hz: a power of %.1f is elsewhere", hz, rest)
		}
	}
}

func TestPhaseGoesOnFromCallToCall(t *testing.T) {
	whole := fill(t, 441, 0, 2000)
	parts := fill(t, 441, 0, 1, 2, 477, 480, 40, 0, 1000)
	if !slices.Equal(whole, parts) {
		t.Error("the output depends on how it is asked for")
	}
}

func TestToneFadesInWithinFiveMilliseconds(t *testing.T) {
	pcm := fill(t, 5000, 0, 480)
	top := func(part []int16) int {
		m := 0
		for _, v := range part {
			m = max(m, int(v), -int(v))
		}
		return m
	}
	if pcm[0] != 0 || top(pcm[:24]) > 1000 {
		t.Errorf("starts with %v", pcm[:24])
	}
	if got := top(pcm[240:]); got < 32700 {
		t.Errorf("peak %d after 5 ms, want full scale", got)
	}
}

func TestWrongSettingsAreRefused(t *testing.T) {
	for _, c := range []struct{ hz, dbfs float64 }{
		{19.9, -20},
		{20001, -20},
		{0, -20},
		{-440, -20},
		{math.NaN(), -20},
		{math.Inf(1), -20},
		{440, 0.1},
		{440, -97},
		{440, math.NaN()},
	} {
		if _, err := tone.New(c.hz, c.dbfs); err == nil {
			t.Errorf("New(%g, %g) is accepted", c.hz, c.dbfs)
		}
	}
}

func BenchmarkFill(b *testing.B) {
	src, err := tone.New(440, -20)
	if err != nil {
		b.Fatal(err)
	}
	pcm := make([]int16, audio.PeriodSamples)
	b.ReportAllocs()
	for b.Loop() {
		src.Fill(pcm)
	}
}
