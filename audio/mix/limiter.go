package mix

import (
	"math"
	"time"

	"callcenter/audio"
)

// Ceiling is the greatest magnitude that the zero Limiter lets out, -1 dBFS.
const Ceiling = 29203

const (
	// window is the most samples that the limiter looks at together, 20 ms.
	window = 960
	// attack is the time of the zero Limiter in which the gain falls from 1 to
	// 0 while there is time.
	attack = 5 * time.Millisecond
	// hold is how long the gain of the zero Limiter stays after a peak: longer
	// than a wave of a voice, so that the gain does not follow the waves.
	hold = 20 * time.Millisecond
	// release is the factor by which the gain then rises a sample, 24 dB a
	// second.
	release = 1.0000576
)

// Limiter turns a signal down where it would exceed a ceiling. It adds no delay:
// it looks ahead inside the block it is given, so that the gain is on its way
// down when a peak comes. A peak at the beginning of a block, too near for that,
// flattens at the ceiling, which is continuous too. The gain comes back slowly.
// What needs no limiting passes bit for bit.
//
// A Limiter belongs to one output and remembers its gain between blocks. The
// zero value is ready, with its ceiling at Ceiling. It is for one goroutine at
// a time.
type Limiter struct {
	shape shape
	// cut is 1 minus the gain at the end of the last block.
	cut float32
	// held is how many samples the gain still stays.
	held int
	// limited counts the samples that were turned down.
	limited uint64
	// need holds the gains that the samples at work allow.
	need [window]float32
}

// shape is how a limiter works.
type shape struct {
	ceiling float32 // the greatest magnitude let out; 0 stands for the zero Limiter's shape
	attack  float32 // the most that the gain falls a sample while there is time
	hold    int     // samples for which the gain stays after a peak
}

// newShape brings what is out of range into it.
func newShape(ceiling int, attack, hold time.Duration) shape {
	return shape{
		ceiling: float32(min(max(ceiling, 1), math.MaxInt16)),
		attack:  1 / float32(max(audio.Samples(attack), 1)),
		hold:    max(audio.Samples(hold), 0),
	}
}

// NewLimiter returns a limiter that lets out magnitudes up to ceiling, 1 to
// 32767, whose gain falls from 1 to 0 in the time attack and stays for the time
// hold after a peak. Values out of range are brought into it.
func NewLimiter(ceiling int, attack, hold time.Duration) *Limiter {
	return &Limiter{shape: newShape(ceiling, attack, hold)}
}

// SetCeiling moves the ceiling to that magnitude, 1 to 32767, from the next
// sample on.
func (l *Limiter) SetCeiling(magnitude int) {
	l.ready()
	l.shape.ceiling = float32(min(max(magnitude, 1), math.MaxInt16))
}

// ready gives a zero Limiter its shape.
func (l *Limiter) ready() {
	if l.shape.ceiling == 0 {
		l.shape = newShape(Ceiling, attack, hold)
	}
}

// Process writes src to dst, limited. It stops at the shorter of the two.
func (l *Limiter) Process(dst []int16, src []int32) { limit(l, dst, src) }

// InPlace limits pcm where it is.
func (l *Limiter) InPlace(pcm []int16) { limit(l, pcm, pcm) }

// Gain returns the gain at the end of the last block, 0 to 1: how far down the
// limiter holds the signal.
func (l *Limiter) Gain() float64 { return float64(1 - l.cut) }

// Limited returns how many samples were turned down so far.
func (l *Limiter) Limited() uint64 { return l.limited }

// limit writes src to dst, which may be the same.
func limit[S int16 | int32](l *Limiter, dst []int16, src []S) {
	l.ready()
	n := min(len(dst), len(src))
	for at := 0; at < n; at += window {
		end := min(at+window, n)
		block(l, dst[at:end], src[at:end])
	}
}

// block limits up to window samples.
func block[S int16 | int32](l *Limiter, dst []int16, src []S) {
	shape := l.shape
	if l.cut == 0 && !exceeds(src, shape.ceiling) {
		for i, x := range src {
			dst[i] = int16(x)
		}
		return
	}
	need := l.need[:len(src)]
	// Backwards: from each peak the gain that is on its way down to it.
	next := float32(1)
	for i := len(src) - 1; i >= 0; i-- {
		next = min(next+shape.attack, allowed(float32(src[i]), shape.ceiling))
		need[i] = next
	}
	// Forwards: from the gain that is, no faster than attack and release, yet
	// never above what the sample allows.
	gain := 1 - l.cut
	for i, s := range src {
		x := float32(s)
		switch {
		case need[i] <= gain && need[i] < 1:
			gain = min(max(need[i], gain-shape.attack), allowed(x, shape.ceiling))
			l.held = shape.hold
		case l.held > 0:
			l.held--
		default:
			gain = min(need[i], gain*release)
		}
		if gain == 1 {
			dst[i] = int16(s) // exactly, also where float32 would round
			continue
		}
		dst[i] = int16(min(max(x*gain, -shape.ceiling), shape.ceiling))
		l.limited++
	}
	l.cut = 1 - gain
}

// exceeds reports whether a sample is beyond ceiling.
func exceeds[S int16 | int32](src []S, ceiling float32) bool {
	top := int32(ceiling)
	for _, s := range src {
		if x := int32(s); x > top || x < -top {
			return true
		}
	}
	return false
}

// allowed returns the greatest gain that keeps x within ceiling, at most 1.
func allowed(x, ceiling float32) float32 {
	if x < 0 {
		x = -x
	}
	if x <= ceiling {
		return 1
	}
	return ceiling / x
}
