package stretch

import "math"

const (
	historySamples = Window
	mergeSamples   = 480 // 10 ms
	comfortFade    = 480 // into announced silence, 10 ms

	// Concealment keeps its level for 20 ms and is down to three quarters after
	// 40 ms, a third after 60 and nothing after 100.
	holdEnd   = 960
	slowEnd   = 1920
	repeatEnd = 2880
	fadeEnd   = 4800
	slowTo    = 0.75
	repeatTo  = 0.35
)

// Concealer continues audio that stopped coming and merges what comes after. It
// sees everything that is played, in order: Played for real audio, Conceal
// where there is none, Comfort in silence that the sender announced.
//
// Concealment repeats the last pitch periods, or goes on as noise where there
// was no pitch, and becomes the background noise within 100 ms. That noise is
// learnt from the real audio; it is silence until 1 s of that was heard, and at
// most -45 dBFS ever.
//
// A call takes about 10 us for 10 ms of audio, 40 us where made-up audio begins.
// The zero value is ready to use.
type Concealer struct {
	history [historySamples]int16 // what was heard last, newest at the end
	speech  continuation
	floor   floor
	noise   synthesis // the background
	white   random
	level   float64 // of speech in what is made up, the rest is background

	made      int  // samples made up since real audio ended
	merged    int  // samples of real audio that made-up audio was mixed into so far
	active    bool // what is heard is made up, or merges with it
	announced bool // what is made up is announced silence
}

// Played notes real audio that goes to the ear and, where it follows made-up
// audio, merges its beginning with what that would have gone on to say.
func (c *Concealer) Played(pcm []int16) {
	mixed := 0
	for ; c.active && mixed < len(pcm); mixed++ {
		pcm[mixed] = mixFade(c.next(), pcm[mixed], c.merged, mergeSamples)
		c.merged++
		c.active = c.merged < mergeSamples
	}
	if c.floor.hear(pcm[mixed:]) {
		c.noise.fit(&c.floor.quietest.auto, c.floor.quietest.auto[0])
	}
	c.remember(pcm)
}

// Splice merges what is played next, which does not follow what was played
// last, with its likely continuation.
func (c *Concealer) Splice() {
	// Where a merge is under way, go on from the mixture that is being heard.
	if !c.active || c.merged > 0 {
		c.begin()
	}
}

// Conceal fills dst with a continuation of what was played, and returns how many
// samples of it, at the end, are nothing but background noise or silence.
func (c *Concealer) Conceal(dst []int16) (silent int) {
	c.Splice()
	return c.fill(dst)
}

// Comfort fills dst with background noise, into which what was heard before
// fades within 10 ms.
func (c *Concealer) Comfort(dst []int16) {
	c.Splice()
	c.announced = true
	c.fill(dst)
}

func (c *Concealer) fill(dst []int16) (silent int) {
	for i := range dst {
		if c.level <= 0 {
			silent++
		}
		dst[i] = c.next()
	}
	c.remember(dst)
	return silent
}

func (c *Concealer) begin() {
	// Nobody notices where one background noise goes over into the other.
	power := Power(c.history[historySamples-localLoud:])
	c.announced = power < quietRMS*quietRMS || c.floor.below(power)
	c.active, c.made, c.merged, c.level = true, 0, 0, 1
	c.floor.cut()
	c.speech.begin(c.history[:])
}

// next returns the next made-up sample. Speech and background are not alike, so
// their powers add up, to what it was where there was only background.
func (c *Concealer) next() int16 {
	var s float64
	if c.level > 0 {
		s = c.level * c.speech.next(&c.white)
	}
	if c.level < 1 {
		background := c.noise.next(c.white.next())
		if c.level > 0 {
			background *= math.Sqrt(1 - c.level*c.level)
		}
		s += background
	}
	c.made++
	if c.announced {
		c.level = max(0, c.level-1.0/comfortFade-1e-12)
	} else {
		c.level = min(c.level, speechLevel(c.made))
	}
	return round(s)
}

// speechLevel is how loud speech is that many samples after it stopped coming.
func speechLevel(made int) float64 {
	between := func(from, to int, a, b float64) float64 {
		return a + (b-a)*float64(made-from)/float64(to-from)
	}
	switch {
	case made < holdEnd:
		return 1
	case made < slowEnd:
		return between(holdEnd, slowEnd, 1, slowTo)
	case made < repeatEnd:
		return between(slowEnd, repeatEnd, slowTo, repeatTo)
	case made < fadeEnd:
		return between(repeatEnd, fadeEnd, repeatTo, 0)
	default:
		return 0
	}
}

func (c *Concealer) remember(pcm []int16) {
	if len(pcm) >= historySamples {
		copy(c.history[:], pcm[len(pcm)-historySamples:])
		return
	}
	copy(c.history[:], c.history[len(pcm):])
	copy(c.history[historySamples-len(pcm):], pcm)
}
