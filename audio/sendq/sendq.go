// Package sendq is the sender's half of the jitter buffer: the queue between
// whoever makes frames (the microphone, a room) and the goroutine that sends
// them. The softphone's uplink and every downlink of the server use it.
//
// A transport over TCP hides seconds of audio before a send blocks, so a queue
// alone bounds nothing. The receiver acknowledges what it took, and the queue
// hands out a frame only while the audio on its way is within the window:
//
//	smoothed RTT + 60 ms + max(200 ms, the receiver's target + 100 ms)
//
// Meanwhile frames wait, and one that waited longer than the age limit is
// dropped, oldest first, counted, and marked on the frame after it. A peer that
// never acknowledges has no window; its transport bounds what is on its way,
// and Full lets a sender that must not drop wait for room.
//
// The queue numbers the frames: every frame offered takes a sequence, sent or
// not. Data is copied in and out, so that callers keep their buffers. One
// goroutine pushes, one pops, any may acknowledge or read statistics; a mutex
// is held for one copy. Lengths are 48 kHz samples, times readings of one
// audio.Clock. Nothing allocates once the slots have grown to the frames' size.
package sendq

import (
	"math"
	"sync"
	"time"

	"callcenter/audio"
)

const (
	// Capacity is how many frames wait at most.
	Capacity = 32
	// AgeLimit is how long a frame waits at most before it is dropped.
	AgeLimit = 200 * time.Millisecond

	ackInterval = 60 * time.Millisecond
	minWindow   = 200 * time.Millisecond
	targetSlack = 100 * time.Millisecond

	// flight remembers the frames on their way, by sequence.
	flight = 4096

	// maxDropped is the most that a frame may say was dropped before it: what
	// comes from a peer must not use up the numbers.
	maxDropped = 1 << 16
)

// Frame is one frame, or a mark without audio, on its way out.
type Frame struct {
	Sequence      uint64 // given by Push
	DroppedBefore uint32 // given by Pop; on Push, what was dropped before the queue
	Epoch         uint32
	Media         uint64        // as on the wire
	Marks         uint32        // as on the wire
	Samples       int           // how long it plays
	Made          time.Duration // when it was taken or received, for the age
	Tag           uint32        // the pusher's own, carried along
	Data          []byte
}

// Stats are counters since the queue was made.
type Stats struct {
	Pushed, Popped uint64        // frames
	DroppedAge     uint64        // waited too long
	DroppedFull    uint64        // pushed out by newer ones
	BadAcks        uint64        // acknowledged what was never sent, or less than before
	Waiting        int           // frames in the queue now
	InFlight       time.Duration // audio sent and not acknowledged
	Window         time.Duration // 0: the peer does not acknowledge
}

// Queue is a bounded queue of frames. Use New.
type Queue struct {
	mu     sync.Mutex
	ring   [Capacity]Frame
	head   int // oldest
	length int
	last   uint64 // newest sequence given
	carry  uint32 // dropped since the last frame handed out

	// Cumulative samples at each sequence handed out, for what is in flight.
	sent     [flight]mark
	total    uint64 // samples handed out
	acked    uint64 // samples acknowledged
	lastAck  uint64
	acks     bool // the peer acknowledges
	flushing bool // and will no more
	window   time.Duration

	ready, room chan struct{}
	stats       Stats
}

type mark struct {
	sequence, total uint64
}

// New returns an empty queue.
func New() *Queue {
	q := &Queue{ready: make(chan struct{}, 1), room: make(chan struct{}, 1)}
	q.setWindow(0, 0)
	return q
}

// Ready is signalled when Pop may have something.
func (q *Queue) Ready() <-chan struct{} { return q.ready }

// Room is signalled when a full queue has room again.
func (q *Queue) Room() <-chan struct{} { return q.room }

// Full reports that Push would drop a frame.
func (q *Queue) Full() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.length == Capacity
}

// Push appends a frame, copying its data, and gives it the next sequence. When
// the queue is full the oldest frame is dropped.
func (q *Queue) Push(f Frame) {
	q.mu.Lock()
	if q.length == Capacity {
		q.drop(&q.stats.DroppedFull)
	}
	f.DroppedBefore = min(f.DroppedBefore, maxDropped)
	q.last += uint64(f.DroppedBefore) + 1
	f.Sequence = q.last
	slot := &q.ring[(q.head+q.length)%Capacity]
	data := append(slot.Data[:0], f.Data...)
	*slot = f
	slot.Data = data
	q.length++
	q.stats.Pushed++
	q.mu.Unlock()
	signal(q.ready)
}

// drop removes the oldest frame. What it said of drops before it is carried
// on to the next frame that leaves.
func (q *Queue) drop(counter *uint64) {
	f := &q.ring[q.head]
	q.carry = uint32(min(uint64(q.carry)+uint64(f.DroppedBefore)+1, math.MaxUint32))
	*counter++
	q.head = (q.head + 1) % Capacity
	q.length--
}

// Pop moves the oldest frame that may be sent at now into f, reusing f's data,
// and reports whether there was one. It drops what waited too long, but never
// the newest frame.
func (q *Queue) Pop(f *Frame, now time.Duration) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	capped := q.acks && !q.flushing
	for q.length > 1 && capped && now-q.ring[q.head].Made > AgeLimit {
		q.drop(&q.stats.DroppedAge)
		signal(q.room)
	}
	if q.length == 0 {
		return false
	}
	slot := &q.ring[q.head]
	if capped && q.inFlight() > 0 && q.inFlight()+audio.Duration(slot.Samples) > q.window {
		return false
	}
	data := append(f.Data[:0], slot.Data...)
	*f = *slot
	f.Data = data
	f.DroppedBefore = uint32(min(uint64(f.DroppedBefore)+uint64(q.carry), math.MaxUint32))
	q.carry = 0
	q.head = (q.head + 1) % Capacity
	q.length--
	q.total += uint64(f.Samples)
	q.sent[f.Sequence%flight] = mark{f.Sequence, q.total}
	q.stats.Popped++
	signal(q.room)
	if q.length > 0 {
		signal(q.ready)
	}
	return true
}

// Ack notes that the peer took everything up to sequence.
func (q *Queue) Ack(sequence uint64) {
	q.mu.Lock()
	m := q.sent[sequence%flight]
	switch {
	case sequence == 0 || sequence == q.lastAck:
		q.mu.Unlock()
		return
	case sequence < q.lastAck || m.sequence != sequence:
		q.stats.BadAcks++
		q.mu.Unlock()
		return
	}
	q.acks = true
	q.lastAck = sequence
	q.acked = m.total
	waiting := q.length > 0
	q.mu.Unlock()
	if waiting {
		signal(q.ready)
	}
}

// Flush tells that the peer will acknowledge nothing more, because it hung up:
// what waits may all be sent, whatever is on its way.
func (q *Queue) Flush() {
	q.mu.Lock()
	q.flushing = true
	waiting := q.length > 0
	q.mu.Unlock()
	if waiting {
		signal(q.ready)
	}
}

// SetPeer tells the smoothed round trip and the receiver's target, which make
// the window.
func (q *Queue) SetPeer(rtt, target time.Duration) {
	q.mu.Lock()
	q.setWindow(rtt, target)
	waiting := q.length > 0
	q.mu.Unlock()
	if waiting {
		signal(q.ready) // a wider window may let it go
	}
}

func (q *Queue) setWindow(rtt, target time.Duration) {
	rtt = max(0, min(rtt, time.Second))
	target = max(0, min(target, time.Second))
	q.window = rtt + ackInterval + max(minWindow, target+targetSlack)
}

func (q *Queue) inFlight() time.Duration { return audio.Duration(int(q.total - q.acked)) }

// Stats returns the counters.
func (q *Queue) Stats() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.stats
	s.Waiting = q.length
	if q.acks {
		s.InFlight, s.Window = q.inFlight(), q.window
	}
	return s
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
