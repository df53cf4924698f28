package call

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"callcenter/audio/sendq"
	"callcenter/softphone/internal/callstate"
)

const (
	// maxDigits is how many digits wait at most, while the link is lost or because
	// they are typed faster than they are sent. A server takes twice as many at once.
	maxDigits = 16
	// digitSpacing is the least time from one digit to the next: ten a second, as fast
	// as a keypad's tones can be told apart (ITU-T Q.24).
	digitSpacing = 100 * time.Millisecond
	// digitFresh is how long after it was pressed a digit may be sent.
	digitFresh = 5 * time.Second
)

// keypad holds the digits that were pressed until the server has them: each leaves with
// the first frame that was made after it, and the acknowledgement of that frame is
// its own. What a broken stream swallowed is sent again. Any goroutine may use it.
type keypad struct {
	mu      sync.Mutex
	waiting []digit // oldest first
	sent    []digit // and not acknowledged, oldest first
	last    time.Duration
	telling bool // of a drop, until there is room again

	count             atomic.Int64 // that wait
	accepted, dropped atomic.Uint64
}

type digit struct {
	key      byte
	at       time.Duration // when it was pressed
	sequence uint64        // of the frame that it left with
}

// Digit sends a keypad digit, one that wire.Digit reads, and lets the operator hear
// it. It never waits: a digit for which there is no room is dropped, counted, and said.
func (c *Call) Digit(key byte) {
	p, now := &c.keypad, c.cfg.Clock()
	p.mu.Lock()
	full := len(p.waiting) >= maxDigits
	tell := full && !p.telling
	if p.telling = full; full {
		p.dropped.Add(1)
	} else {
		p.waiting = append(p.waiting, digit{key: key, at: now})
		p.countLocked()
	}
	p.mu.Unlock()
	switch {
	case tell:
		c.notice(callstate.Notice{Severity: callstate.Warning, Private: true, Text: fmt.Sprintf("%c is not sent: %d digits wait already.", key, maxDigits)})
	case !full:
		c.localDigit(rune(key), now)
		c.queue.Wake()
	}
}

func (p *keypad) countLocked() { p.count.Store(int64(len(p.waiting))) }

// next takes the digit that leaves at now with the frame f, or with none if none has
// left since framed. expired are those that were too old.
func (p *keypad) next(f *sendq.Frame, now, framed time.Duration) (key byte, ok bool, expired []byte) {
	if p.count.Load() == 0 {
		return 0, false, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.countLocked()
	for len(p.waiting) > 0 && now-p.waiting[0].at > digitFresh {
		expired = append(expired, p.waiting[0].key)
		p.waiting = p.waiting[1:]
		p.dropped.Add(1)
	}
	if len(p.waiting) == 0 || p.last != 0 && now-p.last < digitSpacing {
		return 0, false, expired
	}
	d := p.waiting[0]
	if !inOrder(f, d.at, now, framed) {
		return 0, false, expired
	}
	p.waiting, p.last = p.waiting[1:], now
	p.accepted.Add(1)
	if f != nil {
		d.sequence = f.Sequence
		if len(p.sent) == maxDigits {
			p.sent = p.sent[1:]
		}
		p.sent = append(p.sent, d)
	}
	return d.key, true, expired
}

// acknowledge notes that the server has everything up to a frame.
func (p *keypad) acknowledge(sequence uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.sent) > 0 && p.sent[0].sequence <= sequence {
		p.sent = p.sent[1:]
	}
}

// restart lets what the server has not, which has everything up to a frame, leave
// again.
func (p *keypad) restart(sequence uint64) {
	p.acknowledge(sequence)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.accepted.Add(-uint64(len(p.sent)))
	p.waiting = append(p.sent, p.waiting...)
	p.sent = nil
	p.countLocked()
}

// forget drops all that waits.
func (p *keypad) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dropped.Add(uint64(len(p.waiting)))
	p.waiting, p.sent = nil, nil
	p.countLocked()
}

// sayExpired tells the operator of digits that waited for the link for too long.
func (c *Call) sayExpired(keys []byte) {
	if len(keys) > 0 {
		text := fmt.Sprintf("Not sent, there was no connection for %v: %s.", digitFresh, keys)
		c.notice(callstate.Notice{Severity: callstate.Warning, Private: true, Text: text})
	}
}
