package call

import (
	"testing"

	"callcenter/audio/jitter"
)

func TestWhatCarriersBringBecomesOneSequence(t *testing.T) {
	h := &hearing{}
	first := &carrier{number: 1, server: "a"}
	resumed := &carrier{number: 2, server: "a"}
	restarted := &carrier{number: 4, server: "a"}
	other := &carrier{number: 5, server: "b"}
	for i, s := range []struct {
		from         *carrier
		sequence     uint64
		epoch        uint32
		dropped      int
		wantSequence uint64
		wantEpoch    uint32
		wantDropped  int
		refused      bool
	}{
		{from: first, sequence: 1, epoch: 7, wantSequence: 1, wantEpoch: 7},
		{from: first, sequence: 2, epoch: 8, wantSequence: 2, wantEpoch: 8}, // another speaker
		// The server knows the call: the gap is what it says.
		{from: resumed, sequence: 12, epoch: 8, dropped: 9, wantSequence: 12, wantEpoch: 9, wantDropped: 9},
		{from: first, sequence: 3, epoch: 8, refused: true},
		// It does not: it counts from 1, its epochs too.
		{from: restarted, sequence: 3, epoch: 1, dropped: 2, wantSequence: 13, wantEpoch: 10},
		{from: restarted, sequence: 4, epoch: 2, wantSequence: 14, wantEpoch: 11},
		{from: other, sequence: 5000, epoch: 1, dropped: 4000, wantSequence: 15, wantEpoch: 12},
		{from: other, sequence: 5001, epoch: 1, wantSequence: 16, wantEpoch: 12},
		{from: restarted, sequence: 5, epoch: 2, refused: true},
	} {
		p := jitter.Packet{Sequence: s.sequence, Epoch: s.epoch, DroppedBefore: s.dropped}
		if ok := h.place(s.from, &p); ok == s.refused {
			t.Errorf("packet %d: taken %v", i, ok)
		}
		if s.refused {
			continue
		}
		if p.Sequence != s.wantSequence || p.Epoch != s.wantEpoch || p.DroppedBefore != s.wantDropped {
			t.Errorf("packet %d became %+v, want sequence %d, epoch %d, %d dropped", i, p, s.wantSequence, s.wantEpoch, s.wantDropped)
		}
		if wire, ok := h.sentAs(p.Epoch); !ok || wire != s.epoch {
			t.Errorf("packet %d was sent as epoch %d, %v", i, wire, ok)
		}
		if _, ok := h.sentAs(p.Epoch - 1); ok {
			t.Errorf("after packet %d an older epoch is known", i)
		}
	}
	if a, b := h.newest("a"), h.newest("b"); a != 0 || b != 5001 {
		t.Errorf("newest of a %d, of b %d", a, b)
	}
	h.shut(5)
	if p := (jitter.Packet{Sequence: 5002, Epoch: 1}); h.place(other, &p) {
		t.Error("a carrier that is shut is heard")
	}
}

func TestAServerIsToldItsOwnToken(t *testing.T) {
	k := &tokens{own: "mine", byServer: make(map[string]string)}
	if k.forServer("a") != "mine" {
		t.Error("the first opening has no token of ours")
	}
	k.take("a", "1")
	k.take("b", "2")
	if a, b, c := k.forServer("a"), k.forServer("b"), k.forServer("c"); a != "1" || b != "2" || c != "mine" {
		t.Errorf("a is told %s, b %s and one that gave none %s", a, b, c)
	}
	k.forget("a")
	if a := k.forServer("a"); a != "mine" {
		t.Errorf("a, where the call has ended, is told %s", a)
	}
}
