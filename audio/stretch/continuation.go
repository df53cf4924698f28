package stretch

import "math"

const (
	seamSamples  = 120 // 2.5 ms, no more than a period
	slopeSamples = 16
	pieceSamples = 960 // 20 ms: the longer the piece, the less it hums
	alike        = 0.05

	// The share of power that repeats goes from none to all between these
	// correlations of two periods; the rest is noise.
	noPitch   = 0.4
	allPitch  = 0.9
	localFit  = 960 // samples that say what the noise sounds like,
	localLoud = 480 // and how loud it is
)

// continuation goes on as a sound has ended. What had a pitch is repeated, in
// several periods where they fit; what had none becomes noise of the same
// spectrum, for noise that is repeated buzzes.
type continuation struct {
	piece  [pieceSamples]int16
	length int // of the piece
	period int // the piece is one or more of these
	at     int // in the piece
	// Where the sound had ended, seen from where the piece begins, and how fast it
	// moved away from it: both are made up for in the first samples.
	offset, slope float64
	made          int

	voiced, unvoiced float64 // shares of amplitude
	noise            synthesis
}

// begin takes up history, historySamples long.
func (c *continuation) begin(history []int16) {
	var reversed [historySamples]int16
	for i, s := range history {
		reversed[historySamples-1-i] = s
	}
	lag, rho := bestLag(reversed[:], 0)
	share := max(0, min(1, (rho-noPitch)/(allPitch-noPitch)))
	c.voiced, c.unvoiced = math.Sqrt(share), math.Sqrt(1-share)
	if share > 0 {
		c.repeat(history, reversed[:], lag, rho)
	}
	if share < 1 {
		var end [localFit]float64
		for i := range end {
			end[i] = float64(history[historySamples-localFit+i])
		}
		r := correlate(end[:])
		c.noise.fit(&r, Power(history[historySamples-localLoud:]))
		// Both parts together begin where the sound ended.
		c.noise.follow(history, (1-c.voiced)/c.unvoiced)
	}
}

// repeat cuts out the last periods and joins their end with their beginning.
func (c *continuation) repeat(history, reversed []int16, lag int, rho float64) {
	c.period, c.length, c.at = lag, lag, 0
	var e energies
	e.of(reversed)
	for n := 2 * lag; n <= pieceSamples; n += lag {
		if e.correlation(reversed, n, minCompare) >= rho-alike {
			c.length = n
		}
	}
	begin := historySamples - c.length
	copy(c.piece[:], history[begin:])
	join := min(lag/2, 2*seamSamples)
	crossFade(c.piece[c.length-join:c.length], history[historySamples-join:], history[begin-join:begin], 1)
	c.offset = float64(history[historySamples-1]) - float64(history[begin-1])
	c.slope = c.offset - float64(history[historySamples-2]) + float64(history[begin-2]) + 2*c.offset/seamSamples
	c.made = 0
}

// next returns the next sample.
func (c *continuation) next(white *random) float64 {
	var s float64
	if c.voiced > 0 {
		s = c.voiced * c.repeated()
	}
	if c.unvoiced > 0 {
		s += c.unvoiced * c.noise.next(white.next())
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
