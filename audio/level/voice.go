package level

import (
	"math"

	"callcenter/audio"
)

const (
	// blockSamples is the step of the decision: 10 ms.
	blockSamples = audio.PeriodSamples
	// hangover is how many blocks a decision for speech outlives it: 200 ms, so
	// that the soft ends of words stay.
	hangover = 20
	// margin is how far above the noise speech begins, in dB.
	margin = 8
	// noiseMin and noiseMax bound the noise floor, in dBFS. Below the first no
	// microphone is, and above the second a steady sound is a signal and not
	// noise: a tone of -40 dBFS counts as voice for ever.
	noiseMin, noiseMax = -65.0, -48.0
	// spanBlocks and spans make the time over which the quietest moment is the
	// noise: 8 times 250 ms. Speech pauses within 2 s.
	spanBlocks = 25
	spans      = 8
	// smoothing is the share of a new block in the smoothed energy.
	smoothing = 0.4
)

// Voice decides between speech and silence. It takes the quietest moment of the
// last two seconds as the noise floor, and calls speech what is 8 dB above it,
// and 200 ms more. A steady tone of -40 dBFS or more is voice. Its zero value
// is ready; one goroutine uses it.
type Voice struct {
	sum, squares int64 // of the block that is being filled
	fill         int

	smooth  float64        // smoothed energy of a sample
	quiet   [spans]float64 // quietest level of each span, below noiseMin
	current float64        // the same for the span that runs
	blocks  int            // blocks in it
	span    int
	hang    int // blocks for which the decision still holds
}

// Add listens to pcm, the newest samples in blocks of any size, and reports
// whether there was speech in them, or less than 200 ms before.
func (v *Voice) Add(pcm []int16) bool {
	speech := v.hang > 0
	for len(pcm) > 0 {
		n := min(len(pcm), blockSamples-v.fill)
		for _, s := range pcm[:n] {
			x := int64(s)
			v.sum += x
			v.squares += x * x
		}
		v.fill += n
		pcm = pcm[n:]
		if v.fill == blockSamples {
			v.decide()
			speech = speech || v.hang > 0
		}
	}
	return speech
}

// Noise returns the noise floor that is in use, in dBFS.
func (v *Voice) Noise() float64 {
	// Spans that did not happen yet are 0 and so count as noiseMin: speech in
	// the first seconds is speech.
	lowest := v.current
	for _, q := range v.quiet {
		lowest = math.Min(lowest, q)
	}
	return math.Min(noiseMin+lowest, noiseMax)
}

// decide takes the full block into account.
func (v *Voice) decide() {
	// Without its mean: a microphone's DC offset is no sound.
	mean := float64(v.sum) / blockSamples
	e := math.Max(float64(v.squares)/blockSamples-mean*mean, 0)
	v.sum, v.squares, v.fill = 0, 0, 0

	v.smooth += smoothing * (e - v.smooth)
	above := math.Max(DBFS(math.Sqrt(v.smooth))-noiseMin, 0)
	if v.blocks == 0 {
		v.current = above
	}
	v.current = math.Min(v.current, above)
	v.blocks++
	if v.blocks == spanBlocks {
		v.quiet[v.span] = v.current
		v.span = (v.span + 1) % spans
		v.blocks = 0
	}

	if DBFS(math.Sqrt(e)) >= v.Noise()+margin {
		v.hang = hangover + 1
	}
	v.hang = max(v.hang-1, 0)
}
