package stretch_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/stretch"
)

// stalled is pcm with a stall of so many samples in its middle, after which it
// goes on where it stopped, in phase, and how much was skipped for that.
func stalled(pcm []int16, stall int) (out []int16, skipped int) {
	var c stretch.Concealer
	half := len(pcm) / 960 * 480
	hear(&c, pcm[:half])
	hole := make([]int16, stall)
	for at := 0; at < stall; at += 480 {
		c.Conceal(hole[at:min(at+480, stall)])
	}
	skipped, _ = c.Align(pcm[half:])
	after := slices.Clone(pcm[half+skipped:])
	c.Played(after)
	return slices.Concat(pcm[:half], hole, after), skipped
}

func TestAToneReturnsFromAStallWithoutAClick(t *testing.T) {
	for name, pcm := range map[string][]int16{
		"97 Hz":               audiotest.Sine(4*audio.Rate, 97, 12000),
		"440 Hz":              audiotest.Sine(4*audio.Rate, 440, 12000),
		"1000 Hz":             audiotest.Sine(4*audio.Rate, 1000, 12000),
		"a voice at 72.3 Hz":  audiotest.Voice(4*audio.Rate, 72.3, 12000),
		"a voice at 131 Hz":   audiotest.Voice(4*audio.Rate, 131, 12000),
		"a voice at 263.3 Hz": audiotest.Voice(4*audio.Rate, 263.3, 12000),
		"a voice at 397 Hz":   audiotest.Voice(4*audio.Rate, 397, 12000),
	} {
		for _, ms := range []int{3, 10, 30, 60, 90, 200, 700} {
			out, skipped := stalled(pcm, 48*ms)
			if got, limit := audiotest.MaxStep(out), audiotest.MaxStep(pcm)*21/20; got > limit {
				t.Errorf("%s after %d ms: a step of %d, the source has at most %d", name, ms, got, limit)
			}
			if ms > 90 && skipped != 0 {
				t.Errorf("%s after %d ms: %d samples skipped for nothing", name, ms, skipped)
			}
			if ms < 60 {
				// Nothing beats: two waves out of phase would cancel halfway.
				join := len(pcm)/960*480 + 48*ms
				for at := join - 480; at < join+480; at += 240 {
					if l := decibels(out[at:at+1440]) - decibels(pcm[:48000]); l < -6 {
						t.Errorf("%s after %d ms: %.1f dB near the join", name, ms, l)
					}
				}
			}
		}
	}
}

func TestAlignFindsThePhase(t *testing.T) {
	for _, hz := range []float64{75, 101.7, 160, 220, 390} {
		for _, ms := range []int{5, 20, 45} {
			t.Run(fmt.Sprintf("%v Hz after %d ms", hz, ms), func(t *testing.T) {
				pcm := audiotest.Voice(audio.Rate, hz, 12000)
				period := audio.Rate / hz
				for from := 24000; from < 25000; from += 131 {
					var c stretch.Concealer
					hear(&c, pcm[:24000])
					c.Conceal(make([]int16, 48*ms))
					k, _ := c.Align(pcm[from : from+1200])
					if float64(k) >= period+1 || k > stretch.MaxLag {
						t.Errorf("it skips %d samples of a period of %.1f", k, period)
					}
					// How far from where the tone would be by now.
					off := math.Remainder(float64(from+k-24000-48*ms), period)
					if math.Abs(off) > 5 {
						t.Errorf("from %d on it is off by %.1f samples", from, off)
					}
				}
			})
		}
	}
}

func TestAlignMakesDoWithLittle(t *testing.T) {
	pcm := audiotest.Voice(audio.Rate, 220, 12000)
	var c stretch.Concealer
	hear(&c, pcm[:24000])
	c.Conceal(make([]int16, 960))
	for n := range 1300 {
		k, _ := c.Align(pcm[24100 : 24100+n])
		if k < 0 || k > max(0, n-1) {
			t.Fatalf("of %d samples it skips %d", n, k)
		}
		if off := math.Remainder(float64(100+k-960), audio.Rate/220.0); n >= 480 && math.Abs(off) > 5 {
			t.Fatalf("with %d samples it is off by %.1f", n, off)
		}
	}
}

func TestWhatIsNotAlikeIsNotAligned(t *testing.T) {
	voice := audiotest.Voice(audio.Rate, 150, 12000)
	noise := audiotest.Noise(audio.Rate, 8000, 1)
	for name, x := range map[string]struct{ before, after []int16 }{
		"noise after a voice":   {voice, noise},
		"a voice after noise":   {noise, voice},
		"noise after noise":     {noise, noise[1000:]},
		"silence after a voice": {voice, make([]int16, 2000)},
		"a voice after silence": {make([]int16, 2000), voice},
	} {
		var c stretch.Concealer
		hear(&c, x.before)
		c.Conceal(make([]int16, 480))
		if k, _ := c.Align(x.after[:1200]); k != 0 {
			t.Errorf("%s: %d samples are skipped", name, k)
		}
	}
	var c stretch.Concealer
	hear(&c, voice)
	if k, _ := c.Align(voice[:1200]); k != 0 {
		t.Errorf("%d samples are skipped where nothing was made up", k)
	}
}
