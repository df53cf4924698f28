package replay

import (
	"math"
	"time"

	"callcenter/audio/jitter"
	"callcenter/audio/playlog"
	"callcenter/audio/playout"
)

// Arrival is a packet as a Recorder takes it: when it came, and the round trip as
// far as it was known.
type Arrival struct {
	Packet  jitter.Packet
	At, RTT time.Duration
}

// Transcript is a part of a call as a trace.
type Transcript struct {
	Trace   playlog.Trace
	LeftOut int // packets that a trace cannot hold

	zero  time.Duration    // of the trace, on the call's clock
	media map[uint32]int64 // of each epoch's capture clock, where that is 0, µs
}

// Write writes arrivals, in their order, as the trace that a Recorder would have
// made of them.
func Write(arrivals []Arrival) *Transcript {
	t := &Transcript{media: make(map[uint32]int64)}
	r := &Recorder{file: traceInMemory{&t.Trace}}
	for _, a := range arrivals {
		before := r.packets
		r.add(seen{a.Packet.Sequence, a.Packet.Media, a.Packet.Epoch, a.Packet.Samples, a.Packet.DTX, a.At, a.RTT})
		if r.packets > before {
			t.media[a.Packet.Epoch] = r.media.Microseconds()
		}
	}
	t.LeftOut = int(r.leftOut)
	if r.packets == 0 {
		t.Trace.FrameMS = 20
		return t
	}
	shift := r.shiftUS()
	t.zero = r.origin - time.Duration(shift)*time.Microsecond
	for i := range t.Trace.Packets {
		t.Trace.Packets[i].ArriveUS += shift
	}
	return t
}

// Line describes a pull of so many samples for now, by the call's clock, on the
// clock of the trace.
func (t *Transcript) Line(p playout.Pulled, samples int, now time.Duration) playlog.Line {
	began, known := t.media[p.Epoch]
	return line(p, samples, (now - t.zero).Microseconds(), began, known)
}

// traceInMemory is a trace that stays in memory.
type traceInMemory struct{ *playlog.Trace }

func (t traceInMemory) SetHeader(frameMS int, rttMS float64) {
	t.FrameMS, t.RTTMS = frameMS, math.Round(1000*rttMS)/1000
}

func (t traceInMemory) Add(p playlog.Packet) { t.Packets = append(t.Packets, p) }
func (traceInMemory) Flush()                 {}
func (traceInMemory) Close(int64) error      { return nil }
