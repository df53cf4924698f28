package call

import (
	"time"

	"callcenter/api"
	"callcenter/audio/jitter"
	"callcenter/audio/playout"
	"callcenter/audio/sendq"
)

// Tape takes a call down: what its ear is told and does, what leaves and what
// comes. The methods are called from the call's goroutines, must return at once,
// and keep no data of what they are given.
type Tape interface {
	playout.Tape
	// Sent is a frame, or a mark of silence, that leaves at now in that epoch:
	// after what was too old was dropped, which it says.
	Sent(f *sendq.Frame, epoch uint32, now time.Duration)
	// Came is a chunk of the server.
	Came(c Came)
}

// Came is what a chunk of the server says.
type Came struct {
	At  time.Duration // when it came, by our clock
	RTT time.Duration // smoothed; 0: not known yet

	// Sequence, Epoch and Media are those of the playout. Sequence is 0 where the
	// chunk has no frame, or one that is not for this ear any more.
	Sequence uint64
	Epoch    uint32
	Media    int64

	Marks         uint32 // as on the wire
	DroppedBefore uint32 // frames
	Bytes         int    // of audio
	SentAt        uint64 // by the sender's clock, µs
	ServerTime    uint32 // µs
	Ack           uint64 // newest sequence of ours that the server took
}

func came(chunk *api.AudioChunk, p *jitter.Packet, placed bool, now, rtt time.Duration) Came {
	c := Came{
		At: now, RTT: rtt, Marks: chunk.GetMarks(), Bytes: len(chunk.GetAudioData()),
		SentAt: chunk.GetSentAt(), ServerTime: chunk.GetServerTime(), Ack: chunk.GetAck(),
	}
	if placed {
		c.Sequence, c.Epoch, c.Media, c.DroppedBefore = p.Sequence, p.Epoch, p.Media, uint32(p.DroppedBefore)
	}
	return c
}
