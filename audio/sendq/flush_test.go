package sendq

import "testing"

func TestWhatWaitsLeavesOnceThePeerHungUp(t *testing.T) {
	q := New()
	var f Frame
	for i := range 30 {
		q.Push(Frame{Samples: 960, Tag: uint32(i)})
	}
	if !q.Pop(&f, 0) {
		t.Fatal("nothing to send")
	}
	q.Ack(f.Sequence)
	n := uint32(1)
	for ; q.Pop(&f, 0); n++ {
	}
	if n == 30 {
		t.Fatal("the window caps nothing")
	}
	q.Flush()
	for ; q.Pop(&f, 0); n++ {
		if f.Tag != n || f.DroppedBefore != 0 {
			t.Fatalf("frame %d has tag %d, %d dropped before", n, f.Tag, f.DroppedBefore)
		}
	}
	if n != 30 {
		t.Fatalf("%d frames left of 30", n)
	}
}
