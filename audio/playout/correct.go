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
	loudDecay      = 0.003     // of it in 10 ms, half in 2.3 s
)

// margin returns the phase of the next packet in a pull of n samples and how much
// more than the target the rest of the delay is. The phase is delay that is of no
// use (see jitter.Buffer.Excess). So in a pause the delay is corrected to a phase
// of zero, which costs nothing, and by whole pulls.
func (p *Playout) margin(n int) (phase int, excess time.Duration) {
	decoded := p.end - p.begin
	return decoded % n, p.buf.Excess(p.clock, p.pos, decoded, n)
}

// correct adds or takes a pitch period from what is decoded before a pull of n
// samples, if it is time to and it can be done unheard. Far behind it takes more
// and is less choosy.
func (p *Playout) correct(a jitter.Action, n int) Kind {
	phase, excess := p.margin(n)
	far := a == jitter.Stretch || excess > hurryExcess || excess < -shortExcess
	rest := max(minRest, correctionRest*p.correction)
	if far {
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
		return p.slower(stretch.MaxLag/2, true)
	case a == jitter.Slower:
		return p.slower(longer(phase, n), far || waited > slowerPatience)
	case excess > hurryExcess:
		if p.decode(lookahead); p.end-p.begin < stretch.Window {
			return Normal
		}
		return p.faster(stretch.Much(p.pcm[p.begin:p.end]))
	}
	if kind := p.shorten(shorter(phase, n, excess)); kind != Normal || waited < fasterPatience {
		return kind
	}
	if p.decode(lookahead); p.end-p.begin < stretch.Window {
		return Normal
	}
	return p.faster(stretch.Faster(p.pcm[p.begin:p.end], 0, false))
}

// trim takes away, in a pause, the part of the delay that is of no use.
func (p *Playout) trim(n int) Kind {
	phase, excess := p.margin(n)
	if phase < stretch.MinLag || excess < 0 || p.frame%n != 0 || p.clock-p.corrected < minRest {
		return Normal
	}
	return p.shorten(phase)
}

// shorten takes n samples away if a pause is next.
func (p *Playout) shorten(n int) Kind {
	if p.decode(2 * n); p.end-p.begin < 2*n || !p.pause(p.pcm[p.begin:p.begin+2*n]) {
		return Normal
	}
	return p.faster(stretch.Faster(p.pcm[p.begin:p.end], n, true))
}

// shorter is how much less delay brings the phase to zero and the excess below a
// pull, as far as one correction can.
func shorter(phase, n int, excess time.Duration) int {
	by := phase + audio.Samples(excess)/n*n
	for by > stretch.MaxLag {
		by -= n
	}
	if by < stretch.MinLag {
		by += n
	}
	return by
}

// longer is how much more delay brings the phase to zero and adds a pull.
func longer(phase, n int) int {
	by := n - phase
	if by < stretch.MinLag {
		by += n
	}
	return by
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

// slower adds a period now, of what was just played and what is next, or the wish
// in a pause; in a word only when it must be.
func (p *Playout) slower(wish int, must bool) Kind {
	if p.decode(stretch.MaxLag); p.end-p.begin < wish || p.begin < stretch.MaxLag {
		return Normal
	}
	p.compact()
	pause := p.pause(p.pcm[p.begin-stretch.MaxLag : p.begin+wish])
	if !pause && (!must || p.end-p.begin < stretch.MaxLag) {
		return Normal
	}
	n := stretch.Slower(p.pcm[:], p.begin, p.end, wish, pause)
	if n == 0 {
		return Normal
	}
	p.end += n
	p.pos -= int64(n)
	p.stats.InsertedSamplesForDeceleration += uint64(n)
	p.corrected, p.correction = p.clock, audio.Duration(n)
	return Slowed
}
