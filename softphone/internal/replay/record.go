package replay

import (
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"callcenter/audio"
	"callcenter/audio/jitter"
	"callcenter/audio/playlog"
)

const (
	// backlog is how many packets may wait for a slow disk: 80 s of them.
	backlog = 4096
	// flushEvery is how often the file is brought up to date.
	flushEvery = time.Second
	// A media time this far from where the arrival would put it is a new clock,
	// whatever the epoch says.
	maxSlip = time.Minute
)

// seen is what a Recorder keeps of a packet.
type seen struct {
	sequence     uint64
	media        int64
	epoch        uint32
	samples      int
	dtx          bool
	arrived, rtt time.Duration
}

// traceWriter takes a trace while it comes about, as a playlog.TraceFile does.
type traceWriter interface {
	SetHeader(frameMS int, rttMS float64)
	Add(p playlog.Packet)
	Flush()
	Close(shiftUS int64) error
}

// Recorder writes the arrivals of a live call as a trace. The call hands it
// packets, which never waits; Run writes them.
//
// The sender's clock is not ours. The trace's clock is: it begins with the first
// packet's capture, and the arrivals are such that the fastest packet of the
// call took half the least round trip. Until Close knows which that was, the
// first packet is taken for it. When the sender's clocks start anew, a new
// epoch or a jump, the trace's clock goes on: the packet is taken to have come
// as fast as the fastest before it. Sequences go on likewise.
type Recorder struct {
	file    traceWriter
	queue   chan seen
	dropped atomic.Uint64 // the queue was full

	// Of Run alone.
	packets, leftOut uint64
	frame            int // samples; 0 before the first packet with audio
	origin           time.Duration
	last             seen
	sent             time.Duration // of the last packet, on the trace's clock
	sequence         int64         // of the last packet, in the trace
	media            time.Duration // trace's clock minus capture clock
	shift            int64         // trace's sequence minus the wire's
	fastest          time.Duration // least network delay so far
	leastRTT         time.Duration
}

// NewRecorder returns a recorder into a new file at path. Run it.
func NewRecorder(path string) (*Recorder, error) {
	f, err := playlog.CreateTrace(path, 20)
	if err != nil {
		return nil, err
	}
	return &Recorder{file: f, queue: make(chan seen, backlog)}, nil
}

// Packet notes a packet that arrived at that time, with the round trip as far
// as it is known. It never waits and does not allocate; when the disk is too
// slow the packet is left out, and counted. It is for the receiving goroutine,
// and not called after Finish.
func (r *Recorder) Packet(p jitter.Packet, arrived, rtt time.Duration) {
	select {
	case r.queue <- seen{p.Sequence, p.Media, p.Epoch, p.Samples, p.DTX, arrived, rtt}:
	default:
		r.dropped.Add(1)
	}
}

// Finish tells Run that no more packets come.
func (r *Recorder) Finish() { close(r.queue) }

// Run writes until Finish, brings the file into its final form and closes it.
// It returns how many packets are in the trace, and an error if one is missing
// that could have been there.
func (r *Recorder) Run() (packets uint64, err error) {
	flush := time.NewTicker(flushEvery)
	defer flush.Stop()
	for {
		select {
		case p, more := <-r.queue:
			if !more {
				return r.packets, r.finish()
			}
			r.add(p)
		case <-flush.C:
			r.file.Flush()
		}
	}
}

func (r *Recorder) finish() error {
	shift := int64(0)
	if r.packets > 0 {
		shift = r.shiftUS()
	}
	if err := r.file.Close(shift); err != nil {
		return err
	}
	if n := r.dropped.Load(); n > 0 {
		return fmt.Errorf("%d packets are missing in the trace: the disk was too slow; record to another", n)
	}
	if r.leftOut > 0 {
		return fmt.Errorf("%d packets are missing in the trace, which holds frames of 10 or of 20 ms, in order, for %g h at most",
			r.leftOut, playlog.MaxLength.Hours())
	}
	return nil
}

// shiftUS is by how much later everything arrived than was written, now that the
// fastest packet is known.
func (r *Recorder) shiftUS() int64 { return (r.leastRTT/2 - r.fastest).Microseconds() }

// add writes a packet.
func (r *Recorder) add(p seen) {
	first := r.packets == 0
	if !r.fits(p) || !first && !r.follows(p) {
		r.leftOut++
		return
	}
	if p.rtt > 0 && (r.leastRTT == 0 || p.rtt < r.leastRTT) {
		r.leastRTT = p.rtt
		r.fileHeader()
	}
	if first {
		// Half a round trip before it arrived it was sent.
		r.origin, r.fastest = p.arrived-p.rtt/2, p.rtt/2
	}
	at := p.arrived - r.origin
	if first || p.epoch != r.last.epoch || r.slipped(p, at) {
		r.anchor(p, at, first)
	}
	r.sent = r.media + captured(p)
	r.sequence = int64(p.sequence) + r.shift
	r.fastest = min(r.fastest, at-r.sent)
	r.last = p
	r.packets++
	r.file.Add(playlog.Packet{Seq: r.sequence, SendUS: r.sent.Microseconds(), ArriveUS: at.Microseconds(), DTX: p.dtx})
}

// fits reports whether the trace can hold the packet. The first one with audio
// says how long frames are.
func (r *Recorder) fits(p seen) bool {
	if p.dtx {
		return true
	}
	if r.frame == 0 && (p.samples == audio.Rate/100 || p.samples == audio.Rate/50) {
		r.frame = p.samples
		r.fileHeader()
	}
	return p.samples == r.frame
}

// follows reports whether a packet may stand behind those before it.
func (r *Recorder) follows(p seen) bool {
	again := p.epoch == r.last.epoch && p.sequence <= r.last.sequence
	return !again && p.arrived >= r.last.arrived && p.arrived-r.origin <= playlog.MaxLength-maxSlip
}

func (r *Recorder) fileHeader() {
	ms := 20
	if r.frame != 0 {
		ms = r.frame * 1000 / audio.Rate
	}
	r.file.SetHeader(ms, float64(r.leastRTT)/float64(time.Millisecond))
}

// captured returns when the packet was captured, on the sender's clock.
func captured(p seen) time.Duration {
	const most = math.MaxInt64 / int64(time.Second) // far beyond any call
	m := min(max(p.media, -most), most)
	return time.Duration(m/audio.Rate)*time.Second + audio.Duration(int(m%audio.Rate))
}

// slipped reports whether a packet cannot be on the clock of those before it.
func (r *Recorder) slipped(p seen, at time.Duration) bool {
	sent := r.media + captured(p)
	return sent <= r.sent || sent-at > maxSlip || at-sent > maxSlip || int64(p.sequence)+r.shift-r.sequence > backlog
}

// anchor puts a packet on the trace's clock, behind the one before.
func (r *Recorder) anchor(p seen, at time.Duration, first bool) {
	frame := audio.Duration(max(r.frame, audio.Rate/100))
	sent := at - r.fastest
	if first {
		r.media, r.shift = sent-captured(p), 1-int64(p.sequence)
		return
	}
	sent = max(sent, r.sent+frame)
	r.media = sent - captured(p)
	if next := int64(p.sequence) + r.shift - r.sequence; next < 1 || next > backlog {
		r.shift += max(1, int64((sent-r.sent)/frame)) - next
	}
}
