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
//  1. the room puts a frame into the send queue, an event into the events, or levels
//     in the place of older ones
//  2. the send loop wakes, also when liveness, an acknowledgement or a report
//     is due
//  3. an event leaves first, then a frame, then what is due without either; levels
//     leave with the next chunk that is no event
//  4. the timing is stamped on just before gRPC packs the chunk
//
// In an echo call the receive loop does 3 and 4 where it can (answer.go).
//
// A peer that does not read blocks SendMsg; the queue drops its oldest frames
// meanwhile and nobody else notices.

const (
	// reportInterval is how often an extended peer is told what we hear, and
	// reportGrace how long a report waits for a frame that takes it along.
	reportInterval = time.Second
	reportGrace    = 40 * time.Millisecond
	// Send loops that sleep for long, since others send, wake at multiples of
	// lookInterval: a process that sleeps is woken once for all of them. Each
	// waking up for itself costs a tenth of all that an echo costs.
	lookInterval = 60 * time.Millisecond
)

// besideReport is the most audio in a chunk that carries a report too: more, of pcm in
// stereo, and a long call's report make a message that is too large. The report then
// leaves in a chunk of its own.
const besideReport = 3500

// downlink is a call as its room sees it.
type downlink call

var _ room.Downlink = (*downlink)(nil)

// Put implements room.Downlink.
func (d *downlink) Put(f sendq.Frame) { d.queue.Put(f) }

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
	switch {
	case errors.Is(err, room.ErrStalled):
		(*call)(d).endForNow(errStalled)
		return
	case errors.Is(err, room.ErrMalformed): // the caller's fault
		(*call)(d).end(err)
		return
	}
	var stack []byte
	var p interface{ Stack() []byte }
	if errors.As(err, &p) {
		stack = p.Stack()
	}
	(*call)(d).end(d.svc.fault(d.opening.CallID, err, stack))
}

// sendLoop sends all that flush does not. It returns nil when the call is over
// and all is said.
func (st *stream) sendLoop(ctx context.Context) error {
	timer := time.NewTimer(reportInterval)
	defer timer.Stop()
	for {
		stopping := false
		select {
		case <-st.stop:
			stopping = true
		default:
		}
		sent, due, err := st.turn(stopping)
		switch {
		case err != nil:
			return err
		case sent:
			continue
		case stopping:
			return nil
		}
		var timeout <-chan time.Time
		if st.call.opening.Extended {
			timer.Reset(due)
			timeout = timer.C
		}
		select {
		case <-st.call.queue.Ready():
		case <-st.call.events.ready:
		case <-timeout:
		case <-st.stop:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// turn sends the next chunk, or returns how long there is none without a frame or
// an event.
func (st *stream) turn(stopping bool) (sent bool, due time.Duration, err error) {
	st.sending.Lock()
	defer st.sending.Unlock()
	if sent, err = st.sendNext(stopping); !sent {
		due = st.due(st.clock())
	}
	return sent, due, err
}

// due returns how long there is nothing to do without a frame or an event.
func (st *stream) due(now time.Duration) time.Duration {
	report := st.nextReport + reportGrace - now
	due := max(0, min(st.link.DueIfWoken(now), report))
	if due > lookInterval { // something else will have been sent meanwhile
		due -= (now + due) % lookInterval
	}
	return due
}

// sendNext sends the next chunk and reports whether there was one.
func (st *stream) sendNext(stopping bool) (bool, error) {
	extended := st.call.opening.Extended
	e, popped, err := st.choose(stopping && st.farewell)
	switch {
	case err != nil:
		return false, err
	case e != nil:
		return true, st.send(nil, e)
	case stopping && st.farewell:
		return false, st.sendFarewell(extended)
	case popped:
		st.call.framesOut.Add(1)
		return true, st.send(&st.frame, nil)
	case extended && !stopping && st.due(st.clock()) == 0:
		return true, st.send(nil, nil)
	}
	return false, nil
}

// choose takes the oldest event, or else moves the next frame into st.frame,
// while the stream carries the call.
func (st *stream) choose(eventsOnly bool) (e *api.Event, popped bool, err error) {
	c := st.call
	c.popping.Lock()
	defer c.popping.Unlock()
	if c.current.Load() != st {
		return nil, false, errTakenOver
	}
	if c.opening.Extended {
		if e = c.events.take(c.sequence); e != nil {
			return e, false, nil
		}
	}
	if eventsOnly || !c.queue.Pop(&st.frame, st.clock()) {
		return nil, false, nil
	}
	c.sequence = st.frame.Sequence
	return nil, true, nil
}

// sendFarewell says that the server ends the call, and why.
func (st *stream) sendFarewell(extended bool) error {
	if !extended {
		return nil
	}
	return st.send(nil, &api.Event{Kind: api.Event_KIND_ENDED, Reason: reason(st.call.cause)})
}

// send sends a chunk with the frame and the event, either of which may be nil.
// It reuses the call's one chunk: gRPC has packed it when SendMsg returns.
func (st *stream) send(f *sendq.Frame, e *api.Event) error {
	o, now := &st.out, st.clock()
	o.AudioData, o.Sequence, o.DroppedBefore, o.Epoch = nil, 0, 0, 0
	o.MediaTime, o.Marks, o.ServerTime = 0, 0, 0
	if f != nil {
		o.AudioData = f.Data
	}
	st.name(f)
	if !st.call.opening.Extended {
		return st.sendMsg(o)
	}
	if f != nil {
		o.Sequence, o.DroppedBefore, o.Epoch = f.Sequence, f.DroppedBefore, f.Epoch
		o.MediaTime, o.Marks = f.Media, f.Marks
		o.ServerTime = uint32(min(max(1, (now-f.Made+f.Inside)/time.Microsecond), 1<<31))
	}
	o.Event, o.Report, o.Levels = e, nil, nil
	if now >= st.nextReport && len(o.AudioData) <= besideReport {
		st.nextReport = now + reportInterval
		st.fillReport()
		o.Report = &st.report
	}
	st.attachLevels()
	st.link.Stamp(o, now)
	st.way.add(o)
	if e != nil {
		st.call.events.sent(e, o.SentAt)
	}
	return st.sendMsg(o)
}

// sendMsg hands the chunk to gRPC, and lets the watch see how long that takes.
func (st *stream) sendMsg(o *api.AudioChunk) error {
	st.sends.Add(1)
	defer st.sends.Add(1)
	return st.rpc.SendMsg(o)
}

// name fills in the fields that later chunks inherit. To a caller of five
// fields a chunk comes back as it went out, and one made here says them all.
func (st *stream) name(f *sendq.Frame) {
	var omit uint32
	switch {
	case st.call.opening.Extended && st.named:
		omit = omitCallID | omitRate | omitChannels | omitCodec
	case !st.call.opening.Extended && f != nil:
		omit = f.Tag
	}
	st.named = true
	o := &st.out
	o.CallId, o.SampleRate, o.Channels, o.Codec = "", 0, 0, ""
	if omit&omitCallID == 0 {
		o.CallId = st.call.opening.CallID
	}
	if omit&omitRate == 0 {
		o.SampleRate = int32(st.call.opening.Format.Rate)
	}
	if omit&omitChannels == 0 {
		o.Channels = int32(st.call.opening.Format.Channels)
	}
	if omit&omitCodec == 0 {
		o.Codec = st.call.opening.Format.Codec
	}
}

// fillReport says what the room hears of the caller.
func (st *stream) fillReport() {
	l, q := st.call.leg.Stats(), st.call.queue.Stats()
	r := &st.report
	wire.Describe(r, &l.Playout)
	r.PacketsReceived = l.Received
	r.PacketsLost = l.Lost
	r.PacketsDiscarded = l.Discarded + l.Malformed + l.Playout.DecodeErrors + st.call.flooded.Load()
	r.PacketsDropped = q.Dropped()
}
