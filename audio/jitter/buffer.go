package jitter

import (
	"time"

	"callcenter/audio"
)

const (
	slots       = 512            // packets held at most, a power of two,
	maxBuffered = 2 * audio.Rate // and their samples,

	completeSlots    = 1024 // and the same for a listener who wants every word
	completeBuffered = 6 * audio.Rate

	maxSpare    = 32  // packets whose memory is kept for others,
	leastMemory = 128 // bytes, of which it is a multiple

	maxPacket  = audio.Rate * 240 / 1000 // samples of one packet at most
	maxLeap    = 10 * audio.Rate         // an unexplained media step above it is a new clock
	maxBack    = audio.Rate / 50         // and so is one backwards above it
	maxRefused = 25                      // then the sender began anew, whatever it says

	// Above these a sequence or a media time is garbage: 186 years of audio.
	maxSequence = 1 << 62
	maxMedia    = 1 << 48
)

// MinHole is the least gap between two packets, in samples, that is one; less
// is the rounding of a sender's clock.
const MinHole = 120

// Config are the things a Buffer must be told.
type Config struct {
	// Rest is the mouth-to-ear delay outside this buffer and the network, for
	// the target's trade-off. Zero: 75 ms.
	Rest time.Duration
	// Complete plays every packet that came, however late, and leaves it to
	// time scaling to be live again. It holds six seconds instead of two.
	Complete bool
}

// Buffer holds packets and decides. The zero value is not ready; use New.
type Buffer struct {
	ring     []slot
	spare    [][]byte // memory of packets that were removed
	most     int      // samples held at most
	complete bool
	lead     time.Duration // how long before its time audio is asked for

	held    int    // packets in ring
	samples int    // of all packets in ring
	next    uint64 // sequence that is played next
	highest uint64 // newest sequence taken

	lastMedia  int64 // end of the newest packet on the capture clock
	epoch      uint32
	begun      bool // a packet was taken
	playing    bool // the first wait is over
	dtx        bool // the last packet played opened a silence
	lastDTX    bool // the newest packet taken opened a silence
	bridged    int  // samples concealed in the hole before the next packet
	waiting    bool // a jump waits for its burst to end,
	since      time.Duration
	concealing bool   // the last decision
	moved      bool   // the sender's clocks began anew and the ear is not there yet
	turn       uint64 // then: the first sequence on the new clock
	refused    int    // packets in a row that were older than the position
	arrived    time.Duration
	skipped    uint64

	est   estimator
	stats Stats
}

type slot struct {
	packet Packet
	used   bool
}

// New returns an empty buffer.
func New(cfg Config) *Buffer {
	if cfg.Rest == 0 {
		cfg.Rest = 75 * time.Millisecond
	}
	b := &Buffer{est: newEstimator(cfg.Rest), complete: cfg.Complete}
	n := slots
	b.most = maxBuffered
	if cfg.Complete {
		n, b.most = completeSlots, completeBuffered
	}
	b.ring = make([]slot, n)
	return b
}

func (b *Buffer) size() uint64 { return uint64(len(b.ring)) }

func (b *Buffer) slot(sequence uint64) *slot { return &b.ring[sequence%b.size()] }

// SetOneWay tells the network's one-way delay, half a round trip.
func (b *Buffer) SetOneWay(d time.Duration) { b.est.rehearsal.oneWay = max(0, min(d, 2*time.Second)) }

// SetLead tells how long before it plays audio is asked for, at most two seconds.
// That much of the delay cannot wait for packets, so the target is above it.
func (b *Buffer) SetLead(d time.Duration) { b.lead = max(0, min(d, 2*time.Second)) }

// Push takes a packet that arrived at now and copies its data. It reports
// whether the packet was kept; audio that was not kept is counted.
func (b *Buffer) Push(p Packet, now time.Duration) bool {
	if len(p.Data) > 0 {
		b.stats.PacketsReceived++
	} else {
		p.Samples = 0
	}
	if absurd(&p) || !b.place(&p) {
		return b.discard(&p)
	}
	s := b.slot(p.Sequence)
	if s.used {
		return b.discard(&p) // a duplicate: a slot's sequence is unique while it is used
	}
	b.refused = 0
	b.count(&p)
	b.est.observe(p.Media, now, b.lastDTX)
	b.arrived = now
	p.Data = b.keep(p.Data)
	s.packet, s.used = p, true
	b.held++
	b.samples += p.Samples
	if p.Sequence > b.highest {
		b.highest = p.Sequence
		b.lastMedia = p.Media + int64(p.Samples)
		b.lastDTX = p.DTX
	}
	b.bound()
	return true
}

// keep returns a copy of a packet's data, in memory that a packet before it had.
func (b *Buffer) keep(data []byte) []byte {
	if len(data) == 0 {
		return nil
	}
	var memory []byte
	if n := len(b.spare); n > 0 {
		memory, b.spare = b.spare[n-1], b.spare[:n-1]
	}
	if cap(memory) < len(data) {
		memory = make([]byte, 0, (len(data)+leastMemory-1)/leastMemory*leastMemory)
	}
	return append(memory[:0], data...)
}

// absurd reports a packet that no sender of ours can have made.
func absurd(p *Packet) bool {
	return p.Sequence == 0 || p.Sequence > maxSequence ||
		p.Media < 0 || p.Media > maxMedia ||
		p.Samples < 0 || p.Samples > maxPacket ||
		len(p.Data) > 0 && p.Samples == 0
}

func (b *Buffer) discard(p *Packet) bool {
	if len(p.Data) > 0 {
		b.stats.PacketsDiscarded++
	}
	return false
}

// place makes sure that p has a place in the ring, and reports whether it has.
// Where the sender's clocks or numbers began anew the buffer follows.
func (b *Buffer) place(p *Packet) bool {
	switch {
	case !b.begun:
		b.begin(p)
	case p.Epoch != b.epoch:
		if int32(p.Epoch-b.epoch) < 0 && b.refuse() {
			return false
		}
		b.turnTo(p)
	case p.Sequence < b.next:
		if b.refuse() {
			return false
		}
		b.restart(p)
	case p.Sequence > b.highest:
		b.follow(p)
	default: // between those that are held
		return p.Media <= b.lastMedia && b.lastMedia-p.Media <= maxLeap
	}
	return true
}

// refuse notes a packet from before the position and reports whether it is only
// that. Many in a row are a sender that began anew.
func (b *Buffer) refuse() bool {
	b.refused++
	return b.refused < maxRefused
}

// follow checks how p goes on after the newest packet.
func (b *Buffer) follow(p *Packet) {
	step := p.Media - b.lastMedia
	// Silence, and frames dropped and marked, explain any step ahead.
	missing := p.Sequence - b.highest - 1
	explained := b.lastDTX || missing > 0 && missing <= uint64(max(0, p.DroppedBefore))
	switch {
	case step < -maxBack, step > maxLeap && !explained:
		b.restart(p)
	case p.Sequence-b.next < b.size():
	case explained:
		b.Flush() // all of it is as old as the gap is long
		b.next = p.Sequence
	default:
		b.restart(p)
	}
}

// turnTo follows the sender to another epoch. What is held of the old one is
// played to its end or until the new one is due.
func (b *Buffer) turnTo(p *Packet) {
	if !b.playing || b.moved || p.Sequence <= b.highest || p.Sequence-b.next >= b.size() {
		b.restart(p)
		return
	}
	b.stats.Resets++
	b.est.restart()
	b.epoch = p.Epoch
	b.moved, b.turn = true, p.Sequence
	b.refused = 0
}

// restart makes room for a sender whose clocks or numbers began anew. What was
// learned of the network stays.
func (b *Buffer) restart(p *Packet) {
	b.Flush()
	b.stats.Resets++
	b.est.restart()
	b.begin(p)
	b.moved, b.turn = b.playing, p.Sequence
}

func (b *Buffer) begin(p *Packet) {
	b.begun = true
	b.epoch = p.Epoch
	b.next = p.Sequence
	b.highest = p.Sequence - 1
	b.lastMedia = p.Media
	b.lastDTX = false
	b.refused = 0
}

// Flush throws away all packets. What was learned of the network stays.
func (b *Buffer) Flush() {
	for b.held > 0 {
		b.throw(b.head())
	}
	b.bridged = 0
}

// throw removes a packet that will not be played.
func (b *Buffer) throw(p *Packet) {
	b.skipped += uint64(p.Samples)
	b.discard(p)
	b.remove(p)
}

// count accounts for the sequence numbers that p skips or fills.
func (b *Buffer) count(p *Packet) {
	if p.Sequence <= b.highest {
		if b.stats.PacketsLost > 0 {
			b.stats.PacketsLost-- // it was only late
		}
		return
	}
	missing := p.Sequence - b.highest - 1
	dropped := min(missing, uint64(max(0, p.DroppedBefore)))
	b.stats.PacketsDropped += dropped
	if !b.lastDTX {
		b.stats.PacketsLost += missing - dropped
	}
}

// bound drops the oldest packets above the most that may be held.
func (b *Buffer) bound() {
	for b.held > 1 && b.samples > b.most {
		b.throw(b.head())
	}
}

// head returns the packet of the lowest sequence, nil if there is none.
func (b *Buffer) head() *Packet { return b.from(b.next) }

// from returns the first packet at or after a sequence, nil if there is none.
func (b *Buffer) from(sequence uint64) *Packet {
	if b.held == 0 {
		return nil
	}
	for ; sequence <= b.highest; sequence++ {
		if s := b.slot(sequence); s.used {
			return &s.packet
		}
	}
	return nil
}

func (b *Buffer) remove(p *Packet) {
	b.slot(p.Sequence).used = false
	if cap(p.Data) > 0 && len(b.spare) < maxSpare {
		b.spare = append(b.spare, p.Data) // overwritten by a Push, not before
	}
	b.held--
	b.samples -= p.Samples
	b.next = p.Sequence + 1
}

// Next removes and returns the oldest packet, nil if there is none. The packet
// is valid until the next Push.
func (b *Buffer) Next() *Packet {
	p := b.head()
	if p == nil {
		return nil
	}
	b.remove(p)
	b.dtx = p.DTX
	b.bridged = 0
	if b.moved && p.Sequence >= b.turn {
		b.moved = false
	}
	return p
}

// Peek returns the packet that Next would, without removing it.
func (b *Buffer) Peek() *Packet { return b.head() }

// NextSequence is the sequence from which on packets are, or will be, held.
func (b *Buffer) NextSequence() uint64 { return b.next }

// Empty reports that no packet is held.
func (b *Buffer) Empty() bool { return b.held == 0 }

// Buffered returns how many samples the packets held will decode to.
func (b *Buffer) Buffered() int { return b.samples }

// Skipped counts the samples of packets that were taken and then thrown away
// unplayed.
func (b *Buffer) Skipped() uint64 { return b.skipped }

// Delay is the playout delay D of position pos at now: how much longer it
// waited than the fastest packet. It is meaningful once something was played.
func (b *Buffer) Delay(now time.Duration, pos int64) time.Duration {
	return now - moment(pos) - b.est.base
}

// moment is a media position as a time. Unlike audio.Duration it does not
// overflow after two days.
func moment(pos int64) time.Duration {
	return time.Duration(pos/audio.Rate)*time.Second + time.Duration(pos%audio.Rate)*time.Second/audio.Rate
}

// Target is the delay to aim at.
func (b *Buffer) Target() time.Duration { return b.est.target + b.lead }

// Minimum is what the network alone asks for, without any reserve.
func (b *Buffer) Minimum() time.Duration { return b.Target() - margin }

// Stats returns the counters.
func (b *Buffer) Stats() Stats {
	s := b.stats
	s.Jitter = time.Duration(b.est.jitter)
	s.Target = b.Target()
	s.Outages = b.est.outages
	s.RelativePacketArrivalDelay = b.est.lateness
	s.ClockDriftPPM = b.est.drift.ppm
	return s
}
