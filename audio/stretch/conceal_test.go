package stretch_test

import (
	"fmt"
	"slices"
	"testing"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/stretch"
)

// through plays pcm in pieces of 10 ms with a hole of so many samples after
// half of it, and returns what is heard.
func through(pcm []int16, hole int) []int16 {
	var c stretch.Concealer
	pcm = slices.Clone(pcm)
	half := len(pcm) / 2 / 480 * 480
	var out []int16
	for at := 0; at < half; at += 480 {
		c.Played(pcm[at : at+480])
		out = append(out, pcm[at:at+480]...)
	}
	for ; hole > 0; hole -= 480 {
		piece := make([]int16, min(hole, 480))
		c.Conceal(piece)
		out = append(out, piece...)
	}
	for at := half; at+480 <= len(pcm); at += 480 {
		c.Played(pcm[at : at+480])
		out = append(out, pcm[at:at+480]...)
	}
	return out
}

func TestAContinuedSineHasNoClick(t *testing.T) {
	for _, hz := range []float64{71, 97.3, 150, 333.3, 440, 1000, 1777} {
		for _, hole := range []int{3, 480, 1920, 9600} {
			t.Run(fmt.Sprintf("%v Hz over %d samples", hz, hole), func(t *testing.T) {
				pcm := audiotest.Sine(audio.Rate/2, hz, 12000)
				got, limit := audiotest.MaxStep(through(pcm, hole)), audiotest.MaxStep(pcm)*5/4+100
				if got > limit {
					t.Errorf("a step of %d, at most %d wanted", got, limit)
				}
			})
		}
	}
}

func TestTheFirstTwentyMillisecondsKeepPitchAndLevel(t *testing.T) {
	pcm := audiotest.Voice(audio.Rate/2, 140, 10000)
	var c stretch.Concealer
	c.Played(slices.Clone(pcm[:12000]))
	out := make([]int16, 960)
	c.Conceal(out)
	if _, rho := audiotest.Find(out, pcm, 12000, 12000); rho < 0.95 {
		t.Errorf("the continuation correlates by %.3f with what would have come", rho)
	}
}

func TestItFadesToSilenceIn100Milliseconds(t *testing.T) {
	for name, pcm := range map[string][]int16{
		"a voice": audiotest.Voice(audio.Rate/2, 140, 10000),
		"noise":   audiotest.Noise(audio.Rate/2, 10000, 1),
	} {
		var c stretch.Concealer
		c.Played(pcm)
		out := make([]int16, 2*4800)
		c.Conceal(out)
		last := audiotest.Peak(out[:960])
		for at := 960; at < 4800; at += 960 {
			p := audiotest.Peak(out[at : at+960])
			if p > last {
				t.Errorf("%s: louder after %d samples: %d after %d", name, at, p, last)
			}
			last = p
		}
		if p := audiotest.Peak(out[4800:]); p != 0 {
			t.Errorf("%s: a peak of %d after 100 ms", name, p)
		}
	}
}

func TestRealAudioIsUntouchedAfterTheMerge(t *testing.T) {
	pcm := audiotest.Noise(audio.Rate/2, 9000, 2)
	out := through(pcm, 480)
	half := len(pcm) / 2 / 480 * 480
	if !slices.Equal(out[:half], pcm[:half]) {
		t.Error("audio before the hole was changed")
	}
	if !slices.Equal(out[half+480+480:], pcm[half+480:]) {
		t.Error("audio after the merge was changed")
	}
	if slices.Equal(out[half+480:half+480+240], pcm[half:half+240]) {
		t.Error("nothing was merged")
	}
}

func TestAMergeGoesOnThroughShortPieces(t *testing.T) {
	pcm := audiotest.Sine(audio.Rate/2, 300, 12000)
	var c stretch.Concealer
	c.Played(slices.Clone(pcm[:9600]))
	out := slices.Clone(pcm[9500:9600])
	hole := make([]int16, 333)
	c.Conceal(hole)
	out = append(out, hole...)
	for at := 9600; at < 10600; at += 7 {
		piece := slices.Clone(pcm[at : at+7])
		c.Played(piece)
		out = append(out, piece...)
	}
	if got, limit := audiotest.MaxStep(out), audiotest.MaxStep(pcm)*5/4+100; got > limit {
		t.Errorf("a step of %d, at most %d wanted", got, limit)
	}
}

func TestASpliceJoinsWhatDoesNotFollow(t *testing.T) {
	pcm := audiotest.Sine(audio.Rate, 170, 12000)
	for cut := range 20 {
		var c stretch.Concealer
		c.Played(slices.Clone(pcm[:9600]))
		c.Splice()
		after := slices.Clone(pcm[20000+17*cut : 21000+17*cut])
		c.Played(after)
		out := append(slices.Clone(pcm[9000:9600]), after...)
		if got, limit := audiotest.MaxStep(out), audiotest.MaxStep(pcm)*5/4+100; got > limit {
			t.Errorf("cut %d: a step of %d, at most %d wanted", cut, got, limit)
		}
	}
}

func TestConcealingBeforeAnythingIsSilence(t *testing.T) {
	var c stretch.Concealer
	out := []int16{1, 2, 3}
	c.Conceal(out)
	if audiotest.Peak(out) != 0 {
		t.Errorf("made up %v of nothing", out)
	}
}
