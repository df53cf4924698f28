package room

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"runtime/pprof"
	"slices"
	"time"

	"callcenter/audio"
)

// A codec that never returns must not take a room with it. Each conference is
// watched by a goroutine that, in the order of the functions here:
//
//  1. sees that the ticks have stopped
//  2. takes the turn away from the stuck goroutine, which touches no other member
//     from then on, and learns whose turn it was
//  3. puts the others into a fresh conference under the same name, as they are:
//     they hear a gap and keep their calls
//  4. fails the call of the one in whose codec it is stuck

const (
	// stallLimit is how long a conference may be without a tick, and watchInterval
	// how often it is looked at: it is noticed within 2 s. Looks are counted rather
	// than a clock read, so that a process that was stopped for a while does not
	// blame its rooms.
	stallLimit    = 1750 * time.Millisecond
	watchInterval = 250 * time.Millisecond
	// maxStalls is how often a conference is replaced before its members are told
	// to call again, not counting those before one that ticked for healthyTicks.
	maxStalls    = 3
	healthyTicks = uint64(time.Minute / audio.Period)
	// maxStack is the most that the log is told of a stuck goroutine, in bytes.
	maxStack = 8 << 10

	labelRoom = "room"
)

// ErrStalled marks the end of a room that stood still again and again. Whoever
// calls again gets a new one.
var ErrStalled = errors.New("the room stood still")

// stalledError says that a member's coding does not return.
type stalledError struct {
	stack []byte
}

func (e *stalledError) Error() string { return "coding for this member does not return" }

// Stack returns where the room's goroutine is stuck.
func (e *stalledError) Stack() []byte { return e.stack }

// watch waits until run has ended, or tells the directory that it hangs.
func (c *conference) watch(d *Directory) {
	defer close(c.watched)
	look := time.NewTicker(watchInterval)
	defer look.Stop()
	ticks, idle := uint64(0), time.Duration(0)
	for {
		select {
		case <-c.finished:
			return
		case <-look.C:
		}
		idle += watchInterval
		if n := c.ticks.Load(); n != ticks {
			ticks, idle = n, 0
		}
		if idle >= stallLimit {
			d.replace(c)
			return
		}
	}
}

// turn gives a member its turn in the tick, nil ends the tick. It reports false
// once the conference was given up: then no member may be touched any more.
func (c *conference) turn(l *conferenceLeg) bool {
	if !c.busy.CompareAndSwap(c.last, l) {
		return false
	}
	c.last = l
	return true
}

// replace gives up a conference that does not tick any more.
func (d *Directory) replace(c *conference) {
	stuck := c.busy.Swap(&c.nobody)
	stack := stackOf(c.label)
	if stuck != nil {
		stuck.dead.Store(true)
	}
	close(c.givenUp)

	d.mu.Lock()
	legs := c.empty(stuck)
	stalls := c.stalls + 1
	if c.ticks.Load() > healthyTicks {
		stalls = 1
	}
	fresh := len(legs) > 0 && stalls <= maxStalls
	if d.rooms[c.name] == c {
		delete(d.rooms, c.name)
	}
	if fresh {
		d.openLocked(c.name, stalls, c.serial, legs)
	}
	d.mu.Unlock()

	callID := ""
	if stuck != nil {
		callID = stuck.member.CallID
		stuck.down.Fail(&stalledError{stack})
	}
	if !fresh {
		for _, l := range legs {
			l.down.Fail(ErrStalled)
		}
	}
	d.cfg.Log.LogAttrs(context.Background(), slog.LevelError, "room stood still",
		slog.String("room", c.name),
		slog.String("call_id", callID),
		slog.Int("members", len(legs)),
		slog.Bool("replaced", fresh),
		slog.String("stack", string(stack)))
}

// empty takes everyone out, tells them that stuck has left, and returns the
// others.
func (c *conference) empty(stuck *conferenceLeg) []*conferenceLeg {
	c.mu.Lock()
	defer c.mu.Unlock()
	legs := slices.Clone(c.legs)
	if i := slices.Index(legs, stuck); i >= 0 {
		legs = slices.Delete(legs, i, i+1)
		for _, l := range legs {
			l.tell(stuck.event(Left))
		}
	}
	for _, l := range c.legs {
		l.room = nil
		l.untie()
		l.listener.Store(nil)
	}
	c.legs = nil
	return legs
}

// stackOf returns the stacks of the goroutines with that label, as profiles show
// them.
func stackOf(label string) []byte {
	var all bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&all, 1) // a Buffer takes everything
	var found []byte
	for stack := range bytes.SplitSeq(all.Bytes(), []byte("\n\n")) {
		if bytes.Contains(stack, []byte(`"`+label+`"`)) {
			found = append(found, stack...)
		}
	}
	return found[:min(len(found), maxStack)]
}
