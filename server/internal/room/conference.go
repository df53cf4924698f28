package room

import (
	"context"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"callcenter/audio"
	"callcenter/audio/mix"
)

// conference lets everyone hear everyone but themselves. While it has members
// one goroutine ticks every 10 ms, on the room's own clock:
//
//  1. the next 10 ms of every member come out of their playout buffer
//  2. those that are not silent are added up
//  3. each member gets the sum less their own voice, through their limiter
//  4. once that fills a frame of theirs, it is encoded and sent, or announced as
//     silence when nobody is heard in it
//
// A member that is slow to take its frames loses the oldest in its Downlink and
// delays nobody. One whose codec does not return holds up the others until the
// watch has noticed.
type conference struct {
	mu     sync.Mutex
	legs   []*conferenceLeg // replaced, never changed in place
	serial uint64           // participants so far

	name     string
	label    string // of the goroutine, in profiles
	stalls   int    // conferences before this one that stood still
	clock    audio.Clock
	quit     chan struct{} // stop closes it
	finished chan struct{} // run closes it
	watched  chan struct{} // watch closes it
	gone     chan struct{} // closed when it is given up

	ticks  atomic.Uint64
	busy   atomic.Pointer[conferenceLeg] // whose turn it is in the tick; &nobody: given up
	nobody conferenceLeg

	// Of run.
	sum  *mix.Sum
	last *conferenceLeg // busy, as run left it
}

func newConference(name string, stalls int, clock audio.Clock) *conference {
	return &conference{
		name:     name,
		label:    name + " " + strconv.Itoa(stalls),
		stalls:   stalls,
		clock:    clock,
		quit:     make(chan struct{}),
		finished: make(chan struct{}),
		watched:  make(chan struct{}),
		gone:     make(chan struct{}),
		sum:      mix.NewSum(audio.PeriodSamples),
	}
}

// join adds a leg and tells everyone. It reports false if the room is full.
func (c *conference) join(l *conferenceLeg) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.legs) == MaxMembers {
		return false
	}
	c.serial++
	l.id = strconv.FormatUint(c.serial, 10)
	// Under the lock, so that all see comings and goings in one order.
	for _, other := range c.legs {
		l.tell(Event{Joined, other.id, other.member.Name})
		other.tell(Event{Joined, l.id, l.member.Name})
	}
	c.legs = append(slices.Clone(c.legs), l)
	l.room = c
	return true
}

// part takes a leg out and tells the others. It reports whether the room is
// empty.
func (c *conference) part(l *conferenceLeg) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.legs = slices.DeleteFunc(slices.Clone(c.legs), func(other *conferenceLeg) bool { return other == l })
	for _, other := range c.legs {
		other.tell(Event{Left, l.id, l.member.Name})
	}
	return len(c.legs) == 0
}

// stop ends run and waits for it, unless it hangs.
func (c *conference) stop() {
	close(c.quit)
	select {
	case <-c.finished:
		<-c.watched
	case <-c.gone:
	}
}

// run mixes until stop.
func (c *conference) run() {
	defer close(c.finished)
	pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), pprof.Labels(labelRoom, c.label)))
	t := newTicker(c.clock, audio.Period)
	for {
		at, anew, ok := t.wait(c.quit)
		if !ok {
			return
		}
		if !c.tick(at, anew) {
			return
		}
		c.ticks.Add(1)
	}
}

// tick makes the 10 ms that begin at the deadline at. It reports false when the
// conference was given up meanwhile.
func (c *conference) tick(at time.Duration, anew bool) bool {
	c.mu.Lock()
	legs := c.legs
	c.mu.Unlock()

	c.sum.Reset()
	voices := 0
	for _, l := range legs {
		if !c.turn(l) {
			return false
		}
		if l.listen(at) {
			c.sum.Add(l.pcm[:])
			voices++
		}
	}
	for _, l := range legs {
		if !c.turn(l) {
			return false
		}
		l.speak(c.sum, voices, anew)
	}
	return c.turn(nil)
}

// panicked makes an error of a recovered panic.
func panicked(value any) error { return &panicError{value, debug.Stack()} }
