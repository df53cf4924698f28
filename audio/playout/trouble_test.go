package playout_test

import (
	"fmt"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/jitter"
	"callcenter/audio/playout"
)

func TestANewEpochGoesOnWithoutAHole(t *testing.T) {
	pcm := speech(20*audio.Rate, 9)
	arrivals := clean(pcm, frame, 9)
	for i := 500; i < len(arrivals); i++ { // the clock starts anew, the numbers go on
		arrivals[i].Packet.Epoch = 2
		arrivals[i].Packet.Media -= 400 * frame
	}
	p, dec := newPlayout()
	take := card(9).Play(p, arrivals, 19*time.Second)
	conserved(t, p, dec, len(take.Ticks))
	s := take.Last().Stats
	if s.Resets != 1 || s.PacketsLost != 0 || s.PacketsDiscarded > 2 {
		t.Errorf("resets %d, lost %d, discarded %d", s.Resets, s.PacketsLost, s.PacketsDiscarded)
	}
	if s.ConcealedSamples > frame {
		t.Errorf("%d samples concealed", s.ConcealedSamples)
	}
	if take.Last().Pulled.Epoch != 2 {
		t.Error("the ear is not on the new clock")
	}
	if d := s.Delay - s.Target; d > 30*ms || d < -15*ms {
		t.Errorf("delay %v, target %v", s.Delay, s.Target)
	}
}

func TestAnEpochThatChangesInABurstEndsUpLive(t *testing.T) {
	pcm := speech(40*audio.Rate, 10)
	arrivals := clean(pcm, frame, 10)
	for i := 1050; i < len(arrivals); i++ {
		arrivals[i].Packet.Epoch = 2
		arrivals[i].Packet.Sequence -= 1050 // and the numbers begin anew
		arrivals[i].Packet.Media -= 1050 * frame
	}
	audiotest.Stall(arrivals, 20*time.Second, 2*time.Second)
	p, dec := newPlayout()
	take := card(10).Play(p, arrivals, 39*time.Second)
	conserved(t, p, dec, len(take.Ticks))
	for _, tick := range take.Between(22500*ms, 39*time.Second).Ticks {
		if tick.Pulled.Epoch != 2 || tick.Stats.Delay > 100*ms {
			t.Fatalf("at %v: epoch %d, delay %v", tick.At, tick.Pulled.Epoch, tick.Stats.Delay)
		}
	}
}

func TestMalformedPacketsAreHoles(t *testing.T) {
	pcm := audiotest.Voice(20*audio.Rate, 120, 8000)
	arrivals := clean(pcm, frame, 11)
	for i := 100; i < 900; i += 50 {
		copy(arrivals[i].Packet.Data, audiotest.Encode(nil, []int16{audiotest.Broken}))
	}
	p, dec := newPlayout()
	take := card(11).Play(p, arrivals, 19*time.Second)
	conserved(t, p, dec, len(take.Ticks))
	s := take.Last().Stats
	if s.DecodeErrors != 16 {
		t.Errorf("%d decode errors", s.DecodeErrors)
	}
	if s.ConcealedSamples > 20*2*frame {
		t.Errorf("%d samples concealed", s.ConcealedSamples)
	}
}

func TestPacketsThatCannotBeDecodedAreCountedInARow(t *testing.T) {
	p, _ := newPlayout()
	now := time.Duration(0)
	say := func(n int, first int16) int64 {
		for range n {
			pcm := make([]int16, frame)
			pcm[0] = first
			at := int64(audio.Samples(now))
			p.Push(jitter.Packet{Sequence: uint64(at/frame + 1), Epoch: 1, Media: at, Samples: frame, Data: audiotest.Encode(nil, pcm)}, now)
			for range frame / audio.PeriodSamples {
				now += audio.Period
				p.Pull(make([]int16, audio.PeriodSamples), now)
			}
		}
		return p.Undecodable()
	}
	say(50, 0)
	if n := say(30, audiotest.Broken); n < 25 || n > 30 {
		t.Errorf("of 30 in a row %d are counted", n)
	}
	if n := say(30, 0); n != 0 {
		t.Errorf("after good ones %d are in a row", n)
	}
	say(30, audiotest.Broken)
	p.SetHeard(false)
	if n := say(30, audiotest.Broken); n != 0 {
		t.Errorf("%d of what nobody hears are counted", n)
	}
}

func TestTroubleIsSurvivedAndCounted(t *testing.T) {
	pcm := speech(30*audio.Rate, 12)
	base := func() []audiotest.Arrival { return clean(pcm, frame, 12) }
	cases := []struct {
		name  string
		make  func() []audiotest.Arrival
		check func(s playout.Stats) error
	}{
		{"every packet twice", func() []audiotest.Arrival {
			var out []audiotest.Arrival
			for _, a := range base() {
				out = append(out, a, a)
			}
			return out
		}, func(s playout.Stats) error {
			if d := s.PacketsReceived - 2*s.PacketsDiscarded; d > 2 || s.Resets != 0 {
				return fmt.Errorf("received %d, discarded %d, resets %d", s.PacketsReceived, s.PacketsDiscarded, s.Resets)
			}
			return nil
		}},
		{"neighbours swapped", func() []audiotest.Arrival {
			a := base()
			for i := 0; i+1 < len(a); i += 2 {
				a[i].Packet, a[i+1].Packet = a[i+1].Packet, a[i].Packet
			}
			return a[2:]
		}, func(s playout.Stats) error {
			if s.PacketsLost > 5 || s.ConcealedSamples > audio.Rate/10 {
				return fmt.Errorf("lost %d, concealed %d", s.PacketsLost, s.ConcealedSamples)
			}
			return nil
		}},
		{"absurd sequence numbers in between", func() []audiotest.Arrival {
			var out []audiotest.Arrival
			for i, a := range base() {
				out = append(out, a)
				if i%100 == 50 {
					for _, seq := range []uint64{0, 1 << 63, ^uint64(0), 1} {
						b := a
						b.Packet.Sequence = seq
						out = append(out, b)
					}
				}
			}
			return out
		}, func(s playout.Stats) error {
			if s.PacketsDiscarded != 4*14 || s.Resets != 0 || s.ConcealedSamples > 480 {
				return fmt.Errorf("discarded %d, resets %d, concealed %d", s.PacketsDiscarded, s.Resets, s.ConcealedSamples)
			}
			return nil
		}},
		{"absurd media times in between", func() []audiotest.Arrival {
			a := base()
			for i := 100; i < len(a); i += 100 {
				a[i].Packet.Media = []int64{-1, 1 << 62, -1 << 63}[i/100%3]
			}
			return a
		}, func(s playout.Stats) error {
			if s.PacketsDiscarded != 14 || s.Resets != 0 {
				return fmt.Errorf("discarded %d, resets %d", s.PacketsDiscarded, s.Resets)
			}
			return nil
		}},
		{"media time jumps ahead and back", func() []audiotest.Arrival {
			a := base()
			for i := range a {
				if i/250%2 == 1 {
					a[i].Packet.Media += 3600 * audio.Rate
				}
			}
			return a
		}, func(s playout.Stats) error {
			if s.Resets != 5 || s.ConcealedSamples > audio.Rate {
				return fmt.Errorf("resets %d, concealed %d", s.Resets, s.ConcealedSamples)
			}
			return nil
		}},
		{"the sequence begins anew without an epoch", func() []audiotest.Arrival {
			a := base()
			for i := 700; i < len(a); i++ {
				a[i].Packet.Sequence -= 700
			}
			return a
		}, func(s playout.Stats) error {
			if s.Resets != 1 || s.ConcealedSamples > audio.Rate {
				return fmt.Errorf("resets %d, concealed %d", s.Resets, s.ConcealedSamples)
			}
			return nil
		}},
		{"half a minute was dropped and marked", func() []audiotest.Arrival {
			a := base()
			for i := 700; i < len(a); i++ {
				a[i].Packet.Sequence += 1500
				a[i].Packet.Media += 1500 * frame
			}
			a[700].Packet.DroppedBefore = 1500
			return a
		}, func(s playout.Stats) error {
			if s.Resets != 0 || s.PacketsDropped != 1500 || s.PacketsLost != 0 || s.ConcealedSamples > audio.Rate {
				return fmt.Errorf("resets %d, dropped %d, lost %d, concealed %d", s.Resets, s.PacketsDropped, s.PacketsLost, s.ConcealedSamples)
			}
			return nil
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p, dec := newPlayout()
			take := card(12).Play(p, c.make(), 29*time.Second)
			conserved(t, p, dec, len(take.Ticks))
			s := take.Last().Stats
			if err := c.check(s); err != nil {
				t.Error(err)
			}
			if d := s.Delay - s.Target; d > 40*ms || d < -40*ms {
				t.Errorf("in the end the delay is %v and the target %v", s.Delay, s.Target)
			}
		})
	}
}

func TestTheReceiversClockMayStep(t *testing.T) {
	pcm := speech(40*audio.Rate, 13)
	for _, step := range []time.Duration{-time.Hour, -3 * time.Second, -50 * ms, 300 * ms, 3 * time.Second, time.Hour} {
		t.Run(step.String(), func(t *testing.T) {
			p, dec := newPlayout()
			pulls := 0
			var last playout.Stats
			arrivals := clean(pcm, frame, 13)
			for at := time.Duration(0); at < 38*time.Second; at += audio.Period {
				now := at
				if at > 10*time.Second {
					now += step
				}
				for len(arrivals) > 0 && arrivals[0].At <= at {
					p.Push(arrivals[0].Packet, now)
					arrivals = arrivals[1:]
				}
				var out [audio.PeriodSamples]int16
				p.Pull(out[:], now)
				pulls++
				last = p.Stats()
			}
			conserved(t, p, dec, pulls)
			if d := last.Delay - last.Target; d > 40*ms || d < -40*ms {
				t.Errorf("delay %v, target %v", last.Delay, last.Target)
			}
			if last.ConcealedSamples > 3*audio.Rate {
				t.Errorf("%d samples concealed", last.ConcealedSamples)
			}
		})
	}
}
