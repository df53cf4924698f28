package callcenter

import (
	"context"
	"errors"
	"time"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/audio/sendq"
	"callcenter/server/internal/room"
)

// One downlink chunk, in the order of the functions here:
//
//  1. the room puts a frame into the send queue, or an event into the events
//  2. the send loop wakes, also when liveness, an acknowledgement or a report
//     is due
//  3. an event leaves first, then a frame, then what is due without either
//  4. the timing is stamped on just before gRPC packs the chunk
//
// A peer that does not read blocks SendMsg; the queue drops its oldest frames
// meanwhile and nobody else notices.

// reportInterval is how often an extended peer is told what we hear.
const reportInterval = time.Second

// downlink is a call as its room sees it.
type downlink call

var _ room.Downlink = (*downlink)(nil)

// Send implements room.Downlink.
func (d *downlink) Send(f sendq.Frame) { d.queue.Push(f) }

// Skip implements room.Downlink.
func (d *downlink) Skip() { d.queue.Skip() }

// SendWait implements room.Downlink. Only the receive loop pushes in the calls
// that use it, so that a queue with room keeps it.
func (d *downlink) SendWait(ctx context.Context, f sendq.Frame) {
	for d.queue.Full() {
		select {
		case <-d.queue.Room():
		case <-ctx.Done():
			return
		}
	}
	d.queue.Push(f)
}

// Event implements room.Downlink.
func (d *downlink) Event(e room.Event) { d.events.put(fromRoom(e)) }

// Fail implements room.Downlink.
func (d *downlink) Fail(err error) {
	var stack []byte
	var p interface{ Stack() []byte }
	if errors.As(err, &p) {
		stack = p.Stack()
	}
	(*call)(d).end(d.svc.fault(d.opening.CallID, err, stack))
}

// sendLoop is the only caller of SendMsg. It returns nil when the call is over
// and all is said.
func (c *call) sendLoop(ctx context.Context) error {
	timer := time.NewTimer(reportInterval)
	defer timer.Stop()
	for {
		stopping := false
		select {
		case <-c.stop:
			stopping = true
		default:
		}
		sent, err := c.sendNext(stopping)
		switch {
		case err != nil:
			return err
		case sent:
			continue
		case stopping:
			return nil
		}
		var due <-chan time.Time
		if c.opening.Extended {
			timer.Reset(c.due(c.clock()))
			due = timer.C
		}
		select {
		case <-c.queue.Ready():
		case <-c.events.ready:
		case <-due:
		case <-c.stop:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// due returns how long there is nothing to do without a frame or an event.
func (c *call) due(now time.Duration) time.Duration {
	return max(0, min(c.link.Due(now), c.nextReport-now))
}

// sendNext sends the next chunk and reports whether there was one.
func (c *call) sendNext(stopping bool) (bool, error) {
	extended := c.opening.Extended
	if extended {
		if e := c.events.take(); e != nil {
			return true, c.send(nil, e)
		}
	}
	switch {
	case stopping && c.farewell:
		return false, c.sendFarewell(extended)
	case c.queue.Pop(&c.frame, c.clock()):
		c.framesOut.Add(1)
		return true, c.send(&c.frame, nil)
	case extended && !stopping && c.due(c.clock()) == 0:
		return true, c.send(nil, nil)
	}
	return false, nil
}

// sendFarewell says that the server ends the call, and why.
func (c *call) sendFarewell(extended bool) error {
	if !extended {
		return nil
	}
	return c.send(nil, &api.Event{Kind: api.Event_KIND_ENDED, Reason: reason(c.cause)})
}

// send sends a chunk with the frame and the event, either of which may be nil.
// It reuses the call's one chunk: gRPC has packed it when SendMsg returns.
func (c *call) send(f *sendq.Frame, e *api.Event) error {
	o, now := &c.out, c.clock()
	o.AudioData, o.Sequence, o.DroppedBefore, o.Epoch = nil, 0, 0, 0
	o.MediaTime, o.Marks, o.ServerTime = 0, 0, 0
	if f != nil {
		o.AudioData = f.Data
	}
	c.name(f)
	if !c.opening.Extended {
		return c.stream.SendMsg(o)
	}
	if f != nil {
		o.Sequence, o.DroppedBefore, o.Epoch = f.Sequence, f.DroppedBefore, f.Epoch
		o.MediaTime, o.Marks = f.Media, f.Marks
		o.ServerTime = uint32(min(max(1, (now-f.Made)/time.Microsecond), 1<<31))
	}
	o.Event, o.Report = e, nil
	if now >= c.nextReport {
		c.nextReport = now + reportInterval
		c.fillReport()
		o.Report = &c.report
	}
	c.link.Stamp(o, now)
	return c.stream.SendMsg(o)
}

// name fills in the fields that later chunks inherit. To a caller of five
// fields a chunk comes back as it went out, and one made here says them all.
func (c *call) name(f *sendq.Frame) {
	var omit uint32
	switch {
	case c.opening.Extended && c.named:
		omit = omitCallID | omitRate | omitChannels | omitCodec
	case !c.opening.Extended && f != nil:
		omit = f.Tag
	}
	c.named = true
	o := &c.out
	o.CallId, o.SampleRate, o.Channels, o.Codec = "", 0, 0, ""
	if omit&omitCallID == 0 {
		o.CallId = c.opening.CallID
	}
	if omit&omitRate == 0 {
		o.SampleRate = int32(c.opening.Format.Rate)
	}
	if omit&omitChannels == 0 {
		o.Channels = int32(c.opening.Format.Channels)
	}
	if omit&omitCodec == 0 {
		o.Codec = c.opening.Format.Codec
	}
}

// fillReport says what the room hears of the caller.
func (c *call) fillReport() {
	l, q := c.leg.Stats(), c.queue.Stats()
	r := &c.report
	wire.Describe(r, &l.Playout)
	r.PacketsReceived = l.Received
	r.PacketsLost = l.Lost
	r.PacketsDiscarded = l.Discarded + l.Malformed + c.flooded.Load()
	r.PacketsDropped = q.DroppedAge + q.DroppedFull
}
