package room

import (
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"callcenter/audio"
	"callcenter/codec"
)

// crowd is a room full of guests of all kinds: one that ticks by itself in the
// virtual time of a synctest bubble, or one whose ticks the test makes.
type crowd struct {
	t      *testing.T
	d      *Directory
	r      *rand.Rand
	guests []*guest // all there are, in the room or not
	seen   seen

	conf   *conference // whose ticks the test makes
	now    time.Duration
	ticked func()
}

const crowdRoom = "room/crowd"

func newCrowd(t *testing.T, n, speakers int, seed uint64) *crowd {
	t.Helper()
	d := directory()
	d.cfg.Speakers = speakers
	return &crowd{
		t: t, d: d, r: rand.New(rand.NewPCG(uint64(n), seed)), guests: make([]*guest, n), seen: seen{-99, -99, -99, 0, 0},
	}
}

// byHand makes it a room whose ticks the test makes.
func (c *crowd) byHand(ticked func()) {
	c.d.cfg.Clock = func() time.Duration { return c.now }
	c.conf = newConference(crowdRoom, 0, c.d.cfg.Speakers, c.d.cfg.Clock)
	c.ticked = ticked
}

// enter lets guest i in, as a client of another kind than before.
func (c *crowd) enter(i int, f codec.Format, peak float64) {
	g := newGuest(c.t, c.r, i, f, peak)
	if i < 2 { // who stay all the time and hear who has the floor
		g.extended, g.lazy = true, false
	}
	g.ear = newEarpiece(g, c.d.cfg.Clock)
	g.begin = c.d.cfg.Clock()
	// No chunk comes in the moment of a tick.
	g.due = g.begin + time.Duration(1+c.r.IntN(20000))*time.Microsecond + 137*time.Nanosecond
	m := Member{CallID: g.name, Name: g.name, Format: g.format, FrameMS: g.wish, Extended: g.extended}
	var err error
	if c.conf == nil {
		g.leg, err = c.d.Join(crowdRoom, m, g.ear)
	} else {
		var l *conferenceLeg
		l, err = newConferenceLeg(c.d, m, g.ear)
		if err == nil {
			c.conf.join(l)
		}
		g.leg = l
	}
	if err != nil {
		c.t.Fatal(err)
	}
	c.guests[i] = g
}

// leave takes guest i out.
func (c *crowd) leave(i int) {
	c.guests[i].leg.Leave()
	c.guests[i].leg = nil
}

// present are the guests in the room.
func (c *crowd) present() []*guest {
	return slices.DeleteFunc(slices.Clone(c.guests), func(g *guest) bool { return g == nil || g.leg == nil })
}

// run lets that much time pass, in which everybody sends.
func (c *crowd) run(d time.Duration) {
	here := c.present()
	end := c.d.cfg.Clock() + d
	for {
		next := end
		for _, g := range here {
			next = min(next, g.due)
		}
		c.wait(next)
		now := c.d.cfg.Clock()
		if now >= end {
			break
		}
		for _, g := range here {
			if g.due <= now {
				g.due += g.send(now)
			}
		}
	}
	if c.conf == nil {
		synctest.Wait()
	}
}

// wait lets time pass until then.
func (c *crowd) wait(until time.Duration) {
	if c.conf == nil {
		if left := until - c.d.cfg.Clock(); left > 0 {
			time.Sleep(left)
		}
		return
	}
	for {
		next := (c.now/audio.Period + 1) * audio.Period
		if next > until {
			break
		}
		c.now = next
		c.conf.tick(c.now, false)
		c.ticked()
	}
	c.now = max(c.now, until)
}
