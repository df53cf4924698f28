package stretch

import "math"

const (
	seamSamples  = 120 // 2.5 ms, no more than a period
	slopeSamples = 16
	pieceSamples = 960 // 20 ms: the longer the piece, the less it hums
	alike        = 0.05

	// The share of power that repeats goes from none to all between these
	// correlations of two periods. The low tones give the pitch away; the high
	// ones, of which there are more, correlate by chance less and in speech less.
	noPitch, allPitch = 0.4, 0.9
	noHigh, allHigh   = 0.1, 0.6

	localFit  = 960 // samples that say what noise sounds like,
	localLoud = 480 // and how loud it is

	boxSamples = 9 // twice, they take away half the amplitude at 2.4 kHz
	boxDelay   = boxSamples - 1
)

// continuation goes on as a sound has ended. What had a pitch is repeated, in
// several periods where they fit; what had none becomes noise of the same
// spectrum, for noise that is repeated buzzes. Low and high tones are judged
// apart: the breath of a voice is noise, its pitch is not.
type continuation struct {
	voiced float64 // share of the amplitude of low tones that repeats
	piece  [pieceSamples]int16
	length int // of the piece
	period int // the piece is one or more of these
	at     int // in the piece
	// Where the sound had ended, seen from where the piece begins, and how fast it
	// moved away from it: both are made up for in the first samples.
	offset, slope float64
	made          int

	noise synthesis
}

// begin takes up history, historySamples long.
func (c *continuation) begin(history []int16) {
	var reversed, voice [historySamples]int16
	for i, s := range history {
		reversed[historySamples-1-i] = s
	}
	lag, rho := bestLag(reversed[:], 0)
	low := share(rho, noPitch, allPitch)
	high := min(low, share(highCorrelation(reversed[:], lag), noHigh, allHigh))
	c.voiced = math.Sqrt(low)

	var noise [historySamples]float64
	switch {
	case low == 0:
		for i, s := range history {
			noise[i] = float64(s)
		}
	case high == 1:
		copy(voice[:], history)
	default:
		split(history, lag, low, high, voice[:], noise[:])
	}
	if low > 0 {
		c.repeat(voice[:], reversed[:], lag, rho)
	}
	var power float64
	for _, v := range noise[historySamples-localLoud:] {
		power += v * v / localLoud
	}
	r := correlate(noise[historySamples-localFit:])
	c.noise.fit(&r, power)
	// Voice and noise together begin where the sound ended.
	for i := range c.noise.past {
		at := historySamples - 1 - i
		c.noise.past[i] = float64(history[at]) - float64(voice[at])
	}
}

// share goes from 0 to 1 while rho goes from none to all.
func share(rho, none, all float64) float64 {
	return max(0, min(1, (rho-none)/(all-none)))
}

// highCorrelation is the correlation at a lag without the lowest tones.
func highCorrelation(pcm []int16, lag int) float64 {
	var high [historySamples]int16
	for i := 1; i < historySamples; i++ {
		high[i] = round(float64(pcm[i]) - emphasis*float64(pcm[i-1]))
	}
	var e energies
	e.of(high[:])
	return e.correlation(high[:], lag, max(lag, minCompare))
}

// split divides history into what repeats after lag samples and what does not,
// by the shares of power of low and high tones that do.
func split(history []int16, lag int, low, high float64, voice []int16, noise []float64) {
	var longer [historySamples + 2*boxDelay]int32
	var once [historySamples + boxDelay]int32
	var twice [historySamples]int32
	for i := range longer {
		at := max(0, i-boxDelay)
		if at >= historySamples {
			at -= lag
		}
		longer[i] = int32(history[at])
	}
	box(once[:], longer[:])
	box(twice[:], once[:])
	voiceLow, voiceHigh := math.Sqrt(low), math.Sqrt(high)
	noiseLow, noiseHigh := math.Sqrt(1-low), math.Sqrt(1-high)
	for i, s := range history {
		l := float64(twice[i]) / (boxSamples * boxSamples)
		h := float64(s) - l
		voice[i] = round(voiceLow*l + voiceHigh*h)
		noise[i] = noiseLow*l + noiseHigh*h
	}
}

// box fills dst with sums of boxSamples of src.
func box(dst, src []int32) {
	var sum int32
	for _, s := range src[:boxDelay] {
		sum += s
	}
	for i := range dst {
		sum += src[i+boxDelay]
		dst[i] = sum
		sum -= src[i]
	}
}

// repeat cuts out the last periods and joins their end with their beginning.
func (c *continuation) repeat(voice, reversed []int16, lag int, rho float64) {
	c.period, c.length, c.at, c.made = lag, lag, 0, 0
	var e energies
	e.of(reversed)
	for n := 2 * lag; n <= pieceSamples; n += lag {
		if e.correlation(reversed, n, minCompare) >= rho-alike {
			c.length = n
		}
	}
	const end = historySamples
	begin := end - c.length
	copy(c.piece[:], voice[begin:])
	join := min(lag/2, 2*seamSamples)
	crossFade(c.piece[c.length-join:c.length], voice[end-join:], voice[begin-join:begin], 1)
	c.offset = float64(voice[end-1]) - float64(voice[begin-1])
	c.slope = c.offset - float64(voice[end-2]) + float64(voice[begin-2]) + 2*c.offset/seamSamples
}

// next returns the next sample.
func (c *continuation) next(white *random) float64 {
	s := c.noise.next(white.next())
	if c.voiced > 0 {
		s += c.repeated()
	}
	return s
}

func (c *continuation) repeated() float64 {
	s := float64(c.piece[c.at])
	if c.made < seamSamples {
		c.made++
		left := 1 - float64(c.made)/seamSamples
		s += c.offset * left * left
		if c.made < slopeSamples {
			left = 1 - float64(c.made)/slopeSamples
			s += c.slope * float64(c.made) * left * left
		}
	}
	if c.at++; c.at == c.length {
		c.at = 0
	}
	return s
}

// ahead fills dst with what repeated would return next, and leaves it there.
func (c *continuation) ahead(dst []int16) {
	for i, at := 0, c.at; i < len(dst); at = 0 {
		i += copy(dst[i:], c.piece[at:c.length])
	}
}
