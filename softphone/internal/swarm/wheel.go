package swarm

import (
	"context"
	"sync"
	"time"

	"callcenter/audio"
)

// spoke is the time between two spokes of the wheel.
const spoke = time.Millisecond

// turner has its turn on the wheel: slot counts frames from the wheel's base,
// and at is when that turn was to be. It must not block.
type turner interface {
	turn(slot int64, at time.Duration)
}

// wheel gives every call its turn once a frame. A frame has a spoke each
// millisecond, and calls are spread over them. A few goroutines share the calls;
// each goes from spoke to spoke by absolute deadlines: one that is late catches
// up, and no turn is left out.
type wheel struct {
	clock  audio.Clock
	base   time.Duration
	spokes int // in a frame
	shards []*shard
}

type shard struct {
	mu    sync.Mutex
	calls [][]turner // by spoke
}

func newWheel(clock audio.Clock, base, frame time.Duration, shards int) *wheel {
	w := &wheel{clock: clock, base: base, spokes: int(frame / spoke)}
	for range shards {
		w.shards = append(w.shards, &shard{calls: make([][]turner, w.spokes)})
	}
	return w
}

// place is the spoke of the call number i. Multiples of the golden section leave
// no gap however many there are, and no pattern that rooms could share.
func (w *wheel) place(i int) int {
	const golden = 0.6180339887498949
	x := float64(i) * golden
	return int((x - float64(int(x))) * float64(w.spokes))
}

// phase is how long after each frame's beginning the turn of call i is.
func (w *wheel) phase(i int) time.Duration { return time.Duration(w.place(i)) * spoke }

// join gives the call number i its turns from now on.
func (w *wheel) join(i int, t turner) {
	s, at := w.shards[i%len(w.shards)], w.place(i)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[at] = append(s.calls[at], t)
}

// run turns until ctx ends. late is told how late each spoke with calls was, by
// several goroutines.
func (w *wheel) run(ctx context.Context, wg *sync.WaitGroup, late func(by, now time.Duration)) {
	for _, s := range w.shards {
		wg.Go(func() { w.roll(ctx, s, late) })
	}
}

func (w *wheel) roll(ctx context.Context, s *shard, late func(by, now time.Duration)) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for n := int64(0); ; n++ {
		at := w.base + time.Duration(n)*spoke
		now := w.clock()
		for now < at {
			timer.Reset(at - now)
			select {
			case <-timer.C:
			case <-ctx.Done():
				return
			}
			now = w.clock()
		}
		if ctx.Err() != nil {
			return
		}
		if s.turn(int(n%int64(w.spokes)), n/int64(w.spokes), at) {
			late(now-at, now)
		}
	}
}

// turn gives the calls of a spoke their turn, and reports whether there are any.
func (s *shard) turn(spoke int, slot int64, at time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.calls[spoke] {
		t.turn(slot, at)
	}
	return len(s.calls[spoke]) > 0
}
