package callcenter

import (
	"context"
	"time"

	"callcenter/audio/sendq"
	"callcenter/server/internal/admission"
	"callcenter/server/internal/room"
)

// One uplink chunk, in the order of the functions here:
//
//  1. gRPC unpacks it into the stream's one chunk
//  2. it counts only if the stream still carries the call
//  3. a token bucket drops it if there are too many; far too many end the call
//  4. the contract's rules end the call if it breaks them
//  5. its timing and acknowledgement go to the link and the send queue
//  6. its frame and its event, if it has one, go to the call's leg in the room
//  7. what is passed on as it came leaves at once (answer.go)
//
// Nothing here waits but gRPC and, for callers of five fields in a loopback,
// the room for their answer.

// recvLoop is the only caller of RecvMsg. It returns io.EOF when the caller
// hung up.
func (st *stream) recvLoop(ctx context.Context) error {
	if err := st.read(); err != nil {
		return err
	}
	st.first <- struct{}{}
	select {
	case <-st.live:
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		st.chunks.Add(1)
		if err := st.take(ctx); err != nil {
			return err
		}
		if err := st.read(); err != nil {
			return err
		}
	}
}

// take receives the chunk in st.in, and sees that what it makes due leaves.
func (st *stream) take(ctx context.Context) error {
	now := st.clock()
	put, err := st.receive(ctx, now)
	if err != nil {
		return err
	}
	if d, ok := put.(*downlink); ok {
		(*call)(d).flush(st.call)
	}
	if st.call.opening.Extended && st.link.Neglected(now) {
		st.call.queue.Wake()
	}
	return nil
}

// receive takes the chunk in st.in, which arrived at now, and returns where its frame
// was put to be flushed, or nil.
func (st *stream) receive(ctx context.Context, now time.Duration) (put room.Downlink, err error) {
	c := st.call
	c.pushing.Lock()
	defer c.pushing.Unlock()
	if c.current.Load() != st {
		return nil, errTakenOver
	}
	c.heard.Store(int64(now))
	if c.flood.arrived(now) {
		st.svc.gate.Ended(c.place, admission.Messages)
		return nil, errFlood
	}
	if !c.limiter.AllowN(c.began.Add(now-c.start), 1) {
		c.flooded.Add(1)
		return nil, nil
	}
	if err := c.opening.Check(&st.in); err != nil {
		return nil, err
	}
	if !c.opening.Extended {
		return st.pass(ctx, now), nil
	}
	st.acknowledge(now)
	e := st.in.GetEvent()
	if e == nil {
		return st.pass(ctx, now), nil
	}
	c.before(e)
	put = st.pass(ctx, now)
	c.after(ctx, e, now)
	return put, nil
}

// acknowledge takes what the chunk says of our own chunks.
func (st *stream) acknowledge(now time.Duration) {
	c, in := st.call, &st.in
	_, measured := st.link.Received(in, now)
	if in.Ack != 0 {
		c.queue.Ack(in.Ack)
	}
	if in.EchoSentAt != 0 {
		if token := c.events.heard(in.EchoSentAt); token != "" {
			st.svc.prove(c, token)
		}
	}
	if r := in.GetReport(); r != nil {
		st.target = time.Duration(r.GetBufferTargetUs()) * time.Microsecond
	} else if !measured {
		return
	}
	if rtt, ok := st.link.RTT(); ok {
		c.queue.SetPeer(rtt, st.target)
		c.leg.SetOneWay(rtt / 2)
	}
}

// pass gives the chunk's frame to the room. Chunks of extended callers without
// a frame end here; to callers of five fields every chunk is one. It returns what
// room.Leg's Push does.
func (st *stream) pass(ctx context.Context, now time.Duration) room.Downlink {
	c, in := st.call, &st.in
	u := room.Uplink{}
	u.Packet, u.Playable = c.packets.Read(in)
	if in.Sequence > c.newest.Load() {
		c.newest.Store(in.Sequence)
	}
	if !u.Playable && len(in.AudioData) == 0 && c.opening.Extended {
		return nil
	}
	c.framesIn.Add(1)
	u.Frame = sendq.Frame{
		Sequence:      in.Sequence,
		DroppedBefore: in.DroppedBefore,
		Epoch:         in.Epoch,
		Media:         in.MediaTime,
		Marks:         in.Marks,
		Samples:       samples(&u, in.AudioData),
		Made:          now,
		Data:          in.AudioData,
	}
	if !c.opening.Extended {
		u.Frame.Tag = omitted(in.CallId, in.SampleRate, in.Channels, in.Codec)
	}
	return c.leg.Push(ctx, u)
}

// samples returns how long the frame plays, for what is in flight. Bytes that
// are no audio count as a frame of 20 ms.
func samples(u *room.Uplink, data []byte) int {
	if u.Playable || len(data) == 0 {
		return u.Packet.Samples
	}
	return frame20ms
}

const frame20ms = 960

// The tags of a frame say which of the published fields its chunk omitted, so
// that it comes back as it was.
const (
	omitCallID uint32 = 1 << iota
	omitRate
	omitChannels
	omitCodec
)

func omitted(callID string, rate, channels int32, codec string) uint32 {
	var t uint32
	if callID == "" {
		t |= omitCallID
	}
	if rate == 0 {
		t |= omitRate
	}
	if channels == 0 {
		t |= omitChannels
	}
	if codec == "" {
		t |= omitCodec
	}
	return t
}
