package sendq

import "time"

const (
	// maxFlight is how many frames on their way are remembered: 5 s in frames of
	// 10 ms. Of more the oldest are forgotten, until a newer one is acknowledged.
	maxFlight   = 512
	firstFlight = 32
)

// flight remembers, in order, the frames on their way: how many samples had been
// handed out with each. It grows to what the window needs.
type flight struct {
	marks []mark // a ring, its size a power of two
	head  int    // oldest
	count int
}

type mark struct {
	sequence, total uint64
	dropped         uint32 // as the frame said
	silent          bool   // it was a mark of silence
	made            time.Duration
}

func (f *flight) at(i int) *mark { return &f.marks[(f.head+i)&(len(f.marks)-1)] }

// add appends the newest frame.
func (f *flight) add(m mark) {
	switch {
	case f.count < len(f.marks):
	case len(f.marks) == maxFlight:
		f.forget(1)
	default:
		f.grow()
	}
	f.count++
	*f.at(f.count - 1) = m
}

func (f *flight) grow() {
	marks := make([]mark, max(firstFlight, 2*len(f.marks)))
	for i := range f.count {
		marks[i] = *f.at(i)
	}
	f.marks, f.head = marks, 0
}

// forget removes the n oldest frames.
func (f *flight) forget(n int) {
	f.head = (f.head + n) & (len(f.marks) - 1)
	f.count -= n
}

// land removes every frame up to sequence, if it is one of them, and returns
// what is known of that one.
func (f *flight) land(sequence uint64) (m mark, ok bool) {
	low, high := 0, f.count
	for low < high {
		if mid := (low + high) / 2; f.at(mid).sequence < sequence {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if low == f.count || f.at(low).sequence != sequence {
		return mark{}, false
	}
	m = *f.at(low)
	f.forget(low + 1)
	return m, true
}

// forgotten reports a sequence older than all that are remembered.
func (f *flight) forgotten(sequence uint64) bool {
	return f.count == maxFlight && sequence < f.at(0).sequence
}
