// Package level measures PCM: peak and RMS of a block, a meter with the
// ballistics of a digital peak meter, the level that a chunk carries on the
// wire, a simple decision between speech and silence, and a detector of what no
// live microphone brings. The call's uplink and playout use it, and a conference
// for its legs.
//
// PCM is 48 kHz mono. Levels are in dBFS: 0 is a sample of ±32767, a
// full-scale sine has a peak of 0 and an RMS of -3.01, and Floor stands for
// silence. Nothing here allocates; each type says which goroutines may use it.
package level

import "math"

// Floor stands for silence, in dBFS: a little below the smallest step of 16
// bits.
const Floor = -96.0

// fullScale is the amplitude of 0 dBFS.
const fullScale = 32767

// DBFS returns the level of an amplitude (a peak or an RMS, 32767 being full
// scale), between Floor and 0.
func DBFS(amplitude float64) float64 {
	if !(amplitude > 0) {
		return Floor
	}
	return min(max(20*math.Log10(amplitude/fullScale), Floor), 0)
}

// Peak returns the level of the largest sample, of either polarity. The peak
// of no samples is Floor.
func Peak(pcm []int16) float64 { return DBFS(float64(peak(pcm))) }

// RMS returns the root mean square level of the block; that of no samples is
// Floor.
func RMS(pcm []int16) float64 { return rms(energy(pcm), len(pcm)) }

// DBov returns the level of the block as RFC 6464 sends it: its RMS below the
// overload point in whole dB, 0 being the loudest and 127 digital silence.
func DBov(pcm []int16) uint8 {
	e := energy(pcm)
	if e == 0 {
		return 127
	}
	db := -10 * math.Log10(float64(e)/float64(len(pcm))/(1<<30))
	return uint8(min(max(math.Round(db), 0), 127))
}

// peak returns the largest magnitude, 0 to 32768.
func peak(pcm []int16) int {
	lo, hi := int16(0), int16(0)
	for _, s := range pcm {
		lo, hi = min(lo, s), max(hi, s)
	}
	return max(int(hi), -int(lo)) // as int: -32768 has no positive int16
}

// energy returns the sum of the squares.
func energy(pcm []int16) uint64 {
	var sum uint64
	for _, s := range pcm {
		v := int64(s)
		sum += uint64(v * v)
	}
	return sum
}

// rms returns the level of n samples of that energy.
func rms(energy uint64, n int) float64 {
	if n == 0 {
		return Floor
	}
	return DBFS(math.Sqrt(float64(energy) / float64(n)))
}
