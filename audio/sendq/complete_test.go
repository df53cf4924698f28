package sendq_test

import (
	"testing"
	"time"

	"callcenter/audio/sendq"
)

// complete returns a queue for every word whose peer has acknowledged frame 1.
func complete(t *testing.T) *sendq.Queue {
	t.Helper()
	q := acked(t)
	q.SetComplete(true)
	return q
}

func TestACompleteListenerLosesNothingInAStallOfFiveSeconds(t *testing.T) {
	q := complete(t)
	var got []sendq.Frame
	const n = 500 // of 10 ms
	for i := range n {
		now := time.Duration(i) * 10 * ms
		q.Push(sendq.Frame{Samples: 480, Made: now})
		got = append(got, popAll(q, now)...)
	}
	if s := q.Stats(); len(got) != 26 || s.InFlight != 260*ms || s.Window != 260*ms {
		t.Fatalf("%d are on their way: %+v", len(got), s)
	}
	for len(got) < n {
		q.Ack(got[len(got)-1].Sequence)
		more := popAll(q, n*10*ms)
		if len(more) == 0 {
			t.Fatalf("%d of %d left: %+v", len(got), n, q.Stats())
		}
		got = append(got, more...)
	}
	if s := q.Stats(); s.DroppedAge+s.DroppedFull != 0 {
		t.Fatalf("%+v", s)
	}
}

// TestACompleteListenerIsOwedFiveSecondsAtMost stalls for 30 s: what was on its
// way comes, and then the newest audio, up to five seconds together.
func TestACompleteListenerIsOwedFiveSecondsAtMost(t *testing.T) {
	q := complete(t)
	left := 0
	const n = 3000 // 30 s
	for i := range n {
		now := time.Duration(i) * 10 * ms
		q.Push(sendq.Frame{Samples: 480, Made: now})
		left += len(popAll(q, now))
	}
	s := q.Stats()
	if owed := s.InFlight + time.Duration(s.Waiting)*10*ms; left != 26 || owed < 4990*ms || owed > 5010*ms {
		t.Fatalf("%d frames are on their way and %v are owed: %+v", left, owed, s)
	}
	if s.DroppedAge != uint64(n-left-s.Waiting) || s.DroppedFull != 0 {
		t.Fatalf("what waits is not the newest: %+v", s)
	}
	q.Ack(1 + 26)
	out := popAll(q, n*10*ms)
	if len(out) != 26 || uint64(out[0].DroppedBefore) != s.DroppedAge {
		t.Fatalf("%d left after the stall, the first marked %d", len(out), out[0].DroppedBefore)
	}
}

func TestTheWishMayChangeDuringTheCall(t *testing.T) {
	q := acked(t)
	frames(q, 13, 0)
	if n := len(popAll(q, 0)); n != 13 {
		t.Fatalf("%d left", n)
	}
	frames(q, 20, 0)
	signalled(q.Ready())
	q.SetComplete(true)
	if !signalled(q.Ready()) {
		t.Error("whoever sends is not told")
	}
	q.Ack(14)
	if out := popAll(q, 4*time.Second); len(out) != 13 || out[0].Sequence != 15 || out[0].DroppedBefore != 0 {
		t.Fatalf("%d left of the 20 that waited for 4 s: %+v", len(out), q.Stats())
	}
	frames(q, 193, 0)
	q.SetComplete(false)
	s := q.Stats()
	if s.Waiting != sendq.Capacity || s.DroppedFull != 200-sendq.Capacity {
		t.Fatalf("%+v", s)
	}
	q.SetComplete(true)
	frames(q, sendq.CompleteCapacity, 0)
	if s = q.Stats(); s.Waiting != sendq.CompleteCapacity || !q.Full() {
		t.Fatalf("%+v", s)
	}
	last := uint64(0)
	q.Flush()
	for _, f := range popAll(q, 0) {
		if last != 0 && f.Sequence-last-1 != uint64(f.DroppedBefore) {
			t.Fatalf("sequence %d after %d is marked %d", f.Sequence, last, f.DroppedBefore)
		}
		last = f.Sequence
	}
}

// TestAfterAStallTheNewestAudioFollows is what a listener gets who heard nothing
// for 30 s: what was on its way then, and next what was said just now.
func TestAfterAStallTheNewestAudioFollows(t *testing.T) {
	q := acked(t)
	q.SetPeer(40*ms, 60*ms)
	left := 0
	const n = 1500
	for i := range n {
		now := time.Duration(i) * 20 * ms
		q.Push(sendq.Frame{Samples: 960, Made: now})
		left += len(popAll(q, now))
	}
	now := time.Duration(n) * 20 * ms
	if left != 15 {
		t.Fatalf("%d frames are on their way, want 300 ms", left) // the rest waits for 120 ms
	}
	q.Ack(1 + 15)
	out := popAll(q, now)
	if len(out) != 7 || now-out[0].Made > 140*ms || out[6].Sequence != n+1 {
		t.Fatalf("%d follow, the oldest %v old, the newest is number %d", len(out), now-out[0].Made, out[len(out)-1].Sequence)
	}
	if want := uint32(n - 15 - 7); out[0].DroppedBefore != want {
		t.Errorf("marked %d, want %d", out[0].DroppedBefore, want)
	}
}

// TestAStallThatAReceiverPlaysLateDropsNothing stalls for as long as a receiver
// would still play all of it: 240 ms beyond its target.
func TestAStallThatAReceiverPlaysLateDropsNothing(t *testing.T) {
	for _, target := range []time.Duration{15 * ms, 45 * ms, 100 * ms, 200 * ms, 400 * ms} {
		for _, frame := range []time.Duration{10 * ms, 20 * ms} {
			for _, rtt := range []time.Duration{0, 60 * ms, 200 * ms} {
				q := acked(t)
				q.SetPeer(rtt, target)
				var now time.Duration
				var out []sendq.Frame
				step := func(acked bool) {
					now += frame
					q.Push(sendq.Frame{Samples: int(frame * 48 / ms), Made: now})
					out = append(out, popAll(q, now)...)
					// A peer that tells of each frame a round trip and an interval late.
					if late := int((rtt + 40*ms) / frame); acked && len(out) > late {
						q.Ack(out[len(out)-1-late].Sequence)
					}
				}
				for range 50 {
					step(true)
				}
				for stall := 240*ms + target; stall > 0; stall -= frame {
					step(false)
				}
				for range 50 {
					step(true)
				}
				if s := q.Stats(); s.DroppedAge+s.DroppedFull != 0 {
					t.Errorf("target %v, round trip %v, frames of %v: dropped %d", target, rtt, frame, s.DroppedAge+s.DroppedFull)
				}
			}
		}
	}
}

func TestTheTimeInTheQueueIsCounted(t *testing.T) {
	q := sendq.New()
	frames(q, 3, 0) // made at 0, 20 and 40 ms
	popAll(q, 50*ms)
	if s := q.Stats(); s.Waited != 90*ms || s.LongestWait != 50*ms {
		t.Errorf("waited %v, at most %v", s.Waited, s.LongestWait)
	}
	q.Push(sendq.Frame{Made: time.Hour})
	popAll(q, 60*ms)
	if s := q.Stats(); s.Waited != 90*ms {
		t.Errorf("a clock that steps back gives %v", s.Waited)
	}
}

// TestAcknowledgementsAfterManyFramesStillCount sends more frames than are
// remembered.
func TestAcknowledgementsAfterManyFramesStillCount(t *testing.T) {
	q := sendq.New()
	for range 100 {
		frames(q, 20, 0)
		popAll(q, 0)
	}
	q.Ack(3) // long forgotten
	if s := q.Stats(); s.BadAcks != 0 || s.Window != 0 {
		t.Errorf("an old acknowledgement: %+v", s)
	}
	q.Ack(1990)
	if s := q.Stats(); s.BadAcks != 0 || s.InFlight != 200*ms {
		t.Errorf("a new one: %+v", s)
	}
	q.Ack(1900)
	q.Ack(2001)
	if s := q.Stats(); s.BadAcks != 2 {
		t.Errorf("%+v", s)
	}
}
