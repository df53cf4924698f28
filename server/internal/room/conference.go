package room

import (
	"context"
	"log/slog"
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

// conference lets everyone hear those who have the floor but themselves. While
// it has members one goroutine ticks every 10 ms, on the room's own clock:
//
//  1. every second tick is a step: the floor is given to the loudest who talk,
//     by what senders say of their voice or, where they say nothing, by what
//     was decoded of it; and who hears one other directly is settled (direct.go)
//  2. the next 10 ms of every member come out of their playout buffer, decoded
//     for those who have the floor
//  3. those that are not silent are added up
//  4. each member with a voice in the sum gets it less that voice; the others all
//     get the same, through one limiter and one encoder for each coding there is
//  5. once that fills a frame, it is encoded and sent, or announced as silence
//     when nobody is heard in it
//
// While two hear each other directly there is nothing to do but 1, and ten ticks are
// made at a time.
//
// Frames begin with a step, so that a voice comes into the sum, or goes, between
// two frames of everyone. What a sender says of a frame is known when it comes,
// a buffer's delay before it is played: words are not chopped.
//
// A member that is slow to take its frames loses the oldest in its Downlink and
// delays nobody. One whose codec does not return holds up the others until the
// watch has noticed.
type conference struct {
	mu       sync.Mutex
	legs     []*conferenceLeg // replaced, never changed in place
	gone     []*conferenceLeg // left since the tick before
	serial   uint64           // participants so far
	metering metering

	name     string
	label    string        // of the goroutine, in profiles
	stalls   int           // conferences before this one that stood still
	phase    time.Duration // of its ticks
	clock    audio.Clock
	quit     chan struct{} // stop closes it
	newcomer chan struct{} // somebody joined
	finished chan struct{} // run closes it
	watched  chan struct{} // watch closes it
	givenUp  chan struct{} // closed when it is

	ticks  atomic.Uint64
	busy   atomic.Pointer[conferenceLeg] // whose turn it is in the tick; &nobody: given up
	nobody conferenceLeg

	shared map[coding]*coder // of those who only listen, under mu

	// Of run.
	clocked    *ticker
	effort     effort
	complexity int    // of the encoders
	now        uint64 // ticks, counted from 2: a coder that never ran is at rest
	floor      floor
	claims     []*claim // of the legs, in their order
	second     bool     // the next tick is the second of its step
	behind     bool     // the tick is of a step that is over: nobody begins with it
	mixes      int      // members who hear the mix
	direct     bool     // all two do not
	long       bool     // every member hears frames as long as a step
	sum        *mix.Sum
	last       *conferenceLeg // busy, as run left it
}

func newConference(name string, stalls, speakers int, clock audio.Clock) *conference {
	return &conference{
		name:       name,
		label:      name + " " + strconv.Itoa(stalls),
		stalls:     stalls,
		clock:      clock,
		quit:       make(chan struct{}),
		newcomer:   make(chan struct{}, 1),
		finished:   make(chan struct{}),
		watched:    make(chan struct{}),
		givenUp:    make(chan struct{}),
		shared:     make(map[coding]*coder),
		effort:     effort{best: complexity},
		complexity: complexity,
		now:        1,
		metering:   metering{open: stalls > 0},
		floor:      floor(speakers),
		claims:     make([]*claim, 0, MaxMembers),
		sum:        mix.NewSum(audio.PeriodSamples),
	}
}

// join adds a leg and tells everyone. It reports false if the room is full.
func (c *conference) join(l *conferenceLeg) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.legs) == MaxMembers {
		return false
	}
	c.share(l)
	c.serial++
	l.id = strconv.FormatUint(c.serial, 10)
	// Under the lock, so that all see comings and goings in one order.
	for _, other := range c.legs {
		l.tellOfLocked(other)
		other.tell(l.event(Joined))
	}
	c.legs = append(slices.Clone(c.legs), l)
	l.room = c
	select {
	case c.newcomer <- struct{}{}:
	default:
	}
	return true
}

// share gives a leg the coder of those who hear as it does, or where none can be
// had the leg's own.
func (c *conference) share(l *conferenceLeg) {
	key := l.speaker.coder.coding
	if c.shared[key] == nil {
		shared, err := newCoder(l.dir.cfg.Codecs, key.format, key.samples)
		if err != nil {
			l.shared = l.speaker.coder
			return
		}
		c.shared[key] = shared
	}
	l.shared = c.shared[key]
}

// part takes a leg out and tells the others. It reports whether the room is
// empty.
func (c *conference) part(l *conferenceLeg) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.legs = slices.DeleteFunc(slices.Clone(c.legs), func(other *conferenceLeg) bool { return other == l })
	alike := false
	c.gone = append(c.gone, l)
	l.untie()
	l.listener.Store(nil)
	for _, other := range c.legs {
		other.tell(l.event(Left))
		alike = alike || other.shared == l.shared
	}
	if !alike {
		delete(c.shared, l.speaker.coder.coding)
	}
	return len(c.legs) == 0
}

// stop ends run and waits for it, unless it hangs. What its clock counted goes to
// the log.
func (c *conference) stop(log *slog.Logger) {
	close(c.quit)
	select {
	case <-c.finished:
		<-c.watched
	case <-c.givenUp:
		return
	}
	log.LogAttrs(context.Background(), slog.LevelInfo, "room ended",
		slog.String("room", c.name),
		slog.Uint64("ticks", c.ticks.Load()),
		slog.Uint64("late", c.clocked.late),
		slog.Uint64("clock_resets", c.clocked.resets),
		slog.Uint64("effort_lowered", c.effort.lowered))
}

// run mixes until stop.
func (c *conference) run() {
	defer close(c.finished)
	pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), pprof.Labels(labelRoom, c.label)))
	t := newTicker(c.clock, audio.Period)
	t.next += c.phase
	c.clocked = t
	for {
		late := t.late
		ticks, at, anew, ok := t.wait(c.stride(), c.newcomer, c.quit)
		if !ok {
			return
		}
		isLate := t.late != late
		for ticks--; ticks >= 0; ticks-- {
			c.complexity = c.effort.tick(isLate)
			isLate, c.behind = false, ticks >= stepTicks
			if !c.tick(at-time.Duration(ticks)*audio.Period, anew) {
				return
			}
			anew = false
			c.ticks.Add(1)
		}
	}
}

// directTicks are made at a time where nothing is mixed and nobody comes: they only
// settle who has the floor.
const directTicks = 10

// stride returns how many ticks are made together. Where all frames are as long as a
// step it is no use to begin them before their end.
func (c *conference) stride() int {
	switch {
	case c.second:
		return 1
	case c.direct:
		return directTicks
	case c.long:
		return stepTicks
	}
	return 1
}

// tick makes the 10 ms that begin at the deadline at. It reports false when the
// conference was given up meanwhile.
func (c *conference) tick(at time.Duration, anew bool) bool {
	c.now++
	first := !c.second
	c.second = first
	legs, voices := c.begin()
	held := time.Duration(0)
	for _, l := range legs { // who must be decoded to learn how loud they are
		if !c.turn(l) {
			return false
		}
		if l.measured = c.mixes > 0 && !l.marked.Load(); l.measured {
			l.listen(at, c.heardBy(l))
		}
	}
	if first {
		c.step(at)
	}
	for _, l := range legs {
		if !c.turn(l) {
			return false
		}
		if !l.measured {
			l.listen(at, c.heardBy(l))
		}
		if l.join(first, c.heardBy(l)); l.audible {
			l.even()
			c.sum.Add(l.pcm[:])
			voices++
			held = max(held, l.delay)
		}
	}
	for _, l := range legs {
		if !c.turn(l) {
			return false
		}
		l.speak(c, voices, held, first, anew)
	}
	for _, l := range legs { // together: each that is woken between two encodes costs more
		if !c.turn(l) {
			return false
		}
		l.deliver()
	}
	return c.turn(nil)
}

// begin returns who is there, and begins the sum with the ends of those who have left
// since the tick before, so many.
func (c *conference) begin() (legs []*conferenceLeg, voices int) {
	c.sum.Reset()
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, l := range c.gone {
		if l.audible {
			l.fadeAway()
			c.sum.Add(l.pcm[:])
			voices++
		}
		c.gone[i] = nil
	}
	c.gone = c.gone[:0]
	return c.legs, voices
}

// step gives the floor anew and tells the others who took and who left it.
// Nothing in it waits; under the lock no member is taken away meanwhile.
func (c *conference) step(at time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.claims = c.claims[:0]
	for _, l := range c.legs {
		l.claimFloor(at)
		c.claims = append(c.claims, &l.claim)
	}
	c.floor.give(c.claims)
	for _, l := range c.legs {
		had := l.speaking
		l.speaking = l.claim.has
		l.entering, l.leaving = l.speaking && !had, had && !l.speaking
		if l.speaking == had {
			continue
		}
		c.tellOthersLocked(l, l.event(either(l.speaking, Speaking, Silent)))
	}
	c.settle()
	c.tellStatesLocked()
	c.tellLevelsLocked()
}

// panicked makes an error of a recovered panic.
func panicked(value any) error { return &panicError{value, debug.Stack()} }
