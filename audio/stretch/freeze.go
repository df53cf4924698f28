package stretch

import "callcenter/audio/freeze"

// Freeze goes through all that the concealer knows. Of a state that is read, what
// it relies on is checked.
func (c *Concealer) Freeze(f *freeze.Coder) {
	f.Samples(c.history[:])
	c.speech.freeze(f)
	c.floor.freeze(f)
	c.noise.freeze(f)
	freeze.Number(f, &c.white)
	f.Float(&c.level)
	freeze.Number(f, &c.made)
	freeze.Number(f, &c.merged)
	f.Bool(&c.active)
	f.Bool(&c.announced)
	f.Check(c.made >= 0 && c.merged >= 0 && c.merged <= mergeSamples && c.level >= 0 && c.level <= 1)
}

func (s *continuation) freeze(f *freeze.Coder) {
	f.Float(&s.voiced)
	f.Samples(s.piece[:])
	freeze.Number(f, &s.length)
	freeze.Number(f, &s.period)
	freeze.Number(f, &s.at)
	f.Float(&s.offset)
	f.Float(&s.slope)
	freeze.Number(f, &s.made)
	s.noise.freeze(f)
	f.Check(s.length >= 0 && s.length <= pieceSamples && s.at >= 0 && s.at <= max(0, s.length-1) && s.made >= 0)
	// Only a piece is repeated.
	f.Check(s.voiced == 0 || s.length > 0 && s.period >= MinLag && s.period <= MaxLag)
}

func (s *synthesis) freeze(f *freeze.Coder) {
	f.Floats(s.predict[:])
	f.Floats(s.past[:])
	f.Float(&s.gain)
}

func (l *floor) freeze(f *freeze.Coder) {
	f.Floats(l.block[:])
	freeze.Number(f, &l.filled)
	l.last.freeze(f)
	l.now.freeze(f)
	freeze.Number(f, &l.blocks)
	for i := range l.pieces {
		l.pieces[i].freeze(f)
	}
	freeze.Number(f, &l.heard)
	l.quietest.freeze(f)
	f.Check(l.filled >= 0 && l.filled < blockSamples && l.blocks >= 0 && l.blocks < pieceBlocks && l.heard >= 0)
}

func (b *bit) freeze(f *freeze.Coder) {
	f.Floats(b.auto[:])
	f.Float(&b.high)
}

func (p *piece) freeze(f *freeze.Coder) {
	f.Float(&p.high)
	p.least.freeze(f)
}
