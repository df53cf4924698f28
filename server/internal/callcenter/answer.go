package callcenter

import (
	"math"

	"google.golang.org/protobuf/proto"

	"callcenter/api"
)

// A frame that is passed on costs the server a quarter more where it wakes the send
// loop of whoever gets it than where the receive loop that has it, which is awake,
// sends it. So that does, where
//
//   - the send loop has nothing to do: who holds sending sends, and here nobody
//     waits for that
//   - SendMsg does not wait: the peer has taken all but directBytes of what it was
//     sent, and gRPC takes 64 KiB before it waits
//
// All else is the send loop's. What the peer has taken is not its own claim: it
// echoes sent_at, a time in microseconds that only who has read the chunk knows, and
// one wrong guess ends this for its stream. One that guesses right nevertheless holds
// up its partner until the watch ends its stream, within deafLimit: hence only for
// callers that can come back.

const (
	// directBytes is how much may be on its way.
	directBytes = 32 << 10
	// departures is how many chunks are remembered: echoes of older ones prove
	// nothing.
	departures = 64
)

// flush sends the frame that was just put into the call's queue, or tells the send
// loop. The receive loop of pusher, which put it there, calls it without a lock.
func (c *call) flush(pusher *call) {
	st := c.current.Load()
	if st == nil || c != pusher && !c.resumable || !st.sendDirect() {
		c.queue.Wake()
	}
}

// sendDirect reports whether it sent the newest frame. What is wrong with the stream
// its own loops find out.
func (st *stream) sendDirect() bool {
	if !st.sending.TryLock() {
		return false
	}
	defer st.sending.Unlock()
	select {
	case <-st.stop:
		return false
	default:
	}
	if !st.named || st.way.bytes(st.link.PeerEcho()) > directBytes {
		return false
	}
	e, popped, err := st.choose(false)
	switch {
	case err != nil:
		return false
	case e != nil:
		_ = st.send(nil, e) // the send loop has the frame behind it
		return false
	case popped:
		st.call.framesOut.Add(1)
		return st.send(&st.frame, nil) == nil
	}
	return false
}

// way bounds what is on its way to the peer, in bytes.
type way struct {
	total, taken uint64 // sent, and of that known to be taken
	sent         [departures]departure
	chunks       int    // sent
	echo         uint64 // that was looked at last
	lied         bool   // the peer echoed what it was never sent
}

// departure is a chunk that left: its sent_at, and the total with it.
type departure struct{ at, total uint64 }

// scalars is the most that a chunk takes without audio, names and messages, with
// what gRPC puts before it.
const scalars = 128

// add counts a chunk that leaves.
func (w *way) add(c *api.AudioChunk) {
	w.total += uint64(len(c.GetAudioData())) + scalars
	if c.GetEvent() != nil || c.GetReport() != nil || c.GetLevels() != nil || c.GetCodec() != "" {
		w.total += uint64(proto.Size(c))
	}
	w.sent[w.chunks%departures] = departure{c.GetSentAt(), w.total}
	w.chunks++
}

// bytes returns how much is on its way at most when echo is the newest sent_at that
// the peer echoed.
func (w *way) bytes(echo uint64) uint64 {
	if echo != w.echo {
		w.echo = echo
		w.look(echo)
	}
	if w.lied {
		return math.MaxUint64
	}
	return w.total - w.taken
}

// look finds the chunk of which an echo is.
func (w *way) look(echo uint64) {
	for i := 1; i <= min(w.chunks, departures); i++ {
		d := w.sent[(w.chunks-i)%departures]
		if d.at == echo {
			w.taken = d.total
			return
		}
		if d.at < echo { // nothing left then
			w.lied = true
			return
		}
	}
}
