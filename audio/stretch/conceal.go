package stretch

const (
	historySamples = Window
	holdSamples    = 960  // full level for 20 ms,
	fadeSamples    = 3840 // then down to nothing at 100 ms
	mergeSamples   = 240  // 5 ms
	seamSamples    = 120  // 2.5 ms, no more than a period
)

// Concealer continues audio that stopped coming and merges what comes after. It
// sees everything that is played, in order: Played for real audio, Conceal
// where there is none.
//
// Concealment repeats the last pitch period, fades after 20 ms and is silent
// from 100 ms on.
type Concealer struct {
	history [historySamples]int16 // what was heard last, newest at the end
	period  [MaxLag]int16         // the piece that is repeated, lag samples long
	lag     int
	seam    int  // from the end of a period to what came before its start
	made    int  // samples made up since real audio ended
	active  bool // what is heard is made up, or merges with it
	merged  int  // samples of real audio that concealment was mixed into so far
}

// Played notes real audio that goes to the ear and, where it follows
// concealment, merges its beginning with what concealment would have gone on
// to say.
func (c *Concealer) Played(pcm []int16) {
	for i := 0; c.active && i < len(pcm); i++ {
		pcm[i] = mixFade(c.next(), pcm[i], c.merged, mergeSamples)
		c.merged++
		c.active = c.merged < mergeSamples
	}
	c.remember(pcm)
}

// Splice merges what is played next, which does not follow what was played
// last, with its likely continuation.
func (c *Concealer) Splice() {
	switch {
	case !c.active:
		c.begin()
	case c.merged > 0:
		c.begin() // go on from the mixture that is being heard
	}
}

// Conceal fills dst with a continuation of what was played.
func (c *Concealer) Conceal(dst []int16) {
	c.Splice()
	for i := range dst {
		dst[i] = c.next()
	}
	c.remember(dst)
}

func (c *Concealer) begin() {
	c.active, c.made, c.merged = true, 0, 0
	var reversed [Window]int16
	for i, s := range c.history {
		reversed[Window-1-i] = s
	}
	lag, rho := bestLag(reversed[:], 0)
	if rho < accept {
		lag = MaxLag // no pitch: the longest piece, so that it hums least
	}
	c.lag = lag
	copy(c.period[:lag], c.history[historySamples-lag:])
	c.seam = int(c.history[historySamples-1]) - int(c.history[historySamples-1-lag])
}

// next returns the next sample of the continuation.
func (c *Concealer) next() int16 {
	if c.made >= fadeSamples+holdSamples {
		return 0
	}
	at := c.made % c.lag
	s := int(c.period[at])
	if at < seamSamples {
		// Start where the last period ended, whatever its start was.
		s += c.seam * (seamSamples - at) / seamSamples
	}
	if over := c.made - holdSamples; over > 0 {
		s = s * (fadeSamples - over) / fadeSamples
	}
	c.made++
	return clip(s)
}

func clip(s int) int16 { return int16(max(-32768, min(32767, s))) }

func (c *Concealer) remember(pcm []int16) {
	if len(pcm) >= historySamples {
		copy(c.history[:], pcm[len(pcm)-historySamples:])
		return
	}
	copy(c.history[:], c.history[len(pcm):])
	copy(c.history[historySamples-len(pcm):], pcm)
}
