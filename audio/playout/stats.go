package playout

import (
	"time"

	"callcenter/audio"
	"callcenter/audio/jitter"
)

const (
	// interruption is how long made-up audio must last to be one (W3C's measure).
	interruption = 150 * time.Millisecond
	// calm is how near the delay must be to what it was before a stall.
	calm = 40 * time.Millisecond
)

// timesToLive are the upper bounds of Stats.TimeToLive but the last.
var timesToLive = [...]time.Duration{
	50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2 * time.Second, 5 * time.Second,
}

// Stats are counters since the playout was made, and the delay now. Names
// follow W3C webrtc-stats where it has one; samples are at 48 kHz.
//
// Nothing is unaccounted for. Of all that Pull gave, TotalSamplesReceived +
// SilentSamples + FillingSamples is the sum; TotalSamplesReceived is
// JitterBufferEmittedCount + ConcealedSamples; and DecodedSamples +
// InsertedSamplesForDeceleration is JitterBufferEmittedCount +
// RemovedSamplesForAcceleration + AbandonedSamples + what waits decoded.
type Stats struct {
	jitter.Stats

	TotalSamplesReceived           uint64 // given to the ear, announced silence apart
	ConcealedSamples               uint64
	SilentConcealedSamples         uint64 // of these, comfort noise or silence
	ConcealmentEvents              uint64
	InsertedSamplesForDeceleration uint64
	RemovedSamplesForAcceleration  uint64
	SilentSamples                  uint64 // in announced silence
	FillingSamples                 uint64 // before the first packet was due
	DecodedSamples                 uint64
	PrimingSamples                 uint64 // decoded once more after a gap, for the decoder's memory
	UnheardSamples                 uint64 // of DecodedSamples, passed as silence: nobody heard them
	AbandonedSamples               uint64 // decoded and then jumped over
	SkippedSamples                 uint64 // all that was jumped over to be live again
	DecodeErrors                   uint64
	JitterBufferEmittedCount       uint64 // real samples played
	// Sums over the pulls that played; divide by Pulls. The minimum is what the
	// network alone would have needed.
	JitterBufferDelay        time.Duration
	JitterBufferTargetDelay  time.Duration
	JitterBufferMinimumDelay time.Duration
	Pulls                    uint64

	// Interruptions are runs of made-up audio of 150 ms and more, outside
	// announced silence.
	InterruptionCount         uint64
	TotalInterruptionDuration time.Duration
	// A stall is a time in which nothing came and everything was played; it is
	// over with the next packet. TimeToLive says how long after that the delay
	// took to be within 40 ms of what it had been: counts of at most 50, 100,
	// 200, 500 ms, 1, 2 and 5 s, and of more.
	StallCount     uint64
	StallDuration  time.Duration
	TimeToLive     [8]uint64
	LastTimeToLive time.Duration

	Delay time.Duration // playout delay at the last pull that played
}

// Stats returns the counters.
func (p *Playout) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count()
}

func (p *Playout) count() Stats {
	s := p.stats
	s.Stats = p.buf.Stats()
	s.SkippedSamples = s.AbandonedSamples + p.buf.Skipped()
	return s
}

// account notes what became of a stall and of the made-up audio before real
// audio that plays now.
func (p *Playout) account() {
	d := p.buf.Delay(p.clock, p.pos)
	p.stats.Delay = d
	p.stats.JitterBufferDelay += d
	p.stats.JitterBufferTargetDelay += p.buf.Target()
	p.stats.JitterBufferMinimumDelay += p.buf.Minimum()
	p.stats.Pulls++
	p.endRun()
	p.stalled = false
	if p.recovering && d <= p.before+calm {
		p.recovering = false
		ttl := p.clock - p.returned
		p.stats.LastTimeToLive = ttl
		i := 0
		for i < len(timesToLive) && ttl > timesToLive[i] {
			i++
		}
		p.stats.TimeToLive[i]++
	}
}

// starve notes that n samples were made up since nothing was there, or what came
// is about to be skipped.
func (p *Playout) starve(n int) {
	p.stalled = true
	p.stats.StallDuration += audio.Duration(n)
	if p.concealing {
		return
	}
	p.stats.StallCount++
	if !p.recovering {
		p.before = p.stats.Delay
	}
	p.recovering = false
}

// resume notes that a packet came at now.
func (p *Playout) resume(now time.Duration) {
	if p.stalled && !p.recovering {
		p.recovering, p.returned = true, now
	}
	p.stalled = false
}

// endRun ends a run of made-up audio.
func (p *Playout) endRun() {
	if run := audio.Duration(p.run); run >= interruption {
		p.stats.InterruptionCount++
		p.stats.TotalInterruptionDuration += run
	}
	p.run = 0
}
