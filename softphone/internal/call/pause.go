package call

import (
	"time"

	"callcenter/api/wire"
	"callcenter/audio"
	"callcenter/audio/sendq"
)

// dtxInterval is how often announced silence says that it goes on.
const dtxInterval = 200 * time.Millisecond

// pause is announced silence: the microphone is muted, or quiet by the voice
// decision and by the encoder's ear, both of which hold on for 200 ms after
// speech.
type pause struct {
	on     bool
	muted  bool
	marked time.Duration // when it was last announced
	fresh  bool          // to somebody who was not told yet
}

// encode makes the packet of the frame, or returns 0 for a frame of silence:
// one in which there is no voice and which the encoder takes for silence too.
func (c *Call) encode(s *uplinkState, voice bool) (int, error) {
	if err := c.enc.SetDTX(c.cfg.DTX && !voice); err != nil {
		return 0, err
	}
	return c.enc.Encode(s.packet, s.frame)
}

// announce uses the slot of a silent frame to say that nothing comes: at once
// when the silence begins, its reason changes or the connection did, then every
// 200 ms.
func (c *Call) announce(s *uplinkState, pos uint64, now time.Duration, marks uint32) {
	p, muted := &s.pause, marks&wire.MarkMuted != 0
	if p.on && !p.fresh && p.muted == muted && now-p.marked < dtxInterval-audio.Period {
		c.queue.Skip()
		return
	}
	p.on, p.fresh, p.muted, p.marked = true, false, muted, now
	c.queue.Push(sendq.Frame{Media: pos + 1, Made: now, Marks: marks | wire.MarkDTX})
}
