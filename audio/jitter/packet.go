package jitter

import "time"

// Packet is one frame as it came off the wire.
type Packet struct {
	Sequence      uint64 // counts frame slots from 1
	DroppedBefore int    // frames the sender dropped just before this one
	Epoch         uint32 // changes when the sender's clocks start anew
	Media         int64  // first sample on the capture clock
	Samples       int    // how many samples Data decodes to
	DTX           bool   // silence follows until the next packet with audio
	Talk          bool   // first of a talk spurt
	Data          []byte // encoded audio; empty for a mark without audio
}

// Stats are counters since the buffer was made; names follow W3C webrtc-stats
// where it has one.
type Stats struct {
	PacketsReceived  uint64 // with audio
	PacketsLost      uint64 // missing sequence numbers that no mark explains
	PacketsDropped   uint64 // marked as dropped by the sender
	PacketsDiscarded uint64 // late, duplicate, absurd, or pushed out
	Resets           uint64 // epochs, and jumps of sequence or media time
	Outages          uint64 // stalls too long to wait for

	// RelativePacketArrivalDelay is the sum over packets of how much later each
	// came than the fastest.
	RelativePacketArrivalDelay time.Duration
	// ClockDriftPPM is how much faster the sender's clock runs than ours, in
	// millionths; 0 while it cannot be told.
	ClockDriftPPM float64

	Jitter time.Duration // RFC 3550 interarrival jitter
	Target time.Duration
}
