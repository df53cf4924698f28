// Package impair makes the way of packets worse on purpose, between a call's
// receive loop and its playout, so that an operator can hear what delay, jitter
// and loss do.
//
// Packets come out in the order in which they went in, as over TCP: jitter holds
// a packet back, and those behind it wait. Lost are packets with audio; marks of
// silence always come through, so that what is lost is speech. Another delay is
// another clock to whoever plays the packets: Turn says so before the first
// packet that has it, a change of epoch then lets the ear go over in one
// cross-fade instead of learning a network that changes.
//
// The receive loop calls Turn and Take, the ear Release; all methods take one
// lock and are safe for concurrent use. Nothing waits, there is no timer: an ear
// asks for sound every few milliseconds, and sooner nobody would notice what is
// due. Data is copied into memory that is used again. Times are readings of one
// audio.Clock.
package impair

import (
	"math/rand/v2"
	"sync"
	"time"

	"callcenter/audio/jitter"
	"callcenter/softphone/internal/callstate"
)

const (
	// room is how many packets are held at most: more than the longest delay
	// with the longest jitter in packets of 2.5 ms.
	room = 512
	// settle is how long after a change of the delay the next is made, beyond
	// the change itself: a key that is held down makes few of them.
	settle = 300 * time.Millisecond
	// seed makes every call meet the same luck, so that trials compare.
	seed = 6
)

// Stats are counters of a Line.
type Stats struct {
	Lost    uint64        // packets with audio, on purpose
	Refused uint64        // packets for which there was no room
	On      time.Duration // how long something was added
	// Last is what was added last.
	Last callstate.Training
}

// Line is the worsened way. Use New.
type Line struct {
	mu    sync.Mutex
	set   callstate.Training
	delay time.Duration // of the packets that come in now
	free  time.Duration // when the delay may be changed next
	luck  *rand.Rand

	held    [room]packet
	first   int // of held, modulo room
	waiting int
	due     time.Duration // of the newest

	mean  time.Duration // exponential, of what packets are held
	since time.Duration // when something was first added; then on
	on    bool
	stats Stats
}

type packet struct {
	jitter.Packet
	due    time.Duration
	memory []byte // of Data; it stays with the place
}

// New returns a line that adds nothing.
func New() *Line { return &Line{luck: rand.New(rand.NewPCG(seed, seed))} } //nolint:gosec // no secret

// Set says what is to be added, within callstate's bounds.
func (l *Line) Set(t callstate.Training, now time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.set = t.Bounded()
	if l.on {
		l.stats.On += now - l.since
	}
	l.on, l.since = l.set.On(), now
	if l.on {
		l.stats.Last = l.set
	}
}

// Training is what was set.
func (l *Line) Training() callstate.Training {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.set
}

// Turn goes over to the delay that was set, and reports whether it did: packets
// from now on are on another clock. Where the delay is less, what is held is due
// at once.
func (l *Line) Turn(now time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.set.Delay == l.delay || now < l.free {
		return false
	}
	change := l.set.Delay - l.delay
	l.delay, l.free = l.set.Delay, now+max(change, -change)+settle
	l.mean = l.delay
	if change < 0 {
		for i := range l.waiting {
			p := &l.held[(l.first+i)%room]
			p.due = min(p.due, now)
		}
		l.due = now
	}
	return true
}

// Take takes a packet that arrived at now and copies its data, or reports that
// there is nothing to add to its way.
func (l *Line) Take(p jitter.Packet, now time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.delay == 0 && !l.set.On() && l.waiting == 0:
		return false
	case len(p.Data) > 0 && 100*l.luck.Float64() < l.set.LossPct:
		l.stats.Lost++
		return true
	case l.waiting == room:
		l.stats.Refused++
		return true
	}
	due := now + l.delay
	if l.set.Jitter > 0 {
		due += time.Duration(l.luck.Int64N(int64(l.set.Jitter)))
	}
	l.due = max(l.due, due)
	slot := &l.held[(l.first+l.waiting)%room]
	l.waiting++
	slot.memory = append(slot.memory[:0], p.Data...)
	slot.Packet, slot.due = p, l.due
	slot.Data = slot.memory
	l.mean += (l.due - now - l.mean) / 16
	return true
}

// Release gives what is due at now to push, with the time at which it was. push
// must not keep the data, nor call the line.
func (l *Line) Release(now time.Duration, push func(p jitter.Packet, due time.Duration)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.waiting > 0 && l.held[l.first].due <= now {
		p := &l.held[l.first]
		push(p.Packet, p.due)
		l.first = (l.first + 1) % room
		l.waiting--
	}
}

// Flush throws away what is held.
func (l *Line) Flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.first, l.waiting = 0, 0
}

// Empty reports that nothing is held.
func (l *Line) Empty() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waiting == 0
}

// Mean is how long packets are held of late, 0 while nothing is added. What a
// jitter buffer takes in of it is in the buffer's delay, and not in what a packet
// waits there.
func (l *Line) Mean() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.delay == 0 && l.set.Jitter == 0 {
		return 0
	}
	return l.mean
}

// Stats returns the counters as of now.
func (l *Line) Stats(now time.Duration) Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.stats
	if l.on {
		s.On += now - l.since
	}
	return s
}
