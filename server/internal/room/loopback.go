package room

import (
	"context"
	"sync/atomic"
	"time"
)

// maxMarked bounds what one frame may say was dropped before it: about eleven
// minutes. Beyond it a peer's sequence means nothing.
const maxMarked = 1 << 15

// loopback gives a member its own frames back, as the same bytes: nothing is
// decoded, and epoch, media time and marks go through untouched. The downlink's
// queue numbers the frames anew, so gaps in the member's sequence become drop
// marks.
type loopback struct {
	down Downlink
	wait bool // the member must get every frame

	// Of the receive loop.
	sequence uint64
	epoch    uint32
	dtx      bool // the last frame opened a silence, in which sequences may be missing

	received, lost atomic.Uint64
}

func newLoopback(m Member, down Downlink) *loopback {
	return &loopback{down: down, wait: !m.Extended}
}

// Push implements Leg.
func (l *loopback) Push(ctx context.Context, u Uplink) {
	f := u.Frame
	f.DroppedBefore = l.gap(&u)
	if len(f.Data) > 0 {
		l.received.Add(1)
	}
	if l.wait {
		l.down.SendWait(ctx, f)
		return
	}
	l.down.Send(f)
}

// gap returns how many frames are missing before u, marked or not.
func (l *loopback) gap(u *Uplink) uint32 {
	f := &u.Frame
	marked := uint64(min(f.DroppedBefore, maxMarked))
	missing := uint64(0)
	if l.sequence != 0 && f.Sequence > l.sequence && f.Epoch == l.epoch && !l.dtx {
		missing = f.Sequence - l.sequence - 1
	}
	if missing > maxMarked { // the peer counts anew
		missing = 0
	}
	if missing > marked {
		l.lost.Add(missing - marked)
	}
	l.sequence, l.epoch, l.dtx = f.Sequence, f.Epoch, u.Packet.DTX
	return uint32(max(marked, missing))
}

// Resumed implements Leg; epochs are the member's own.
func (l *loopback) Resumed() {}

// SetOneWay implements Leg; an echo has no buffer.
func (l *loopback) SetOneWay(time.Duration) {}

// Stats implements Leg.
func (l *loopback) Stats() Stats {
	return Stats{Received: l.received.Load(), Lost: l.lost.Load()}
}

// Leave implements Leg.
func (l *loopback) Leave() {}
