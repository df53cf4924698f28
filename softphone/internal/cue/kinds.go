package cue

import (
	"strings"
	"time"
)

// Kind is what a cue tells. Those of higher rank cut short what plays.
type Kind int

// The kinds of cues.
const (
	Ringback Kind = iota // the other side is called; repeats until Stop
	Joined               // somebody joined the room: two notes, rising
	Left                 // somebody left it: two notes, falling
	TalkEnds             // push-to-talk closes soon: two ticks
	LinkLost             // the call has no connection: three low notes, falling
	LinkBack             // it has one again: the same, rising
	Answered             // the call is connected: three high notes, rising
	HungUp               // the operator ended the call: one note
	Ended                // the call ended otherwise: two notes of one pitch
	digit0               // the first of keypad's tones
	kinds    = digit0 + Kind(len(keypad))
)

// keypad are the digits in the order of their rows.
const keypad = "123A456B789C*0#D"

// The frequencies of a keypad's rows and columns, ITU-T Q.23, in Hz.
var (
	rows    = [4]float64{697, 770, 852, 941}
	columns = [4]float64{1209, 1336, 1477, 1633}
)

// Digit is the tone of a key of a telephone's keypad, 0-9, *, # or A-D. It
// reports false for another.
func Digit(d rune) (Kind, bool) {
	at := strings.IndexRune(keypad, d)
	if at < 0 {
		return 0, false
	}
	return digit0 + Kind(at), true
}

const (
	// Level is the highest level of a cue, in dBFS of peaks: softer than speech
	// of -22 dBFS RMS.
	Level = -26.0
	// ringLevel is softer, since it goes on: a tone above -30 dBFS RMS that is no
	// speech would turn the ear's protection down.
	ringLevel = -28.0
	tickLevel = -32.0

	// Spacing is the least time from the beginning of a cue to that of the next
	// of its rank or a lower one.
	Spacing = 500 * time.Millisecond
	// digitLength and digitSpacing are those of a keypad's tones, which ITU-T Q.24
	// wants to be 40 ms long and apart at least.
	digitLength  = 100 * time.Millisecond
	digitSpacing = 140 * time.Millisecond
	// fresh is how long a cue may wait, and stand still in the middle;
	// digitFresh is that of a keypad's tones, which belong to a key being hit.
	fresh      = time.Second
	digitFresh = 500 * time.Millisecond
)

// note is a part of a cue: a sine, two, or a rest.
type note struct {
	hz     [2]float64 // 0: none
	length time.Duration
}

// shape is how a cue sounds and when.
type shape struct {
	notes   [3]note
	level   float64 // dBFS of peaks
	rank    int
	spacing time.Duration
	every   time.Duration // from one beginning to the next; 0: once
	fresh   time.Duration // how long it may wait
}

// tune is a cue of up to three notes of that length each.
func tune(rank int, length time.Duration, hz ...float64) shape {
	s := shape{level: Level, rank: rank, spacing: Spacing, fresh: fresh}
	for i, f := range hz {
		s.notes[i] = note{[2]float64{f}, length}
	}
	return s
}

// The pitches of the cues, in Hz, and the ringing tone as ITU-T E.180 has it: one
// second in five in most of Europe.
const (
	e4, gis4, a4, c5   = 329.63, 415.30, 440.0, 523.25
	e5, fis5, a5, cis6 = 659.26, 739.99, 880.0, 1108.73
	e6                 = 1318.51

	ringing   = 425.0
	ringOn    = time.Second
	ringEvery = 5 * time.Second
)

// The ranks, the lowest first.
const (
	waiting = iota
	news
	handling
	link
	answer
	end
)

// shape says what a kind sounds like. It does not allocate.
func (k Kind) shape() shape {
	const ms = time.Millisecond
	if k >= digit0 {
		return key(int(k - digit0))
	}
	switch k {
	case Ringback:
		s := tune(waiting, ringOn, ringing)
		s.level, s.every = ringLevel, ringEvery
		return s
	case Joined:
		s := tune(news, 65*ms, e5, a5)
		s.notes[1].length = 85 * ms
		return s
	case Left:
		s := tune(news, 65*ms, a5, e5)
		s.notes[1].length = 85 * ms
		return s
	case TalkEnds:
		s := tune(handling, 45*ms, fis5, 0, fis5)
		s.level = tickLevel
		return s
	case LinkLost:
		return tune(link, 90*ms, c5, gis4, e4)
	case LinkBack:
		return tune(link, 90*ms, e4, gis4, c5)
	case Answered:
		return tune(answer, 70*ms, a5, cis6, e6)
	case HungUp:
		return tune(end, 120*ms, a4)
	case Ended:
		return tune(end, 85*ms, ringing, 0, ringing)
	case digit0, kinds:
	}
	return shape{}
}

// key is the tone of a place on the keypad.
func key(at int) shape {
	s := shape{level: Level, rank: handling, spacing: digitSpacing, fresh: digitFresh}
	s.notes[0] = note{[2]float64{rows[at/4], columns[at%4]}, digitLength}
	return s
}
