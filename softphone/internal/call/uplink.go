package call

import (
	"context"
	"runtime"
	"time"

	"callcenter/api/wire"
	"callcenter/audio"
	"callcenter/audio/level"
	"callcenter/audio/sendq"
	"callcenter/codec"
)

// dtxInterval is how often announced silence says that it goes on.
const dtxInterval = 200 * time.Millisecond

// talkHold is how long talking into a muted microphone counts after the last
// speech.
const talkHold = time.Second

// uplinkState is what the uplink remembers between frames.
type uplinkState struct {
	frame  []int16
	packet []byte
	silent bool          // the last slot carried no audio
	marked time.Duration // when the silence was last announced
}

// uplink sends the microphone, frame by frame, from the answer to the end.
func (c *Call) uplink(ctx context.Context) error {
	select {
	case <-c.answered:
	case <-c.ending:
		return nil
	case <-ctx.Done():
		return nil
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	c.cfg.Capture.Flush()
	s := &uplinkState{
		frame:  make([]int16, c.cfg.Options.FrameSamples),
		packet: make([]byte, codec.MaxPacket),
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.ending:
			return nil
		case <-c.cfg.Capture.Ready():
		}
		for {
			pos, ok := c.cfg.Capture.Read(s.frame)
			if !ok {
				break
			}
			if err := c.sendFrame(s, pos); err != nil {
				return err
			}
		}
	}
}

// sendFrame takes one frame slot through mute, meter and encoder.
func (c *Call) sendFrame(s *uplinkState, pos uint64) error {
	now := c.cfg.Clock()
	c.micMeter.Add(s.frame, now)
	voice := c.voice.Add(s.frame)
	marks := wire.LevelMarks(level.DBov(s.frame), voice)
	if c.muted.Load() {
		if voice {
			c.speaking.Store(int64(now))
		}
		if s.silent {
			c.announceSilence(s, pos, now)
			return nil
		}
		fade(s.frame, 1, 0)
	} else if s.silent {
		fade(s.frame, 0, 1)
		marks |= wire.MarkTalk
	}
	s.silent = c.muted.Load()
	n, err := c.enc.Encode(s.packet, s.frame)
	if err != nil {
		return err
	}
	made, ok := c.cfg.Capture.DeliveredAt(pos + uint64(len(s.frame)) - 1)
	if !ok {
		made = now
	}
	c.queue.Push(sendq.Frame{
		Epoch: epoch, Media: pos + 1, Marks: marks,
		Samples: len(s.frame), Made: made, Data: s.packet[:n],
	})
	return nil
}

// announceSilence uses the slot of a muted frame to say that nothing comes.
func (c *Call) announceSilence(s *uplinkState, pos uint64, now time.Duration) {
	if s.marked != 0 && now-s.marked < dtxInterval-audio.Period {
		c.queue.Skip()
		return
	}
	s.marked = now
	c.queue.Push(sendq.Frame{
		Epoch: epoch, Media: pos + 1, Made: now,
		Marks: wire.LevelMarks(127, false) | wire.MarkDTX | wire.MarkMuted,
	})
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
