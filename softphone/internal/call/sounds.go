package call

import (
	"context"
	"time"

	"callcenter/audio"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/cue"
)

const (
	// ringAfter is how long a call is dialed before the ear hears so: one that is
	// answered at once does not ring.
	ringAfter = 400 * time.Millisecond
	// farewellLimit bounds the time in which the end of a call is heard.
	farewellLimit = 500 * time.Millisecond
	// farewellGone is how long an earpiece may have taken nothing to be waited for.
	farewellGone = time.Second
	// tailLimit bounds what a device still holds when all was handed to it.
	tailLimit = 100 * time.Millisecond
)

// SetSounds lets this operator hear the softphone's own sounds, or not. It is for
// any goroutine, as all methods of a Call that begin with Set.
func (c *Call) SetSounds(on bool) { c.cues.SetOn(on) }

// TalkEnds lets this operator hear that push-to-talk closes soon.
func (c *Call) TalkEnds() { c.sound(cue.TalkEnds) }

// sound asks for a cue, now.
func (c *Call) sound(k cue.Kind) { c.cues.Ask(k, c.cfg.Clock()) }

// localDigit lets this operator hear a key of the keypad.
func (c *Call) localDigit(d rune, now time.Duration) {
	if k, ok := cue.Digit(d); ok {
		c.cues.Ask(k, now)
	}
}

// soundLink lets the operator hear that the call has no connection, and that it
// has one again.
func (c *Call) soundLink(was, is callstate.LinkState) {
	switch {
	case is == callstate.LinkLost:
		c.sound(cue.LinkLost)
	case was == callstate.LinkLost && is == callstate.LinkUp:
		c.cues.Stop(cue.LinkLost) // news of old, if nobody heard it
		c.sound(cue.LinkBack)
	}
}

// farewell plays how the call ended, to its end, over a voice that fades. Where
// nothing takes what is played, or own sounds are off, it does nothing.
func (c *Call) farewell(ctx context.Context) {
	c.cues.Stop(cue.Ringback)
	s := c.cfg.Playback.Stats()
	if !c.cues.On() || s.Callbacks == 0 || c.cfg.Clock()-s.Last > farewellGone {
		return
	}
	c.stopClock()
	if c.cfg.OnEnding != nil {
		c.cfg.OnEnding()
	}
	kind := cue.Ended
	if c.isEnding() {
		kind = cue.HungUp
	}
	c.sound(kind)
	timer := time.NewTimer(farewellLimit)
	defer timer.Stop()
	f := parting{kind: kind, pcm: make([]int16, pull), tail: c.tail()}
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			return
		case <-c.cfg.Playback.Wanted():
		}
		c.part(&f)
		if f.tail > 0 {
			continue
		}
		c.cfg.Playback.Finish()
		if c.cfg.Playback.Buffered() == 0 {
			return
		}
	}
}

// parting is a farewell that is being played.
type parting struct {
	kind  cue.Kind
	pcm   []int16
	began bool
	tail  int // samples of silence that are to follow the cue
}

// tail is what an earpiece may hold when all was handed to it, in samples.
func (c *Call) tail() int {
	e := c.ends.Load().earpiece
	return audio.Samples(min(max(e.Period, e.Period*time.Duration(e.Periods)), tailLimit))
}

// part fills the playback port as fill does, with the last of the voice and then
// with the cue alone.
func (c *Call) part(f *parting) {
	for f.tail > 0 && c.cfg.Playback.Buffered() < c.cfg.Playback.LowWater() {
		now := c.cfg.Clock()
		if f.began {
			clear(f.pcm)
		} else {
			c.playout.Pull(f.pcm, now+audio.Duration(c.cfg.Playback.Buffered()))
			c.hold.hush(f.pcm)
			c.volume.process(f.pcm)
			fade(f.pcm, 1, 0)
			f.began = true
		}
		over := c.cues.Done(f.kind)
		c.cues.Mix(f.pcm, now)
		if c.protect != nil {
			c.protect.Process(f.pcm)
		}
		c.earMeter.Add(f.pcm, now)
		c.cfg.Playback.Write(f.pcm)
		if over {
			f.tail -= len(f.pcm)
		}
	}
}
