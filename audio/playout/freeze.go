package playout

import (
	"callcenter/audio"
	"callcenter/audio/freeze"
	"callcenter/audio/stretch"
)

// layout is the number of this form of a state: another one cannot be read.
const layout = 1

// stateBytes is room for a state in most calls.
const stateBytes = 64 << 10

// Thaw returns the playout that was frozen as state, when its counters were stats.
// What its decoder knew is not in it: before the next Pull cfg.Decoder is to hear
// the packets before Next. Errors are freeze.ErrState.
func Thaw(cfg Config, state []byte, stats Stats) (*Playout, error) {
	p := New(cfg)
	c := freeze.Reader(state)
	p.code(&c)
	if err := c.End(); err != nil {
		return nil, err
	}
	p.stats = stats
	p.buf.SetStats(stats.Stats)
	return p, nil
}

// Next is the sequence from which on packets are not decoded yet.
func (p *Playout) Next() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.buf.NextSequence()
}

// freeze gives the tape what the playout knows. Where nobody hears, that is not all
// here.
func (p *Playout) freeze() {
	if p.skim.on || p.skim.held > 0 {
		return
	}
	p.coder = freeze.Writer(p.coder.Bytes()[:0])
	p.code(&p.coder)
	p.tape.Frozen(p.coder.Bytes())
}

// code goes through all that a playout knows but its counters and its decoder. Of
// what is decoded that is what was not played yet, and what Slower looks at before
// it.
func (p *Playout) code(c *freeze.Coder) {
	form := layout
	freeze.Number(c, &form)
	c.Check(form == layout)
	freeze.Number(c, &p.begin)
	freeze.Number(c, &p.end)
	c.Check(p.begin >= 0 && p.begin <= p.end && p.end <= store)
	if c.OK() {
		c.Samples(p.pcm[max(0, p.begin-stretch.MaxLag):p.end])
	}
	freeze.Number(c, &p.pos)
	freeze.Number(c, &p.epoch)
	freeze.Number(c, &p.clock)
	freeze.Number(c, &p.pulled)
	freeze.Number(c, &p.ahead)
	freeze.Number(c, &p.corrected)
	freeze.Number(c, &p.wanted)
	c.Float(&p.loud)
	freeze.Number(c, &p.correction)
	freeze.Number(c, &p.run)
	freeze.Number(c, &p.frame)
	freeze.Number(c, &p.before)
	freeze.Number(c, &p.returned)
	for _, v := range [...]*bool{
		&p.ticking, &p.concealing, &p.joining, &p.silent, &p.gapAhead, &p.stalled, &p.recovering,
	} {
		c.Bool(v)
	}
	c.Check(p.pulled >= 0 && p.pulled <= audio.PeriodSamples && p.run >= 0 && p.frame >= 0 && p.frame <= store)
	p.con.Freeze(c)
	p.buf.Freeze(c)
}
