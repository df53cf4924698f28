package wire

import (
	"sync"
	"time"

	"callcenter/api"
)

const (
	// LivenessInterval is the longest a direction is without a chunk.
	LivenessInterval = 200 * time.Millisecond
	// AckInterval is the longest that frames go unacknowledged.
	AckInterval = 60 * time.Millisecond

	// Both are kept with a margin for a late wake-up.
	margin = 20 * time.Millisecond
	// ackBurst is how many frames wait for an acknowledgement at most: after a
	// stall they come at once, and the peer holds back its newest audio until
	// it hears of them.
	ackBurst = 8
	// talking is how long after its last frame, or the beginning, a peer is
	// expected to send another at any moment: in announced silence one comes
	// every 200 ms.
	talking = 500 * time.Millisecond

	maxRTT = time.Minute
)

// Link is the state of one stream's timing, shared by its receive loop and its
// send loop: echoes of send times, acknowledgements, and when a chunk is due
// without audio. Its methods are safe for concurrent use and do not allocate.
type Link struct {
	mu sync.Mutex

	peerSent   uint64 // newest sent_at of the peer
	peerSentIn time.Duration
	newest     uint64 // newest sequence taken
	newestIn   time.Duration
	unacked    int // frames taken since we last told
	unackedAt  time.Duration

	sentAt  time.Duration // our last chunk
	heardAt time.Duration // the peer's last chunk

	rtt      time.Duration
	rttKnown bool
	peerAck  uint64
	peerEcho uint64
	told     bool // Neglected was, since we last told
}

// NewLink returns the link of a stream that opened at now.
func NewLink(now time.Duration) *Link { return &Link{sentAt: now, heardAt: now, newestIn: now} }

// Received notes a chunk of the peer that arrived at now. It returns the round
// trip that the chunk measured, and false if it measured none.
func (l *Link) Received(c *api.AudioChunk, now time.Duration) (time.Duration, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heardAt = now
	if s := c.GetSentAt(); s > l.peerSent {
		l.peerSent, l.peerSentIn = s, now
	}
	if s := c.GetSequence(); s > l.newest {
		if l.unacked == 0 {
			l.unackedAt = now
		}
		l.unacked++
		l.newest, l.newestIn = s, now
	}
	if a := c.GetAck(); a > l.peerAck {
		l.peerAck = a
	}
	l.peerEcho = max(l.peerEcho, c.GetEchoSentAt())
	return l.measure(c, now)
}

func (l *Link) measure(c *api.AudioChunk, now time.Duration) (time.Duration, bool) {
	echo := c.GetEchoSentAt()
	if echo == 0 || echo > stamp(now) {
		return 0, false
	}
	held := time.Duration(c.GetEchoHeld()) * time.Microsecond
	rtt := time.Duration(stamp(now)-echo)*time.Microsecond - held
	if rtt < 0 || rtt > maxRTT {
		return 0, false
	}
	if !l.rttKnown {
		l.rtt, l.rttKnown = rtt, true
	}
	l.rtt += (rtt - l.rtt) / 8 // RFC 6298's smoothing
	return rtt, true
}

// stamp is a clock reading on the wire: microseconds, never zero.
func stamp(now time.Duration) uint64 { return uint64(now/time.Microsecond) + 1 }

// Stamp fills in the timing fields of a chunk that leaves at now.
func (l *Link) Stamp(c *api.AudioChunk, now time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c.SentAt = stamp(now)
	c.Ack = l.newest
	c.EchoSentAt, c.EchoHeld = 0, 0
	if held := (now - l.peerSentIn) / time.Microsecond; l.peerSent != 0 && held < 1<<31 {
		c.EchoSentAt, c.EchoHeld = l.peerSent, uint32(max(0, held))
	}
	l.unacked = 0
	l.sentAt = now
	l.told = false
}

// Due returns how long the sender may sleep at now before it asks again, and
// zero if a chunk must leave at once, with or without audio. While the peer is
// sending frames that is never longer than an acknowledgement may take, so that
// nobody need wake the sender for each.
func (l *Link) Due(now time.Duration) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	due := l.deadline(now)
	if l.unacked == 0 && now-l.newestIn < talking && due > now {
		due = min(due, now+AckInterval-margin)
	}
	return max(0, due-now)
}

// DueIfWoken is Due for a sender that is woken whenever the link is Neglected.
func (l *Link) DueIfWoken(now time.Duration) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(0, l.deadline(now)-now)
}

func (l *Link) deadline(now time.Duration) time.Duration {
	switch due := l.sentAt + LivenessInterval - margin; {
	case l.unacked >= ackBurst:
		return now
	case l.unacked > 0:
		return min(due, l.unackedAt+AckInterval-margin)
	default:
		return due
	}
}

// Neglected reports, once until a chunk leaves, that frames were taken and no chunk
// has left for a while that could tell of them.
func (l *Link) Neglected(now time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.told || l.unacked == 0 || now-l.sentAt < AckInterval/2 {
		return false
	}
	l.told = true
	return true
}

// RTT returns the smoothed round trip, and false before the first measurement.
func (l *Link) RTT() (time.Duration, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rtt, l.rttKnown
}

// PeerAck returns the newest of our sequences that the peer took.
func (l *Link) PeerAck() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.peerAck
}

// PeerEcho returns the newest of our sent_at that the peer echoed, 0 if none.
func (l *Link) PeerEcho() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.peerEcho
}

// Quiet returns how long the peer has been silent at now.
func (l *Link) Quiet(now time.Duration) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return now - l.heardAt
}
