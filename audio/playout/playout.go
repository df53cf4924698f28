// Package playout turns packets into the next 10 ms of sound: jitter buffer,
// decoder, time scaling and concealment together. The softphone's ear and every
// leg of a conference use the same one.
//
// The receive loop calls Push as packets arrive; whoever the sound card (or the
// room's clock) wakes calls Pull. Both take one lock, for no longer than two
// decodes; neither may be called from a device callback. PCM is 48 kHz mono,
// positions are samples on the sender's capture clock, times are readings of
// one audio.Clock. Nothing allocates in the steady state.
package playout

import (
	"sync"
	"sync/atomic"
	"time"

	"callcenter/audio"
	"callcenter/audio/freeze"
	"callcenter/audio/jitter"
	"callcenter/audio/stretch"
	"callcenter/codec"
)

const (
	// store holds the longest packet (240 ms) behind what is left of the last.
	store = 3 * 240 * audio.Rate / 1000
	// room is what a decoder may give beyond what a packet promised.
	room = 64

	maxClockError = 100 * time.Millisecond
	clockGain     = 0.05
)

// Kind says what 10 ms of output are.
type Kind byte

// The kinds, by the letters of a play log.
const (
	Normal      Kind = 'N'
	Accelerated Kind = 'A'
	Slowed      Kind = 'P'
	Concealed   Kind = 'C'
	Merged      Kind = 'M' // real audio again after made-up audio
	Comfort     Kind = 'G' // silence that the sender announced
	Filling     Kind = 'W' // nothing was played yet
)

// Pulled describes 10 ms of output.
type Pulled struct {
	Kind Kind
	// Media is the place of the first sample on the sender's capture clock, or
	// -1 where it was made up. Epoch tells which clock. A Concealed pull may
	// begin with the last real samples there are.
	Media int64
	Epoch uint32
	// Samples that time scaling added or took before the next pull, and samples
	// of these 10 ms that were made up outside announced silence.
	Inserted, Removed, Concealed int
	// Delay is that of the last pull that played: how long after it could have
	// arrived its first sample plays.
	Delay time.Duration
}

// Config are the parts of a Playout.
type Config struct {
	Decoder codec.Decoder
	Jitter  jitter.Config
	// Complete keeps every word that came and catches up by time scaling,
	// instead of jumping to be live.
	Complete bool
	// Tape takes down what happens; nil: nobody does.
	Tape Tape
}

// Playout is one listener's ear for one sender. Its methods may be called from
// several goroutines.
type Playout struct {
	mu  sync.Mutex
	buf *jitter.Buffer
	dec codec.Decoder
	con stretch.Concealer

	pcm   [store]int16
	begin int // first sample not played
	end   int // end of what is decoded
	pos   int64
	epoch uint32

	clock      time.Duration // smoothed time of this pull
	pulled     int           // samples of the pull before
	ticking    bool
	ahead      time.Duration // how long before its time a pull is made, smoothed
	corrected  time.Duration // when the last correction was made, and by how much
	wanted     time.Duration // since when a correction has been wanted; 0: none is
	loud       float64       // power of the speech: its peaks, falling slowly
	correction time.Duration
	concealing bool // the last pull
	joining    bool // what plays next does not follow what was heard last
	run        int  // samples made up in a row
	silent     bool // the last pull was announced silence
	frame      int  // samples of the newest packet
	gapAhead   bool // the next packet follows a real gap
	skim       skim // what nobody hears

	stalled    bool          // nothing came and all was played
	before     time.Duration // the delay before that
	recovering bool          // what came then is later than before
	returned   time.Duration // when it came

	stats       Stats
	undecodable atomic.Int64 // packets in a row

	tape    Tape
	counted *Stats       // for the tape,
	coder   freeze.Coder // and this
}

// New returns a playout with an empty buffer.
func New(cfg Config) *Playout {
	cfg.Jitter.Complete = cfg.Complete
	p := &Playout{buf: jitter.New(cfg.Jitter), dec: cfg.Decoder}
	if cfg.Tape != nil {
		p.tape, p.counted = cfg.Tape, &Stats{}
		p.coder = freeze.Writer(make([]byte, 0, stateBytes))
	}
	return p
}

// Push takes a packet that arrived at now; its data is copied. It reports
// whether the packet was kept.
func (p *Playout) Push(pkt jitter.Packet, now time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tape != nil {
		p.tape.Pushed(pkt, now)
	}
	kept := p.buf.Push(pkt, now)
	if kept {
		p.resume(now)
	}
	return kept
}

// SetOneWay tells the network's one-way delay, for the target's trade-off.
func (p *Playout) SetOneWay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tape != nil {
		p.tape.OneWay(d)
	}
	p.buf.SetOneWay(d)
}

// SetAhead tells how long before it plays the next pull is made: what an output
// holds already. Packets cannot be waited for in that time, so the target is
// above it, and follows it up quickly and down slowly.
func (p *Playout) SetAhead(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tape != nil {
		p.tape.Ahead(d)
	}
	if d > p.ahead {
		p.ahead += (d - p.ahead) / 8
	} else {
		p.ahead -= (p.ahead - d) / 256
	}
	p.buf.SetLead(p.ahead)
}

// Buffered returns how much audio waits, decoded or not. It never exceeds three
// seconds, or seven where every word is kept, whatever a sender does.
func (p *Playout) Buffered() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return audio.Duration(p.buf.Buffered() + p.end - p.begin)
}

// Flush throws away what waits, decoded or not: time passed that no clock
// counted, and nobody wants to hear it any more.
func (p *Playout) Flush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tape != nil {
		p.tape.Flushed()
	}
	p.buf.Flush()
	p.stats.AbandonedSamples += uint64(p.end - p.begin)
	p.begin, p.end = 0, 0
}

// Drained reports that nothing is left to play.
func (p *Playout) Drained() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.end-p.begin < audio.PeriodSamples && p.buf.Empty()
}

// Pull fills dst, 10 ms or 5 of them, with what will begin to play at now.
func (p *Playout) Pull(dst []int16, now time.Duration) Pulled {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.stats
	p.tick(now, len(dst))
	pulled := p.next(dst)
	pulled.Inserted = int(p.stats.InsertedSamplesForDeceleration - before.InsertedSamplesForDeceleration)
	pulled.Removed = int(p.stats.RemovedSamplesForAcceleration - before.RemovedSamplesForAcceleration)
	pulled.Concealed = int(p.stats.ConcealedSamples - before.ConcealedSamples)
	pulled.Delay = p.stats.Delay
	if p.tape != nil {
		*p.counted = p.count()
		if p.tape.Pulled(pulled, len(dst), now, p.counted) {
			p.freeze()
		}
	}
	return pulled
}

// tick smooths the time of pulls: a goroutine wakes late at times, the sound
// card does not.
func (p *Playout) tick(now time.Duration, samples int) {
	p.clock += audio.Duration(p.pulled)
	p.pulled = samples
	e := now - p.clock
	if !p.ticking || e > maxClockError || e < -maxClockError {
		p.clock, p.ticking = now, true
		p.corrected = min(p.corrected, now)
		return
	}
	p.clock += time.Duration(clockGain * float64(e))
}
