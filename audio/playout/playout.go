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
	"time"

	"callcenter/audio"
	"callcenter/audio/jitter"
	"callcenter/audio/stretch"
	"callcenter/codec"
)

const (
	// store holds the longest packet (240 ms) behind what is left of the last.
	store     = 3 * 240 * audio.Rate / 1000
	lookahead = stretch.Window + audio.PeriodSamples

	// room is what a decoder may give beyond what a packet promised.
	room = 64

	// A correction is followed by a rest, this many times as long as itself, so
	// that at most an eighth of the time is changed. Above hurryExcess it is half.
	correctionRest = 8
	minRest        = 50 * time.Millisecond
	hurryExcess    = 40 * time.Millisecond
	hurryRest      = 2

	// A small correction waits for a pause between words, but not for ever.
	// Waiting with too little costs concealment, with too much only delay.
	fasterPatience = 4 * time.Second
	slowerPatience = time.Second
	pauseShare     = 1.0 / 400 // of the speech's power, -26 dB
	loudDecay      = 0.997     // a period, half in 2.3 s

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

// Config are the parts of a Playout.
type Config struct {
	Decoder codec.Decoder
	Jitter  jitter.Config
	// Complete keeps every word that came and catches up by time scaling,
	// instead of jumping to be live.
	Complete bool
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
	ticking    bool
	corrected  time.Duration // when the last correction was made, and by how much
	wanted     time.Duration // since when a correction has been wanted; 0: none is
	loud       float64       // power of the speech: its peaks, falling slowly
	correction time.Duration
	concealing bool
	silent     bool // the last pull was announced silence
	gapAhead   bool // the next packet follows a real gap
	unheard    [audio.PeriodSamples]int16

	stats Stats
}

// New returns a playout with an empty buffer.
func New(cfg Config) *Playout {
	return &Playout{buf: jitter.New(cfg.Jitter), dec: cfg.Decoder}
}

// Push takes a packet that arrived at now; its data is copied. It reports
// whether the packet was kept.
func (p *Playout) Push(pkt jitter.Packet, now time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.buf.Push(pkt, now)
}

// SetOneWay tells the network's one-way delay, for the target's trade-off.
func (p *Playout) SetOneWay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.buf.SetOneWay(d)
}

// Stats returns the counters.
func (p *Playout) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stats
	s.Stats = p.buf.Stats()
	s.SkippedSamples = s.AbandonedSamples + p.buf.Skipped()
	return s
}

// Buffered returns how much audio waits, decoded or not. It never exceeds three
// seconds, whatever a sender does.
func (p *Playout) Buffered() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return audio.Duration(p.buf.Buffered() + p.end - p.begin)
}

// Drained reports that nothing is left to play.
func (p *Playout) Drained() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.end-p.begin < audio.PeriodSamples && p.buf.Empty()
}

// Pull fills dst, audio.PeriodSamples long, with the 10 ms that will begin to
// play at now.
func (p *Playout) Pull(dst []int16, now time.Duration) Pulled {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.stats
	p.tick(now)
	pulled := p.next(dst[:audio.PeriodSamples])
	pulled.Inserted = int(p.stats.InsertedSamplesForDeceleration - before.InsertedSamplesForDeceleration)
	pulled.Removed = int(p.stats.RemovedSamplesForAcceleration - before.RemovedSamplesForAcceleration)
	pulled.Concealed = int(p.stats.ConcealedSamples - before.ConcealedSamples)
	return pulled
}

// next gives the next 10 ms.
func (p *Playout) next(dst []int16) Pulled {
	switch a := p.buf.Decide(p.clock, p.pos, p.end-p.begin); a {
	case jitter.Wait:
		clear(dst)
		p.stats.FillingSamples += audio.PeriodSamples
		return Pulled{Kind: Filling, Media: -1, Epoch: p.epoch}
	case jitter.Silence:
		return p.silence(dst)
	case jitter.Conceal, jitter.Bridge:
		return p.conceal(dst, a == jitter.Bridge)
	case jitter.Seek:
		return p.seek(dst)
	case jitter.Faster, jitter.Slower:
		return p.play(dst, p.correct(a))
	default:
		p.wanted = 0
		return p.play(dst, Normal)
	}
}

// tick smooths the time of pulls: a goroutine wakes late at times, the sound
// card does not.
func (p *Playout) tick(now time.Duration) {
	p.clock += audio.Period
	e := now - p.clock
	if !p.ticking || e > maxClockError || e < -maxClockError {
		p.clock, p.ticking = now, true
		p.corrected = min(p.corrected, now)
		return
	}
	p.clock += time.Duration(clockGain * float64(e))
}

// play gives the next 10 ms of decoded audio.
func (p *Playout) play(dst []int16, kind Kind) Pulled {
	if !p.decode(audio.PeriodSamples) {
		return p.conceal(dst, false)
	}
	p.stats.Delay = p.buf.Delay(p.clock, p.pos)
	p.stats.JitterBufferDelay += p.stats.Delay
	p.stats.Pulls++
	if p.silent {
		p.con.Splice() // fades in
	}
	res := Pulled{Kind: kind, Media: p.pos, Epoch: p.epoch}
	p.emit(dst)
	p.concealing, p.silent = false, false
	p.stats.TotalSamplesReceived += audio.PeriodSamples
	return res
}

// emit moves what is decoded to dst, as much as there is, and returns how much.
func (p *Playout) emit(dst []int16) int {
	n := copy(dst, p.pcm[p.begin:p.end])
	p.con.Played(dst[:n])
	if n == len(dst) {
		p.loud = max(stretch.Power(dst), p.loud*loudDecay)
	}
	p.begin += n
	p.pos += int64(n)
	p.stats.JitterBufferEmittedCount += uint64(n)
	return n
}

// conceal makes 10 ms up, after the end of what is there. In a stall the
// position stands still; over a frame that will never come (bridge) it goes on.
func (p *Playout) conceal(dst []int16, bridge bool) Pulled {
	res := Pulled{Kind: Concealed, Media: -1, Epoch: p.epoch}
	if p.end > p.begin {
		res.Media = p.pos
	}
	n := p.emit(dst)
	p.con.Conceal(dst[n:])
	if bridge {
		p.pos += int64(len(dst) - n)
		p.gapAhead = true
	}
	if !p.concealing {
		p.stats.ConcealmentEvents++
	}
	p.concealing, p.silent = true, false
	p.stats.TotalSamplesReceived += audio.PeriodSamples
	p.stats.ConcealedSamples += uint64(len(dst) - n)
	return res
}

// silence plays the pause that the sender announced, in which the position
// goes on with time.
func (p *Playout) silence(dst []int16) Pulled {
	n := p.emit(dst)
	rest := dst[n:]
	clear(rest)
	if !p.silent {
		p.con.Splice() // fades into the pause
	}
	p.con.Played(rest)
	p.pos += int64(len(rest))
	p.concealing, p.silent = false, true
	p.stats.TotalSamplesReceived += uint64(n)
	p.stats.SilentSamples += uint64(len(rest))
	return Pulled{Kind: Comfort, Media: -1, Epoch: p.epoch}
}

// seek continues at the oldest packet held, wherever it is.
func (p *Playout) seek(dst []int16) Pulled {
	next := p.buf.Peek()
	if next == nil {
		return p.conceal(dst, false)
	}
	decoded := p.end - p.begin
	p.stats.AbandonedSamples += uint64(decoded)
	// In announced silence the decoder has nothing to catch up with.
	p.gapAhead = p.gapAhead || !p.silent && p.stats.DecodedSamples > 0 && next.Media != p.pos+int64(decoded)
	p.con.Splice()
	p.begin, p.end = 0, 0
	p.pos, p.epoch = next.Media, next.Epoch
	p.corrected, p.correction = p.clock, 0
	return p.play(dst, Normal)
}

// correct adds or takes a pitch period from what is decoded, if it is time to
// and it can be done unheard. Far behind it takes more and is less choosy.
func (p *Playout) correct(a jitter.Action) Kind {
	hurry := p.buf.Delay(p.clock, p.pos)-p.buf.Target() > hurryExcess
	rest := max(minRest, correctionRest*p.correction)
	if hurry {
		rest = hurryRest * p.correction
	}
	if p.clock-p.corrected < rest {
		return Normal
	}
	if p.wanted == 0 {
		p.wanted = p.clock
	}
	waited := p.clock - p.wanted
	if a == jitter.Slower {
		return p.slower(waited > slowerPatience)
	}
	if !p.decode(lookahead) && p.end-p.begin < stretch.Window {
		return Normal
	}
	next := p.pcm[p.begin:p.end]
	if hurry {
		return p.faster(stretch.Much(next))
	}
	pause := p.pause(next[:stretch.Window])
	if !pause && waited < fasterPatience {
		return Normal
	}
	return p.faster(stretch.Faster(next, pause))
}

// pause reports that pcm is a pause between words.
func (p *Playout) pause(pcm []int16) bool { return stretch.Power(pcm) < p.loud*pauseShare }

// faster notes that n samples were removed.
func (p *Playout) faster(n int) Kind {
	if n == 0 {
		return Normal
	}
	p.end -= n
	p.pos += int64(n)
	p.stats.RemovedSamplesForAcceleration += uint64(n)
	p.corrected, p.correction = p.clock, audio.Duration(n)
	return Accelerated
}

// slower adds a period now, of what was just played and what is next, in a
// pause or when it must be.
func (p *Playout) slower(must bool) Kind {
	if !p.decode(stretch.MaxLag) || p.begin < stretch.MaxLag {
		return Normal
	}
	p.compact()
	pause := p.pause(p.pcm[p.begin-stretch.MaxLag : p.begin+stretch.MaxLag])
	if !pause && !must {
		return Normal
	}
	n := stretch.Slower(p.pcm[:], p.begin, p.end, pause)
	if n == 0 {
		return Normal
	}
	p.end += n
	p.pos -= int64(n)
	p.stats.InsertedSamplesForDeceleration += uint64(n)
	p.corrected, p.correction = p.clock, audio.Duration(n)
	return Slowed
}

// decode makes at least n samples ready, as far as packets follow each other
// without a gap.
func (p *Playout) decode(n int) bool {
	for p.end-p.begin < n {
		next := p.buf.Peek()
		if next == nil || len(next.Data) == 0 || next.Epoch != p.epoch {
			return false
		}
		gap := next.Media - p.pos - int64(p.end-p.begin)
		if gap >= jitter.MinHole || gap <= -jitter.MinHole {
			return false
		}
		p.compact()
		if p.end+next.Samples+room > store {
			return false
		}
		p.pos += gap // the sender's rounding must not add up
		p.append(p.buf.Next())
	}
	return true
}

// append decodes a packet behind what is decoded. One that cannot be decoded is
// as good as never sent: it leaves a hole.
func (p *Playout) append(pkt *jitter.Packet) {
	if p.gapAhead {
		// The decoder heard nothing of the gap: let it go on by one frame.
		p.gapAhead = false
		_ = p.dec.Conceal(p.unheard[:])
	}
	end := p.end + pkt.Samples + room
	n, err := p.dec.Decode(p.pcm[p.end:end:end], pkt.Data)
	if err != nil || n <= 0 || n > pkt.Samples+room {
		p.stats.DecodeErrors++
		p.gapAhead = true
		return
	}
	p.stats.DecodedSamples += uint64(n)
	p.end += n
}

// compact moves what is decoded to the front of the store, behind as much of
// what was played as Slower looks at.
func (p *Playout) compact() {
	played := min(p.begin, stretch.MaxLag)
	if p.begin == played {
		return
	}
	copy(p.pcm[:], p.pcm[p.begin-played:p.end])
	p.end -= p.begin - played
	p.begin = played
}
