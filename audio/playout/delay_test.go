//go:build !race

package playout_test

import (
	"fmt"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/playout"
)

func TestAfterAStallItIsBackAtOnce(t *testing.T) {
	const at = 40 * time.Second
	pcm := audiotest.Voice(50*audio.Rate, 131, 9000)
	for _, stall := range []time.Duration{200 * ms, 500 * ms, 2 * time.Second, 5 * time.Second} {
		t.Run(stall.String(), func(t *testing.T) {
			arrivals := clean(pcm, frame, 2)
			audiotest.Stall(arrivals, at, stall)
			p, dec := newPlayout()
			take := card(2).Play(p, arrivals, 49*time.Second)
			conserved(t, p, dec, len(take.Ticks))

			before := take.Between(at-time.Second, at).Last().Stats
			after := take.Between(at+stall+500*ms, at+stall+2*time.Second)
			for _, tick := range after.Ticks {
				if d := tick.Stats.Delay - before.Delay; d > 40*ms {
					t.Fatalf("%v after the stall the delay is still %v more", tick.At-at-stall, d)
				}
			}
			for _, tick := range take.Between(at+100*ms, at+stall+500*ms).Ticks {
				if stall > 240*ms && tick.Pulled.Media >= 0 && tick.Stats.Delay > before.Delay+100*ms {
					t.Errorf("%v after the stall a scrap of %v ago is played", tick.At-at-stall, tick.Stats.Delay)
				}
			}
			last := take.Last().Stats
			concealed := audio.Duration(int(last.ConcealedSamples - before.ConcealedSamples))
			if off := stall - before.Delay - concealed; off > 30*ms || off < -50*ms {
				t.Errorf("concealed %v", concealed)
			}
			if n := last.ConcealmentEvents - before.ConcealmentEvents; n > 2 {
				t.Errorf("%d concealments for one stall", n)
			}
			if last.PacketsLost != 0 || last.Resets != 0 {
				t.Errorf("lost %d, resets %d: a stall loses nothing", last.PacketsLost, last.Resets)
			}
			silent := take.Between(at+200*ms, at+stall)
			if stall > 200*ms && audiotest.Peak(silent.PCM) != 0 {
				t.Errorf("a peak of %d long after audio ended", audiotest.Peak(silent.PCM))
			}
			if got, limit := audiotest.MaxStep(take.Between(5*time.Second, 49*time.Second).PCM), audiotest.MaxStep(pcm)*5/4; got > limit {
				t.Errorf("a step of %d, the source has at most %d", got, limit)
			}
			t.Logf("delay %v, then %v; concealed %v", before.Delay, last.Delay, concealed)
		})
	}
}

func TestDriftLetsNoDelayGrow(t *testing.T) {
	pcm := speech(600*audio.Rate, 4)
	for _, ppm := range []float64{300, -300} {
		t.Run(fmt.Sprint(ppm), func(t *testing.T) {
			arrivals := clean(pcm, frame, 4)
			audiotest.Drift(arrivals, ppm)
			p, dec := newPlayout()
			take := card(4).Play(p, arrivals, 598*time.Second)
			conserved(t, p, dec, len(take.Ticks))
			for _, tick := range take.Between(10*time.Second, 598*time.Second).Ticks {
				if d := tick.Stats.Delay; d > 70*ms || d < 0 {
					t.Fatalf("at %v the delay is %v", tick.At, d)
				}
			}
			// A correction is unheard in a pause between words; in a word it takes two
			// periods that are alike.
			words, pauses := 0, 0
			for i, tick := range take.Ticks {
				if tick.Pulled.Inserted+tick.Pulled.Removed == 0 || tick.Pulled.Kind == playout.Merged || tick.At < 10*time.Second {
					continue
				}
				if audiotest.Peak(take.PCM[i*audio.PeriodSamples:(i+1)*audio.PeriodSamples]) > 1000 {
					words++
				} else {
					pauses++
				}
			}
			if words > 3 || pauses < 10 {
				t.Errorf("%d corrections in words and %d in pauses", words, pauses)
			}
			s := take.Last().Stats
			if pct := 100 * float64(s.ConcealedSamples) / float64(s.TotalSamplesReceived); pct > 0.05 {
				t.Errorf("%.3f %% concealed", pct)
			}
			t.Logf("delay %v target %v concealed %d in %d, removed %d inserted %d", s.Delay, s.Target, s.ConcealedSamples, s.ConcealmentEvents,
				s.RemovedSamplesForAcceleration, s.InsertedSamplesForDeceleration)
		})
	}
}
