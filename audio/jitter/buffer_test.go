package jitter_test

import (
	"fmt"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/jitter"
)

const (
	ms    = time.Millisecond
	frame = 960
)

// packet is frame n of a stream, numbered from 1.
func packet(n int) jitter.Packet {
	return jitter.Packet{
		Sequence: uint64(n), Epoch: 1, Media: int64(n-1) * frame,
		Samples: frame, Data: []byte{byte(n)},
	}
}

// at is when frame n arrives on a network without delay.
func at(n int) time.Duration { return time.Duration(n) * 20 * ms }

// push gives b the frames from to to, on time.
func push(b *jitter.Buffer, from, to int) {
	for n := from; n <= to; n++ {
		b.Push(packet(n), at(n))
	}
}

// begun returns a buffer that plays: frame 1 was taken, 2 to n are held.
func begun(t *testing.T, n int) *jitter.Buffer {
	t.Helper()
	b := jitter.New(jitter.Config{})
	push(b, 1, n)
	if a := b.Decide(at(1)+100*ms, 0, 0, audio.PeriodSamples); a != jitter.Seek {
		t.Fatalf("a filled buffer begins with %v", a)
	}
	b.Next()
	return b
}

func TestItWaitsUntilTheFirstFrameIsOldEnough(t *testing.T) {
	b := jitter.New(jitter.Config{})
	if a := b.Decide(0, 0, 0, audio.PeriodSamples); a != jitter.Wait {
		t.Errorf("an empty buffer says %v", a)
	}
	push(b, 1, 1)
	if a := b.Decide(at(1)+30*ms, 0, 0, audio.PeriodSamples); a != jitter.Wait {
		t.Errorf("after 30 ms it says %v", a)
	}
	if a := b.Decide(at(1)+41*ms, 0, 0, audio.PeriodSamples); a != jitter.Seek {
		t.Errorf("after 41 ms it says %v", a)
	}
}

func TestWhatItSaysOfAudioThatIsThere(t *testing.T) {
	b := begun(t, 50)
	target := b.Target()
	// Position 0 played at time x has the delay x - 20 ms. A packet whose place is
	// at the very beginning of a pull may come 5 ms later than one in its middle.
	for _, c := range []struct {
		excess  time.Duration
		decoded int
		want    jitter.Action
	}{
		{-8 * ms, frame, jitter.Slower},
		{-6 * ms, frame, jitter.Play},
		{4 * ms, frame, jitter.Play},
		{6 * ms, frame, jitter.Faster},
		{230 * ms, frame, jitter.Faster},
		{-3 * ms, frame - 240, jitter.Slower},
		{-1 * ms, frame - 240, jitter.Play},
		{9 * ms, frame - 240, jitter.Play},
		{11 * ms, frame - 240, jitter.Faster},
	} {
		if got := b.Decide(20*ms+target+c.excess, 0, c.decoded, audio.PeriodSamples); got != c.want {
			t.Errorf("%v too late with %d decoded: %v, want %v", c.excess, c.decoded, got, c.want)
		}
	}
}

func TestItDoesNotHurryWhereNothingIsWaiting(t *testing.T) {
	b := begun(t, 1)
	if a := b.Decide(20*ms+b.Target()+100*ms, 0, frame, audio.PeriodSamples); a != jitter.Play {
		t.Errorf("with 20 ms left it says %v", a)
	}
}

func TestAJumpKeepsTheNewest(t *testing.T) {
	b := begun(t, 100)
	now := at(100) + 10*ms
	if a := b.Decide(now, frame, frame, audio.PeriodSamples); a != jitter.Seek {
		t.Fatalf("2 s late it says %v", a)
	}
	p := b.Peek()
	if d := b.Delay(now, p.Media) - b.Target(); d < 0 || d > 20*ms {
		t.Errorf("it goes on %v from the target", d)
	}
	s := b.Stats()
	if got := s.PacketsDiscarded; got != p.Sequence-2 || b.Skipped() != got*frame {
		t.Errorf("discarded %d packets, %d samples; the next is %d", got, b.Skipped(), p.Sequence)
	}
}

func TestAJumpWaitsForTheEndOfTheBurst(t *testing.T) {
	b := begun(t, 1)
	now := 3 * time.Second
	for n := 2; n <= 100; n++ {
		b.Push(packet(n), now)
	}
	for i := range 2 {
		if a := b.Decide(now+ms, frame, frame, audio.PeriodSamples); a != jitter.Faster {
			t.Fatalf("in a burst it says %v", a)
		}
		now += 10 * ms
		b.Push(packet(101+i), now)
	}
	if a := b.Decide(now+ms, frame, frame, audio.PeriodSamples); a != jitter.Seek {
		t.Errorf("it waits for longer than 20 ms: %v", a)
	}
}

func TestOfAHoleItBridgesAsMuchAsIsMissing(t *testing.T) {
	for _, c := range []struct {
		name   string
		missed int
		delay  time.Duration
		want   []jitter.Action
	}{
		{"no time to lose: one frame is bridged", 1, -20 * ms, []jitter.Action{jitter.Bridge, jitter.Bridge, jitter.Slower}},
		{"time to lose: it is skipped", 1, 20 * ms, []jitter.Action{jitter.Seek}},
		{"a long hole is bridged for 60 ms and then skipped", 10, -20 * ms, []jitter.Action{
			jitter.Bridge, jitter.Bridge, jitter.Bridge, jitter.Bridge, jitter.Bridge, jitter.Bridge, jitter.Seek,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := begun(t, 1)
			p := packet(2 + c.missed)
			p.DroppedBefore = c.missed
			b.Push(p, at(2+c.missed))
			pos := int64(frame)
			now := at(2) + b.Target() + c.delay
			for i, want := range c.want {
				if got := b.Decide(now, pos, 0, audio.PeriodSamples); got != want {
					t.Fatalf("pull %d: %v, want %v", i, got, want)
				}
				pos += audio.PeriodSamples
				now += audio.Period
			}
		})
	}
}

func TestAMarkedSilenceIsNoStall(t *testing.T) {
	b := begun(t, 1)
	mark := packet(2)
	mark.DTX, mark.Data = true, nil
	b.Push(mark, at(2))
	if a := b.Decide(at(3), frame, 0, audio.PeriodSamples); a != jitter.Silence {
		t.Fatalf("in silence it says %v", a)
	}
	p := packet(200)
	p.Talk = true
	b.Push(p, at(200))
	if a := b.Decide(at(200)+b.Target()-ms, frame, 0, audio.PeriodSamples); a != jitter.Silence {
		t.Errorf("before the target it says %v", a)
	}
	if a := b.Decide(at(200)+b.Target()+ms, frame, 0, audio.PeriodSamples); a != jitter.Seek {
		t.Errorf("at the target it says %v", a)
	}
	if s := b.Stats(); s.PacketsLost != 0 || s.PacketsReceived != 2 {
		t.Errorf("lost %d, received %d", s.PacketsLost, s.PacketsReceived)
	}
}

func TestAStallIsConcealed(t *testing.T) {
	b := begun(t, 1)
	if a := b.Decide(time.Second, frame, 479, audio.PeriodSamples); a != jitter.Conceal {
		t.Errorf("with nothing there it says %v", a)
	}
}

func TestItHoldsNoMoreThanTwoSeconds(t *testing.T) {
	for _, samples := range []int{120, 480, 960, 2880, 11520} {
		b := jitter.New(jitter.Config{})
		for n := range 2000 {
			p := jitter.Packet{Sequence: uint64(n) + 1, Media: int64(n * samples), Samples: samples, Data: []byte{1}}
			b.Push(p, time.Second)
			if b.Buffered() > 2*audio.Rate {
				t.Fatalf("%d samples are held", b.Buffered())
			}
		}
		s := b.Stats()
		if held := s.PacketsReceived - s.PacketsDiscarded; int(held)*samples != b.Buffered() {
			t.Errorf("%d packets of %d samples are unaccounted for", held, samples)
		}
		if p := b.Peek(); samples >= 480 && p.Sequence < 2000-200 {
			t.Errorf("the oldest is %d", p.Sequence)
		}
	}
}

func TestEveryPacketIsAccountedFor(t *testing.T) {
	for _, c := range []struct {
		name     string
		change   func(n int, p *jitter.Packet)
		lost     uint64
		dropped  uint64
		resets   uint64
		discards uint64
	}{
		{"nothing unusual", func(int, *jitter.Packet) {}, 0, 0, 0, 0},
		{"a gap that no mark explains", func(n int, p *jitter.Packet) {
			if n > 10 {
				p.Sequence += 3
				p.Media += 3 * frame
			}
		}, 3, 0, 0, 0},
		{"a gap that a mark explains in part", func(n int, p *jitter.Packet) {
			if n > 10 {
				p.Sequence += 3
			}
			if n == 11 {
				p.DroppedBefore = 2
			}
		}, 1, 2, 0, 0},
		{"a mark that claims more than the gap", func(_ int, p *jitter.Packet) {
			p.DroppedBefore = 1 << 40
		}, 0, 0, 0, 0},
		{"sequence zero", func(n int, p *jitter.Packet) {
			if n == 20 {
				p.Sequence = 0
			}
		}, 1, 0, 0, 1},
		{"the last sequence there is", func(n int, p *jitter.Packet) {
			if n == 20 {
				p.Sequence = ^uint64(0)
			}
		}, 1, 0, 0, 1},
		{"a negative media time", func(n int, p *jitter.Packet) {
			if n == 20 {
				p.Media = -5
			}
		}, 1, 0, 0, 1},
		{"a negative length", func(n int, p *jitter.Packet) {
			if n == 20 {
				p.Samples = -960
			}
		}, 1, 0, 0, 1},
		{"audio of no length", func(n int, p *jitter.Packet) {
			if n == 20 {
				p.Samples = 0
			}
		}, 1, 0, 0, 1},
		{"a packet of another age", func(n int, p *jitter.Packet) {
			if n == 20 {
				p.Epoch = 0
			}
		}, 1, 0, 0, 1},
		{"a new epoch", func(n int, p *jitter.Packet) {
			if n >= 20 {
				p.Epoch = 7
				p.Media -= 19 * frame
			}
		}, 0, 0, 1, 0},
		{"a media time that leaps for good", func(n int, p *jitter.Packet) {
			if n >= 20 {
				p.Media += 11 * audio.Rate
			}
		}, 0, 0, 1, 18}, // 2 to 19 were held
		{"a sequence that leaps for good", func(n int, p *jitter.Packet) {
			if n >= 20 {
				p.Sequence += 1e9
			}
		}, 0, 0, 1, 18},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := begun(t, 1)
			for n := 2; n <= 40; n++ {
				p := packet(n)
				c.change(n, &p)
				b.Push(p, at(n))
			}
			played := uint64(1)
			for b.Next() != nil {
				played++
			}
			s := b.Stats()
			if s.PacketsLost != c.lost || s.PacketsDropped != c.dropped || s.Resets != c.resets || s.PacketsDiscarded != c.discards {
				t.Errorf("lost %d dropped %d resets %d discarded %d, want %d %d %d %d",
					s.PacketsLost, s.PacketsDropped, s.Resets, s.PacketsDiscarded, c.lost, c.dropped, c.resets, c.discards)
			}
			if s.PacketsReceived != 40 || played+s.PacketsDiscarded != 40 {
				t.Errorf("received %d, played %d, discarded %d", s.PacketsReceived, played, s.PacketsDiscarded)
			}
			if b.Buffered() != 0 || !b.Empty() {
				t.Errorf("%d samples are left of nothing", b.Buffered())
			}
		})
	}
}

func TestAnOldEpochThatInsistsIsFollowed(t *testing.T) {
	b := begun(t, 1)
	refused := 0
	for n := 2; n <= 60; n++ {
		p := packet(n)
		p.Epoch = 0
		if !b.Push(p, at(n)) {
			refused++
		}
	}
	if refused != 24 || b.Stats().Resets != 1 {
		t.Errorf("refused %d, resets %d", refused, b.Stats().Resets)
	}
}

func TestDaysOfMediaTimeDoNotOverflow(t *testing.T) {
	for _, media := range []int64{3 * 24 * 3600 * audio.Rate, 1<<48 - audio.Rate} {
		b := jitter.New(jitter.Config{})
		for n := 1; n <= 20; n++ {
			p := packet(n)
			p.Media += media
			if !b.Push(p, at(n)) {
				t.Fatalf("frame %d is not taken", n)
			}
		}
		if d := b.Delay(at(1)+30*ms, media); d != 30*ms {
			t.Errorf("from %d the delay is %v", media, d)
		}
	}
}

func TestDataIsCopied(t *testing.T) {
	b := jitter.New(jitter.Config{})
	p := packet(1)
	b.Push(p, 0)
	p.Data[0] = 99
	if got := b.Next(); got.Data[0] != 1 {
		t.Errorf("the data became %d", got.Data[0])
	}
}

// learn feeds seconds of frames with these delays and returns the buffer.
func learn(seconds int, oneWay time.Duration, delay func(int) time.Duration, stalls ...time.Duration) *jitter.Buffer {
	arrivals := audiotest.Frames(make([]int16, seconds*audio.Rate), frame)
	audiotest.Delay(arrivals, delay)
	for i, d := range stalls {
		audiotest.Stall(arrivals, time.Duration(i+1)*5*time.Second, d)
	}
	b := jitter.New(jitter.Config{})
	b.SetOneWay(oneWay)
	for _, a := range arrivals {
		b.Push(a.Packet, a.At)
		for !b.Empty() {
			b.Next()
		}
	}
	return b
}

func TestTheTargetFollowsTheNetwork(t *testing.T) {
	steady := func(int) time.Duration { return 30 * ms }
	for _, c := range []struct {
		name      string
		b         *jitter.Buffer
		low, high time.Duration
	}{
		{"a silent network", learn(60, 30*ms, steady), 9 * ms, 20 * ms},
		{"jitter of 4 ms", learn(60, 30*ms, audiotest.Gamma(30*ms, 4*ms, 1)), 20 * ms, 45 * ms},
		{"jitter of 15 ms", learn(60, 30*ms, audiotest.Gamma(30*ms, 15*ms, 1)), 60 * ms, 110 * ms},
		{"a stall of 100 ms every five seconds", learn(60, 30*ms, steady,
			100*ms, 100*ms, 100*ms, 100*ms, 100*ms, 100*ms, 100*ms, 100*ms, 100*ms, 100*ms), 70 * ms, 110 * ms},
		{"a stall that is an outage", learn(20, 30*ms, steady, 2*time.Second), 9 * ms, 40 * ms},
		{"far away, delay costs more", learn(60, 200*ms, audiotest.Gamma(200*ms, 15*ms, 1)), 35 * ms, 70 * ms},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.b.Target(); got < c.low || got > c.high {
				t.Errorf("the target is %v, want %v to %v", got, c.low, c.high)
			}
		})
	}
}

func TestWhatIsLeftIsStretchedWhereLatePacketsComeTooLate(t *testing.T) {
	// Stalls of 150 ms every five seconds: what is 40 ms overdue comes far too late.
	var stalls []time.Duration
	for range 10 {
		stalls = append(stalls, 150*ms)
	}
	stalling := learn(60, 30*ms, func(int) time.Duration { return 30 * ms }, stalls...)
	jittery := learn(60, 30*ms, audiotest.Gamma(30*ms, 8*ms, 1))
	for _, c := range []struct {
		name string
		b    *jitter.Buffer
		want jitter.Action
	}{{"stalls", stalling, jitter.Stretch}, {"jitter", jittery, jitter.Play}} {
		t.Run(c.name, func(t *testing.T) {
			b := c.b
			n := 60*50 + 1
			p := jitter.Packet{Sequence: uint64(n), Epoch: 1, Media: 60 * audio.Rate, Samples: frame, Data: []byte{1}}
			now := 60*time.Second + 20*ms + 31*ms
			b.Push(p, now)
			// All that is played now was pushed; the next packet is 40 ms overdue.
			now += 60 * ms
			pos := p.Media - int64(audio.Samples(b.Target()-(now-60*time.Second-50*ms)))
			if got := b.Decide(now, pos, frame, audio.PeriodSamples); got != c.want {
				t.Errorf("with a target of %v and a packet 40 ms overdue it says %v, want %v", b.Target(), got, c.want)
			}
		})
	}
}

func TestTheSendersClockIsToldToBeFastOrSlow(t *testing.T) {
	for _, ppm := range []float64{300, -300, 0} {
		arrivals := audiotest.Frames(make([]int16, 90*audio.Rate), frame)
		audiotest.Delay(arrivals, audiotest.Gamma(30*ms, 4*ms, 1))
		audiotest.Drift(arrivals, ppm)
		b := jitter.New(jitter.Config{})
		for _, a := range arrivals {
			b.Push(a.Packet, a.At)
			b.Next()
		}
		if got := b.Stats().ClockDriftPPM; got < ppm-25 || got > ppm+25 {
			t.Errorf("a clock that is %v ppm fast is said to be %.0f", ppm, got)
		}
	}
}

func TestForEveryWordNothingIsJumpedOver(t *testing.T) {
	b := jitter.New(jitter.Config{Complete: true})
	push(b, 1, 1)
	b.Decide(at(1)+100*ms, 0, 0, audio.PeriodSamples)
	b.Next()
	now := at(250)
	for n := 2; n <= 250; n++ {
		b.Push(packet(n), now)
	}
	if got := b.Decide(now+20*ms, frame, frame, audio.PeriodSamples); got != jitter.Faster {
		t.Errorf("5 s late it says %v", got)
	}
	if b.Skipped() != 0 || b.Buffered() != 249*frame {
		t.Errorf("skipped %d samples, %d are held", b.Skipped(), b.Buffered())
	}
}

func TestAnOutageIsCountedOnceAndTeachesNothing(t *testing.T) {
	for _, d := range []time.Duration{460 * ms, 500 * ms, 900 * ms, 2 * time.Second, 5 * time.Second} {
		b := learn(30, 30*ms, func(int) time.Duration { return 30 * ms }, 0, 0, 0, d)
		if s := b.Stats(); s.Outages != 1 || s.Target > 40*ms {
			t.Errorf("after %v: %d outages, target %v", d, s.Outages, s.Target)
		}
	}
}

func TestJitterIsThatOfRFC3550(t *testing.T) {
	b := learn(30, 0, func(i int) time.Duration { return time.Duration(i%2) * 10 * ms })
	if j := b.Stats().Jitter; j < 9*ms || j > 10*ms {
		t.Errorf("jitter %v of a delay that alternates by 10 ms", j)
	}
}

func ExampleBuffer() {
	b := jitter.New(jitter.Config{})
	b.Push(jitter.Packet{Sequence: 1, Samples: 960, Data: []byte{1}}, 0)
	fmt.Println(b.Decide(10*time.Millisecond, 0, 0, audio.PeriodSamples) == jitter.Wait)
	fmt.Println(b.Decide(50*time.Millisecond, 0, 0, audio.PeriodSamples) == jitter.Seek)
	// Output:
	// true
	// true
}
