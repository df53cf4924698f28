package callcenter

import (
	"google.golang.org/protobuf/proto"

	"callcenter/api"
)

// An echo that wakes the send loop costs the server a quarter more than one that
// the receive loop, which is awake, sends by itself. So it does, where
//
//   - the send loop has nothing to do: who holds sending sends, and here nobody
//     waits for that
//   - SendMsg does not wait: the peer has taken all but directBytes of what it was
//     sent, by its own account, and gRPC takes 64 KiB before it waits
//
// All else is the send loop's. A peer that lies about what it took holds up its
// own receive loop and nothing else until the watch ends the stream, and that is
// why only echoes leave like this, not what others push.

// directBytes is how much may be on its way.
const directBytes = 32 << 10

// answer sends the frame that the chunk just taken has pushed, or tells the send
// loop. Only the receive loop calls it, without a lock.
func (st *stream) answer() error {
	if sent, err := st.sendDirect(); sent || err != nil {
		return err
	}
	st.call.queue.Wake()
	return nil
}

func (st *stream) sendDirect() (sent bool, err error) {
	if !st.sending.TryLock() {
		return false, nil
	}
	defer st.sending.Unlock()
	select {
	case <-st.stop:
		return false, nil
	default:
	}
	if !st.named || st.way.bytes(st.link.PeerAck()) > directBytes {
		return false, nil
	}
	e, popped, err := st.choose(false)
	switch {
	case err != nil:
		return false, err
	case e != nil:
		return false, st.send(nil, e) // the send loop has the frame behind it
	case popped:
		st.call.framesOut.Add(1)
		return true, st.send(&st.frame, nil)
	}
	return false, nil
}

// way bounds what is on its way to the peer, in bytes. It looks back to one frame
// at a time, and to the newest once that is acknowledged.
type way struct {
	total, taken uint64 // sent, and of that known to be taken
	newest       uint64 // sequence sent
	sequence     uint64 // of the frame looked back to
	upTo         uint64 // total with that
}

// scalars is the most that a chunk takes without audio, names and messages, with
// what gRPC puts before it.
const scalars = 128

// add counts a chunk that leaves.
func (w *way) add(c *api.AudioChunk) {
	w.total += uint64(len(c.GetAudioData())) + scalars
	if c.GetEvent() != nil || c.GetReport() != nil || c.GetLevels() != nil || c.GetCodec() != "" {
		w.total += uint64(proto.Size(c))
	}
	if c.GetSequence() != 0 {
		w.newest = c.GetSequence()
	}
}

// bytes returns how much is on its way at most when ack is the newest sequence
// acknowledged.
func (w *way) bytes(ack uint64) uint64 {
	if ack >= w.sequence && w.newest > w.sequence {
		w.taken, w.sequence, w.upTo = w.upTo, w.newest, w.total
	}
	return w.total - w.taken
}
