package playout_test

import (
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/jitter"
)

// FuzzPlayout reads its input as a script of packets and time, two bytes a
// step. Whatever happened, the counters add up, what is held is bounded, and a
// sender that begins anew is heard without delay.
func FuzzPlayout(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 0, 0, 0, 7, 2, 0, 0, 7, 2, 0, 0, 7, 2, 7, 200, 0, 0, 0, 0, 7, 50})
	f.Add([]byte{0, 0, 1, 9, 7, 9, 2, 3, 7, 9, 3, 1, 7, 9, 4, 8, 7, 9, 5, 1, 0, 0, 6, 200, 7, 9, 0, 0})
	f.Add([]byte{4, 63, 7, 5, 5, 3, 0, 0, 5, 3, 0, 0, 5, 3, 0, 0, 7, 250, 8, 1, 0, 0, 7, 100, 9, 0, 7, 100})
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 2000 {
			script = script[:2000]
		}
		p, dec := newPlayout()
		run := scriptRun{p: jitter.Packet{Sequence: 1, Epoch: 1, Samples: frame}}
		var out [audio.PeriodSamples]int16
		pulls := 0
		pull := func() {
			p.Pull(out[:], run.now)
			pulls++
			if b := p.Buffered(); b < 0 || b > 3*time.Second {
				t.Fatalf("%v are held", b)
			}
		}
		for ; len(script) >= 2; script = script[2:] {
			if pkt, ok := run.step(script[0], script[1]); ok {
				p.Push(pkt, run.now)
				continue
			}
			for range script[1] {
				run.now += audio.Period
				pull()
			}
		}
		conserved(t, p, dec, pulls)

		start := run.now
		arrivals := audiotest.Frames(make([]int16, 12*audio.Rate), frame)
		for i := range arrivals {
			arrivals[i].Packet.Epoch = run.p.Epoch + 1
		}
		var aim time.Duration // the highest target of the last seconds: following it takes time
		for at := time.Duration(0); at < 12*time.Second; at += audio.Period {
			run.now = start + at
			for len(arrivals) > 0 && arrivals[0].At <= at {
				p.Push(arrivals[0].Packet, run.now)
				arrivals = arrivals[1:]
			}
			pull()
			if at > 9*time.Second {
				aim = max(aim, p.Stats().Target)
			}
		}
		conserved(t, p, dec, pulls)
		if s := p.Stats(); s.Delay > aim+20*ms || s.Delay < 0 {
			t.Errorf("in the end the delay is %v, the target at most %v", s.Delay, aim)
		}
	})
}

// scriptRun is the sender and the clock of a fuzzed script.
type scriptRun struct {
	p   jitter.Packet
	now time.Duration
}

// step does one step of a script. It returns a packet to push, or false where
// time is to pass.
func (r *scriptRun) step(op, arg byte) (jitter.Packet, bool) {
	n := int64(arg)
	switch op % 12 {
	case 1: // a hole
		r.p.Sequence += uint64(n)
		r.p.Media += n * frame
	case 2: // a marked hole
		r.p.Sequence += uint64(n)
		r.p.Media += n * frame
		r.p.DroppedBefore = int(n)
	case 3: // a step back
		r.p.Sequence -= uint64(n)
	case 4: // another length
		r.p.Samples = int(n) * 120
	case 5: // a new epoch
		r.p.Epoch += uint32(n)
	case 6: // a leap of the media time
		r.p.Media += (n - 128) << (n % 40)
	case 7: // time passes
		return jitter.Packet{}, false
	case 8: // silence
		r.p.DTX = n%2 == 1
	case 9: // a mark without audio
		mark := r.p
		mark.Data, mark.DTX = nil, n%4 != 0
		r.p.Sequence++
		r.p.Media += frame
		return mark, true
	case 10: // the receiver's clock steps
		r.now += time.Duration(n-128) << (n % 32)
	case 11: // absurd numbers
		bad := r.p
		bad.Sequence, bad.Media, bad.Samples = 1<<(n%64), -1<<(n%64), int(n)<<20
		bad.Data = make([]byte, 2)
		return bad, true
	}
	pkt := r.p
	pkt.Data = make([]byte, 2*max(0, min(pkt.Samples, 1<<14)))
	if op == 23 && len(pkt.Data) > 1 {
		copy(pkt.Data, audiotest.Encode(nil, []int16{audiotest.Broken}))
	}
	r.p.Sequence++
	r.p.Media += int64(r.p.Samples)
	r.p.DroppedBefore = 0
	return pkt, true
}
