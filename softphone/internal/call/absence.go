package call

import (
	"time"

	"callcenter/audio"
	"callcenter/audio/port"
)

const (
	// absentAfter is how long a microphone may bring nothing before that is
	// announced as silence: 100 ms, as old as its sound may get in the port. The
	// far end makes up less than an interruption (150 ms) until then.
	absentAfter time.Duration = port.CaptureLimit * time.Second / audio.Rate
	// catchUp is how much the playout is pulled at once for an earpiece that is
	// away; above that this process itself was.
	catchUp = time.Second
)

// absence stands in for a microphone that brings nothing, because it was
// unplugged or its sound server died: its frame slots go on by the clock, and
// are silent. So the far end plays its comfort noise and misses nothing, and
// media time is what it will be when the microphone is back.
type absence struct {
	timer   *time.Timer
	known   bool          // a frame of a device was read
	heard   time.Duration // when the newest was
	next    uint64        // position behind it
	slots   uint64        // announced since then
	through uint64        // position up to which silence was announced
}

func newAbsence() absence {
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	return absence{timer: timer}
}

// heardFrame takes note of a frame at pos. It reports false for one that comes
// too late: that its slot is silent was said already.
func (c *Call) heardFrame(s *uplinkState, pos uint64) bool {
	a, was := &s.absence, s.absence.known
	a.known = c.cfg.Capture.Live()
	a.heard, a.next, a.slots = c.cfg.Clock(), pos+uint64(len(s.frame)), 0
	if a.known && !was {
		a.timer.Reset(c.absentAfter())
	}
	if pos >= a.through {
		return true
	}
	c.figures.unsaid.Add(uint64(len(s.frame)))
	return false
}

// absentAfter is how long this microphone may bring nothing. For a listener who
// wants every word it is as long as the port still brings what was held up.
func (c *Call) absentAfter() time.Duration {
	least := absentAfter
	if c.cfg.Complete {
		least = port.AbsenceLimit
	}
	frame := audio.Duration(c.cfg.Options.FrameSamples)
	return max(least, 3*frame, 3*c.ends.Load().microphone.Period)
}

// standIn announces the slots that the microphone owes, once it has been away
// for long enough, and sets the timer for the next.
func (c *Call) standIn(s *uplinkState) {
	a, now := &s.absence, c.cfg.Clock()
	if quiet := now - a.heard; quiet < c.absentAfter() {
		a.timer.Reset(c.absentAfter() - quiet)
		return
	}
	frame := audio.Duration(len(s.frame))
	due := uint64((now - a.heard) / frame)
	if due > a.slots+1 { // what is late is past, and takes no sequences
		a.next += (due - a.slots - 1) * uint64(len(s.frame))
		a.slots = due - 1
	}
	marks := quietMarks(c.look(s))
	if a.slots < due {
		c.announce(s, a.next, now, marks)
		a.next += uint64(len(s.frame))
		a.slots++
	}
	a.through = a.next
	a.timer.Reset(a.heard + time.Duration(due+1)*frame - now)
}

// deafness stands in for an earpiece that takes nothing: what it would have
// played is pulled by the clock and dropped, so that the playout stays live and
// the earpiece begins with what is being said when it is back.
type deafness struct {
	timer  *time.Timer
	wanted time.Duration // when the earpiece took something; 0: not yet
	on     bool
	at     time.Duration // up to when was pulled
	// What the earpiece had taken at wanted, and how often it had run dry.
	taken, underruns uint64
}

func newDeafness() *deafness {
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	return &deafness{timer: timer}
}

// wanted takes note that the earpiece has taken something. What it took after it
// was away tells nothing of the delay. A listener who wants every word waits
// for his earpiece.
func (c *Call) wanted(d *deafness, loop *loopProbe) {
	now := c.cfg.Clock()
	if d.wanted > 0 && now-d.wanted >= port.AbsenceLimit {
		loop.first = loop.next
	}
	st := c.cfg.Playback.Stats()
	if asked, ok := c.cfg.Playback.TakenAt(d.taken); ok && st.Underruns != d.underruns && d.wanted > 0 {
		c.figures.earLate.add(now-asked, now) // what the reserve bore was in time
	}
	d.taken, d.underruns = st.Taken, st.Underruns
	d.wanted, d.on = now, false
	if !c.cfg.Complete {
		d.timer.Reset(port.AbsenceLimit)
	}
}

// playUnheard pulls what the earpiece would have taken since the last time.
func (c *Call) playUnheard(d *deafness, pcm []int16) {
	now, step := c.cfg.Clock(), audio.Duration(len(pcm))
	if !d.on || now-d.at > catchUp {
		d.on, d.at = true, now-step
	}
	c.playout.SetAhead(0)
	for ; d.at+step <= now; d.at += step {
		c.train.Release(d.at+step, c.play)
		c.playout.Pull(pcm, d.at+step)
	}
	s := c.playout.Stats()
	c.figures.rated.heard(&s, false)
	d.timer.Reset(d.at + step - now)
}
