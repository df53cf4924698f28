package call

import (
	"context"
	"errors"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/audio"
	"callcenter/codec"
	"callcenter/softphone/internal/callstate"
)

// Conn is a connection to a server, for one stream. *grpc.ClientConn is one.
// Close ends what goes over it and must not wait for the network.
type Conn interface {
	grpc.ClientConnInterface
	Close() error
}

type callStream = grpc.BidiStreamingClient[api.AudioChunk, api.AudioChunk]

// carrier is one connection that carries the call, or may: the connection, its
// stream, the stream's timing, a receive loop and a send loop. The keeper makes
// carriers, adopts one at a time, and retires or drops it; a carrier tells the
// keeper when it is connected, answered and over, and then is never used again.
type carrier struct {
	call   *Call
	number int // also the epoch of what it sends
	server string
	tell   func(event) // the keeper
	cancel context.CancelFunc

	link      *wire.Link
	packets   *wire.Packets
	malformed uint64      // of packets, counted already
	own       *api.Report // of the send loop
	security  callstate.Security
	tells     tells // of the send loop

	answered bool          // of the receive loop: the first chunk came
	farewell bool          // of the receive loop: the server said that it ends the call
	ack      uint64        // of the keeper: what the first chunk acknowledged
	joined   chan struct{} // closed when the call is to be asked for
	adopted  chan struct{} // closed when the call goes over it
	retired  chan struct{} // closed when it does no more

	retiredAt time.Duration // of the keeper
}

func newCarrier(c *Call, number int, server string, tell func(event)) *carrier {
	return &carrier{
		call: c, number: number, server: server, tell: tell,
		link:    wire.NewLink(c.cfg.Clock()),
		packets: wire.NewPackets(codec.Format{Codec: c.cfg.Codec.Name(), Rate: audio.Rate, Channels: 1}),
		own:     &api.Report{},
		joined:  make(chan struct{}),
		adopted: make(chan struct{}),
		retired: make(chan struct{}),
	}
}

// run connects and carries until the stream ends or ctx does, and tells how it
// ended.
func (k *carrier) run(ctx context.Context) {
	err := guard("carrier", func() error { return k.carry(ctx) })()
	k.tell(event{kind: carrierEnded, carrier: k, err: &ServerError{k.server, err}})
}

func (k *carrier) carry(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	conn, err := k.call.cfg.Connect(k.server)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	stream, err := api.NewCallCenterClient(conn).LiveCall(ctx)
	if err != nil {
		return err
	}
	if s, ok := conn.(secured); ok {
		k.security = s.Security()
	}
	k.tell(event{kind: carrierConnected, carrier: k})
	select {
	case <-k.joined:
	case <-ctx.Done():
		return ctx.Err()
	}
	sent := make(chan error, 1)
	go func() {
		err := guard("sender", func() error { return k.send(ctx, stream) })()
		if err != nil {
			cancel()
		}
		sent <- err
	}()
	err = k.receive(ctx, stream)
	cancel()
	if broken := <-sent; broken != nil {
		return broken
	}
	return err
}

// receive is the only loop that receives. It never waits for anything but the
// next chunk, and once for the keeper's word that the call goes over this
// carrier.
func (k *carrier) receive(ctx context.Context, stream callStream) error {
	chunk := &api.AudioChunk{}
	for {
		if err := stream.RecvMsg(chunk); err != nil {
			if errors.Is(err, io.EOF) {
				return ErrServerEnded
			}
			if k.farewell && status.Code(err) == codes.DeadlineExceeded {
				return errors.Join(errFarewell, err)
			}
			return err
		}
		if !k.answered {
			k.answered = true
			k.tell(event{kind: carrierAnswered, carrier: k, ack: chunk.GetAck()})
			select {
			case <-k.adopted:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		k.take(chunk)
	}
}

// take is one chunk from the server.
func (k *carrier) take(chunk *api.AudioChunk) {
	c, now := k.call, k.call.cfg.Clock()
	rtt, measured := k.link.Received(chunk, now)
	c.keeper.heard()
	smooth, _ := k.link.RTT()
	if !k.isRetired() {
		if measured {
			c.figures.rtt.add(rtt)
			c.playout.SetOneWay(smooth / 2)
		}
		c.acknowledged(k)
		if t := chunk.GetServerTime(); t != 0 && len(chunk.GetAudioData()) > 0 { // a mark waits for nothing
			c.figures.server.add(time.Duration(t) * time.Microsecond)
		}
		if r := chunk.GetReport(); r != nil {
			c.peer.take(r)
			c.queue.SetPeer(smooth, time.Duration(r.GetBufferTargetUs())*time.Microsecond)
		}
	}
	p, ok := k.packets.Read(chunk)
	if ok = ok && c.arrive(k, &p, now); ok && c.cfg.OnPacket != nil {
		c.cfg.OnPacket(p, now, smooth)
	}
	if c.cfg.Tape != nil {
		c.cfg.Tape.Came(came(chunk, &p, ok, now, smooth))
	}
	if m := k.packets.Malformed(); m != k.malformed {
		c.figures.malformed.Add(m - k.malformed)
		k.malformed = m
	}
	if e := chunk.GetEvent(); e != nil {
		k.event(e, now)
	}
	if l := chunk.GetLevels(); l != nil && !k.isRetired() {
		c.roster.levels(k.number, l)
	}
}

// retire ends the carrier in order: it sends nothing more of the call, hangs up
// and hears the server out, for as long as the keeper lets it.
func (k *carrier) retire(now time.Duration) {
	k.retiredAt = now
	close(k.retired)
}

func (k *carrier) isRetired() bool {
	select {
	case <-k.retired:
		return true
	default:
		return false
	}
}
