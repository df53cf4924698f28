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
// dropped, oldest first, counted, and marked on the frame after it. What was in
// flight when the network stalled cannot be called back; behind it waits only
// the newest audio there is, max(100 ms, target + 60 ms). That is what a
// listener needs to go on at once: the receiver jumps over the first and fills
// its buffer with the second. A stall short enough for a receiver to play all of
// it late, 240 ms beyond its target, drops nothing. For a listener who wants
// every word (SetComplete) a frame may wait until it and what is on its way are
// CompleteLimit long: the window stays as it is, because what waits here can
// still be dropped oldest first, and what is in the network cannot. A peer that
// never acknowledges has no window; its transport bounds what is on its way, and
// Full lets a sender that must not drop wait for room.
//
// The queue numbers the frames: every frame offered takes a sequence, sent or
// not. A frame without samples is the mark of a silence and explains the slots
// skipped after it; where it is dropped they are marked as dropped with it.
//
// A stream that broke is followed by another: Restart marks what it swallowed.
//
// Data is copied in and out, so that callers keep their buffers. One goroutine
// pushes, one pops, any may acknowledge or read statistics; a mutex is held for
// one copy. Lengths are 48 kHz samples, times readings of one audio.Clock.
// Nothing allocates once the slots have grown to the frames' size.
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
	// AgeLimit is how long a frame waits before it is dropped, or longer where
	// the receiver's target is.
	AgeLimit = 200 * time.Millisecond
	// FreshLimit takes its place while the window is closed.
	FreshLimit = 100 * time.Millisecond

	// CompleteCapacity is Capacity for a listener who wants every word.
	CompleteCapacity = 512
	// CompleteLimit is the most audio that such a listener is owed, on its way
	// and waiting.
	CompleteLimit = 5 * time.Second

	ackInterval = 60 * time.Millisecond
	minWindow   = 200 * time.Millisecond
	targetSlack = 100 * time.Millisecond
	freshSlack  = 60 * time.Millisecond

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
	Inside        time.Duration // how long its audio had been held before that
	Tag           uint32        // the pusher's own, carried along
	Data          []byte

	skipped uint32 // slots without a frame just after this one
}

// Stats are counters since the queue was made.
type Stats struct {
	Pushed, Popped uint64        // frames
	DroppedAge     uint64        // waited too long
	DroppedFull    uint64        // pushed out by newer ones
	DroppedRestart uint64        // sent, and not acknowledged when the stream broke
	BadAcks        uint64        // acknowledged what was never sent, or less than before
	Waited         time.Duration // sum over Popped, from Made to Pop
	LongestWait    time.Duration // of one frame that left
	Waiting        int           // frames in the queue now
	InFlight       time.Duration // audio sent and not acknowledged
	Window         time.Duration // 0: the peer does not acknowledge
	// Owed is set while the peer has not acknowledged all that was pushed, and
	// OldestMade is when the oldest frame that it has not was made.
	Owed       bool
	OldestMade time.Duration
}

// Dropped is how many frames were dropped, for whatever reason.
func (s *Stats) Dropped() uint64 { return s.DroppedAge + s.DroppedFull + s.DroppedRestart }

// Queue is a bounded queue of frames. Use New.
type Queue struct {
	mu     sync.Mutex
	ring   []Frame
	head   int // oldest
	length int
	limit  int    // frames that wait at most, never above len(ring)
	last   uint64 // newest sequence given
	carry  uint32 // dropped since the last frame handed out
	// Skipped slots whose mark was dropped since then, and whether that last
	// frame is itself a mark, which explains them.
	unexplained uint32
	silent      bool

	sent     flight
	total    uint64 // samples handed out
	acked    uint64 // samples acknowledged
	lastAck  uint64
	ackMark  bool // lastAck is a mark of silence
	acks     bool // the peer acknowledges
	flushing bool // and will no more
	complete bool // the listener wants every word

	restarted bool   // and nothing has left since
	broken    uint64 // newest sequence that left before the restart

	rtt, target time.Duration // the peer's

	ready, room chan struct{}
	stats       Stats
}

// New returns an empty queue.
func New() *Queue {
	return &Queue{
		ring:  make([]Frame, Capacity),
		limit: Capacity,
		ready: make(chan struct{}, 1),
		room:  make(chan struct{}, 1),
	}
}

// Ready is signalled when Pop may have something.
func (q *Queue) Ready() <-chan struct{} { return q.ready }

// Room is signalled when a full queue has room again.
func (q *Queue) Room() <-chan struct{} { return q.room }

// Full reports that Push would drop a frame.
func (q *Queue) Full() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.length == q.limit
}

// Push appends a frame, copying its data, and gives it the next sequence. When
// the queue is full the oldest frame is dropped.
func (q *Queue) Push(f Frame) {
	q.Put(f)
	q.Wake()
}

// Put is Push for a goroutine that pops by itself when it may: nobody is told
// until Wake.
func (q *Queue) Put(f Frame) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.length == q.limit {
		q.drop(&q.stats.DroppedFull)
	}
	f.DroppedBefore = min(f.DroppedBefore, maxDropped)
	q.last += uint64(f.DroppedBefore) + 1
	f.Sequence = q.last
	f.skipped = 0
	slot := q.at(q.length)
	data := append(slot.Data[:0], f.Data...)
	*slot = f
	slot.Data = data
	q.length++
	q.stats.Pushed++
}

// Wake signals Ready.
func (q *Queue) Wake() { signal(q.ready) }

// drop removes the oldest frame. What it said of drops before it is carried
// on to the next frame that leaves.
func (q *Queue) drop(counter *uint64) {
	f := q.at(0)
	q.carry = add(q.carry, uint64(f.DroppedBefore)+1)
	q.unexplained = add(q.unexplained, uint64(f.skipped))
	*counter++
	q.head = (q.head + 1) % len(q.ring)
	q.length--
}

// at returns the slot of the i-th frame that waits, the oldest being 0.
func (q *Queue) at(i int) *Frame { return &q.ring[(q.head+i)%len(q.ring)] }

// add returns a sum that stays at the most there is.
func add(a uint32, b uint64) uint32 { return uint32(min(uint64(a)+b, math.MaxUint32)) }

// Pop moves the oldest frame that may be sent at now into f, reusing f's data,
// and reports whether there was one. It drops what waited too long, but never
// the newest frame.
func (q *Queue) Pop(f *Frame, now time.Duration) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.length == 0 {
		return false
	}
	if q.acks && !q.flushing {
		for limit := q.ageLimit(); q.length > 1 && now-q.at(0).Made > limit; {
			q.drop(&q.stats.DroppedAge)
			signal(q.room)
		}
		if q.closed() {
			return false
		}
	}
	full, slot := q.length >= q.limit, q.at(0)
	data := append(f.Data[:0], slot.Data...)
	*f = *slot
	f.Data = data
	q.mark(f)
	q.head = (q.head + 1) % len(q.ring)
	if q.length--; q.length == 0 {
		q.head = 0 // the slots at the beginning stay in the processor's cache
	}
	q.total += uint64(f.Samples)
	q.sent.add(mark{sequence: f.Sequence, total: q.total, dropped: f.DroppedBefore, silent: f.Samples == 0, made: f.Made})
	q.stats.Popped++
	wait := max(0, now-f.Made)
	q.stats.Waited += wait
	q.stats.LongestWait = max(q.stats.LongestWait, wait)
	if full {
		signal(q.room)
	}
	if q.length > 0 {
		signal(q.ready)
	}
	return true
}

// mark tells the frame that leaves what was dropped since the last that did.
func (q *Queue) mark(f *Frame) {
	f.DroppedBefore = add(f.DroppedBefore, uint64(q.carry))
	if !q.silent {
		f.DroppedBefore = add(f.DroppedBefore, uint64(q.unexplained))
	}
	if q.restarted && !q.ackMark { // nothing else explains the gap to the receiver
		f.DroppedBefore = add(0, f.Sequence-q.lastAck-1)
	}
	q.carry, q.unexplained, q.silent, q.restarted = 0, 0, f.Samples == 0, false
}

// Ack notes that the peer took everything up to sequence.
func (q *Queue) Ack(sequence uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.land(sequence)
}

func (q *Queue) land(sequence uint64) {
	if sequence == 0 || sequence == q.lastAck {
		return
	}
	m, ok := q.sent.land(sequence)
	if !ok {
		late := sequence > q.lastAck && (sequence <= q.broken || q.sent.forgotten(sequence))
		if !late {
			q.stats.BadAcks++
		}
		return
	}
	q.acks = true
	q.lastAck, q.ackMark = sequence, m.silent
	q.acked = m.total
	q.wake()
}

// wake tells the sender to look again.
func (q *Queue) wake() {
	if q.length > 0 {
		signal(q.ready)
	}
}

// Flush tells that the peer will acknowledge nothing more, because it hung up:
// what waits may all be sent, whatever is on its way.
func (q *Queue) Flush() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.flushing = true
	q.wake()
}

// SetPeer tells the smoothed round trip and the receiver's target, which make
// the window.
func (q *Queue) SetPeer(rtt, target time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.rtt = max(0, min(rtt, time.Second))
	q.target = max(0, min(target, time.Second))
	q.wake() // a wider window may let a frame go
}

// SetComplete tells whether the listener wants every word rather than be live.
// Any goroutine may call it, at any time; the queue then holds five seconds.
func (q *Queue) SetComplete(on bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.complete, q.limit = on, Capacity
	if on {
		q.limit = CompleteCapacity
		q.resize()
	}
	for q.length > q.limit {
		q.drop(&q.stats.DroppedFull)
	}
	if q.length < q.limit {
		signal(q.room)
	}
	q.wake()
}

// resize makes the ring as large as the limit, which nobody who is content with
// live audio pays for.
func (q *Queue) resize() {
	if len(q.ring) >= q.limit {
		return
	}
	ring := make([]Frame, q.limit)
	for i := range q.ring { // the slots that are free keep their buffers
		ring[i] = q.ring[(q.head+i)%len(q.ring)]
	}
	q.ring, q.head = ring, 0
}

func (q *Queue) window() time.Duration {
	return q.rtt + ackInterval + max(minWindow, q.target+targetSlack)
}

// closed reports that the window has no room for the oldest frame.
func (q *Queue) closed() bool {
	return q.inFlight() > 0 && q.inFlight()+audio.Duration(q.at(0).Samples) > q.window()
}

func (q *Queue) ageLimit() time.Duration {
	switch {
	case q.complete:
		return max(FreshLimit, CompleteLimit-q.inFlight())
	case q.closed():
		return max(FreshLimit, q.target+freshSlack)
	}
	return max(AgeLimit, q.target+freshSlack)
}

func (q *Queue) inFlight() time.Duration { return audio.Duration(int(q.total - q.acked)) }

// Stats returns the counters.
func (q *Queue) Stats() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.stats
	s.Waiting = q.length
	if q.acks {
		s.InFlight, s.Window = q.inFlight(), q.window()
	}
	switch {
	case q.sent.count > 0:
		s.Owed, s.OldestMade = true, q.sent.at(0).made
	case q.length > 0:
		s.Owed, s.OldestMade = true, q.at(0).Made
	}
	return s
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
