package mix_test

import (
	"math"
	"slices"
	"testing"

	"callcenter/audio/audiotest"
	"callcenter/audio/mix"
)

func TestAGainOfZeroLeavesEverySample(t *testing.T) {
	var g mix.Gain
	pcm := audiotest.Noise(4800, 32767, 1)
	pcm[7] = math.MinInt16
	was := slices.Clone(pcm)
	g.Process(pcm)
	wide := make([]int32, len(pcm))
	g.Widen(wide, pcm)
	for i := range pcm {
		if pcm[i] != was[i] || wide[i] != int32(was[i]) {
			t.Fatalf("sample %d was %d, is %d and %d", i, was[i], pcm[i], wide[i])
		}
	}
}

func TestAGainIsWhatItIsSetTo(t *testing.T) {
	for _, dB := range []float64{-40, -20, -6, -0.5, 1, 6, 12, 20} {
		var g mix.Gain
		g.Set(dB)
		in := audiotest.Sine(48000, 997, 2000)
		out := slices.Clone(in)
		g.Process(out)
		// From the first sample on: what was set before needs no ramp.
		if got := activeLevel(out[:4800]) - activeLevel(in[:4800]); math.Abs(got-dB) > 0.1 {
			t.Errorf("%g dB turn by %.2f", dB, got)
		}
	}
}

func TestATurnedKnobMakesNoClick(t *testing.T) {
	var g mix.Gain
	pcm := audiotest.Sine(48000, 440, 3000)
	for at := 0; at < len(pcm); at += 240 {
		switch at {
		case 12000:
			g.Set(20)
		case 24000:
			g.Set(-40)
		case 36000:
			g.Set(0)
		}
		g.Process(pcm[at : at+240])
	}
	most := 30000 * 2 * math.Pi * 440 / 48000 * 1.05
	if d := audiotest.MaxStep(pcm); float64(d) > most {
		t.Errorf("a step of %d, a sine makes %.0f", d, most)
	}
	if rest := pcm[36000+960:]; !slices.Equal(rest, audiotest.Sine(48000, 440, 3000)[36000+960:]) {
		t.Error("back at 0 dB the samples are not what they were")
	}
}

func TestAGainEndsAtFullScale(t *testing.T) {
	var g mix.Gain
	g.Set(20)
	pcm := []int16{math.MaxInt16, math.MinInt16, -20000, 20000, 1, -1, 0}
	g.Process(pcm)
	if want := []int16{math.MaxInt16, math.MinInt16, math.MinInt16, math.MaxInt16, 10, -10, 0}; !slices.Equal(pcm, want) {
		t.Errorf("%v, want %v", pcm, want)
	}
	wide := make([]int32, 2)
	g.Widen(wide, []int16{math.MaxInt16, math.MinInt16})
	if wide[0] != 327670 || wide[1] != -327680 {
		t.Errorf("wide: %v", wide)
	}
}

func TestAGainBeyondReasonIsBroughtIntoRange(t *testing.T) {
	for set, want := range map[float64]float64{math.Inf(1): mix.MaxGain, math.Inf(-1): -mix.MaxGain, 1e300: mix.MaxGain, 3: 3} {
		var g mix.Gain
		g.Set(set)
		if got := g.DB(); got != want {
			t.Errorf("%g is %g, want %g", set, got, want)
		}
	}
	var g mix.Gain
	g.Set(math.NaN())
	if got := g.DB(); got != 0 || !g.Unity() {
		t.Errorf("no number is %g", got)
	}
}

func BenchmarkGain(b *testing.B) {
	for name, dB := range map[string]float64{"0 dB": 0, "6 dB": 6} {
		b.Run(name, func(b *testing.B) {
			var g mix.Gain
			g.Set(dB)
			pcm := audiotest.Noise(960, 1000, 1)
			b.ReportAllocs()
			for b.Loop() {
				g.Process(pcm)
			}
		})
	}
}
