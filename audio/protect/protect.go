// Package protect keeps what an ear gets within bounds: a limiter for the end
// of the path to a headset that is worn eight hours a day. The softphone runs
// all that it plays through one Limiter, last.
//
// Two limits hold at once, and the lower one counts:
//
//   - a ceiling that no sample ever exceeds, -6 dBFS unless set otherwise;
//   - against acoustic shock, 20 dB above the running level of the speech that
//     was heard. A whistle, a fax, a dropped handset may be within the ceiling
//     and yet far above the voice that the ear has got used to.
//
// The gain is down within 1 ms, on its way before the peak where the peak is
// within the block, and comes back 80 ms after it at 24 dB a second. There is
// no added delay: the limiter looks ahead inside the block that it is given and
// flattens a peak that stands at the very beginning of it. What is within the
// limits passes bit for bit while the gain is 1.
//
// The running speech level is the RMS of speech over about a second. It
// follows somebody who talks louder by 10 dB a second, somebody who talks more
// softly by 1 dB a second, and stays in pauses. Tones, noise and bursts do not
// move it, nor does what is murmured behind the voice: see speech. Before a
// second of speech was heard there is no level to stay near, and the ceiling
// alone counts, but for a sound that goes on for 0.3 s and is no speech: it goes
// down to -10 dBFS. So ordinary speech, whose peaks are up to 20 dB above its
// RMS, passes untouched as far as the ceiling lets it, from the first word on.
//
// PCM is 48 kHz mono in blocks of any length, 10 ms being what it is made for.
// Levels are in dBFS, 0 being a sample of 32767 or an RMS of that.
package protect

import (
	"math"
	"sync/atomic"
	"time"

	"callcenter/audio"
	"callcenter/audio/mix"
)

const (
	// DefaultCeiling is the ceiling that suits most headsets, in dBFS of peaks.
	DefaultCeiling = -6.0
	// MinCeiling is the lowest ceiling, in dBFS of peaks.
	MinCeiling = -30.0
	// MaxCeiling is the highest ceiling, in dBFS of peaks.
	MaxCeiling = 0.0
	// Headroom is how far above the running speech level a peak may be, in dB.
	Headroom = 20.0
)

const (
	// attack is the time in which the gain falls.
	attack = time.Millisecond
	// hold is how long it stays down after a peak.
	hold = 80 * time.Millisecond
)

// Limiter protects the ear at one output. One goroutine calls Process; the
// other methods are for any goroutine.
type Limiter struct {
	limiter *mix.Limiter
	speech  speech

	ceiling atomic.Uint64 // dBFS, as the bits of a float64
	limited atomic.Uint64
	gain    atomic.Uint64 // 0 to 1, as the bits of a float64
	level   atomic.Uint64 // dBFS, as the bits of a float64
}

// New returns a Limiter with that ceiling in dBFS of peaks, brought into
// MinCeiling to MaxCeiling; DefaultCeiling is a good one.
func New(ceilingDBFS float64) *Limiter {
	l := &Limiter{
		limiter: mix.NewLimiter(math.MaxInt16, attack, hold),
		speech:  newSpeech(),
	}
	l.SetCeiling(ceilingDBFS)
	l.publish()
	return l
}

// SetCeiling moves the ceiling, in dBFS of peaks, from the next block on. It is
// brought into MinCeiling to MaxCeiling; what is no number gives
// DefaultCeiling.
func (l *Limiter) SetCeiling(dBFS float64) {
	if math.IsNaN(dBFS) {
		dBFS = DefaultCeiling
	}
	l.ceiling.Store(math.Float64bits(min(max(dBFS, MinCeiling), MaxCeiling)))
}

// Ceiling returns the ceiling in dBFS of peaks.
func (l *Limiter) Ceiling() float64 { return math.Float64frombits(l.ceiling.Load()) }

// Process limits pcm where it is. It does not allocate.
func (l *Limiter) Process(pcm []int16) {
	ceiling := l.Ceiling()
	for len(pcm) > 0 {
		n := min(len(pcm), audio.PeriodSamples)
		// The limit comes from what was heard before this block, so that a burst
		// cannot raise the limit that is to hold it.
		limit := min(ceiling, l.speech.level+Headroom)
		l.speech.add(pcm[:n])
		l.limiter.SetCeiling(int(fullScale * math.Pow(10, limit/20)))
		l.limiter.InPlace(pcm[:n])
		pcm = pcm[n:]
	}
	l.publish()
}

// publish shows other goroutines how things are.
func (l *Limiter) publish() {
	l.limited.Store(l.limiter.Limited())
	l.gain.Store(math.Float64bits(l.limiter.Gain()))
	l.level.Store(math.Float64bits(l.speech.level))
}

// Limited returns how many samples were turned down so far.
func (l *Limiter) Limited() uint64 { return l.limited.Load() }

// Gain returns the gain after the last block, 0 to 1; 1 is untouched.
func (l *Limiter) Gain() float64 { return math.Float64frombits(l.gain.Load()) }

// SpeechLevel returns the running speech level in dBFS RMS; before any speech
// it is the level that is assumed, -20.
func (l *Limiter) SpeechLevel() float64 { return math.Float64frombits(l.level.Load()) }

// Delay returns by how many samples the limiter delays what it is given: none.
func (l *Limiter) Delay() int { return 0 }
