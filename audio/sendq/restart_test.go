package sendq_test

import (
	"testing"

	"callcenter/audio/sendq"
)

// TestWhatABrokenStreamSwallowedIsMarked sends ten frames into a stream of which
// the peer took four.
func TestWhatABrokenStreamSwallowedIsMarked(t *testing.T) {
	q := acked(t)
	frames(q, 10, 0) // 2 to 11
	popAll(q, 0)
	q.Restart(5)
	frames(q, 2, 0)
	out := popAll(q, 0)
	if len(out) != 2 || out[0].Sequence != 12 || out[0].DroppedBefore != 6 || out[1].DroppedBefore != 0 {
		t.Fatalf("left: %+v", out)
	}
	s := q.Stats()
	if s.DroppedRestart != 6 || s.Dropped() != 6 || s.BadAcks != 0 || s.InFlight != 40*ms {
		t.Errorf("%+v", s)
	}
	q.Ack(8) // taken from the old stream after all
	q.Ack(13)
	if s := q.Stats(); s.BadAcks != 0 || s.InFlight != 0 {
		t.Errorf("after acknowledgements: %+v", s)
	}
}

// TestWhatWaitedThroughABreakIsFresh breaks a stream for ten seconds in which the
// frames go on.
func TestWhatWaitedThroughABreakIsFresh(t *testing.T) {
	q := acked(t)
	frames(q, 600, 0) // 2 to 601, the newest made at 11.98 s
	q.Restart(1)
	out := popAll(q, 12000*ms)
	if len(out) == 0 || len(out) > 10 || 12000*ms-out[0].Made > sendq.AgeLimit {
		t.Fatalf("%d frames left, the first made at %v", len(out), out[0].Made)
	}
	if want := out[0].Sequence - 2; uint64(out[0].DroppedBefore) != want {
		t.Errorf("%d are marked as dropped, want %d", out[0].DroppedBefore, want)
	}
}

// TestABreakWithinASilenceMarksOnlyWhatWasSaid has the peer take the mark of a
// silence and lose what follows.
func TestABreakWithinASilenceMarksOnlyWhatWasSaid(t *testing.T) {
	q := acked(t)
	q.Push(sendq.Frame{}) // 2, taken
	popAll(q, 0)
	for range 9 {
		q.Skip() // 3 to 11
	}
	q.Push(sendq.Frame{}) // 12, lost
	popAll(q, 0)
	q.Skip()
	frames(q, 1, 0) // 14, lost
	popAll(q, 0)
	q.Restart(2)
	frames(q, 1, 0)
	if out := popAll(q, 0); len(out) != 1 || out[0].Sequence != 15 || out[0].DroppedBefore != 2 {
		t.Fatalf("left: %+v", out)
	}
}

// TestALostMarkOfSilenceTakesItsSlotsWithIt has the peer take speech and lose the
// mark after it: the skipped slots must not be taken for lost.
func TestALostMarkOfSilenceTakesItsSlotsWithIt(t *testing.T) {
	q := acked(t)
	q.Push(sendq.Frame{}) // 2, lost
	popAll(q, 0)
	for range 9 {
		q.Skip() // 3 to 11
	}
	q.Restart(1)
	q.Restart(1) // and once more before anything left
	frames(q, 1, 0)
	if out := popAll(q, 0); len(out) != 1 || out[0].Sequence != 12 || out[0].DroppedBefore != 10 {
		t.Fatalf("left: %+v", out)
	}
}

func TestAFirstStreamThatBrokeBeforeItsFirstAcknowledgement(t *testing.T) {
	q := sendq.New()
	frames(q, 3, 0)
	popAll(q, 0)
	q.Restart(0)
	frames(q, 1, 0)
	if out := popAll(q, 0); len(out) != 1 || out[0].DroppedBefore != 3 {
		t.Fatalf("left: %+v", out)
	}
	q.Restart(99) // nonsense
	frames(q, 1, 0)
	if out := popAll(q, 0); len(out) != 1 || out[0].DroppedBefore != 4 || q.Stats().BadAcks != 1 {
		t.Fatalf("left: %+v", out)
	}
}
