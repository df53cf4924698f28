package sendq_test

import (
	"testing"

	"callcenter/audio/sendq"
)

func TestWhatIsDiscardedIsMarkedOnTheNextFrame(t *testing.T) {
	q := sendq.New()
	for range 3 {
		q.Push(sendq.Frame{Samples: 960, Data: []byte{1}})
	}
	q.Discard()
	if s := q.Stats(); s.Waiting != 0 || s.DroppedAge != 3 {
		t.Errorf("%d frames wait, %d were dropped", s.Waiting, s.DroppedAge)
	}
	q.Push(sendq.Frame{Samples: 960, Data: []byte{2}})
	var f sendq.Frame
	if !q.Pop(&f, 0) || f.Sequence != 4 || f.DroppedBefore != 3 || f.Data[0] != 2 {
		t.Errorf("the next frame is %+v", f)
	}
}
