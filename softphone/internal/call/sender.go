package call

import (
	"context"
	"time"

	"callcenter/api"
	"callcenter/audio"
	"callcenter/audio/sendq"
)

// reportInterval is how often each side tells the other how it hears it.
const reportInterval = time.Second

// outgoing is what a send loop works with.
type outgoing struct {
	stream   callStream
	chunk    *api.AudioChunk
	frame    sendq.Frame
	event    *api.Event    // to leave with the next chunk; nil: none
	reported time.Duration // when the last report left
}

// send is the only loop that sends. Until the carrier is adopted it keeps the
// stream alive and no more. When the uplink is over it flushes the queue, within
// a limit, and half-closes. Its error is a fault of ours; what happens to the
// stream the receive loop learns.
func (k *carrier) send(ctx context.Context, stream callStream) error {
	if k.open(stream) != nil {
		return nil
	}
	c := k.call
	o := &outgoing{stream: stream, chunk: &api.AudioChunk{}, reported: c.cfg.Clock()}
	timer := time.NewTimer(0)
	defer timer.Stop()
	var flush <-chan time.Time
	var ready <-chan struct{}
	uplinkDone, adopted := c.uplinkDone, k.adopted
	for {
		now := c.cfg.Clock()
		if c.pop(k, &o.frame, now) {
			if o.frame.Samples > 0 {
				c.figures.queued.add(now - o.frame.Made)
			}
			o.event = k.tellNext(&o.frame, now)
			if k.sendFrame(o, &o.frame, now) != nil {
				return nil
			}
			continue
		}
		if uplinkDone == nil && c.queue.Stats().Waiting == 0 {
			return ignore(stream.CloseSend())
		}
		due := k.link.Due(now)
		if o.event = k.tellNext(nil, now); due == 0 || o.event != nil {
			if k.sendFrame(o, nil, now) != nil {
				return nil
			}
			continue
		}
		timer.Reset(due)
		select {
		case <-ctx.Done():
			return nil
		case <-adopted:
			adopted, ready = nil, c.queue.Ready()
		case <-ready:
		case <-timer.C:
		case <-k.retired:
			return ignore(stream.CloseSend())
		case <-flush:
			return ignore(stream.CloseSend())
		case <-uplinkDone:
			uplinkDone = nil
			flush = time.After(flushLimit)
		}
	}
}

// ignore drops the error of an action whose failure the receive side reports.
func ignore(error) error { return nil }

// open sends the chunk that opens the call, or takes it up again.
func (k *carrier) open(stream callStream) error {
	c := k.call
	wish := api.Playout_PLAYOUT_LIVE
	if c.cfg.Complete {
		wish = api.Playout_PLAYOUT_COMPLETE
	}
	chunk := &api.AudioChunk{
		CallId:     c.cfg.CallID,
		SampleRate: audio.Rate,
		Channels:   1,
		Codec:      c.cfg.Codec.Name(),
		Setup: &api.Setup{
			Destination: c.cfg.Destination,
			DisplayName: c.cfg.DisplayName,
			Codecs:      []string{c.cfg.Codec.Name()},
			FrameMs:     []uint32{uint32(c.cfg.Options.FrameSamples * 1000 / audio.Rate)},
			Playout:     wish,
			ResumeToken: c.tokens.forServer(k.server),
		},
	}
	k.link.Stamp(chunk, c.cfg.Clock())
	chunk.Ack = c.hear.newest(k.server)
	return stream.Send(chunk)
}

// sendFrame sends a frame, or without one the empty chunk that keeps the call
// alive, with what there is to tell, and this side's report when one is due.
func (k *carrier) sendFrame(o *outgoing, f *sendq.Frame, now time.Duration) error {
	c, chunk := k.call, o.chunk
	chunk.AudioData, chunk.Sequence, chunk.DroppedBefore = nil, 0, 0
	chunk.Epoch, chunk.MediaTime, chunk.Marks = 0, 0, 0
	if f != nil {
		chunk.AudioData, chunk.Sequence, chunk.DroppedBefore = f.Data, f.Sequence, f.DroppedBefore
		chunk.Epoch, chunk.MediaTime, chunk.Marks = uint32(k.number), f.Media, f.Marks
		if len(f.Data) > 0 {
			c.figures.sent.Add(1)
		}
		c.figures.dropped.Add(uint64(f.DroppedBefore))
	}
	chunk.Event, o.event = o.event, nil
	if now-o.reported >= reportInterval && c.isActive(k) {
		o.reported = now
		chunk.Report = c.ownReport(k.own)
	}
	at := c.cfg.Clock()
	k.link.Stamp(chunk, at)
	if f != nil && c.cfg.Tape != nil {
		c.cfg.Tape.Sent(f, uint32(k.number), at)
	}
	err := o.stream.Send(chunk)
	chunk.Report = nil
	return err
}
