package playout

import (
	"callcenter/audio"
	"callcenter/audio/jitter"
	"callcenter/audio/stretch"
)

// next fills dst.
func (p *Playout) next(dst []int16) Pulled {
	switch a := p.buf.Decide(p.clock, p.pos, p.end-p.begin, len(dst)); a {
	case jitter.Wait:
		clear(dst)
		p.stats.FillingSamples += uint64(len(dst))
		return Pulled{Kind: Filling, Media: -1, Epoch: p.epoch}
	case jitter.Silence:
		return p.silence(dst)
	case jitter.Conceal, jitter.Bridge:
		return p.conceal(dst, a == jitter.Bridge)
	case jitter.Seek:
		return p.seek(dst)
	case jitter.Faster, jitter.Slower, jitter.Stretch:
		return p.play(dst, p.correct(a, len(dst)))
	default:
		p.wanted = 0
		return p.play(dst, p.trim(len(dst)))
	}
}

// play fills dst, 10 ms or what is left of them, with decoded audio.
func (p *Playout) play(dst []int16, kind Kind) Pulled {
	if !p.decode(len(dst)) {
		return p.conceal(dst, false)
	}
	wait := 0
	if p.joining {
		kind = Merged
		if !p.skim.on {
			wait = p.align(len(dst))
		}
	}
	p.account()
	res := Pulled{Kind: kind, Media: p.pos, Epoch: p.epoch}
	p.insert(dst[:wait])
	p.emit(dst[wait:])
	p.concealing, p.joining, p.silent = false, false, false
	return res
}

// align joins what is decoded with what was made up before it, in phase: it
// skips part of a period where it is late anyway, and else returns for how many
// of the next n samples what was made up must go on.
func (p *Playout) align(n int) (wait int) {
	p.decode(alignSamples)
	skip, wait := p.con.Align(p.pcm[p.begin:min(p.end, p.begin+alignSamples)])
	late := p.buf.Delay(p.clock, p.pos) - p.buf.Target()
	switch {
	case late >= audio.Duration(skip) && p.end-p.begin-skip >= n:
		p.begin += skip
		p.pos += int64(skip)
		p.stats.RemovedSamplesForAcceleration += uint64(skip)
		return 0
	case wait < n:
		return wait
	}
	return 0
}

// insert goes on with what was made up although real audio is there: playing
// becomes slower by that.
func (p *Playout) insert(dst []int16) {
	if len(dst) == 0 {
		return
	}
	p.con.Conceal(dst)
	p.stats.InsertedSamplesForDeceleration += uint64(len(dst))
	p.stats.JitterBufferEmittedCount += uint64(len(dst))
	p.stats.TotalSamplesReceived += uint64(len(dst))
}

// emit moves what is decoded to dst, as much as there is, and returns how much.
func (p *Playout) emit(dst []int16) int {
	n := copy(dst, p.pcm[p.begin:p.end])
	if n > 0 && !p.skim.on {
		p.con.Played(dst[:n])
		p.loud = max(stretch.Power(dst[:n]), p.loud*(1-loudDecay*float64(n)/audio.PeriodSamples))
	}
	p.begin += n
	p.pos += int64(n)
	p.stats.JitterBufferEmittedCount += uint64(n)
	p.stats.TotalSamplesReceived += uint64(n)
	return n
}

// conceal makes dst up, after the end of what is there. In a stall the position
// stands still; over a frame that will never come (bridge) it goes on.
func (p *Playout) conceal(dst []int16, bridge bool) Pulled {
	res := Pulled{Kind: Concealed, Media: -1, Epoch: p.epoch}
	if p.end > p.begin {
		res.Media = p.pos
	}
	n := p.emit(dst)
	made := len(dst) - n
	silent := p.makeUp(dst[n:])
	if bridge {
		p.pos += int64(made)
		p.gapAhead = true
	} else {
		p.starve(made)
	}
	if !p.concealing {
		p.stats.ConcealmentEvents++
	}
	p.concealing, p.joining, p.silent = true, true, false
	p.run += made
	p.stats.TotalSamplesReceived += uint64(made)
	p.stats.ConcealedSamples += uint64(made)
	p.stats.SilentConcealedSamples += uint64(silent)
	return res
}

// makeUp conceals dst, where somebody hears it, and returns how much of it is
// silence.
func (p *Playout) makeUp(dst []int16) (silent int) {
	if p.skim.on {
		clear(dst)
		return len(dst)
	}
	return p.con.Conceal(dst)
}

// silence plays the pause that the sender announced, in which the position
// goes on with time. Where the next talk spurt is due within dst it begins
// there, so that its delay is the target to the sample.
func (p *Playout) silence(dst []int16) Pulled {
	p.endRun()
	res := Pulled{Kind: Comfort, Media: -1, Epoch: p.epoch}
	if p.end > p.begin {
		res.Kind, res.Media = Normal, p.pos // speech that fades into the pause
	}
	n := p.emit(dst)
	rest := dst[n:]
	if due, ok := p.buf.SpurtIn(p.clock+audio.Duration(n), p.pos); ok && due < audio.Duration(len(rest)) {
		rest = rest[:audio.Samples(due)]
	}
	if p.skim.on {
		clear(rest)
	} else {
		p.con.Comfort(rest)
	}
	p.pos += int64(len(rest))
	p.concealing, p.silent = false, true
	p.stats.SilentSamples += uint64(len(rest))
	if spurt := dst[n+len(rest):]; len(spurt) > 0 {
		res.Kind = p.seek(spurt).Kind
	}
	return res
}

// seek continues at the oldest packet held, wherever it is. Less than 10 ms that
// are decoded play before it, more of it is what is to be skipped.
func (p *Playout) seek(dst []int16) Pulled {
	next := p.buf.Peek()
	if next == nil {
		return p.conceal(dst, false)
	}
	res := Pulled{Kind: Normal, Media: -1, Epoch: p.epoch}
	decoded := p.end - p.begin
	// In announced silence the decoder has nothing to catch up with.
	p.gapAhead = p.gapAhead || !p.silent && p.stats.DecodedSamples > 0 && next.Media != p.pos+int64(decoded)
	n := 0
	if decoded > 0 && decoded < len(dst) {
		res.Media = p.pos
		n = p.emit(dst)
	}
	p.stats.AbandonedSamples += uint64(p.end - p.begin)
	p.begin, p.end = 0, 0
	p.pos, p.epoch = next.Media, next.Epoch
	p.corrected, p.correction = p.clock, 0
	if !p.silent {
		if !p.skim.on {
			p.con.Splice()
		}
		p.joining = true
	}
	rest := p.play(dst[n:], Normal)
	if n > 0 {
		return res
	}
	return rest
}

// decode makes at least n samples ready, as far as packets follow each other
// without a gap.
func (p *Playout) decode(n int) bool {
	for p.end-p.begin < n {
		next := p.buf.Peek()
		if next == nil || len(next.Data) == 0 || next.Epoch != p.epoch {
			return false
		}
		gap := next.Media - p.pos - int64(p.end-p.begin)
		if gap >= jitter.MinHole || gap <= -jitter.MinHole {
			return false
		}
		p.compact()
		if p.end+next.Samples+room > store {
			return false
		}
		p.pos += gap // the sender's rounding must not add up
		p.append(p.buf.Next())
	}
	return true
}

// append decodes a packet behind what is decoded. One that cannot be decoded is
// as good as never sent: it leaves a hole.
func (p *Playout) append(pkt *jitter.Packet) {
	if p.skim.on {
		p.pass(pkt)
		return
	}
	end := p.end + pkt.Samples + room
	if p.gapAhead {
		p.gapAhead = false
		p.prime(p.pcm[p.end:end:end], pkt.Data)
	}
	n, err := p.dec.Decode(p.pcm[p.end:end:end], pkt.Data)
	if !p.decoded(err == nil && n > 0 && n <= pkt.Samples+room) {
		p.gapAhead = true
		return
	}
	p.stats.DecodedSamples += uint64(n)
	p.frame = pkt.Samples
	p.end += n
}

// decoded notes whether a packet could be decoded, and returns that.
func (p *Playout) decoded(ok bool) bool {
	if !ok {
		p.stats.DecodeErrors++
		p.undecodable.Add(1)
	} else {
		p.presumeGood()
	}
	return ok
}

// presumeGood ends a row of packets that could not be decoded.
func (p *Playout) presumeGood() {
	if p.undecodable.Load() != 0 {
		p.undecodable.Store(0)
	}
}

// Undecodable returns how many packets in a row could not be decoded, up to the newest
// of all. What passes unheard is taken for good. It takes no lock.
func (p *Playout) Undecodable() int64 { return p.undecodable.Load() }

// prime lets the decoder hear the first packet after a gap once more than it is
// played, in room for its samples. The decoder remembers what was before the gap, and
// predicts from it. After itself the packet is right: in Opus a tone comes back within
// 1 dB at once, where it else falls by up to 7 dB for 15 ms, and by 12 dB for 20 ms
// after the decoder's own concealment.
func (p *Playout) prime(pcm []int16, data []byte) {
	if n, err := p.dec.Decode(pcm, data); err == nil && n > 0 {
		p.stats.PrimingSamples += uint64(n)
	}
}

// compact moves what is decoded to the front of the store, behind as much of
// what was played as Slower looks at.
func (p *Playout) compact() {
	played := min(p.begin, stretch.MaxLag)
	if p.begin == played {
		return
	}
	copy(p.pcm[:], p.pcm[p.begin-played:p.end])
	p.end -= p.begin - played
	p.begin = played
}
