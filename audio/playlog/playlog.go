// Package playlog says what a playout buffer did on a trace of arrivals, and
// how good that was: the records of both files, their readers and writers, and
// the figures by which buffers are compared. Offline replay, the recording of
// calls and the tests of the playout path use it.
//
// Both files are text, one record a line. A trace has a line per packet that
// arrived, and a play log one per 10 ms of output:
//
//	seq send_us arrive_us [dtx]
//	play_us media_us kind nsamples inserted removed concealed
//
// The first line of a trace tells the length of its frames and the round trip,
// "# frame_ms=20 rtt_ms=60"; further lines that begin with # are comments.
// Times are in microseconds on one clock, samples at 48 kHz. Functions are for
// any goroutine and keep nothing.
package playlog

import "strconv"

// Packet is a line of a trace. One that the sender dropped has no line.
type Packet struct {
	Seq      int64
	SendUS   int64 // when its first sample was captured
	ArriveUS int64
	DTX      bool // silence until the next packet
}

// Append appends the packet's line to dst.
func (p Packet) Append(dst []byte) []byte {
	dst = strconv.AppendInt(dst, p.Seq, 10)
	dst = strconv.AppendInt(append(dst, ' '), p.SendUS, 10)
	dst = strconv.AppendInt(append(dst, ' '), p.ArriveUS, 10)
	if p.DTX {
		dst = append(dst, " 1"...)
	}
	return append(dst, '\n')
}

// Trace is the arrivals of a call in one direction.
type Trace struct {
	FrameMS int
	RTTMS   float64
	Packets []Packet // by Seq
}

// The kinds of a Line.
const (
	Normal      = 'N'
	Accelerated = 'A'
	Slowed      = 'P'
	Merged      = 'M'
	Concealed   = 'C' // also before the first packet is played
	Comfort     = 'G' // in silence that a DTX mark opened, and only there
)

// Line is a line of a play log.
type Line struct {
	PlayUS int64
	// MediaUS is SendUS of the packet that the first sample is from, and its
	// place in that packet; -1 where the sample was made up.
	MediaUS int64
	Kind    byte
	Samples int32
	// Inserted and Removed samples by time scaling or skipping, and Concealed
	// ones that were made up.
	Inserted, Removed, Concealed int32
}

// Append appends the line's text to dst.
func (l Line) Append(dst []byte) []byte {
	dst = strconv.AppendInt(dst, l.PlayUS, 10)
	dst = strconv.AppendInt(append(dst, ' '), l.MediaUS, 10)
	dst = append(dst, ' ', l.Kind)
	for _, n := range [...]int32{l.Samples, l.Inserted, l.Removed, l.Concealed} {
		dst = strconv.AppendInt(append(dst, ' '), int64(n), 10)
	}
	return append(dst, '\n')
}
