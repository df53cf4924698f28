package room

import (
	"time"

	"callcenter/audio"
)

const (
	// floorStep is how often the floor is given anew: with the longest frame, so
	// that nobody takes or leaves it within one.
	floorStep = 20 * time.Millisecond
	stepTicks = int(floorStep / audio.Period)
	// hangover is how long one who fell silent keeps the floor: the pauses within
	// a sentence.
	hangover = 300 * time.Millisecond
	// yieldAfter is how long after the last word one gives way to another who
	// talks, where the floor is full.
	yieldAfter = 160 * time.Millisecond
	// floorMargin in dB is how much louder than the quietest speaker another must
	// be, for floorPatience, to take the floor from them. Who has just taken it
	// keeps it for floorHold.
	floorMargin   = 6
	floorPatience = 100 * time.Millisecond
	floorHold     = 400 * time.Millisecond
	// loudFall in dB a step is how loudness falls between words: 20 dB a second.
	loudFall = 0.4
)

// claim is what a participant does to be heard. Its owner calls hear once a
// step, and then the floor is given.
type claim struct {
	loud   float64 // dB above -127 dBov: peaks, falling
	hang   int     // steps that are left of the hangover
	louder int     // steps in a row for which it was louder than a speaker
	held   int     // steps since it has the floor
	has    bool    // the floor: it is heard
	waited bool    // for it, while talking
	recent int     // the loudest since levels were last told, as loud
}

// hear notes how loud the participant was in a step, in dB above -127 dBov, and
// whether that was talk. A steady tone is.
func (c *claim) hear(loud int, talks bool) {
	c.waited = !c.has && c.hang > 1
	c.loud = max(float64(loud), c.loud-loudFall, 0)
	c.recent = max(c.recent, loud)
	c.hang = max(c.hang-1, 0)
	if talks {
		c.hang = steps(hangover)
	}
}

// floor gives the floor to the loudest who talk, at most as many as it says, so
// that nobody is chopped: there is a hangover; where it is full, one who talks
// gives way only to somebody clearly louder for a while; and who has just taken
// it keeps it.
type floor int

// give settles for the next step who of claims is heard.
func (f floor) give(claims []*claim) {
	free := int(f)
	for _, c := range claims {
		switch {
		case !c.has:
		case c.hang == 0 || free == 0: // silent, or from a room that heard more
			c.has = false
		default:
			c.held++
			free--
		}
	}
	for ; free > 0; free-- {
		next := loudestWaiting(claims)
		if next == nil {
			break
		}
		next.take()
	}
	if free == 0 {
		f.contest(claims)
	}
}

// contest lets one who waits take the floor from the quietest who has it.
func (f floor) contest(claims []*claim) {
	var weakest *claim
	for _, c := range claims {
		if c.has && c.held >= steps(floorHold) && (weakest == nil || c.rank() < weakest.rank()) {
			weakest = c
		}
	}
	for _, c := range claims {
		if c.has || c.hang == 0 || weakest == nil || c.rank() < weakest.rank()+floorMargin {
			c.louder = 0
		} else {
			c.louder++
		}
	}
	next := loudestWaiting(claims)
	if next != nil && next.louder >= steps(floorPatience) {
		weakest.has = false
		next.take()
	}
}

// rank is the loudness, but nothing for one who has said the last word.
func (c *claim) rank() float64 {
	if c.hang <= steps(hangover-yieldAfter) {
		return 0
	}
	return c.loud
}

func (c *claim) take() { c.has, c.held, c.louder = true, 0, 0 }

// loudestWaiting returns the loudest who talks and is not heard, the first of
// those who are as loud.
func loudestWaiting(claims []*claim) *claim {
	var best *claim
	for _, c := range claims {
		if !c.has && c.hang > 0 && (best == nil || c.rank() > best.rank()) {
			best = c
		}
	}
	return best
}

func steps(d time.Duration) int { return int(d / floorStep) }
