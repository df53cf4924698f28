//go:build !race

package stretch_test

import (
	"testing"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/stretch"
)

func TestNothingAllocates(t *testing.T) {
	pcm := audiotest.Voice(audio.Rate, 130, 9000)
	noise := audiotest.Noise(audio.Rate, 9000, 1)
	out := make([]int16, 480)
	var c stretch.Concealer
	for name, f := range map[string]func(){
		"Faster":           func() { stretch.Faster(pcm, stretch.MaxLag/2, false) },
		"Much":             func() { stretch.Much(pcm) },
		"Much of noise":    func() { stretch.Much(noise) },
		"Slower":           func() { stretch.Slower(pcm, stretch.MaxLag, 4000, stretch.MaxLag/2, false) },
		"Played":           func() { c.Played(pcm[:4800]) },
		"Conceal":          func() { c.Conceal(out); c.Played(out) },
		"Conceal of noise": func() { c.Played(noise[:4800]); c.Conceal(out) },
		"Comfort":          func() { c.Comfort(out) },
		"Align":            func() { c.Played(pcm[:4800]); c.Conceal(out); c.Align(pcm[:1200]) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}
