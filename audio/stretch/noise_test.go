package stretch_test

import (
	"math"
	"slices"
	"testing"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/stretch"
)

// hear plays pcm in pieces of 10 ms.
func hear(c *stretch.Concealer, pcm []int16) {
	for at := 0; at+480 <= len(pcm); at += 480 {
		c.Played(slices.Clone(pcm[at : at+480]))
	}
}

func decibels(pcm []int16) float64 {
	return 10*math.Log10(stretch.Power(pcm)+1e-9) - 20*math.Log10(32768)
}

// coloured is noise of this level in dBFS that falls by 6 dB an octave, for each
// order, from hz on.
func coloured(n int, level, hz float64, orders int, seed uint64) []int16 {
	raw := audiotest.Noise(n, 10000, seed)
	wave := make([]float64, n)
	for i, s := range raw {
		wave[i] = float64(s)
	}
	for range orders {
		y := 0.0
		for i := range wave {
			y += 2 * math.Pi * hz / audio.Rate * (wave[i] - y)
			wave[i] = y
		}
	}
	power := 0.0
	for _, v := range wave {
		power += v * v / float64(n)
	}
	pcm := make([]int16, n)
	for i, v := range wave {
		pcm[i] = int16(math.Round(v / math.Sqrt(power) * 32768 * math.Pow(10, level/20)))
	}
	return pcm
}

func TestComfortNoiseIsLikeTheBackground(t *testing.T) {
	const n = 12 * audio.Rate
	talk := audiotest.Speech(n, 5)
	for name, background := range map[string][]int16{
		"white at -50 dBFS":      coloured(n, -50, 20000, 0, 1),
		"white at -65 dBFS":      coloured(n, -65, 20000, 0, 2),
		"a room at -50 dBFS":     coloured(n, -50, 1500, 1, 3),
		"a fan at -48 dBFS":      coloured(n, -48, 400, 1, 4),
		"a distant road, -50":    coloured(n, -50, 800, 2, 5),
		"narrow-band, -55":       coloured(n, -55, 3000, 4, 6),
		"hardly there, -75 dBFS": coloured(n, -75, 3000, 1, 7),
	} {
		for _, talking := range []bool{false, true} {
			pcm := slices.Clone(background)
			const allowed, unlike = 2, 2
			if talking {
				for i := range pcm {
					if i%(3*audio.Rate/2) > audio.Rate/5 { // a breath of 0.2 s
						pcm[i] += talk[i]
					}
				}
			}
			var c stretch.Concealer
			hear(&c, pcm)
			got := make([]int16, 3*audio.Rate)
			c.Comfort(got)
			got = got[audio.Rate:]
			if off := decibels(got) - decibels(background); math.Abs(off) > allowed {
				t.Errorf("%s, talking %v: the level is off by %.1f dB", name, talking, off)
			}
			want := audiotest.LongTerm(background[:3*audio.Rate])
			d := audiotest.LongTerm(got).Distance(want, want.Loudest()-40)
			if d > unlike {
				t.Errorf("%s, talking %v: the spectrum is off by %.1f dB", name, talking, d)
			}
			t.Logf("%s, talking %v: level %+.1f dB, spectrum %.1f dB", name, talking, decibels(got)-decibels(background), d)
		}
	}
}

func TestSilenceGivesSilence(t *testing.T) {
	var c stretch.Concealer
	talk := audiotest.Speech(5*audio.Rate, 3)
	hear(&c, talk)
	hear(&c, make([]int16, audio.Rate))
	out := make([]int16, audio.Rate)
	if silent := c.Conceal(out); silent < audio.Rate-480 {
		t.Errorf("only %d samples are called silent", silent)
	}
	if p := audiotest.Peak(out); p != 0 {
		t.Errorf("a peak of %d after silence", p)
	}
	hear(&c, talk)
	c.Comfort(out)
	if p := audiotest.Peak(out[480:]); p != 0 {
		t.Errorf("comfort noise has a peak of %d between words without a background", p)
	}
}

func TestComfortNoiseIsNeverLoud(t *testing.T) {
	last := 0.0
	for _, level := range []float64{-44, -40, -35, -30, -25, -15} {
		var c stretch.Concealer
		hear(&c, coloured(5*audio.Rate, level, 2000, 1, 1))
		out := make([]int16, audio.Rate)
		c.Comfort(out)
		got := decibels(out[960:])
		if got > -44 || got > last+0.5 {
			t.Errorf("noise of %v dBFS becomes one of %.1f", level, got)
		}
		last = got
	}
}

func TestASteadyVowelIsNoBackground(t *testing.T) {
	var c stretch.Concealer
	hear(&c, audiotest.Voice(5*audio.Rate, 131, 12000))
	out := make([]int16, audio.Rate)
	c.Conceal(out)
	if p := audiotest.Peak(out[4800:]); p != 0 {
		t.Errorf("it goes on, with a peak of %d", p)
	}
}

func TestOneSecondIsHeardBeforeAnythingIsLearnt(t *testing.T) {
	noise := coloured(3*audio.Rate, -50, 2000, 1, 1)
	out := make([]int16, audio.Rate/2)
	var c stretch.Concealer
	hear(&c, noise[:48*980])
	c.Comfort(out)
	if p := audiotest.Peak(out[480:]); p != 0 {
		t.Errorf("a peak of %d after 0.98 s", p)
	}
	hear(&c, noise[48*980:])
	c.Comfort(out)
	if audiotest.Peak(out[480:]) == 0 {
		t.Error("silence after 3 s of noise")
	}
}

func TestABackgroundThatEndsIsForgottenInTenSeconds(t *testing.T) {
	var c stretch.Concealer
	hear(&c, coloured(10*audio.Rate, -60, 2000, 1, 1))
	hear(&c, coloured(audio.Rate*101/10, -48, 2000, 1, 2))
	out := make([]int16, audio.Rate)
	c.Comfort(out)
	if got := decibels(out[960:]); got < -49.5 || got > -46.5 {
		t.Errorf("%.1f dBFS, the background has -48 for 10 s", got)
	}
}

// announced is a signal with a pause of so many samples that was announced, and
// comfort noise in it.
func announced(pcm []int16, pause int) []int16 {
	var c stretch.Concealer
	half := len(pcm) / 960 * 480
	hear(&c, pcm[:half])
	out := make([]int16, pause)
	for at := 0; at < pause; at += 480 {
		c.Comfort(out[at:min(at+480, pause)])
	}
	after := slices.Clone(pcm[half:])
	c.Played(after)
	return slices.Concat(pcm[:half], out, after)
}

func TestAnAnnouncedPauseHasNoClicks(t *testing.T) {
	for _, hz := range []float64{80, 133, 250, 440} {
		for _, pause := range []int{240, 480, 4800, 48000} {
			pcm := audiotest.Voice(2*audio.Rate, hz, 12000)
			out := announced(pcm, pause)
			if got, limit := audiotest.MaxStep(out), audiotest.MaxStep(pcm)*21/20; got > limit {
				t.Errorf("%v Hz, %d samples: a step of %d, the source has at most %d", hz, pause, got, limit)
			}
		}
	}
}

func TestAPauseInNoiseIsNotHeard(t *testing.T) {
	pcm := coloured(8*audio.Rate, -50, 1500, 1, 9)
	out := announced(pcm, audio.Rate)
	for at := 3 * audio.Rate; at+960 < 6*audio.Rate; at += 480 {
		if l := decibels(out[at : at+960]); l < -53 || l > -47 {
			t.Fatalf("%.1f dBFS in the 20 ms at %d, the noise has -50", l, at)
		}
	}
}
