package sendq_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"callcenter/audio/sendq"
)

const ms = time.Millisecond

// frames pushes n frames of 20 ms, taken every 20 ms from begin on.
func frames(q *sendq.Queue, n int, begin time.Duration) {
	for i := range n {
		q.Push(sendq.Frame{Samples: 960, Made: begin + time.Duration(i)*20*ms, Data: []byte{byte(i)}})
	}
}

// popAll pops what may go at now and returns the sequences.
func popAll(q *sendq.Queue, now time.Duration) []sendq.Frame {
	var out []sendq.Frame
	for {
		var f sendq.Frame
		if !q.Pop(&f, now) {
			return out
		}
		out = append(out, f)
	}
}

func signalled(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// acked returns a queue whose peer has acknowledged the first frame.
func acked(t *testing.T) *sendq.Queue {
	t.Helper()
	q := sendq.New()
	frames(q, 1, 0)
	if len(popAll(q, 0)) != 1 {
		t.Fatal("the first frame does not leave")
	}
	q.Ack(1)
	signalled(q.Ready())
	return q
}

func TestFramesLeaveInOrderAsTheyCame(t *testing.T) {
	q := sendq.New()
	data := []byte{1, 2, 3}
	q.Push(sendq.Frame{Epoch: 4, Media: 5, Marks: 6, Samples: 960, Made: 7, Data: data})
	data[0] = 9
	if !signalled(q.Ready()) {
		t.Error("nobody was told")
	}
	f := sendq.Frame{Data: make([]byte, 0, 8)}
	if !q.Pop(&f, 0) || f.Sequence != 1 || f.Epoch != 4 || f.Media != 5 || f.Marks != 6 || f.Samples != 960 || f.Made != 7 || f.DroppedBefore != 0 {
		t.Errorf("popped %+v", f)
	}
	if string(f.Data) != "\x01\x02\x03" {
		t.Errorf("the data is %v", f.Data)
	}
	if q.Pop(&f, 0) {
		t.Error("an empty queue gives a frame")
	}
	if s := q.Stats(); s.Pushed != 1 || s.Popped != 1 || s.Waiting != 0 || s.Window != 0 {
		t.Errorf("%+v", s)
	}
}

func TestTheWindowIsTheContracts(t *testing.T) {
	for _, c := range []struct{ rtt, target, want time.Duration }{
		{0, 0, 260 * ms},
		{50 * ms, 40 * ms, 310 * ms},
		{50 * ms, 100 * ms, 310 * ms},
		{50 * ms, 101 * ms, 311 * ms},
		{120 * ms, 400 * ms, 680 * ms},
		{-time.Second, -time.Second, 260 * ms},
		{time.Hour, time.Hour, time.Second + 60*ms + 1100*ms},
	} {
		q := acked(t)
		q.SetPeer(c.rtt, c.target)
		if got := q.Stats().Window; got != c.want {
			t.Errorf("round trip %v, target %v: window %v, want %v", c.rtt, c.target, got, c.want)
		}
	}
}

func TestNoMoreIsOnItsWayThanTheWindow(t *testing.T) {
	q := acked(t)
	q.SetPeer(40*ms, 0) // 300 ms
	frames(q, 30, 0)
	out := popAll(q, 0)
	if s := q.Stats(); len(out) != 15 || s.InFlight != 300*ms || s.Waiting != 15 {
		t.Fatalf("%d frames left: %+v", len(out), s)
	}
	q.Ack(out[4].Sequence)
	if !signalled(q.Ready()) {
		t.Error("an acknowledgement tells nobody that there is room")
	}
	if more := popAll(q, 0); len(more) != 5 {
		t.Errorf("after 5 were acknowledged %d left", len(more))
	}
	q.SetPeer(140*ms, 0)
	if !signalled(q.Ready()) {
		t.Error("a wider window tells nobody")
	}
	if more := popAll(q, 0); len(more) != 5 {
		t.Errorf("in a window 100 ms wider %d left", len(more))
	}
}

func TestAFrameLongerThanTheWindowLeavesAlone(t *testing.T) {
	q := acked(t)
	for range 2 {
		q.Push(sendq.Frame{Samples: 48000})
	}
	if n := len(popAll(q, 0)); n != 1 {
		t.Errorf("%d left", n)
	}
	q.Ack(2)
	if n := len(popAll(q, 0)); n != 1 {
		t.Errorf("%d left after the acknowledgement", n)
	}
}

func TestWhatWaitedTooLongIsDroppedAndMarked(t *testing.T) {
	q := acked(t)
	frames(q, 15, 0)
	if n := len(popAll(q, 0)); n != 13 { // 260 ms
		t.Fatalf("%d left", n)
	}
	frames(q, 20, 40*ms) // 2 of the old ones wait before these
	var f sendq.Frame
	if q.Pop(&f, 500*ms) {
		t.Fatal("a closed window lets a frame go")
	}
	s := q.Stats()
	if s.DroppedAge != 20 || s.Waiting != 2 { // those of the last 100 ms
		t.Fatalf("dropped %d for their age, %d wait", s.DroppedAge, s.Waiting)
	}
	frames(q, 5, 440*ms)
	q.Ack(14)
	out := popAll(q, 620*ms) // the window is open again, and 200 ms are not too old
	if len(out) != 6 || out[0].DroppedBefore != 21 || out[1].DroppedBefore != 0 || out[0].Sequence != 14+21+1 {
		t.Errorf("%d left, the first with sequence %d and mark %d", len(out), out[0].Sequence, out[0].DroppedBefore)
	}
}

func TestTheNewestFrameIsNeverTooOld(t *testing.T) {
	q := acked(t)
	frames(q, 3, 0)
	out := popAll(q, time.Hour)
	if len(out) != 1 || out[0].Sequence != 4 || out[0].DroppedBefore != 2 {
		t.Errorf("left: %+v", out)
	}
}

func TestAFullQueueDropsTheOldest(t *testing.T) {
	q := sendq.New()
	frames(q, sendq.Capacity, 0)
	if !q.Full() {
		t.Error("not full")
	}
	frames(q, 3, 0)
	out := popAll(q, time.Hour)
	if len(out) != sendq.Capacity || out[0].Sequence != 4 || out[0].DroppedBefore != 3 {
		t.Errorf("%d left, the first with sequence %d and mark %d", len(out), out[0].Sequence, out[0].DroppedBefore)
	}
	if s := q.Stats(); s.DroppedFull != 3 || s.DroppedAge != 0 {
		t.Errorf("%+v", s)
	}
	if !signalled(q.Room()) || q.Full() {
		t.Error("nobody was told that there is room")
	}
}

func TestAPeerThatNeverAcknowledgesGetsEverything(t *testing.T) {
	q := sendq.New()
	for i := range 100 {
		frames(q, 20, 0)
		if n := len(popAll(q, time.Hour)); n != 20 {
			t.Fatalf("round %d: %d left", i, n)
		}
	}
	if s := q.Stats(); s.Window != 0 || s.InFlight != 0 || s.DroppedAge+s.DroppedFull != 0 {
		t.Errorf("%+v", s)
	}
}

func TestBadAcknowledgementsAreCountedAndIgnored(t *testing.T) {
	q := acked(t)
	frames(q, 5, 0)
	popAll(q, 0)
	q.Ack(4)
	before := q.Stats()
	for i, ack := range []uint64{3, 7, 1 << 40, ^uint64(0), 4 + 4096} {
		q.Ack(ack)
		s := q.Stats()
		if s.BadAcks != uint64(i+1) || s.InFlight != before.InFlight {
			t.Errorf("acknowledging %d: %+v", ack, s)
		}
	}
	q.Ack(0)
	q.Ack(4)
	if s := q.Stats(); s.BadAcks != 5 {
		t.Errorf("the same again or none at all is not bad: %+v", s)
	}
	q.Ack(6)
	if s := q.Stats(); s.InFlight != 0 {
		t.Errorf("%+v", s)
	}
}

func TestAFrameThatWasDroppedCannotBeAcknowledged(t *testing.T) {
	q := acked(t)
	frames(q, 3, 0)
	popAll(q, time.Hour) // drops 2 and 3
	q.Ack(3)
	if s := q.Stats(); s.BadAcks != 1 || s.InFlight != 20*ms {
		t.Errorf("%+v", s)
	}
}

func TestSkippedSlotsTakeANumberAndNoMark(t *testing.T) {
	q := sendq.New()
	frames(q, 1, 0)
	q.Skip()
	q.Skip()
	frames(q, 1, 0)
	out := popAll(q, 0)
	if len(out) != 2 || out[1].Sequence != 4 || out[1].DroppedBefore != 0 {
		t.Errorf("%+v", out)
	}
}

func TestFlushLetsAllGo(t *testing.T) {
	q := acked(t)
	frames(q, 30, 0)
	popAll(q, 0)
	signalled(q.Ready())
	q.Flush()
	if !signalled(q.Ready()) {
		t.Error("nobody was told")
	}
	if n := len(popAll(q, time.Hour)); n != 17 {
		t.Errorf("%d left", n)
	}
}

// TestSequencesAlwaysAddUp pushes and pops in every way there is: between two
// frames that leave, what is missing is what the second one's mark says.
func TestSequencesAlwaysAddUp(t *testing.T) {
	for _, peer := range []string{"acknowledges", "is slow to acknowledge", "never acknowledges"} {
		t.Run("a peer that "+peer, func(t *testing.T) {
			q := sendq.New()
			var last, lastAcked uint64
			var pushed, dropped, upstream uint64
			for step := range 5000 {
				now := time.Duration(step) * 7 * ms
				for range step * 7 % 5 {
					up := uint32(0)
					if step%31 == 0 {
						up = uint32(step % 4)
					}
					upstream += uint64(up)
					pushed++
					q.Push(sendq.Frame{Samples: 480, DroppedBefore: up, Made: now - time.Duration(step%9)*30*ms})
				}
				if step%100 > 80 {
					continue // the sender is stuck
				}
				for _, f := range popAll(q, now) {
					if f.Sequence-last-1 != uint64(f.DroppedBefore) {
						t.Fatalf("step %d: sequence %d after %d is marked %d", step, f.Sequence, last, f.DroppedBefore)
					}
					dropped += uint64(f.DroppedBefore)
					last = f.Sequence
				}
				if peer == "acknowledges" || peer == "is slow to acknowledge" && step%60 == 0 && last != lastAcked {
					q.Ack(last)
					lastAcked = last
				}
			}
			s := q.Stats()
			if s.Pushed != pushed || s.Popped+s.DroppedAge+s.DroppedFull+uint64(s.Waiting) != pushed {
				t.Errorf("%d pushed: %+v", pushed, s)
			}
			if marked := s.Popped + dropped; marked != last || s.BadAcks != 0 {
				t.Errorf("popped and marked %d, the last sequence is %d; %d bad acknowledgements", marked, last, s.BadAcks)
			}
			if peer == "is slow to acknowledge" && s.DroppedAge == 0 {
				t.Error("nothing was dropped for its age")
			}
		})
	}
}

func TestAbsurdMarksFromUpstreamAreCut(t *testing.T) {
	q := sendq.New()
	for range 1000 {
		q.Push(sendq.Frame{DroppedBefore: 1<<32 - 1})
	}
	var last uint64
	for i, f := range popAll(q, 0) {
		if f.Sequence-last-1 != uint64(f.DroppedBefore) {
			t.Fatalf("frame %d: sequence %d after %d is marked %d", i, f.Sequence, last, f.DroppedBefore)
		}
		last = f.Sequence
	}
}

func TestItMayBeUsedFromManyGoroutines(t *testing.T) {
	q := sendq.New()
	const n = 5000
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range n {
			q.Push(sendq.Frame{Samples: 480, Made: time.Duration(i), Data: []byte(fmt.Sprint(i))})
		}
	})
	acks := make(chan uint64, 16)
	wg.Go(func() {
		for a := range acks {
			q.Ack(a)
			q.SetPeer(time.Duration(a)*ms, 0)
			q.Stats()
			q.Full()
		}
	})
	wg.Go(func() {
		defer close(acks)
		var f sendq.Frame
		var last uint64
		for last < n {
			if !q.Pop(&f, 0) {
				<-q.Ready()
				continue
			}
			if f.Sequence-last-1 != uint64(f.DroppedBefore) || string(f.Data) != fmt.Sprint(f.Sequence-1) {
				t.Errorf("sequence %d after %d is marked %d and says %q", f.Sequence, last, f.DroppedBefore, f.Data)
			}
			last = f.Sequence
			acks <- last
		}
	})
	wg.Wait()
	if s := q.Stats(); s.BadAcks != 0 || s.Popped+s.DroppedFull+s.DroppedAge != n {
		t.Errorf("%+v", s)
	}
}

func TestWhoPutsTellsNobody(t *testing.T) {
	q := sendq.New()
	q.Put(sendq.Frame{Samples: 960, Data: []byte{1}})
	if signalled(q.Ready()) {
		t.Error("somebody was told")
	}
	if q.Wake(); !signalled(q.Ready()) {
		t.Error("nobody was told")
	}
	if f := popAll(q, 0); len(f) != 1 || f[0].Sequence != 1 || signalled(q.Ready()) {
		t.Errorf("popped %+v", f)
	}
}
