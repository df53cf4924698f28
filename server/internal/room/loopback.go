package room

import (
	"context"
	"sync/atomic"
	"time"

	"callcenter/codec"
)

// maxMarked bounds what one frame may say was dropped before it: about eleven
// minutes. Beyond it a peer's sequence means nothing.
const maxMarked = 1 << 15

// loopback gives a member its own frames back, as the same bytes: nothing is
// decoded, and epoch, media time and marks go through untouched. The downlink's
// queue numbers the frames anew, so gaps in the member's sequence become drop
// marks, and so do malformed Opus packets, which only members who must get every
// frame get back. Bytes of pcm may be any.
type loopback struct {
	down    Downlink
	wait    bool // the member must get every frame
	checked bool // the bytes may not be any

	gaps     gaps // of the receive loop
	received atomic.Uint64
	media    media
}

func newLoopback(m Member, down Downlink) *loopback {
	return &loopback{
		down: down, wait: !m.Extended, checked: m.Format.Codec != codec.PCM,
		media: media{codec: m.Format.Codec},
	}
}

// Push implements Leg.
func (l *loopback) Push(ctx context.Context, u Uplink) Downlink {
	switch bad := l.checked && u.isMalformed(); {
	case bad:
		if err := l.media.bad(); err != nil {
			l.down.Fail(err)
			return nil
		}
		if !l.wait {
			l.gaps.skip(&u)
			return nil
		}
	case len(u.Frame.Data) > 0:
		l.received.Add(1)
		l.media.good()
	}
	f := u.Frame
	f.DroppedBefore = l.gaps.before(&u)
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
	dtx      bool   // the last frame opened a silence, in which sequences may be missing
	skipped  uint32 // frames before the next that are known, and go no further

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
	skipped := uint64(g.skipped)
	g.skipped = 0
	return uint32(min(max(marked, missing)+skipped, maxMarked))
}

// skip takes u for one that is missing before the next frame.
func (g *gaps) skip(u *Uplink) { g.skipped = min(g.before(u)+1, maxMarked) }

// Resumed implements Leg; epochs are the member's own.
func (l *loopback) Resumed() {}

// SetOneWay implements Leg; an echo has no buffer.
func (l *loopback) SetOneWay(time.Duration) {}

// Stats implements Leg.
func (l *loopback) Stats() Stats {
	return Stats{Received: l.received.Load(), Lost: l.gaps.lost.Load(), Malformed: l.media.malformed.Load()}
}

// Leave implements Leg.
func (l *loopback) Leave() {}
