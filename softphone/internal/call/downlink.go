package call

import (
	"errors"
	"io"
	"time"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/audio"
	"callcenter/codec"
	"callcenter/softphone/internal/callstate"
)

// ErrServerEnded means that the server ended the call with status OK.
var ErrServerEnded = errors.New("the server ended the call")

// downlink is the only goroutine that receives. It never waits for anything
// but the next chunk.
func (c *Call) downlink(stream callStream) error {
	packets := wire.NewPackets(codec.Format{Codec: c.cfg.Codec.Name(), Rate: audio.Rate, Channels: 1})
	chunk := &api.AudioChunk{}
	for {
		if err := stream.RecvMsg(chunk); err != nil {
			if errors.Is(err, io.EOF) {
				if c.isEnding() {
					return nil
				}
				return ErrServerEnded
			}
			return err
		}
		c.receive(packets, chunk)
	}
}

func (c *Call) receive(packets *wire.Packets, chunk *api.AudioChunk) {
	now := c.cfg.Clock()
	c.answer()
	if rtt, ok := c.link.Received(chunk, now); ok {
		c.figures.rtt.add(rtt)
		smooth, _ := c.link.RTT()
		c.playout.SetOneWay(smooth / 2)
	}
	c.queue.Ack(c.link.PeerAck())
	if t := chunk.GetServerTime(); t != 0 {
		c.figures.server.add(time.Duration(t) * time.Microsecond)
	}
	if r := chunk.GetReport(); r != nil {
		c.peer.take(r)
		rtt, _ := c.link.RTT()
		c.queue.SetPeer(rtt, time.Duration(r.GetBufferTargetUs())*time.Microsecond)
	}
	if p, ok := packets.Read(chunk); ok {
		c.playout.Push(p, now)
		if c.cfg.OnPacket != nil {
			rtt, _ := c.link.RTT()
			c.cfg.OnPacket(p, now, rtt)
		}
	}
	c.figures.malformed.Store(packets.Malformed())
	if e := chunk.GetEvent(); e != nil {
		c.event(e)
	}
}

// event tells the operator what happened at the other side.
func (c *Call) event(e *api.Event) {
	name := wire.Clean(e.GetParticipant().GetDisplayName())
	if name == "" {
		name = "somebody"
	}
	reason := wire.Clean(e.GetReason())
	var n callstate.Notice
	switch e.GetKind() {
	case api.Event_KIND_JOINED:
		n.Text = name + " joined."
	case api.Event_KIND_LEFT:
		n.Text = name + " left."
	case api.Event_KIND_DRAINING:
		n.Severity, n.Text = callstate.Warning, "The server is shutting down and ends this call soon."
	case api.Event_KIND_ENDED:
		n.Severity, n.Text = callstate.Warning, "The server ends this call"
		if reason != "" {
			n.Text += ": " + reason
		}
		n.Text += "."
	default:
		return
	}
	c.notice(n)
}
