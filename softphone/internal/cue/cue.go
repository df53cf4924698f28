// Package cue plays the softphone's own sounds to the operator, over what the
// earpiece plays: the other side is being called, it answered, the call ended, the
// link is lost or back, somebody joined or left, push-to-talk closes soon, a key
// was hit. The ear of a call has one Player, asks it for cues from wherever
// something happens, and mixes it into what it plays, before the ear's
// protection. Nobody but this operator hears them.
//
// A cue is a few notes, each with soft edges, at -26 dBFS of peaks at most. One
// plays at a time. What matters more cuts short what plays, with a fade; what
// matters as much or less waits for its turn, half a second from the beginning of
// the last (a keypad's tones: 140 ms). What is asked for while one of its kind
// waits is one cue of it, and what could not be played for a second, because the
// earpiece stood still or others came first, is not played late. A cue that
// repeats is no news but a state: it goes on until it is stopped.
//
// PCM is 48 kHz mono. Ask, Stop, SetOn, On and Stats are for any goroutine, Mix
// and Done are for one; none of them waits or allocates.
package cue

import (
	"sync/atomic"
	"time"
)

// Stats are the counts of a Player.
type Stats struct {
	Played uint64 // begun; one that repeats counts once
	Merged uint64 // asked for while one of the kind waited
	Missed uint64 // waited for too long and were not played
	Cut    uint64 // ended early for one that matters more
}

// Player plays cues. Use New.
type Player struct {
	asked [kinds]atomic.Int64 // clock reading from which on a cue is due; 0: none is
	off   atomic.Bool
	edges edges

	played, merged, missed, cut atomic.Uint64

	// Of Mix.
	voice voice
	mixed time.Duration // the last time
	next  time.Duration // when another may begin that
	rank  int           // is of this rank or a lower one
	rings int64         // what asked was when the repeating cue began first
	again time.Duration // when it begins the next time
}

// New returns a Player of all cues. It is on.
func New() *Player {
	p := &Player{}
	p.edges.make()
	return p
}

// Ask wants a cue to be played from a moment on, which may be to come.
func (p *Player) Ask(k Kind, from time.Duration) {
	if k < 0 || k >= kinds || p.off.Load() && !k.repeats() {
		return
	}
	if !p.asked[k].CompareAndSwap(0, max(1, int64(from))) {
		p.merged.Add(1)
	}
}

// Stop takes back what was asked for and has not begun, and ends a cue that
// repeats, with a fade.
func (p *Player) Stop(k Kind) {
	if k >= 0 && k < kinds {
		p.asked[k].Store(0)
	}
}

// SetOn lets cues be heard, or not: what plays fades, what waits is forgotten.
func (p *Player) SetOn(on bool) {
	p.off.Store(!on)
	if on {
		return
	}
	for k := range kinds {
		if !k.repeats() {
			p.asked[k].Store(0)
		}
	}
}

// On reports that cues are heard.
func (p *Player) On() bool { return !p.off.Load() }

// Mix adds what is due at now to pcm, which may have any length.
func (p *Player) Mix(pcm []int16, now time.Duration) {
	if now-p.mixed > fresh {
		p.voice.on = false
	}
	p.mixed = now
	next, found := p.due(now)
	switch v := &p.voice; {
	case !v.on && found:
		p.begin(next, now)
	case v.on && found && next.shape().rank > v.shape.rank && v.leaving == 0:
		p.cut.Add(1)
		v.leave()
	case v.on && (p.off.Load() || v.shape.every > 0 && p.asked[v.kind].Load() == 0):
		v.leave()
	}
	p.voice.add(pcm, &p.edges)
}

// repeats reports that a kind goes on until it is stopped.
func (k Kind) repeats() bool { return k == Ringback }

// due is the cue that may begin at now and matters most; of several that which
// has waited longest.
func (p *Player) due(now time.Duration) (first Kind, found bool) {
	if p.off.Load() {
		return 0, false
	}
	var since int64
	rank := -1
	if now < p.next {
		rank = p.rank
	}
	for k := range kinds {
		at := p.asked[k].Load()
		if at == 0 || time.Duration(at) > max(now, 1) { // as Ask has it
			continue
		}
		s := k.shape()
		switch {
		case s.every == 0 && now-time.Duration(at) > s.fresh:
			if p.asked[k].CompareAndSwap(at, 0) {
				p.missed.Add(1)
			}
			continue
		case s.every > 0 && at == p.rings && now < p.again:
			continue
		}
		if s.rank > rank || found && s.rank == rank && at < since {
			first, since, rank, found = k, at, s.rank, true
		}
	}
	return first, found
}

// begin starts a cue, unless it was stopped meanwhile.
func (p *Player) begin(k Kind, now time.Duration) {
	at := p.asked[k].Load()
	switch {
	case at == 0:
		return
	case !k.repeats():
		if !p.asked[k].CompareAndSwap(at, 0) {
			return
		}
		p.played.Add(1)
	case at != p.rings:
		p.rings = at
		p.played.Add(1)
	}
	p.voice.begin(k)
	s := &p.voice.shape
	p.next, p.rank = now+s.spacing, s.rank
	if k.repeats() {
		p.again = now + s.every
	}
}

// Done reports that no cue of a kind waits or plays. It is for the goroutine of
// Mix.
func (p *Player) Done(k Kind) bool {
	return p.asked[k].Load() == 0 && (!p.voice.on || p.voice.kind != k)
}

// Stats returns the counts so far.
func (p *Player) Stats() Stats {
	return Stats{Played: p.played.Load(), Merged: p.merged.Load(), Missed: p.missed.Load(), Cut: p.cut.Load()}
}
