package sendq_test

import (
	"testing"
	"time"

	"callcenter/audio/sendq"
)

// TestAMarkOfSilenceTakesItsSkippedSlotsWithIt drops the mark that announces a
// pause: the receiver must not take the slots of the pause for lost.
func TestAMarkOfSilenceTakesItsSkippedSlotsWithIt(t *testing.T) {
	q := acked(t)
	frames(q, 13, 0)
	last := popAll(q, 0)
	frames(q, 1, 260*ms)                // 15, too old later
	q.Push(sendq.Frame{Made: 280 * ms}) // 16, a mark
	for range 9 {                       // 17 to 25
		q.Skip()
	}
	q.Push(sendq.Frame{Made: 480 * ms}) // 26, the next mark
	q.Skip()
	q.Ack(last[12].Sequence)
	out := popAll(q, 500*ms)
	if len(out) != 1 || out[0].Sequence != 26 || out[0].DroppedBefore != 11 {
		t.Fatalf("left: %+v", out)
	}
	if s := q.Stats(); s.DroppedAge != 2 {
		t.Errorf("%d frames were dropped, want 2", s.DroppedAge)
	}
}

// TestAMarkDroppedInAPauseChangesNothing drops a repeated mark: the one before it
// explains all that follows.
func TestAMarkDroppedInAPauseChangesNothing(t *testing.T) {
	q := acked(t)
	q.Push(sendq.Frame{}) // 2
	popAll(q, 0)
	q.Skip()
	q.Push(sendq.Frame{Made: 200 * ms}) // 4
	q.Skip()
	q.Push(sendq.Frame{Made: 800 * ms}) // 6
	out := popAll(q, 800*ms)
	if len(out) != 1 || out[0].Sequence != 6 || out[0].DroppedBefore != 1 {
		t.Fatalf("left: %+v", out)
	}
}

// TestAPauseDoesNotStick closes the window, says nothing for a while, and talks
// on: marks need no room, and what comes after the pause leaves with the first
// acknowledgement.
func TestAPauseDoesNotStick(t *testing.T) {
	q := acked(t)
	frames(q, 13, 0)
	if n := len(popAll(q, 0)); n != 13 {
		t.Fatalf("%d left", n)
	}
	var now time.Duration
	for i := range 10 {
		now = time.Duration(i+1) * 200 * ms
		q.Push(sendq.Frame{Made: now})
		out := popAll(q, now)
		if len(out) != 1 || out[0].Samples != 0 {
			t.Fatalf("at %v there left %+v", now, out)
		}
		for range 9 {
			q.Skip()
		}
	}
	if s := q.Stats(); s.Waiting != 0 || s.InFlight != 260*ms {
		t.Fatalf("%+v", s)
	}
	frames(q, 2, now)
	if out := popAll(q, now); len(out) != 0 {
		t.Fatalf("a closed window lets %+v go", out)
	}
	signalled(q.Ready())
	q.Ack(17)
	if s := q.Stats(); s.BadAcks != 1 {
		t.Errorf("a slot that was skipped was acknowledged: %+v", s)
	}
	q.Ack(15) // the first mark
	if !signalled(q.Ready()) {
		t.Error("whoever sends is not told")
	}
	if out := popAll(q, now+20*ms); len(out) != 2 || q.Stats().InFlight != 40*ms {
		t.Errorf("%d left: %+v", len(out), q.Stats())
	}
}
