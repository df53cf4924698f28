package call

import (
	"context"
	"time"

	"callcenter/api/wire"
	"callcenter/audio/level"
	"callcenter/audio/sendq"
	"callcenter/codec"
)

// talkHold is how long talking into a muted microphone counts after the last
// speech.
const talkHold = time.Second

// voiceHold is how long the operator counts as speaking after the last frame with
// speech: until the next one is due for certain.
const voiceHold = 100 * time.Millisecond

// uplinkState is what the uplink remembers between frames.
type uplinkState struct {
	frame  []int16
	packet []byte
	muted  bool   // the last slot was muted
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

		absence: newAbsence(),
	}
}

// sendFrame takes one frame slot through meter, clean-up, mute and encoder.
// Level and voice are what the microphone brought, before any clean-up.
func (c *Call) sendFrame(s *uplinkState, pos uint64) error {
	now := c.cfg.Clock()
	if epoch := c.turn.epoch.Load(); epoch != s.epoch {
		s.epoch, s.pause.fresh = epoch, true
	}
	c.micMeter.Add(s.frame, now)
	c.silences.listen(s.frame, now)
	voice := c.voice.Add(s.frame)
	marks := wire.LevelMarks(level.DBov(s.frame), voice)
	c.cleaner.Process(s.frame)
	c.figures.cleanUp.Store(int64(c.cleaner.Delay()))

	muted, was := c.muted.Load(), s.muted
	s.muted = muted
	switch {
	case muted:
		if voice {
			c.speaking.Store(int64(now))
		}
		c.spoken.Store(0)
		if was || s.pause.on {
			c.announce(s, pos, now, wire.LevelMarks(127, false)|wire.MarkMuted)
			return nil
		}
		fade(s.frame, 1, 0)
	case was:
		fade(s.frame, 0, 1)
	}
	if voice && !muted {
		c.spoken.Store(int64(now))
	}
	n, err := c.encode(s, voice || muted)
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
	return nil
}

// fade multiplies pcm by a gain that goes linearly from one value to another,
// so that muting makes no click.
func fade(pcm []int16, from, to int) {
	n := len(pcm)
	for i, s := range pcm {
		pcm[i] = int16(int(s) * (from*(n-i) + to*i) / n)
	}
}

// talkingWhileMuted reports speech into a muted microphone.
func (c *Call) talkingWhileMuted() bool {
	last := c.speaking.Load()
	return c.muted.Load() && last != 0 && c.cfg.Clock()-time.Duration(last) < talkHold
}

// isSpeaking reports that the operator's speech is being sent.
func (c *Call) isSpeaking(now time.Duration) bool {
	last := c.spoken.Load()
	return !c.muted.Load() && last != 0 && now-time.Duration(last) < voiceHold
}
