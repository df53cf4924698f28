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
	fastest  time.Duration // arrival less media time, the least of this epoch
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
	b.begun, b.sequence, b.media, b.epoch, b.dtx = true, c.GetSequence(), p.Media, c.GetEpoch(), p.DTX
	if p.DTX {
		b.ear.gap()
		return
	}
	if b.leg.swarm.cfg.echo() {
		b.compare(c, p.Media, now, measuring)
		return
	}
	behind := now - audio.Duration(int(p.Media))
	if again || behind < b.fastest {
		b.fastest = behind
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
	case media-b.media != int64(missing+1)*int64(b.leg.swarm.cfg.Options.FrameSamples):
		t.fail("call %d got media time %d after %d with %d frames missing", b.leg.number, media, b.media, missing)
	}
	return missing == 0
}

// compare checks an echo against what was said in its slot.
func (b *ledger) compare(c *api.AudioChunk, media int64, now time.Duration, measuring bool) {
	l, t := b.leg, &b.leg.swarm.tally
	frame := int64(l.swarm.cfg.Options.FrameSamples)
	slot := media / frame
	i := int(slot % int64(len(l.score.packets)))
	const marks = wire.MarkLevelMask | wire.MarkLevelValid | wire.MarkVoice | wire.MarkDTX | wire.MarkMuted
	switch {
	case media < 0 || media%frame != 0:
		t.fail("call %d got media time %d back, which is of no frame of its own", l.number, media)
		return
	case !bytes.Equal(c.GetAudioData(), l.score.packets[i]):
		t.fail("call %d got other audio back than it sent in slot %d", l.number, slot)
		return
	case c.GetMarks()&marks != l.score.marks[i]:
		t.fail("call %d got marks %#x back for %#x", l.number, c.GetMarks(), l.score.marks[i])
		return
	}
	t.verified.Add(1)
	if !measuring {
		return
	}
	delay := now - (l.swarm.base + l.phase + time.Duration(slot)*l.swarm.cfg.frame())
	t.added.add(delay)
	if delay > lateAfter {
		t.late.Add(1)
	}
}
