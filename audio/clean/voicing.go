package clean

import (
	"math"

	"callcenter/audio"
)

const (
	// decimation brings 48 kHz down to 4 kHz, which is enough to see a pitch.
	decimation = 12
	pitchRate  = audio.Rate / decimation
	// step is how many samples of 4 kHz a block brings.
	step = blockSamples / decimation
	// shortest and longest are the pitch periods looked for: 400 to 60 Hz.
	shortest, longest = pitchRate / 400, pitchRate / 60
	// span is the length of the stretch that is compared with an earlier one,
	// 30 ms.
	span = 3 * step
	// voiced is the correlation from which on sound is periodic. Noise stays
	// below 0.3.
	voiced = 0.5
)

// voicing finds out whether sound is periodic, as the vowels of a voice are and
// noise is not.
type voicing struct {
	past [longest + span]float32 // at 4 kHz, the newest last
}

// add takes the next block into account.
func (v *voicing) add(pcm *[blockSamples]float32) {
	copy(v.past[:], v.past[step:])
	tail := v.past[len(v.past)-step:]
	for i := range tail {
		sum := float32(0)
		for _, x := range pcm[i*decimation:][:decimation] {
			sum += x
		}
		tail[i] = sum / decimation
	}
}

// periodic reports whether the last 30 ms repeat what was one pitch period
// before.
func (v *voicing) periodic() bool {
	now := v.past[longest:]
	energy := dot(now, now)
	if energy == 0 {
		return false
	}
	for lag := shortest; lag <= longest; lag++ {
		before := v.past[longest-lag:][:span]
		product := dot(now, before)
		if product <= 0 {
			continue
		}
		if other := dot(before, before); float64(product) > voiced*math.Sqrt(float64(energy)*float64(other)) {
			return true
		}
	}
	return false
}

// dot returns the sum of the products.
func dot(a, b []float32) float32 {
	b = b[:len(a)]
	var even, odd float32 // two sums, which a processor adds side by side
	for i := 0; i+1 < len(a); i += 2 {
		even += a[i] * b[i]
		odd += a[i+1] * b[i+1]
	}
	return even + odd
}
