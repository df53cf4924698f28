package call

import (
	"context"
	"time"

	"google.golang.org/grpc"

	"callcenter/api"
	"callcenter/audio"
	"callcenter/audio/sendq"
)

// reportInterval is how often each side tells the other how it hears it.
const reportInterval = time.Second

type callStream = grpc.BidiStreamingClient[api.AudioChunk, api.AudioChunk]

// sender is the only goroutine that sends. When the uplink is over it flushes
// the queue, within a limit, and half-closes.
func (c *Call) sender(ctx context.Context, stream callStream) error {
	if err := c.open(stream); err != nil {
		return nil // the receive side has the status
	}
	var frame sendq.Frame
	chunk := &api.AudioChunk{}
	timer := time.NewTimer(0)
	defer timer.Stop()
	reported := c.cfg.Clock()
	var flush <-chan time.Time
	uplinkDone := c.uplinkDone
	for {
		now := c.cfg.Clock()
		if c.queue.Pop(&frame, now) {
			c.figures.queued.add(now - frame.Made)
			reported = c.report(chunk, reported, now)
			if c.send(stream, chunk, &frame) != nil {
				return nil
			}
			continue
		}
		if uplinkDone == nil && c.queue.Stats().Waiting == 0 {
			return ignore(stream.CloseSend())
		}
		due := c.link.Due(now)
		if due == 0 {
			reported = c.report(chunk, reported, now)
			if c.send(stream, chunk, nil) != nil {
				return nil
			}
			continue
		}
		timer.Reset(due)
		select {
		case <-ctx.Done():
			return nil
		case <-c.queue.Ready():
		case <-timer.C:
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

// open sends the chunk that opens the call.
func (c *Call) open(stream callStream) error {
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
		},
	}
	c.link.Stamp(chunk, c.cfg.Clock())
	return stream.Send(chunk)
}

// send sends a frame, or without one the empty chunk that keeps the call alive.
func (c *Call) send(stream callStream, chunk *api.AudioChunk, f *sendq.Frame) error {
	chunk.AudioData, chunk.Sequence, chunk.DroppedBefore = nil, 0, 0
	chunk.Epoch, chunk.MediaTime, chunk.Marks = 0, 0, 0
	if f != nil {
		chunk.AudioData, chunk.Sequence, chunk.DroppedBefore = f.Data, f.Sequence, f.DroppedBefore
		chunk.Epoch, chunk.MediaTime, chunk.Marks = f.Epoch, f.Media, f.Marks
		if len(f.Data) > 0 {
			c.figures.sent.Add(1)
		}
		c.figures.dropped.Add(uint64(f.DroppedBefore))
	}
	c.link.Stamp(chunk, c.cfg.Clock())
	err := stream.Send(chunk)
	chunk.Report = nil
	return err
}

// report puts this side's report on the chunk when one is due.
func (c *Call) report(chunk *api.AudioChunk, last, now time.Duration) time.Duration {
	if now-last < reportInterval {
		return last
	}
	chunk.Report = c.ownReport()
	return now
}
