package room

import (
	"callcenter/audio"
	"callcenter/audio/sendq"
)

// Two people need no mixer. Where a member hears nobody but one other, what that
// one says is forwarded as it came, as the same bytes: no buffer, no codec and no
// clock of the room's is between them. At each step the room settles who hears whom
// like that:
//
//   - it begins in a room of two whose members hear alike, and while there is nothing
//     to hear: when one of them comes, or in a pause of the talker's. What is forwarded
//     is a buffer's delay ahead of the mix: in the middle of a word the listener would
//     miss that much of it.
//   - it lasts until a third has the floor, not until a third comes: two who talk keep
//     it while others listen.
//   - then the mix begins at once. It is behind what was forwarded by the delay of the
//     talker's buffer, of which the listener hears that much again: some 40 ms, at the
//     moment in which another voice sets in.
//
// To the listener each is another epoch: its target stays, and it joins the two in
// phase. Meanwhile the talker's playout goes on unheard, so that it is then what it
// would have been.

// forward gives the member a frame that source said, untouched but for the epoch:
// those of a direction are the server's. The receive loop of source calls it. It
// returns where it put the frame.
func (o *outlet) forward(source *conferenceLeg, f sendq.Frame) Downlink {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.source != source { // settled otherwise while the frame came
		return nil
	}
	if f.Epoch != o.theirs {
		o.theirs, o.fresh = f.Epoch, true
	}
	f.Epoch = o.next()
	o.down.Put(f)
	return o.down
}

// turn lets the member hear source directly from now on, or nil: the mix.
func (o *outlet) turn(source *conferenceLeg) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.source, o.fresh = source, true
}

// settle chooses for the step that begins who hears another directly. It holds c.mu.
func (c *conference) settle() {
	c.mixes, c.long = 0, true
	forwarded := 0
	for _, l := range c.legs {
		l.shut = l.deaf.Load()
		c.long = c.long && l.speaker.coder.samples == stepTicks*audio.PeriodSamples
		source := l.speaker.source
		if source == nil {
			source = c.partner(l)
		} else if !c.keeps(l, source) {
			source = nil
		}
		if source != l.speaker.source {
			l.hear(source)
		}
		switch {
		case source != nil:
			forwarded++
		case !l.shut:
			c.mixes++
		}
	}
	c.direct = forwarded == len(c.legs) && len(c.legs) == 2
}

// partner returns the one whom l can begin to hear directly, nil if there is none.
func (c *conference) partner(l *conferenceLeg) *conferenceLeg {
	if len(c.legs) != 2 || !l.speaker.hushed() {
		return nil
	}
	other := c.legs[0]
	if other == l {
		other = c.legs[1]
	}
	if !l.alike(other) {
		return nil
	}
	return other
}

// keeps reports that there is still nobody but source for l to hear.
func (c *conference) keeps(l, source *conferenceLeg) bool {
	there := false
	for _, other := range c.legs {
		if other.speaking && other != l && other != source {
			return false
		}
		there = there || other == source
	}
	return there && l.alike(source)
}

// alike reports that l can play what other says as it is and may hear it, and nothing
// is done to it.
func (l *conferenceLeg) alike(other *conferenceLeg) bool {
	return l.member.Extended && other.member.Extended && l.member.Format == other.member.Format &&
		!l.failed && !other.failed && !l.shut && other.control == nil
}

// hear lets l hear source directly from now on, or nil: the mix.
func (l *conferenceLeg) hear(source *conferenceLeg) {
	l.untie()
	l.before = l.speaker.source
	l.speaker.turn(source)
	l.hears = nil
	if source != nil {
		source.listener.Store(l)
		return
	}
	l.speaker.paused, l.speaker.marked = false, 0 // what was forwarded announced no silence
}

// untie ends that what another says is forwarded to l.
func (l *conferenceLeg) untie() {
	if source := l.speaker.source; source != nil {
		source.listener.CompareAndSwap(l, nil)
	}
}

// heardBy reports that what l says is mixed for somebody.
func (c *conference) heardBy(l *conferenceLeg) bool {
	others := c.mixes
	if l.speaker.source == nil && !l.shut {
		others--
	}
	return others > 0
}
