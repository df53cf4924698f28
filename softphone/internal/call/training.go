package call

import (
	"time"

	"callcenter/audio/jitter"
	"callcenter/softphone/internal/callstate"
)

// Train sets what is added to the way back of an echo call, within callstate's
// bounds, and reports whether this is one; nothing is added to another.
func (c *Call) Train(t callstate.Training) bool {
	if c.cfg.Destination != echo {
		return false
	}
	c.train.Set(t, c.cfg.Clock())
	return true
}

// arrive puts a packet on its way to the ear, unless a newer carrier was heard.
func (c *Call) arrive(k *carrier, p *jitter.Packet, now time.Duration) bool {
	if c.train.Turn(now) {
		c.hear.turn()
	}
	if !c.hear.place(k, p) {
		return false
	}
	if !c.train.Take(*p, now) {
		c.playout.Push(*p, now)
	}
	return true
}

// play is a packet at the end of the trained way.
func (c *Call) play(p jitter.Packet, due time.Duration) { c.playout.Push(p, due) }

// training is nil in a call to which nothing was added.
func (c *Call) training() *Training {
	s := c.train.Stats(c.cfg.Clock())
	if s.On == 0 {
		return nil
	}
	return &Training{
		OnS: round(s.On.Seconds()), DelayMS: millis(s.Last.Delay), JitterMS: millis(s.Last.Jitter),
		LossPct: s.Last.LossPct, Lost: s.Lost, Refused: s.Refused,
	}
}
