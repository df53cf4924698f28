package swarm

import (
	"bytes"
	"time"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/audio"
)

// lateAfter is how much later than it might a frame comes that counts as late.
const lateAfter = 20 * time.Millisecond

// ledger verifies what one call gets. Its receive goroutine uses it. It does not
// allocate unless something is wrong.
type ledger struct {
	leg     *leg
	packets *wire.Packets
	ear     *ear // nil: nobody listens

	begun    bool
	sequence uint64
	media    int64
	epoch    uint32
	dtx      bool          // the last frame opened a silence
	passing  bool          // the last frame of the room was a talker's own
	timed    bool          // a frame with audio came in this epoch
	fastest  time.Duration // arrival less media time, the least of these
}

// enter is one chunk that arrived at now.
func (b *ledger) enter(c *api.AudioChunk, now time.Duration) {
	t, malformed := &b.leg.swarm.tally, b.packets.Malformed()
	p, ok := b.packets.Read(c)
	switch {
	case b.packets.Malformed() != malformed:
		t.fail("call %d got %d bytes that are no packet of its codec", b.leg.number, len(c.GetAudioData()))
		return
	case !ok:
		return
	case c.GetSequence() == 0 || c.GetMediaTime() == 0:
		t.fail("call %d got a frame without sequence or media time", b.leg.number)
		return
	}
	measuring := t.measuring.Load()
	if measuring {
		t.dropped.Add(uint64(c.GetDroppedBefore()))
	}
	whole := b.inOrder(c, p.Media)
	again := !b.begun || c.GetEpoch() != b.epoch
	if measuring && b.begun && again {
		t.restarts.Add(1)
	}
	if again {
		b.timed = false
	}
	b.begun, b.sequence, b.media, b.epoch, b.dtx = true, c.GetSequence(), p.Media, c.GetEpoch(), p.DTX
	if p.DTX {
		b.ear.gap()
		return
	}
	if b.leg.swarm.cfg.echo() {
		b.compare(c, p.Media, now, measuring)
		return
	}
	if b.forwarded(c, p.Media, now, measuring) {
		return
	}
	behind := now - audio.Duration(int(p.Media))
	if !b.timed || behind < b.fastest {
		b.timed, b.fastest = true, behind
	}
	if measuring {
		t.behind.add(behind - b.fastest)
		if behind-b.fastest > lateAfter {
			t.late.Add(1)
		}
	}
	if b.ear != nil {
		if !whole || again {
			b.ear.gap()
		}
		b.ear.hear(p.Data, now)
	}
}

// inOrder checks sequence and media time against those of the frame before, and
// reports whether nothing is missing between the two.
func (b *ledger) inOrder(c *api.AudioChunk, media int64) bool {
	if !b.begun {
		return true
	}
	t, seq := &b.leg.swarm.tally, c.GetSequence()
	if seq <= b.sequence {
		t.fail("call %d got sequence %d after %d", b.leg.number, seq, b.sequence)
		return false
	}
	missing, marked := seq-b.sequence-1, uint64(c.GetDroppedBefore())
	switch {
	case missing != marked && !b.dtx:
		t.lost.Add(missing - min(marked, missing))
		t.fail("call %d got sequence %d after %d, and %d marked as dropped", b.leg.number, seq, b.sequence, marked)
	case c.GetEpoch() != b.epoch:
	case b.dtx && media-b.media > int64(missing+1)*int64(b.leg.swarm.cfg.Options.FrameSamples):
		// Where a silence is forwarded its marks are numbered, its slots are not.
	case media-b.media != int64(missing+1)*int64(b.leg.swarm.cfg.Options.FrameSamples):
		t.fail("call %d got media time %d after %d with %d frames missing", b.leg.number, media, b.media, missing)
	}
	return missing == 0
}

// compare checks an echo against what was said in its slot.
func (b *ledger) compare(c *api.AudioChunk, media int64, now time.Duration, measuring bool) {
	l, t := b.leg, &b.leg.swarm.tally
	slot, ok := l.slot(media)
	switch {
	case !ok:
		t.fail("call %d got media time %d back, which is of no frame of its own", l.number, media)
	case !bytes.Equal(c.GetAudioData(), l.score.packet(slot)):
		t.fail("call %d got other audio back than it sent in slot %d", l.number, slot)
	default:
		b.whole(c, l, slot, now, measuring)
	}
}

// forwarded reports whether the room sent what a talker said as it was: the
// bytes of the slot that the media time names, no more than a loop ago. Then they
// are verified, and nobody need listen. A steady tone has frames that are alike,
// and a room's own encoder may come to them too: it takes one like no other to
// know that a room forwards.
func (b *ledger) forwarded(c *api.AudioChunk, media int64, now time.Duration, measuring bool) bool {
	from := b.source(c.GetAudioData(), media, now)
	if (from != nil) != b.passing {
		b.passing = from != nil
		b.ear.rest()
	}
	if from == nil {
		return false
	}
	slot, _ := from.slot(media)
	if from == b.leg {
		b.leg.swarm.tally.fail("call %d of a room got its own audio of slot %d back", b.leg.number, slot)
	} else {
		b.whole(c, from, slot, now, measuring)
	}
	return true
}

// source is whose frame this is in a room, or nil.
func (b *ledger) source(data []byte, media int64, now time.Duration) (own *leg) {
	const loop = loopSamples / audio.Rate * time.Second
	for _, l := range b.leg.room.voices {
		slot, ok := l.slot(media)
		if !ok {
			return nil
		}
		behind := now - l.due(slot)
		if behind < 0 || behind >= loop || !b.passing && !l.score.telling(slot) || !bytes.Equal(data, l.score.packet(slot)) {
			continue
		}
		if l != b.leg {
			return l
		}
		own = l
	}
	return own
}

// whole enters a frame that has the bytes of a call's slot.
func (b *ledger) whole(c *api.AudioChunk, from *leg, slot int64, now time.Duration, measuring bool) {
	const marks = wire.MarkLevelMask | wire.MarkLevelValid | wire.MarkVoice | wire.MarkDTX | wire.MarkMuted
	t := &b.leg.swarm.tally
	if want := from.score.mark(slot); c.GetMarks()&marks != want {
		t.fail("call %d got marks %#x for %#x", b.leg.number, c.GetMarks(), want)
		return
	}
	t.verified.Add(1)
	if !measuring {
		return
	}
	delay := now - from.due(slot)
	t.added.add(delay)
	if delay > lateAfter {
		t.late.Add(1)
	}
}
