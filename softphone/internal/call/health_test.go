package call

import (
	"testing"
	"time"

	"callcenter/audio"
)

func TestAnEarThatIsLateIsToldFromAnEarpieceThatAsksForMuch(t *testing.T) {
	const ms = time.Millisecond
	for name, c := range map[string]struct {
		punctual bool
		least    time.Duration
	}{"punctual": {true, 0}, "late": {false, 80 * ms}} {
		p := newPath(t, unprotected(false))
		ear, out, pcm := newDeafness(), make([]int16, audio.PeriodSamples), make([]int16, pull)
		defer ear.timer.Stop()
		wake := func() {
			p.call.wanted(ear, p.loop)
			p.call.fill(pcm, p.loop)
		}
		for range 10 {
			p.now += audio.Period
			p.call.cfg.Playback.Take(out)
			wake()
		}
		for range 9 {
			p.now += audio.Period
			p.call.cfg.Playback.Take(out)
			if c.punctual {
				for range 5 { // at once
					p.call.cfg.Playback.Take(out)
				}
				wake()
			}
		}
		wake()
		late := p.call.figures.earLate.load(p.now)
		if late < c.least || c.least == 0 && late > ms {
			t.Errorf("%s: %v late after %d underruns", name, late, p.call.cfg.Playback.Stats().Underruns)
		}
		if p.now += 2 * worstSpan; p.call.figures.earLate.load(p.now) != 0 {
			t.Errorf("%s: the worst is remembered for ever", name)
		}
	}
}
