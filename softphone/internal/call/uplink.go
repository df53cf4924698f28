package call

import (
	"context"
	"time"

	"callcenter/api/wire"
	"callcenter/audio/level"
	"callcenter/audio/sendq"
	"callcenter/codec"
)

// voiceHold is how long the operator counts as speaking after the last frame with
// speech: until the next one is due for certain.
const voiceHold = 100 * time.Millisecond

// uplinkState is what the uplink remembers between frames.
type uplinkState struct {
	frame  []int16
	packet []byte
	quiet  bool   // the last slot was muted or held
	held   bool   // or held
	pause  pause  // no audio is sent
	epoch  uint32 // of the connection in use

	absence absence
}

// uplink sends the microphone, frame by frame, from the answer to the end, and
// stands in for it while it is gone.
func (c *Call) uplink(ctx context.Context) error {
	select {
	case <-c.answered:
	case <-c.ending:
		return nil
	case <-ctx.Done():
		return nil
	}
	c.cfg.Capture.Flush()
	s := c.newUplink()
	defer s.absence.timer.Stop()
	for {
		absent := false
		select {
		case <-ctx.Done():
			return nil
		case <-c.ending:
			return nil
		case <-c.cfg.Capture.Ready():
		case <-s.absence.timer.C:
			absent = true
		}
		if c.stale.Swap(false) {
			c.cfg.Capture.Flush()
		}
		for {
			pos, ok := c.cfg.Capture.Read(s.frame)
			if !ok {
				break
			}
			if !c.heardFrame(s, pos) {
				continue
			}
			if err := c.sendFrame(s, pos); err != nil {
				return err
			}
		}
		if absent {
			c.standIn(s)
		}
	}
}

func (c *Call) newUplink() *uplinkState {
	return &uplinkState{
		frame:  make([]int16, c.cfg.Options.FrameSamples),
		packet: make([]byte, codec.MaxPacket),
		quiet:  c.muted.Load(), // who muted while dialing is not heard to fade out

		absence: newAbsence(),
	}
}

// sendFrame takes one frame slot through gain, meter, clean-up, mute, hold and
// encoder. Level and voice are what the microphone brought, with its gain and
// before any clean-up; whether it is dead shows without the gain.
func (c *Call) sendFrame(s *uplinkState, pos uint64) error {
	now := c.cfg.Clock()
	if epoch := c.turn.epoch.Load(); epoch != s.epoch {
		s.epoch, s.pause.fresh = epoch, true
	}
	c.silences.listen(s.frame, now)
	c.micGain.Process(s.frame)
	c.micMeter.Add(s.frame, now)
	voice := c.voice.Add(s.frame)
	c.hint.add(s.frame, voice, c.muted.Load() && !c.hold.on.Load(), now)
	marks := wire.LevelMarks(level.DBov(s.frame), voice)
	c.cleaner.Process(s.frame)
	c.figures.cleanUp.Store(int64(c.cleaner.Delay()))

	was := s.quiet
	muted := c.look(s)
	switch {
	case s.quiet:
		c.spoken.Store(0)
		if was || s.pause.on {
			c.announce(s, pos, now, quietMarks(muted))
			return nil
		}
		fade(s.frame, 1, 0)
	case was:
		fade(s.frame, 0, 1)
	}
	if voice && !s.quiet {
		c.spoken.Store(int64(now))
	}
	n, err := c.encode(s, voice || s.quiet)
	if err != nil {
		return err
	}
	if n == 0 {
		c.announce(s, pos, now, marks)
		return nil
	}
	if s.pause.on {
		s.pause.on = false
		marks |= wire.MarkTalk
	}
	made, ok := c.cfg.Capture.DeliveredAt(pos + uint64(len(s.frame)) - 1)
	if !ok {
		made = now
	}
	c.queue.Push(sendq.Frame{
		Media: pos + 1, Marks: marks,
		Samples: len(s.frame), Made: made, Data: s.packet[:n],
	})
	pushed := c.cfg.Clock()
	c.figures.micLate.add(pushed-made, pushed)
	return nil
}

// look takes how the operator wants the next slot, and whether something is to be told
// with it: then a pause goes on with a mark at once. It returns whether the microphone
// is muted.
func (c *Call) look(s *uplinkState) (muted bool) {
	muted, held := c.muted.Load(), c.hold.on.Load()
	if held != s.held || c.keypad.count.Load() > 0 {
		s.pause.fresh = true
	}
	s.quiet, s.held = muted || held, held
	return muted
}

// quietMarks are those of a slot of which nothing is sent.
func quietMarks(muted bool) uint32 {
	marks := wire.LevelMarks(127, false)
	if muted {
		marks |= wire.MarkMuted
	}
	return marks
}

// fade multiplies pcm by a gain that goes linearly from one value to another,
// so that muting and holding make no click.
func fade(pcm []int16, from, to int) {
	n := len(pcm)
	for i, s := range pcm {
		pcm[i] = int16(int(s) * (from*(n-i) + to*i) / n)
	}
}

// isSpeaking reports that the operator's speech is being sent.
func (c *Call) isSpeaking(now time.Duration) bool {
	last := c.spoken.Load()
	return c.isRated() && last != 0 && now-time.Duration(last) < voiceHold
}
