package room

import (
	"fmt"
	"testing"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/codec"
)

// Whoever leaves in the middle of a word is cut off, and the others hear no click:
// a hard cut of a tone of 4000 is a step of up to 4000.
func TestWhoLeavesInMidWordLeavesNoClick(t *testing.T) {
	for _, f := range []codec.Format{wide(), opusFormat} {
		t.Run(f.Codec, func(t *testing.T) {
			worst, calm := 0, 0
			for word := range 8 {
				p := newParty(t, f, 4, 3, true)
				ear := p.ears()[0]
				p.says[2], p.says[3] = true, true
				p.phase[3] = 37 * word // leave at different places of the wave
				p.run(60 + word)
				calm = audiotest.MaxStep(p.heard(0, ear)[audio.Rate/2:])
				p.legs[3].Leave()
				p.legs = p.legs[:3]
				p.run(20)
				worst = max(worst, audiotest.MaxStep(p.heard(0, ear)))
			}
			t.Logf("a step of %d while nothing changes, %d when one leaves", calm, worst)
			if worst > 2*calm {
				t.Errorf("a step of %d, want at most %d", worst, 2*calm)
			}
		})
	}
}

// Who says nothing of their level is heard from when they are found to talk: in the
// middle of a wave, faded in.
func TestWhoBeginsToTalkBringsNoClick(t *testing.T) {
	for _, k := range []int{0, 1, 2, 3} {
		marked, odd := k&1 == 0, k&2 != 0
		t.Run(fmt.Sprint("marked ", marked, odd), func(t *testing.T) {
			p := newParty(t, wide(), 4, 3, marked)
			ear := p.ears()[0]
			p.says[2] = true
			p.run(100)
			if odd { // shifts the frames against the room's steps
				p.now += audio.Period
				p.c.tick(p.now, false)
				p.run(100)
			}
			p.says[1] = true
			p.phase[1] = 0
			p.run(50)
			p.heard(0, ear)
			p.run(25)
			calm := audiotest.MaxStep(p.heard(0, ear))
			worst := 0
			for range 10 {
				p.says[1] = false
				p.run(30)
				p.heard(0, ear)
				p.says[1], p.phase[1] = true, 0
				p.run(20)
				worst = max(worst, audiotest.MaxStep(p.heard(0, ear)))
			}
			t.Logf("a step of %d while nothing changes, %d at the onsets", calm, worst)
			if worst > 2*calm {
				t.Errorf("a step of %d, want at most %d", worst, 2*calm)
			}
		})
	}
}
