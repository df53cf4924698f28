package playout_test

import (
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/playout"
)

func TestAStallIsCountedWithHowLongItTookToBeLive(t *testing.T) {
	pcm := speech(50*audio.Rate, 21)
	arrivals := clean(pcm, frame, 21)
	audiotest.Stall(arrivals, 20*time.Second, 2*time.Second)
	p, dec := newPlayout()
	take := card(21).Play(p, arrivals, 49*time.Second)
	conserved(t, p, dec, len(take.Ticks))
	before := take.Between(19*time.Second, 20*time.Second).Last().Stats
	s := take.Between(22*time.Second, 25*time.Second).Last().Stats
	if n := s.StallCount - before.StallCount; n != 1 {
		t.Errorf("%d stalls", n)
	}
	if d := s.StallDuration - before.StallDuration; d < 1900*ms || d > 2100*ms {
		t.Errorf("they took %v", d)
	}
	if s.InterruptionCount != 1 || s.TotalInterruptionDuration != s.StallDuration-before.StallDuration {
		t.Errorf("%d interruptions of %v together", s.InterruptionCount, s.TotalInterruptionDuration)
	}
	if s.LastTimeToLive > 500*ms {
		t.Errorf("live again only after %v", s.LastTimeToLive)
	}
	sum := uint64(0)
	for _, n := range s.TimeToLive {
		sum += n
	}
	if sum != s.StallCount {
		t.Errorf("%d of %d stalls have a time to live", sum, s.StallCount)
	}
	if s.JitterBufferTargetDelay <= s.JitterBufferMinimumDelay || s.JitterBufferMinimumDelay == 0 {
		t.Errorf("target %v, minimum %v", s.JitterBufferTargetDelay, s.JitterBufferMinimumDelay)
	}
	t.Logf("live again after %v", s.LastTimeToLive)
}

func TestATalkSpurtBeginsAtTheTargetToTheSample(t *testing.T) {
	pcm := audiotest.Voice(30*audio.Rate, 150, 8000)
	var arrivals []audiotest.Arrival
	for i, a := range clean(pcm, frame, 22) {
		switch at := i % 100; {
		case at == 40:
			a.Packet.DTX, a.Packet.Data, a.Packet.Samples = true, nil, 0
		case at > 40:
			continue
		}
		arrivals = append(arrivals, a)
	}
	p, dec := newPlayout()
	take := card(22).Play(p, arrivals, 28*time.Second)
	conserved(t, p, dec, len(take.Ticks))
	began := 0
	for i, tick := range take.Ticks[1:] {
		if before := take.Ticks[i].Pulled; before.Media >= 0 || before.Concealed > 0 || tick.Pulled.Media < 0 || tick.At < time.Second {
			continue
		}
		began++
		if d := tick.Stats.Delay - tick.Stats.Target; d > 2*ms || d < -2*ms {
			t.Errorf("at %v a talk spurt plays with %v, the target is %v", tick.At, tick.Stats.Delay, tick.Stats.Target)
		}
	}
	if began < 10 {
		t.Errorf("only %d talk spurts", began)
	}
}

func TestForEveryWordNothingIsLostAndTimeScalingCatchesUp(t *testing.T) {
	pcm := speech(60*audio.Rate, 23)
	arrivals := clean(pcm, frame, 23)
	audiotest.Stall(arrivals, 20*time.Second, 4*time.Second)
	dec := &audiotest.Decoder{}
	p := playout.New(playout.Config{Decoder: dec, Complete: true})
	take := card(23).Play(p, arrivals, 58*time.Second)
	conserved(t, p, dec, len(take.Ticks))
	s := take.Last().Stats
	if s.SkippedSamples != 0 || s.PacketsDiscarded != 0 || s.PacketsLost != 0 {
		t.Errorf("skipped %d samples, discarded %d packets", s.SkippedSamples, s.PacketsDiscarded)
	}
	late := take.Between(24500*ms, 25*time.Second).Last().Stats.Delay
	if late < 3*time.Second {
		t.Errorf("right after the stall the delay is only %v", late)
	}
	if d := s.Delay - s.Target; d > 30*ms {
		t.Errorf("after half a minute it is still %v late", d)
	}
	if c := audio.Duration(int(s.ConcealedSamples)); c > 4200*ms {
		t.Errorf("concealed %v", c)
	}
}
