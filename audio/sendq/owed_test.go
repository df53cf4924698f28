package sendq_test

import "testing"

func TestTheOldestFrameThatThePeerOwesAnAcknowledgementForIsKnown(t *testing.T) {
	q := acked(t)
	if s := q.Stats(); s.Owed {
		t.Errorf("all is acknowledged: %+v", s)
	}
	frames(q, 3, 100*ms) // 2 to 4
	if s := q.Stats(); !s.Owed || s.OldestMade != 100*ms {
		t.Errorf("what waits is owed: %+v", s)
	}
	popAll(q, 160*ms)
	q.Ack(2)
	if s := q.Stats(); !s.Owed || s.OldestMade != 120*ms {
		t.Errorf("what is on its way is owed, the oldest first: %+v", s)
	}
	frames(q, 1, 160*ms)
	q.Restart(3)
	if s := q.Stats(); !s.Owed || s.OldestMade != 160*ms {
		t.Errorf("what a broken stream swallowed is owed no more: %+v", s)
	}
	popAll(q, 160*ms)
	q.Ack(5)
	if s := q.Stats(); s.Owed {
		t.Errorf("all is acknowledged again: %+v", s)
	}
}
