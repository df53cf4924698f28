package sendq_test

import (
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/sendq"
)

// FuzzScript plays any script of calls. Whatever a peer and a pusher do, every
// frame is somewhere, every gap is explained, and no more is on its way than the
// window had room for when it left.
func FuzzScript(f *testing.F) {
	f.Add([]byte{0, 10, 0, 10, 6, 0, 7, 1, 0, 200, 6, 0})
	f.Add([]byte{0, 10, 6, 0, 7, 0, 1, 0, 2, 0, 2, 0, 5, 250, 1, 0, 0, 9, 6, 0})
	f.Add([]byte{3, 1, 0, 255, 0, 255, 0, 255, 6, 0, 7, 0, 4, 77, 5, 255, 3, 0, 6, 1, 9, 0})
	f.Add([]byte{0, 10, 0, 10, 6, 3, 7, 1, 10, 0, 0, 9, 6, 3, 10, 2, 1, 0, 2, 0, 6, 0, 10, 0, 0, 3, 6, 0})
	f.Fuzz(func(t *testing.T, script []byte) {
		s := scripted{q: sendq.New(), t: t}
		for ; len(script) >= 2; script = script[2:] {
			s.step(script[0]%11, script[1])
			s.check()
		}
	})
}

type scripted struct {
	t *testing.T
	q *sendq.Queue

	now       time.Duration
	pushed    uint64
	last      sendq.Frame // the newest that left
	sequences []uint64    // that left
	flushed   bool
}

func (s *scripted) step(what, n byte) {
	switch what {
	case 0:
		s.push(sendq.Frame{Samples: 48 * int(n), Made: s.now})
	case 1:
		s.push(sendq.Frame{Made: s.now, DroppedBefore: uint32(n % 2)})
	case 2:
		s.q.Skip()
	case 3:
		s.q.SetComplete(n%2 == 1)
	case 4:
		s.q.SetPeer(time.Duration(n)*8*ms, time.Duration(n%16)*40*ms)
	case 5:
		s.now += time.Duration(n) * 4 * ms
	case 6:
		for range n%8 + 1 {
			s.pop()
		}
	case 7: // a frame that left, the newest for 0
		if i := len(s.sequences) - 1 - int(n); i >= 0 {
			s.q.Ack(s.sequences[i])
		}
	case 8:
		s.q.Ack(uint64(n) * uint64(n))
	case 9:
		s.q.Flush()
		s.flushed = true
	case 10:
		if i := len(s.sequences) - 1 - int(n); i >= 0 {
			s.q.Restart(s.sequences[i])
			s.last = sendq.Frame{} // the gap may reach back to the first
		}
	}
}

func (s *scripted) push(f sendq.Frame) {
	s.q.Push(f)
	s.pushed++
}

func (s *scripted) pop() {
	var f sendq.Frame
	if !s.q.Pop(&f, s.now) {
		return
	}
	gap := f.Sequence - s.last.Sequence - 1
	// Slots may be skipped after a mark; here also elsewhere, which nothing
	// has to explain.
	if uint64(f.DroppedBefore) > gap {
		s.t.Fatalf("sequence %d after %d is marked %d", f.Sequence, s.last.Sequence, f.DroppedBefore)
	}
	s.last = f
	s.sequences = append(s.sequences, f.Sequence)
	st := s.q.Stats()
	alone := st.InFlight <= audio.Duration(f.Samples)
	if st.Window > 0 && st.InFlight > st.Window && !alone && !s.flushed && f.Samples > 0 {
		s.t.Fatalf("%v is on its way in a window of %v", st.InFlight, st.Window)
	}
}

func (s *scripted) check() {
	st := s.q.Stats()
	if st.Pushed != s.pushed || st.Popped != uint64(len(s.sequences)) ||
		st.Pushed != st.Popped+st.DroppedAge+st.DroppedFull+uint64(st.Waiting) {
		s.t.Fatalf("%d pushed, %d left: %+v", s.pushed, len(s.sequences), st)
	}
	if st.InFlight < 0 || st.Waiting > sendq.CompleteCapacity {
		s.t.Fatalf("%+v", st)
	}
}
