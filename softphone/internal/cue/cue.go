// Package cue plays short sounds to the operator, over what the earpiece plays:
// somebody joined, somebody left. The ear of a call has one Player, asks it for
// cues from wherever something happens, and mixes it into what it plays, before
// the ear's protection. Nobody but this operator hears them.
//
// A cue is a few notes of a sine, each with soft edges, at -26 dBFS of peaks,
// made once. However many are asked for at once, one begins in half a second at
// most; what is asked for meanwhile is one cue of its kind, and what could not be
// played for a second, because the earpiece stood still, is not played late.
//
// PCM is 48 kHz mono. Ask and Stats are for any goroutine, Mix is for one; none
// of them waits or allocates.
package cue

import (
	"math"
	"sync/atomic"
	"time"

	"callcenter/audio"
)

// Kind is what a cue tells.
type Kind int

// The kinds of cues.
const (
	Joined Kind = iota // two notes, rising
	Left               // two notes, falling
	kinds
)

const (
	// Level is the level of every cue, in dBFS of peaks.
	Level = -26.0
	// Spacing is the least time from the beginning of a cue to that of the next.
	Spacing = 500 * time.Millisecond
	// fresh is how long a cue may wait, and stand still in the middle.
	fresh = time.Second
	// edge is how long a note takes to come up and to go.
	edge = 12 * time.Millisecond
)

// note is one note of a cue.
type note struct {
	hz     float64
	length time.Duration
}

// The notes: an e and the a above it.
const (
	low  = 659.26 // Hz
	high = 880.0  // Hz
)

// notes are what each cue sounds like.
func notes(k Kind) []note {
	const first, last = 65 * time.Millisecond, 85 * time.Millisecond
	switch k {
	case Joined:
		return []note{{low, first}, {high, last}}
	case Left:
		return []note{{high, first}, {low, last}}
	case kinds:
	}
	return nil
}

// Stats are the counts of a Player.
type Stats struct {
	Played uint64 // begun
	Merged uint64 // asked for while one of the kind waited
	Missed uint64 // waited for too long and were not played
}

// Player plays cues. Use New.
type Player struct {
	sounds [kinds][]int16
	asked  [kinds]atomic.Int64 // clock reading since when a cue waits; 0: none does

	played, merged, missed atomic.Uint64

	// Of Mix.
	rest  []int16       // of the cue that plays
	mixed time.Duration // the last time
	next  time.Duration // when another may begin
}

// New returns a Player of all cues.
func New() *Player {
	p := &Player{}
	for k := range kinds {
		for _, n := range notes(k) {
			p.sounds[k] = append(p.sounds[k], n.render()...)
		}
	}
	return p
}

// render makes the note.
func (n note) render() []int16 {
	peak := math.MaxInt16 * math.Pow(10, Level/20)
	pcm := make([]int16, audio.Samples(n.length))
	rise := float64(audio.Samples(edge))
	for i := range pcm {
		at := min(rise, float64(i), float64(len(pcm)-1-i)) // from the nearer end
		gain := 0.5 - 0.5*math.Cos(math.Pi*at/rise)
		pcm[i] = int16(math.Round(peak * gain * math.Sin(2*math.Pi*n.hz*float64(i)/audio.Rate)))
	}
	return pcm
}

// Ask wants a cue to be played from now on.
func (p *Player) Ask(k Kind, now time.Duration) {
	if k < 0 || k >= kinds {
		return
	}
	if !p.asked[k].CompareAndSwap(0, max(1, int64(now))) {
		p.merged.Add(1)
	}
}

// Mix adds what is due at now to pcm, which may have any length.
func (p *Player) Mix(pcm []int16, now time.Duration) {
	if now-p.mixed > fresh {
		p.rest = nil
	}
	p.mixed = now
	if len(p.rest) == 0 && now >= p.next {
		p.begin(now)
	}
	n := min(len(pcm), len(p.rest))
	for i, x := range p.rest[:n] {
		pcm[i] = int16(min(max(int(pcm[i])+int(x), math.MinInt16), math.MaxInt16))
	}
	p.rest = p.rest[n:]
}

// begin takes the cue that has waited longest, if any does.
func (p *Player) begin(now time.Duration) {
	var (
		first Kind
		since int64
	)
	for k := range kinds {
		at := p.asked[k].Load()
		if at != 0 && now-time.Duration(at) > fresh {
			p.asked[k].Store(0)
			p.missed.Add(1)
			continue
		}
		if at != 0 && (since == 0 || at < since) {
			first, since = k, at
		}
	}
	if since == 0 {
		return
	}
	p.asked[first].Store(0)
	p.played.Add(1)
	p.rest, p.next = p.sounds[first], now+Spacing
}

// Stats returns the counts so far.
func (p *Player) Stats() Stats {
	return Stats{Played: p.played.Load(), Merged: p.merged.Load(), Missed: p.missed.Load()}
}
