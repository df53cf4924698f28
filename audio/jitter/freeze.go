package jitter

import "callcenter/audio/freeze"

// maxData is the most bytes that a packet of a state may have.
const maxData = 4096

// Freeze goes through all that the buffer knows but its counters, which are set
// with SetStats. Of a state that is read, what the buffer relies on is checked.
func (b *Buffer) Freeze(c *freeze.Coder) {
	size := len(b.ring)
	freeze.Number(c, &size)
	c.Check(size == len(b.ring))
	freeze.Number(c, &b.lead)
	freeze.Number(c, &b.next)
	freeze.Number(c, &b.highest)
	freeze.Number(c, &b.lastMedia)
	freeze.Number(c, &b.epoch)
	freeze.Number(c, &b.bridged)
	freeze.Number(c, &b.since)
	freeze.Number(c, &b.turn)
	freeze.Number(c, &b.refused)
	freeze.Number(c, &b.arrived)
	freeze.Number(c, &b.skipped)
	for _, v := range [...]*bool{&b.begun, &b.playing, &b.dtx, &b.lastDTX, &b.waiting, &b.concealing, &b.moved} {
		c.Bool(v)
	}
	// One before the next at the least, as after begin, and what the ring holds.
	c.Check(b.highest <= maxSequence && b.next <= maxSequence && b.highest+1-b.next <= b.size())
	c.Check(b.lastMedia >= -maxMedia && b.lastMedia <= 2*maxMedia && b.bridged >= 0 && b.refused >= 0)
	b.est.freeze(c)
	b.freezePackets(c)
}

// freezePackets goes through the packets that are held, by sequence.
func (b *Buffer) freezePackets(c *freeze.Coder) {
	held := b.held
	freeze.Number(c, &held)
	if !c.Reading() {
		for s := b.next; held > 0 && s <= b.highest; s++ {
			if slot := b.slot(s); slot.used {
				slot.packet.freeze(c)
				held--
			}
		}
		return
	}
	c.Check(held >= 0 && held <= len(b.ring))
	for i := 0; i < held && c.OK(); i++ {
		var p Packet
		p.freeze(c)
		s := b.slot(p.Sequence)
		c.Check(!absurd(&p) && !s.used && p.Sequence >= b.next && p.Sequence <= b.highest && (p.Samples == 0) == (len(p.Data) == 0))
		if c.OK() {
			s.packet, s.used = p, true
			b.held++
			b.samples += p.Samples
		}
	}
	c.Check(b.samples <= b.most+maxPacket)
}

func (p *Packet) freeze(c *freeze.Coder) {
	freeze.Number(c, &p.Sequence)
	freeze.Number(c, &p.DroppedBefore)
	freeze.Number(c, &p.Epoch)
	freeze.Number(c, &p.Media)
	freeze.Number(c, &p.Samples)
	c.Bool(&p.DTX)
	c.Bool(&p.Talk)
	c.Data(&p.Data, maxData)
}

func (e *estimator) freeze(c *freeze.Coder) {
	for i := range e.minima {
		m := &e.minima[i]
		freeze.Number(c, &m.slot)
		freeze.Number(c, &m.offset)
		c.Bool(&m.used)
	}
	freeze.Number(c, &e.base)
	freeze.Number(c, &e.retarget)
	freeze.Number(c, &e.target)
	freeze.Number(c, &e.arrived)
	c.Bool(&e.draining)
	freeze.Number(c, &e.outages)
	freeze.Number(c, &e.lastOffset)
	c.Float(&e.jitter)
	freeze.Number(c, &e.lateness)
	c.Bool(&e.seen)
	e.rehearsal.freeze(c)
	e.drift.freeze(c)
}

func (r *rehearsal) freeze(c *freeze.Coder) {
	freeze.Number(c, &r.rest)
	freeze.Number(c, &r.oneWay)
	freeze.Number(c, &r.now)
	freeze.Number(c, &r.heard)
	c.Float(&r.late)
	for i := range r.buffers {
		b := &r.buffers[i]
		for _, v := range [...]*float64{&b.target, &b.delay, &b.impaired, &b.concealed, &b.reached, &b.overdue} {
			c.Float(v)
		}
	}
}

func (d *drift) freeze(c *freeze.Coder) {
	for i := range d.points {
		freeze.Number(c, &d.points[i])
	}
	freeze.Number(c, &d.n)
	freeze.Number(c, &d.until)
	freeze.Number(c, &d.least)
	c.Bool(&d.started)
	c.Float(&d.ppm)
	c.Check(d.n >= 0 && d.n < 1<<40)
}

// SetStats sets the counters, of a buffer whose state was read.
func (b *Buffer) SetStats(s Stats) { b.stats = s }
