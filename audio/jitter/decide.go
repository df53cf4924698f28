package jitter

import (
	"time"

	"callcenter/audio"
)

const (
	holeLimit  = 60 * audio.Rate / 1000 // concealed over a marked hole at most
	holeSlack  = 5 * time.Millisecond
	shortage   = 2 * time.Millisecond // below the target, where audio may run out
	jumpExcess = 240 * time.Millisecond
	startDelay = 40 * time.Millisecond
	burstQuiet = 3 * time.Millisecond
	burstWait  = 20 * time.Millisecond
	// stretchExcess is how late playing may be that is made later still.
	stretchExcess = 100 * time.Millisecond
)

// Action is what to do next.
type Action int

// The actions. Positions that change are those of the next sample to play.
const (
	// Wait: nothing was played yet and the buffer is filling. Silence.
	Wait Action = iota
	// Play what is decoded, or decode the next packet.
	Play
	// Faster and Slower play, and take away or add a pitch period.
	Faster
	Slower
	// Stretch does what Slower does, as much as can be: the next packet is
	// overdue and what is left will not last.
	Stretch
	// Conceal: nothing is there. The position stands still.
	Conceal
	// Bridge: a frame was dropped by its sender. Conceal; the position goes on.
	Bridge
	// Silence: the sender is silent and said so.
	Silence
	// Seek: continue at the packet that Next returns, wherever it is.
	Seek
)

// Decide says what to do with the next want samples (of 5 or 10 ms), which start
// to play at now, when pos is the media time of the next sample and decoded how
// many samples from there on are decoded. Before the first Seek pos means
// nothing.
func (b *Buffer) Decide(now time.Duration, pos int64, decoded, want int) Action {
	a := b.decide(now, pos, decoded, want)
	b.concealing = a == Conceal
	return a
}

func (b *Buffer) decide(now time.Duration, pos int64, decoded, want int) Action {
	if b.moved {
		return b.cross(now, pos, decoded, want)
	}
	if decoded >= want {
		return b.pace(now, pos, decoded, want)
	}
	p := b.skipMarks()
	switch {
	case p == nil && b.dtx:
		return Silence
	case p == nil && !b.playing:
		return Wait
	case p == nil:
		return Conceal
	case !b.playing:
		if b.Delay(now, p.Media) < min(b.est.target, startDelay)+b.lead {
			return Wait
		}
		b.playing = true
		return Seek
	case b.dtx && !joins(p, pos, decoded):
		// The pause may be made longer or shorter at no cost.
		if b.Delay(now, p.Media) < b.Target() {
			return Silence
		}
		return Seek
	}
	return b.join(now, pos, decoded, want, p)
}

// SpurtIn returns how long after now the talk spurt at the head is due, when
// pos has been reached in announced silence; false where none has come.
func (b *Buffer) SpurtIn(now time.Duration, pos int64) (time.Duration, bool) {
	p := b.head()
	if p == nil || !b.dtx || b.moved || len(p.Data) == 0 || joins(p, pos, 0) {
		return 0, false
	}
	return max(0, b.Target()-b.Delay(now, p.Media)), true
}

// skipMarks consumes marks without audio at the head; they matter once what is
// decoded has been played.
func (b *Buffer) skipMarks() *Packet {
	p := b.head()
	for p != nil && len(p.Data) == 0 {
		b.remove(p)
		b.dtx = p.DTX
		p = b.head()
	}
	return p
}

// cross decides while old and new clocks meet: the old audio plays on until
// the new one has waited for as long as the target.
func (b *Buffer) cross(now time.Duration, pos int64, decoded, want int) Action {
	first := b.from(b.turn)
	due := first != nil && len(first.Data) > 0 && b.Delay(now, first.Media) >= b.Target()
	if due && (!b.complete || b.head() == first && decoded < want) {
		for p := b.head(); p != first; p = b.head() {
			b.throw(p)
		}
		return Seek
	}
	if decoded >= want {
		return Play
	}
	p := b.skipMarks()
	for p != nil && p.Sequence < b.turn {
		if joins(p, pos, decoded) {
			return Play
		}
		b.throw(p) // no time is left to wait for its turn
		p = b.skipMarks()
	}
	if b.dtx {
		return Silence
	}
	return Conceal
}

// joins reports that p follows what is decoded without a gap.
func joins(p *Packet, pos int64, decoded int) bool {
	gap := p.Media - pos - int64(decoded)
	return gap > -MinHole && gap < MinHole
}

// join decides how packet p follows what is decoded.
func (b *Buffer) join(now time.Duration, pos int64, decoded, want int, p *Packet) Action {
	if joins(p, pos, decoded) {
		return b.pace(now, pos, decoded, want)
	}
	ahead := p.Media > pos+int64(decoded)
	late := b.Delay(now, pos) - b.Target()
	if ahead && late < -holeSlack && b.bridged < holeLimit {
		b.bridged += want
		return Bridge
	}
	if b.Delay(now, p.Media)-b.Target() > jumpExcess && !b.complete && b.jump(now) == Conceal {
		return Conceal
	}
	return Seek
}

// pace decides how fast to play audio that is there.
func (b *Buffer) pace(now time.Duration, pos int64, decoded, want int) Action {
	excess := b.Excess(now, pos, decoded, want)
	if excess > jumpExcess && b.held > 0 && !b.complete {
		return b.jump(now)
	}
	b.waiting = false
	switch {
	case excess < stretchExcess && b.overdue(now, pos):
		return Stretch
	case excess > audio.Duration(want) && audio.Duration(b.samples+decoded) >= b.Target():
		return Faster
	case excess < -shortage:
		return Slower
	}
	return Play
}

// Excess is how much more the delay is than the target, as far as it is of use;
// the arguments are those of Decide. A pull needs all its samples when it begins:
// a packet whose place is further back in it has that much less time to come. The
// target means the middle of a pull.
func (b *Buffer) Excess(now time.Duration, pos int64, decoded, want int) time.Duration {
	return b.Delay(now, pos) - audio.Duration(decoded%want) - (b.Target() - audio.Duration(want/2))
}

// overdue reports that the next packet is so late that it will likely be too
// late for what plays at pos. In announced silence none is expected.
func (b *Buffer) overdue(now time.Duration, pos int64) bool {
	asked := now - b.lead // when it is asked for; later packets are of no use
	return !b.lastDTX && ms(b.Delay(asked, b.lastMedia)) > b.est.rehearsal.overdueAt(ms(b.Delay(asked, pos)))
}

// jump drops what is too old. While a burst is still coming in it waits, since
// the newest packet tells how far to go. It keeps what the target asks for, so
// that a network whose delay rose for good is not taken for one stall after
// another.
func (b *Buffer) jump(now time.Duration) Action {
	if !b.waiting {
		b.waiting, b.since = true, now
	}
	if now-b.arrived < burstQuiet && now-b.since < burstWait {
		if b.concealing {
			return Conceal // rather than a scrap of what is about to be skipped
		}
		return Faster
	}
	b.waiting = false
	keep := audio.Samples(b.Target())
	before := b.held
	for p := b.head(); p != nil && b.samples-p.Samples >= keep; p = b.head() {
		if b.Delay(now, p.Media+int64(p.Samples)) < b.Target() {
			break
		}
		b.throw(p)
	}
	switch {
	case b.held < before && b.held > 0:
		return Seek
	case audio.Duration(b.samples) >= b.Target():
		return Faster
	}
	return Play
}
