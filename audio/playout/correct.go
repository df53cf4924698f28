package playout

import (
	"time"

	"callcenter/audio"
	"callcenter/audio/jitter"
	"callcenter/audio/stretch"
)

const (
	lookahead = stretch.Window + audio.PeriodSamples
	// alignSamples are looked at to join what follows made-up audio: 25 ms.
	alignSamples = 1200

	// A correction is followed by a rest, this many times as long as itself, so
	// that at most an eighth of the time is changed. Far from the target, and
	// while a packet is overdue, it is a third.
	correctionRest = 8
	minRest        = 50 * time.Millisecond
	hurryRest      = 2
	hurryExcess    = 30 * time.Millisecond
	shortExcess    = 10 * time.Millisecond

	// A small correction waits for a pause between words, but not for ever.
	// Waiting with too little costs concealment, with too much only delay.
	fasterPatience = 4 * time.Second
	slowerPatience = time.Second
	pauseShare     = 1.0 / 400 // of the speech's power, -26 dB
	silence        = 33 * 33   // -60 dBFS is a pause whatever was said
	loudDecay      = 0.997     // a period, half in 2.3 s
)

// correct adds or takes a pitch period from what is decoded, if it is time to
// and it can be done unheard. Far behind it takes more and is less choosy.
func (p *Playout) correct(a jitter.Action) Kind {
	excess := p.buf.Delay(p.clock, p.pos) - p.buf.Target()
	rest := max(minRest, correctionRest*p.correction)
	if a == jitter.Stretch || excess > hurryExcess || excess < -shortExcess {
		rest = hurryRest * p.correction
	}
	if p.clock-p.corrected < rest {
		return Normal
	}
	if p.wanted == 0 {
		p.wanted = p.clock
	}
	waited := p.clock - p.wanted
	switch {
	case a == jitter.Stretch:
		return p.slower(true)
	case a == jitter.Slower:
		return p.slower(excess < -shortExcess || waited > slowerPatience)
	case !p.decode(lookahead) && p.end-p.begin < stretch.Window:
		return Normal
	}
	next := p.pcm[p.begin:p.end]
	if excess > hurryExcess {
		return p.faster(stretch.Much(next))
	}
	pause := p.pause(next[:stretch.Window])
	if !pause && waited < fasterPatience {
		return Normal
	}
	return p.faster(stretch.Faster(next, pause))
}

// pause reports that pcm is a pause between words.
func (p *Playout) pause(pcm []int16) bool {
	return stretch.Power(pcm) <= max(p.loud*pauseShare, silence)
}

// faster notes that n samples were removed.
func (p *Playout) faster(n int) Kind {
	if n == 0 {
		return Normal
	}
	p.end -= n
	p.pos += int64(n)
	p.stats.RemovedSamplesForAcceleration += uint64(n)
	p.corrected, p.correction = p.clock, audio.Duration(n)
	return Accelerated
}

// slower adds a period now, of what was just played and what is next, in a
// pause or when it must be.
func (p *Playout) slower(must bool) Kind {
	if !p.decode(stretch.MaxLag) || p.begin < stretch.MaxLag {
		return Normal
	}
	p.compact()
	pause := p.pause(p.pcm[p.begin-stretch.MaxLag : p.begin+stretch.MaxLag])
	if !pause && !must {
		return Normal
	}
	n := stretch.Slower(p.pcm[:], p.begin, p.end, pause)
	if n == 0 {
		return Normal
	}
	p.end += n
	p.pos -= int64(n)
	p.stats.InsertedSamplesForDeceleration += uint64(n)
	p.corrected, p.correction = p.clock, audio.Duration(n)
	return Slowed
}
