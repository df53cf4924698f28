package clean

import (
	"math"
)

const (
	// target is the level that active speech is brought to: the 2600 of
	// RFC 7874, in dBFS RMS.
	target = -22.0
	// maxGain and minGain bound the gain, in dB.
	maxGain, minGain = 20.0, -20.0
	// ramp is the most that the gain changes in a block, in dB: 6 dB a second.
	ramp = 0.06
	// leave is how fast the gain goes back to 0 dB when level control is
	// switched off: 60 dB a second.
	leave = 0.6
	// begin and end are the hysteresis: the gain starts to move when it is off
	// by the first and stops when it is off by less than the second, in dB.
	begin, end = 1.5, 0.2

	// body is the corner above which the level is measured, as RFC 7874 says,
	// in Hz.
	body = 300
	// bass is how far the level with everything may be above that one, in dB:
	// a deep voice must not be made much louder than a high one.
	bass = 3.0

	// silence is the level below which nothing is speech, in dBFS.
	silence = -50.0
	// near is how far below the running level speech goes, in dB. What is lower
	// is a pause, or somebody else in the room.
	near = 16.0
	// doubt is how fast that gate opens when only such sound is heard, in dB a
	// block: 0.5 dB a second. It may be the same voice at a lower setting.
	doubt = 0.005
	// hang is for how many blocks after a vowel sound is still speech: 100 ms.
	hang = 10
	// memory is over how many blocks of speech the level is the mean: 2 s; and
	// enough is how many there must be before the gain moves: 200 ms.
	memory, enough = 200, 20
)

// leveller brings speech to the target level, slowly.
//
// It measures the blocks that are speech: periodic or shortly after, and not far
// below what was speech before. All else, pauses, noise, a neighbour, leaves
// the gain where it is.
type leveller struct {
	filter biquad
	voice  voicing
	body   [blockSamples]float32 // the block above 300 Hz

	hang   int     // blocks for which a vowel still counts
	count  int     // blocks of speech in the mean, at most memory
	high   float64 // mean energy of a sample above 300 Hz
	full   float64 // mean energy of a sample
	opened float64 // how far doubt has opened the gate, dB

	gain   float64 // dB
	moving bool
}

func newLeveller() leveller {
	return leveller{filter: newHighPass(body, math.Sqrt2/2)}
}

// run measures the block and applies the gain. Switched off, it goes back to
// 0 dB.
func (l *leveller) run(pcm *[blockSamples]float32, on bool) {
	before := l.gain
	switch {
	case !on:
		l.gain -= min(max(l.gain, -leave), leave)
		l.moving = false
	case l.measure(pcm) && l.count >= enough:
		l.adjust()
	}
	if before == 0 && l.gain == 0 {
		return
	}
	from, to := factor(before), factor(l.gain)
	for i := range pcm {
		pcm[i] *= from + (to-from)*float32(i+1)/blockSamples
	}
}

// measure takes a block into account and reports whether it is speech.
func (l *leveller) measure(pcm *[blockSamples]float32) bool {
	var full, high float64
	for i, x := range pcm {
		y := l.filter.next(float64(x))
		l.body[i] = float32(y)
		full += float64(x) * float64(x)
		high += y * y
	}
	l.filter.settle()
	l.voice.add(&l.body)
	full, high = full/blockSamples, high/blockSamples

	loudness := dBFS(high)
	if l.hang > 0 {
		l.hang--
	}
	if loudness < silence {
		return false
	}
	if l.voice.periodic() {
		l.hang = hang
	}
	if l.hang == 0 || !l.belongs(loudness) {
		return false
	}
	l.count = min(l.count+1, memory)
	l.high += (high - l.high) / float64(l.count)
	l.full += (full - l.full) / float64(l.count)
	return true
}

// belongs reports whether periodic sound of that level is the voice that was
// heard before.
func (l *leveller) belongs(loudness float64) bool {
	if l.count < enough {
		return true
	}
	gate := dBFS(l.high) - near
	if loudness >= gate {
		l.opened = 0
		return true
	}
	l.opened += doubt
	return loudness >= gate-l.opened
}

// adjust moves the gain towards the target.
func (l *leveller) adjust() {
	level := max(dBFS(l.high), dBFS(l.full)-bass)
	off := min(max(target-level, minGain), maxGain) - l.gain
	if l.moving = math.Abs(off) > begin || l.moving && math.Abs(off) > end; l.moving {
		l.gain += min(max(off, -ramp), ramp)
	}
}

// dBFS returns the level of a mean energy.
func dBFS(energy float64) float64 {
	return 10 * math.Log10(max(energy, 1e-3)/(math.MaxInt16*math.MaxInt16))
}

// factor returns the factor of a gain in dB.
func factor(dB float64) float32 { return float32(math.Pow(10, dB/20)) }
