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

	gaps     gaps // of the receive loop
	received atomic.Uint64
}

func newLoopback(m Member, down Downlink) *loopback {
	return &loopback{down: down, wait: !m.Extended}
}

// Push implements Leg.
func (l *loopback) Push(ctx context.Context, u Uplink) Downlink {
	f := u.Frame
	f.DroppedBefore = l.gaps.before(&u)
	if len(f.Data) > 0 {
		l.received.Add(1)
	}
	if l.wait {
		l.down.SendWait(ctx, f)
		return nil
	}
	l.down.Put(f)
	return l.down
}

// gaps finds what is missing between the frames of one sender.
type gaps struct {
	sequence uint64
	epoch    uint32
	dtx      bool // the last frame opened a silence, in which sequences may be missing

	lost atomic.Uint64 // missing and not marked
}

// before returns how many frames are missing before u, marked or not.
func (g *gaps) before(u *Uplink) uint32 {
	f := &u.Frame
	marked := uint64(min(f.DroppedBefore, maxMarked))
	missing := uint64(0)
	if g.sequence != 0 && f.Sequence > g.sequence && f.Epoch == g.epoch && !g.dtx {
		missing = f.Sequence - g.sequence - 1
	}
	if missing > maxMarked { // the peer counts anew
		missing = 0
	}
	if missing > marked {
		g.lost.Add(missing - marked)
	}
	g.sequence, g.epoch, g.dtx = f.Sequence, f.Epoch, u.Packet.DTX
	return uint32(max(marked, missing))
}

// Resumed implements Leg; epochs are the member's own.
func (l *loopback) Resumed() {}

// SetOneWay implements Leg; an echo has no buffer.
func (l *loopback) SetOneWay(time.Duration) {}

// Stats implements Leg.
func (l *loopback) Stats() Stats {
	return Stats{Received: l.received.Load(), Lost: l.gaps.lost.Load()}
}

// Leave implements Leg.
func (l *loopback) Leave() {}
