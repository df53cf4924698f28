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

// paced makes pcm last a tenth longer or shorter, or half as long, as playout
// does: it tries every 10 ms as long as it is behind.
func paced(pcm []int16, way string) []int16 {
	share := map[string]float64{"faster": 0.1, "slower": 0.1, "much": 0.5}[way]
	buf := slices.Grow(slices.Clone(pcm), len(pcm))
	changed, source := 0, 0
	for at := 960; at+2*stretch.Window < len(buf); at += 480 {
		source += 480
		if float64(changed) >= share*float64(source) {
			continue
		}
		n := 0
		switch way {
		case "faster":
			n = stretch.Faster(buf[at:], stretch.MaxLag/2, false)
		case "much":
			n = stretch.Much(buf[at:])
		case "slower":
			n = -stretch.Slower(buf[:len(buf)+stretch.MaxLag], at, len(buf), stretch.MaxLag/2, false)
			at -= n // what was put in is played, too
		}
		buf = buf[:len(buf)-n]
		changed += max(n, -n)
		source += n
	}
	return buf
}

func sum(a, b []int16) []int16 {
	out := slices.Clone(a)
	for i := range out {
		out[i] += b[i]
	}
	return out
}

// between says where in a source of n samples the sample at of a result with m
// samples comes from, if all of it was changed alike.
func between(n, m int) func(int) int { return func(at int) int { return at * n / m } }

func TestATenthFasterOrSlowerSoundsTheSame(t *testing.T) {
	type signal struct {
		pcm []int16
		hz  float64 // of its steady pitch
	}
	signals := map[string]signal{
		"97 Hz":   {audiotest.Sine(3*audio.Rate, 97, 12000), 97},
		"440 Hz":  {audiotest.Sine(3*audio.Rate, 440, 12000), 440},
		"1000 Hz": {audiotest.Sine(3*audio.Rate, 1000, 12000), 1000},
		"speech":  {audiotest.Speech(3*audio.Rate, 11), 0},
	}
	// What no lag fits whole: a whistle over a voice, and two keys of a telephone.
	signals["a whistle over a voice of 131 Hz"] = signal{sum(audiotest.Voice(3*audio.Rate, 131, 9000), audiotest.Sine(3*audio.Rate, 2917, 1500)), 131}
	signals["770 and 1336 Hz"] = signal{sum(audiotest.Sine(3*audio.Rate, 770, 6000), audiotest.Sine(3*audio.Rate, 1336, 6000)), 770}
	for _, hz := range []float64{70, 85, 101.7, 131, 180.4, 263.3, 400} {
		name := fmt.Sprintf("a voice at %v Hz", hz)
		signals[name] = signal{audiotest.Voice(3*audio.Rate, hz, 12000), hz}
	}
	for name, s := range signals {
		for way, want := range map[string]float64{"faster": 0.9, "slower": 1.1} {
			t.Run(name+" "+way, func(t *testing.T) {
				out := paced(s.pcm, way)
				ratio := float64(len(out)) / float64(len(s.pcm))
				if math.Abs(ratio-want) > 0.015 {
					t.Errorf("it lasts %.3f times as long", ratio)
				}
				cents := 0.0
				if s.hz > 0 {
					cents = audiotest.Cents(s.hz, audiotest.Frequency(out, s.hz))
				}
				if math.Abs(cents) > 5 {
					t.Errorf("the pitch moved by %.1f cents", cents)
				}
				step, limit := audiotest.MaxStep(out), audiotest.MaxStep(s.pcm)
				if step > limit*101/100+2 {
					t.Errorf("a step of %d, the source has at most %d", step, limit)
				}
				mean, p99 := audiotest.SpectralDistance(s.pcm, out, between(len(s.pcm), len(out)), 3000)
				all := audiotest.LongTerm(s.pcm)
				long := all.Distance(audiotest.LongTerm(out), all.Loudest()-50)
				if mean > 1 || p99 > 4 || long > 1 {
					t.Errorf("spectral distance %.2f dB, 99 %% within %.2f, long-term %.2f", mean, p99, long)
				}
				t.Logf("length x%.3f, pitch %+.2f cents, step %d of %d, spectral distance %.2f dB, 99 %% %.2f, long-term %.2f",
					ratio, cents, step, limit, mean, p99, long)
			})
		}
	}
}

func TestMuchHurries(t *testing.T) {
	for name, pcm := range map[string][]int16{
		"speech":           audiotest.Speech(3*audio.Rate, 12),
		"a voice at 90 Hz": audiotest.Voice(3*audio.Rate, 90, 12000),
		"noise":            audiotest.Noise(3*audio.Rate, 8000, 1),
	} {
		out := paced(pcm, "much")
		ratio := float64(len(out)) / float64(len(pcm))
		if ratio > 0.68 {
			t.Errorf("%s: it takes %.2f of the time", name, ratio)
		}
		// Noise may by chance step further; it hides no click.
		if step, limit := audiotest.MaxStep(out), audiotest.MaxStep(pcm); step > limit*21/20+2 && name != "noise" {
			t.Errorf("%s: a step of %d, the source has at most %d", name, step, limit)
		}
		mean, p99 := audiotest.SpectralDistance(pcm, out, between(len(pcm), len(out)), 4800)
		if mean > 2 || p99 > 6 {
			t.Errorf("%s: spectral distance %.2f dB, 99 %% within %.2f", name, mean, p99)
		}
		t.Logf("%s: length x%.3f, spectral distance %.2f dB, 99 %% %.2f", name, ratio, mean, p99)
	}
}

func TestUnvoicedSoundGoesOnWithoutABuzz(t *testing.T) {
	pcm := coloured(4*audio.Rate, -20, 6000, 1, 3)
	var c stretch.Concealer
	var made []int16
	for at := 0; at+480 <= len(pcm); at += 4800 {
		hear(&c, pcm[at:at+4800])
		out := make([]int16, 960)
		c.Conceal(out)
		made = append(made, out...)
	}
	if off := decibels(made) - decibels(pcm); math.Abs(off) > 1.5 {
		t.Errorf("the level is off by %.1f dB", off)
	}
	want := audiotest.LongTerm(pcm)
	if d := audiotest.LongTerm(made).Distance(want, want.Loudest()-50); d > 2 {
		t.Errorf("the spectrum is off by %.1f dB", d)
	}
	// What is repeated is like itself a little later.
	for at := 0; at+960 <= len(made); at += 960 {
		if lag, rho := audiotest.Find(made[at:at+240], made[at+120:at+960], 0, 720); rho > 0.5 {
			t.Fatalf("the noise made at %d repeats after %d samples, by %.2f", at, lag+120, rho)
		}
	}
}

func TestTheBreathOfAVoiceDoesNotBuzz(t *testing.T) {
	voice, breath := audiotest.Sine(4*audio.Rate, 110, 8000), audiotest.Noise(4*audio.Rate, 1500, 4)
	pcm := sum(voice, breath)
	var c stretch.Concealer
	for at := 0; at+480 <= len(pcm); at += 4800 {
		hear(&c, pcm[at:at+4800])
		made := make([]int16, 1920)
		c.Conceal(made)
		if a := audiotest.Goertzel(made[:1309], 110); a < 6000 || a > 9000 {
			t.Errorf("the voice at %d has an amplitude of %.0f, it had 8000", at, a)
		}
		high := make([]int16, len(made)-2)
		for i := range high {
			high[i] = made[i]/2 - made[i+1] + made[i+2]/2
		}
		if lag, rho := audiotest.Find(high[:480], high[400:], 0, 960); rho > 0.4 {
			t.Errorf("the breath made at %d repeats after %d samples, by %.2f", at, lag+400, rho)
		}
	}
}

func TestConcealmentIsLevel(t *testing.T) {
	for name, pcm := range map[string][]int16{
		"a voice": audiotest.Voice(2*audio.Rate, 131, 12000),
		"noise":   coloured(2*audio.Rate, -20, 3000, 1, 3),
	} {
		var c stretch.Concealer
		hear(&c, pcm)
		out := make([]int16, 4800)
		if silent := c.Conceal(out); silent > 1 {
			t.Errorf("%s: %d samples are called silent", name, silent)
		}
		before := decibels(pcm[audio.Rate:])
		for i, want := range []float64{0, -1, -5, -12, -20} {
			got := decibels(out[960*i:960*(i+1)]) - before
			if math.Abs(got-want) > 3 {
				t.Errorf("%s: %.1f dB in the 20 ms from %d ms on, %v wanted", name, got, 20*i, want)
			}
		}
		if silent := c.Conceal(out); silent != len(out) {
			t.Errorf("%s: %d samples of %d are called silent after 100 ms", name, silent, len(out))
		}
	}
}
