//go:build !race

package sendq_test

import (
	"testing"

	"callcenter/audio/sendq"
)

func TestNothingAllocatesOnceSlotsHaveGrown(t *testing.T) {
	q := sendq.New()
	data := make([]byte, 80)
	f := sendq.Frame{Data: make([]byte, 0, 80)}
	step := func() {
		q.Push(sendq.Frame{Samples: 960, Data: data})
		q.Pop(&f, 0)
		q.Ack(f.Sequence)
	}
	for range sendq.Capacity {
		step()
	}
	if n := testing.AllocsPerRun(1000, step); n != 0 {
		t.Errorf("a frame costs %v allocations", n)
	}
}

func BenchmarkPushPopAck(b *testing.B) {
	q := sendq.New()
	data := make([]byte, 80)
	var f sendq.Frame
	b.ReportAllocs()
	for b.Loop() {
		q.Push(sendq.Frame{Samples: 960, Data: data})
		q.Pop(&f, 0)
		q.Ack(f.Sequence)
	}
}
