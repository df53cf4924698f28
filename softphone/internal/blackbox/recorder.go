package blackbox

import (
	"sync"
	"time"

	"callcenter/audio"
	"callcenter/audio/jitter"
	"callcenter/audio/playout"
	"callcenter/audio/sendq"
	"callcenter/codec"
	"callcenter/softphone/internal/call"
	"callcenter/softphone/internal/callstate"
)

const (
	halfPeriod = audio.PeriodSamples / 2

	// What Keep takes besides packets: of the far leg, 200 pulls a second and up to
	// 100 packets; and of the near leg. The rest is for packets of up to 128 kbit/s,
	// or those of pcm.
	farBytes, nearBytes   = 2 << 20, 1 << 19
	opusBytes, pcmPackets = 1 << 20, 6 << 20

	// seconds is how many rows and counts are kept.
	seconds = int(Keep/time.Second) + 2

	// stateEvery is how often what the playout knows is kept; what was made up shortly
	// before is forgotten by then: a decoder that hears only what came afterwards is
	// then in the same state.
	stateEvery = 5 * time.Second
	stateCalm  = 3 * time.Second
	// statePatience is how long that is waited for.
	statePatience = 20 * time.Second
	states        = int(Keep/stateEvery) + 1
	// A larger one is not kept: that of a listener who wants every word of a stall.
	stateBytes = 64 << 10
)

// Info is what a Recorder is told of its call.
type Info struct {
	CallID, Destination string
	Codec               string // its name on the wire
	FrameMS             int
	Complete            bool // every word is kept rather than be live
}

// Recorder keeps the last minute of one call. It is its call.Tape. Use
// NewRecorder.
type Recorder struct {
	info  Info
	clock audio.Clock
	begun time.Time     // wall clock and
	since time.Duration // the call's clock at that moment

	far, near *ring

	// Under far.mu:
	counts    [seconds]count // a ring, by counted
	counted   int
	last      count
	hasPulled bool
	states    [states]state // a ring, by frozen
	frozen    int
	calm      time.Duration // since when nothing was made up,
	concealed uint64        // samples made up until then,
	primed    uint64        // and decoded twice behind a gap

	mu   sync.Mutex
	rows [seconds]Row
	row  int // how many there were
}

var _ call.Tape = (*Recorder)(nil)

// state is what the playout knew behind a record of the tape.
type state struct {
	count
	bytes []byte
}

// count is the counters of the playout behind a record of the tape.
type count struct {
	end   uint64 // where that record ends
	now   time.Duration
	stats playout.Stats
}

// NewRecorder returns the recorder of a call that begins now. It takes all its
// memory at once: 5.3 MiB for Opus, 15.3 MiB for pcm.
func NewRecorder(info Info, clock audio.Clock) *Recorder {
	packets := opusBytes
	if info.Codec == codec.PCM {
		packets = pcmPackets
	}
	r := &Recorder{
		info: info, clock: clock, begun: time.Now(), since: clock(),
		far: newRing(farBytes + packets), near: newRing(nearBytes + packets),
	}
	for i := range r.states {
		r.states[i].bytes = make([]byte, 0, stateBytes)
	}
	return r
}

// Bytes is how much memory the recorder holds, about.
func (r *Recorder) Bytes() int { return len(r.far.buf) + len(r.near.buf) + states*stateBytes }

// Pushed is of playout.Tape, as are OneWay, Ahead, Flushed and Pulled.
func (r *Recorder) Pushed(p jitter.Packet, now time.Duration) {
	r.far.mu.Lock()
	defer r.far.mu.Unlock()
	r.far.pushed(&p, now)
}

// OneWay notes the way of the network.
func (r *Recorder) OneWay(d time.Duration) { r.told(kindOneWay, d) }

// Ahead notes what an output held.
func (r *Recorder) Ahead(d time.Duration) { r.told(kindAhead, d) }

// Flushed notes that all was thrown away.
func (r *Recorder) Flushed() { r.told(kindFlushed, 0) }

func (r *Recorder) told(k kind, d time.Duration) {
	r.far.mu.Lock()
	defer r.far.mu.Unlock()
	r.far.told(k, d)
}

// Pulled notes what was played.
func (r *Recorder) Pulled(p playout.Pulled, samples int, now time.Duration, stats *playout.Stats) bool {
	r.far.mu.Lock()
	defer r.far.mu.Unlock()
	r.far.pulled(&p, samples, now, stats.Target)
	r.last = count{r.far.head, now, *stats}
	if !r.hasPulled || now-r.counts[(r.counted-1)%seconds].now >= time.Second {
		r.counts[r.counted%seconds] = r.last
		r.counted++
	}
	r.hasPulled = true
	if stats.ConcealedSamples != r.concealed || stats.PrimingSamples != r.primed {
		r.concealed, r.primed, r.calm = stats.ConcealedSamples, stats.PrimingSamples, now
	}
	var before time.Duration
	if r.frozen > 0 {
		before = r.states[(r.frozen-1)%states].now
	}
	return now-before >= stateEvery && now-r.calm >= stateCalm || now-before >= statePatience
}

// Frozen notes what the playout knows behind that pull.
func (r *Recorder) Frozen(known []byte) {
	r.far.mu.Lock()
	defer r.far.mu.Unlock()
	s := &r.states[r.frozen%states]
	s.count = r.last
	s.bytes = s.bytes[:0]
	if len(known) <= cap(s.bytes) {
		s.bytes = append(s.bytes, known...)
	}
	r.frozen++
}

// Came notes a chunk of the server.
func (r *Recorder) Came(c call.Came) {
	f := r.far
	f.mu.Lock()
	defer f.mu.Unlock()
	f.begin(kindCame, c.At)
	f.time(c.RTT)
	f.time(c.At)
	f.u64(c.Sequence)
	f.u32(c.Epoch)
	f.u64(uint64(c.Media))
	f.u32(c.Marks)
	f.u32(c.DroppedBefore)
	f.u16(uint16(c.Bytes))
	f.u64(c.SentAt)
	f.u32(c.ServerTime)
	f.u64(c.Ack)
	f.end()
}

func parseCame(r record) (c call.Came, err error) {
	if len(r.body) != cameBytes {
		return c, errTape
	}
	w := words(r.body)
	return call.Came{
		RTT: w.time(), At: w.time(), Sequence: w.u64(), Epoch: w.u32(), Media: int64(w.u64()), Marks: w.u32(),
		DroppedBefore: w.u32(), Bytes: int(w.u16()), SentAt: w.u64(), ServerTime: w.u32(), Ack: w.u64(),
	}, nil
}

// Sent notes a frame of ours that leaves.
func (r *Recorder) Sent(f *sendq.Frame, epoch uint32, now time.Duration) {
	n := r.near
	n.mu.Lock()
	defer n.mu.Unlock()
	n.begin(kindSent, now)
	n.time(now)
	n.time(f.Made)
	n.u64(f.Sequence)
	n.u64(max(f.Media, 1) - 1) // on the wire 0 means absent
	n.u32(epoch)
	n.u32(f.Marks)
	n.u32(f.DroppedBefore)
	n.u16(uint16(f.Samples))
	n.rec = append(n.rec, f.Data...)
	n.end()
}

// sent is a frame of ours that left.
type sent struct {
	sendq.Frame
	At time.Duration
}

func parseSent(r record) (s sent, err error) {
	if len(r.body) < sentBytes {
		return s, errTape
	}
	w := words(r.body)
	s.At, s.Made = w.time(), w.time()
	s.Sequence, s.Media, s.Epoch = w.u64(), w.u64(), w.u32()
	s.Marks, s.DroppedBefore, s.Samples = w.u32(), w.u32(), int(w.u16())
	s.Data = w
	return s, nil
}

// Second notes how the call looks, once a second.
func (r *Recorder) Second(s *callstate.Snapshot) {
	row := rowOf(s, r.clock())
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rows[r.row%seconds] = row
	r.row++
}
