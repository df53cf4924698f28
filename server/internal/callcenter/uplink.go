package callcenter

import (
	"context"
	"time"

	"callcenter/audio/sendq"
	"callcenter/server/internal/room"
)

// One uplink chunk, in the order of the functions here:
//
//  1. gRPC unpacks it into the stream's one chunk
//  2. it counts only if the stream still carries the call
//  3. a token bucket drops it if there are too many
//  4. the contract's rules end the call if it breaks them
//  5. its timing and acknowledgement go to the link and the send queue
//  6. its frame, if it has one, goes to the call's leg in the room
//  7. what an echo call gets back leaves at once (answer.go)
//
// Nothing here waits but gRPC and, for callers of five fields in a loopback,
// the room for their answer.

// recvLoop is the only caller of RecvMsg. It returns io.EOF when the caller
// hung up.
func (st *stream) recvLoop(ctx context.Context) error {
	if err := st.rpc.RecvMsg(&st.in); err != nil {
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
		if err := st.rpc.RecvMsg(&st.in); err != nil {
			return err
		}
	}
}

// take receives the chunk in st.in and answers it, if it is an echo call's.
func (st *stream) take(ctx context.Context) error {
	if err := st.receive(ctx, st.clock()); err != nil {
		return err
	}
	if !st.call.echoes || st.answered {
		return nil
	}
	return st.answer()
}

// receive takes the chunk in st.in, which arrived at now.
func (st *stream) receive(ctx context.Context, now time.Duration) error {
	c := st.call
	st.answered = true
	c.pushing.Lock()
	defer c.pushing.Unlock()
	if c.current.Load() != st {
		return errTakenOver
	}
	c.heard.Store(int64(now))
	if !c.limiter.AllowN(c.began.Add(now-c.start), 1) {
		c.flooded.Add(1)
		return nil
	}
	if err := c.opening.Check(&st.in); err != nil {
		return err
	}
	if c.opening.Extended {
		st.acknowledge(now)
	}
	st.pass(ctx, now)
	return nil
}

// acknowledge takes what the chunk says of our own chunks.
func (st *stream) acknowledge(now time.Duration) {
	c, in := st.call, &st.in
	st.answered = in.Sequence == 0
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
// a frame end here; to callers of five fields every chunk is one.
func (st *stream) pass(ctx context.Context, now time.Duration) {
	c, in := st.call, &st.in
	u := room.Uplink{}
	u.Packet, u.Playable = c.packets.Read(in)
	if in.Sequence > c.newest.Load() {
		c.newest.Store(in.Sequence)
	}
	if !u.Playable && len(in.AudioData) == 0 && c.opening.Extended {
		return
	}
	c.framesIn.Add(1)
	st.answered = false
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
	c.leg.Push(ctx, u)
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
