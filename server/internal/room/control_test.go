package room

import (
	"math"
	"testing"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/level"
)

// said is speech of that level in dBFS.
func said(seconds int, dBFS float64, seed uint64) []int16 {
	pcm := audiotest.Speech(seconds*audio.Rate, seed)
	factor := math.Pow(10, (dBFS-level.RMS(pcm))/20)
	for i, x := range pcm {
		pcm[i] = int16(min(max(float64(x)*factor, math.MinInt16), math.MaxInt16))
	}
	return pcm
}

// A member whose microphone is set low and one whose is set high speak one after the
// other. With level control those who listen hear both alike, and everyone exactly the
// sum of the others as it was brought to a level.
func TestLevelControlBringsTheMembersTogether(t *testing.T) {
	for _, on := range []bool{false, true} {
		cfg := Config{Codecs: directory().cfg.Codecs, Clock: audio.NewClock(), LevelControl: on}
		p := newThrong(t, cfg, 3, wide())
		encs := p.encoders()
		silent, low, high := make([]int16, 960), said(4, -34, 1), said(4, -19, 2)
		var loud [2]float64
		turns := 4 // of 4 s
		if !on {
			turns = 2
		}
		for turn := range turns {
			var heard []int16
			for n := range 200 {
				says := [][]int16{silent, silent, silent}
				says[turn%2] = at20ms([][]int16{low, high}[turn%2], n)
				p.say(encs, says)
				heard = append(heard, p.hear(2)...)
				for i := range 2 {
					if err := p.heard.check(i, p.downs[i]); err != nil {
						t.Fatalf("turn %d, member %d: %v", turn, i, err)
					}
				}
			}
			loud[turn%2] = level.RMS(heard[audio.Rate:])
		}
		apart := loud[1] - loud[0]
		t.Logf("level control %v: %.1f and %.1f dBFS are heard", on, loud[0], loud[1])
		if on && math.Abs(apart) > 3 || !on && math.Abs(apart-15) > 1 {
			t.Errorf("level control %v: they are %.1f dB apart", on, apart)
		}
	}
}
