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

// scaled changes pcm's length by one correction in every gap samples and
// returns it with how much it was told was changed.
func scaled(pcm []int16, gap int, way string) (out []int16, changed int) {
	buf := make([]int16, 0, 2*len(pcm))
	buf = append(buf, pcm...)
	for at := stretch.MaxLag; at+gap+stretch.Window < len(buf); at += gap {
		switch way {
		case "faster":
			n := stretch.Faster(buf[at:], stretch.MaxLag/2, false)
			buf, changed = buf[:len(buf)-n], changed-n
		case "much":
			n := stretch.Much(buf[at:])
			buf, changed = buf[:len(buf)-n], changed-n
		case "slower":
			n := stretch.Slower(buf[:len(buf)+stretch.MaxLag], at, len(buf), stretch.MaxLag/2, false)
			buf, changed = buf[:len(buf)+n], changed+n
		}
	}
	return buf, changed
}

func TestVoicesKeepTheirPitch(t *testing.T) {
	for _, way := range []string{"faster", "much", "slower"} {
		for _, hz := range []float64{72.3, 85, 101.7, 131, 180.4, 220, 263.3, 397} {
			t.Run(fmt.Sprintf("%s at %v Hz", way, hz), func(t *testing.T) {
				pcm := audiotest.Voice(3*audio.Rate/2, hz, 12000)
				out, changed := scaled(pcm, audio.Rate/10, way)
				if got := len(out) - len(pcm); got != changed || changed == 0 {
					t.Fatalf("the length changed by %d, reported were %d", got, changed)
				}
				for _, harmonic := range []float64{1, 2} {
					f := audiotest.Frequency(out, harmonic*hz)
					if c := audiotest.Cents(harmonic*hz, f); math.Abs(c) > 5 {
						t.Errorf("harmonic %v moved by %.1f cents", harmonic, c)
					}
				}
				if got, limit := audiotest.MaxStep(out), audiotest.MaxStep(pcm)*11/10+10; got > limit {
					t.Errorf("a step of %d, the source has at most %d", got, limit)
				}
			})
		}
	}
}

func TestAGlideHasNoClicks(t *testing.T) {
	pcm := make([]int16, 6*audio.Rate)
	phase := 0.0
	for i := range pcm {
		hz := 70 * math.Pow(400.0/70, float64(i)/float64(len(pcm)))
		phase += 2 * math.Pi * hz / audio.Rate
		pcm[i] = int16(10000 * math.Sin(phase))
	}
	for _, way := range []string{"faster", "much", "slower"} {
		out, changed := scaled(pcm, audio.Rate/10, way)
		if changed == 0 {
			t.Errorf("%s: nothing changed", way)
		}
		if got, limit := audiotest.MaxStep(out), audiotest.MaxStep(pcm)*11/10+10; got > limit {
			t.Errorf("%s: a step of %d, the source has at most %d", way, got, limit)
		}
	}
}

func TestWhatIsNotChangedStays(t *testing.T) {
	pcm := audiotest.Voice(audio.Rate, 120, 9000)
	fast := slices.Clone(pcm)
	n := stretch.Faster(fast, stretch.MaxLag/2, false)
	if !slices.Equal(fast[n:len(fast)-n], pcm[2*n:]) {
		t.Error("Faster changed samples behind the join")
	}
	slow := append(slices.Clone(pcm), make([]int16, stretch.MaxLag)...)
	at := 5000
	n = stretch.Slower(slow, at, len(pcm), stretch.MaxLag/2, false)
	if n == 0 || !slices.Equal(slow[:at], pcm[:at]) || !slices.Equal(slow[at+n:len(pcm)+n], pcm[at:]) {
		t.Error("Slower changed samples beside the join")
	}
}

func TestLoudNoiseIsLeftAlone(t *testing.T) {
	for seed := range uint64(20) {
		pcm := audiotest.Noise(2*stretch.Window, 8000, seed)
		if n := stretch.Faster(slices.Clone(pcm), stretch.MaxLag/2, false); n != 0 {
			t.Errorf("Faster took %d samples of noise %d", n, seed)
		}
		if n := stretch.Slower(slices.Clone(pcm), stretch.MaxLag, stretch.Window, stretch.MaxLag/2, false); n != 0 {
			t.Errorf("Slower added %d samples to noise %d", n, seed)
		}
	}
}

func TestAWaveBelowThePitchRangeIsNotTakenForAPitch(t *testing.T) {
	pcm := audiotest.Sine(audio.Rate, 40, 10000)
	for at := 0; at+stretch.Window < len(pcm); at += 100 {
		if n := stretch.Faster(slices.Clone(pcm[at:]), stretch.MaxLag/2, false); n != 0 && n < 480 {
			t.Fatalf("took %d samples of a 40 Hz wave at %d", n, at)
		}
	}
}

func TestSilenceGivesWay(t *testing.T) {
	for name, pcm := range map[string][]int16{
		"digital silence": make([]int16, 2*stretch.Window),
		"a noise floor":   audiotest.Noise(2*stretch.Window, 20, 1),
	} {
		if n := stretch.Faster(slices.Clone(pcm), stretch.MaxLag/2, false); n == 0 {
			t.Errorf("%s: Faster took nothing", name)
		}
		if n := stretch.Much(slices.Clone(pcm)); n != stretch.MaxLag {
			t.Errorf("%s: Much took %d", name, n)
		}
		if n := stretch.Slower(slices.Clone(pcm), stretch.MaxLag, stretch.Window, stretch.MaxLag/2, false); n == 0 {
			t.Errorf("%s: Slower added nothing", name)
		}
	}
}

func TestMuchTakesSeveralPeriods(t *testing.T) {
	pcm := audiotest.Voice(stretch.Window, 200, 9000) // 240 samples
	if n := stretch.Much(pcm); n < 475 || n > stretch.MaxLag {
		t.Errorf("took %d samples", n)
	}
}

func TestFullScaleDoesNotWrap(t *testing.T) {
	pcm := make([]int16, 2*stretch.Window)
	for i := range pcm {
		pcm[i] = 32767
		if i/200%2 == 1 {
			pcm[i] = -32768
		}
	}
	stretch.Slower(pcm, stretch.MaxLag, stretch.Window, stretch.MaxLag/2, false)
	stretch.Faster(pcm, stretch.MaxLag/2, false)
	var c stretch.Concealer
	c.Played(pcm)
	out := make([]int16, 960)
	c.Conceal(out)
	for i, s := range out {
		if s > -30000 && s < 30000 {
			t.Fatalf("sample %d of a full square wave became %d", i, s)
		}
	}
}
