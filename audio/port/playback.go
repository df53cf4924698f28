package port

import (
	"sync/atomic"
	"time"

	"callcenter/audio"
	"callcenter/audio/ring"
)

// The margin above the largest callback that LowWater asks for.
const (
	marginMin  = audio.Rate * 5 / 1000
	marginMax  = audio.Rate * 20 / 1000
	marginStep = audio.Rate * 25 / 10000
	// marginCalm is how long there must be no underrun before a step goes back;
	// each underrun doubles it, up to marginPatient, since a margin that failed
	// would fail again, and calm without one halves it.
	// marginSpare is what must have been left after every callback meanwhile,
	// besides the step: going back is not to make the next underrun.
	marginCalm    = 10 * time.Second
	marginPatient = 2 * time.Minute
	marginSpare   = audio.Rate * 1 / 1000
)

// PlaybackStats are the counts of a Playback since it was made.
type PlaybackStats struct {
	Callbacks       uint64 // calls of Take
	Taken           uint64 // samples that were written and then taken, stale ones included
	Underruns       uint64 // times it ran dry; a run of dry callbacks is one
	UnderrunSamples uint64 // samples of silence played because it was dry
	Starved         uint64 // Underruns that the greatest margin did not prevent
	Stale           uint64 // samples dropped because the device was away: TakeLive
	// Gaps are the times that the device asked for less sound than time passed:
	// the sound system had none to play because the callback was late. GapTime is
	// how much. Both are known half a second later.
	Gaps    uint64
	GapTime time.Duration
	// Last is the time of the newest callback; it means nothing while Callbacks
	// is 0.
	Last time.Duration
}

// Playback takes samples from one goroutine to a playback callback.
//
// Nothing in it is dropped but what is stale once a device was away: a full
// port accepts less, and an empty one plays silence, counted. How much waits, and
// so the delay, is up to the writer, who keeps Buffered just above LowWater.
type Playback struct {
	clock  audio.Clock
	ring   *ring.Ring
	stamps stamps
	sizes  recent
	wanted chan struct{}

	active atomic.Bool   // written to since it was made or finished
	margin atomic.Int64  // samples
	dry    bool          // the callback before this one was short; callback side only
	calm   time.Duration // until when it must be calm, and for how long
	calmly time.Duration
	failed bool   // an underrun since it was calm last
	spare  int    // the least that was left since calm was set; callback side only
	asked  uint64 // samples that callbacks wanted; callback side only
	lag    lag    // callback side only
	rising int    // samples until what plays next is faded in; callback side only
	edge   int16  // the last sample that was there,
	fade   int    // and samples until it has faded out; callback side only

	callbacks, taken, last     atomic.Uint64
	underruns, underrunSamples atomic.Uint64
	starved, stale             atomic.Uint64
	gaps, gapTime              atomic.Uint64
}

// NewPlayback returns an empty port whose stamps are readings of clock.
func NewPlayback(clock audio.Clock) *Playback {
	p := &Playback{clock: clock, ring: ring.New(RingSamples), wanted: make(chan struct{}, 1), calmly: marginCalm}
	p.margin.Store(marginMin)
	return p
}

// Take fills dst with what was written, pads with silence, and signals when less
// than LowWater is left. Running dry and coming back are faded over 2.5 ms. It is for the
// callback: it does not allocate or block.
func (p *Playback) Take(dst []int16) {
	now := p.clock()
	active := p.active.Load() // first: what Finish lets run out is no underrun
	n := p.ring.Read(dst)
	if p.rising > 0 {
		p.rise(dst[:n])
	}
	p.fall(dst, n, active)
	p.sizes.add(len(dst), now)
	if n > 0 {
		taken := p.taken.Load() + uint64(n)
		p.stamps.add(taken, now)
		p.taken.Store(taken)
	}
	p.judge(len(dst)-n, active, now)
	p.asked += uint64(len(dst))
	if d := p.lag.add(p.asked, now); d > 0 {
		p.gaps.Add(1)
		p.gapTime.Add(uint64(d))
	}
	p.last.Store(uint64(now))
	p.callbacks.Add(1)
	if p.ring.Len() < p.LowWater() { // waking the writer costs more than its work
		signal(p.wanted)
	}
}

// fall pads dst behind n samples: the last one fades out, for a hard edge would
// click.
func (p *Playback) fall(dst []int16, n int, active bool) {
	if n > 0 {
		p.edge, p.fade = dst[n-1], rampSamples
	}
	for i := range dst[n:] {
		p.fade = max(0, p.fade-1)
		dst[n+i] = int16(int(p.edge) * p.fade / rampSamples)
	}
	if active && n < len(dst) {
		p.rising = rampSamples
	}
}

// judge counts the missing samples of one callback and moves the margin.
func (p *Playback) judge(missing int, active bool, now time.Duration) {
	short := missing > 0 && active
	if short {
		p.underrunSamples.Add(uint64(missing))
	}
	p.spare = min(p.spare, p.ring.Len())
	switch {
	case short && !p.dry:
		p.underruns.Add(1)
		if p.margin.Load() == marginMax {
			p.starved.Add(1)
		}
		p.calmly, p.failed = min(2*p.calmly, marginPatient), true
		p.move(marginStep, now)
	case short:
		p.move(0, now)
	case now >= p.calm && p.spare >= marginStep+marginSpare:
		p.calmed()
		p.move(-marginStep, now)
	case now >= p.calm:
		p.calmed()
		p.move(0, now)
	}
	p.dry = short
}

// calmed notes that it was calm for long enough. Calm with a margin that has not
// failed since the last time makes for less patience.
func (p *Playback) calmed() {
	if !p.failed {
		p.calmly = max(p.calmly/2, marginCalm)
	}
	p.failed = false
}

// move changes the margin and begins to watch anew.
func (p *Playback) move(by int64, now time.Duration) {
	p.margin.Store(min(max(p.margin.Load()+by, marginMin), marginMax))
	p.calm, p.spare = now+p.calmly, p.ring.Cap()
}

// Wanted is signalled after each Take that leaves less than LowWater. It has one
// slot: the writer fills up to LowWater each time.
func (p *Playback) Wanted() <-chan struct{} { return p.wanted }

// Write queues as much of pcm as there is room for. It returns how many
// samples that was and the position of pcm[0] on the playback clock, which
// counts samples written. It is for the writing goroutine.
func (p *Playback) Write(pcm []int16) (pos uint64, n int) {
	pos = p.ring.Written()
	n = p.ring.Write(pcm)
	// After the samples, so that a callback between the two sees no dry start.
	if n > 0 && !p.active.Load() {
		p.active.Store(true)
	}
	return pos, n
}

// Finish says that nothing follows what was written, so that running out of it
// is no underrun; the next Write ends that. What waits is still played. It is
// for the writing goroutine.
func (p *Playback) Finish() { p.active.Store(false) }

// Buffered returns how many samples were written and not yet taken. Once it is
// 0 after Finish, all was handed to the device. It is for any goroutine.
func (p *Playback) Buffered() int { return p.ring.Len() }

// LowWater returns how many samples should wait before the next callback: the
// largest callback of the last two to four seconds (10 ms before the first)
// and a margin. The margin is 5 ms at first, grows by 2.5 ms with each underrun
// up to 20 ms, and goes back by 2.5 ms, down to 5 ms, after each 10 s without
// one in which there was enough to spare; 20 s where there was one underrun, 40
// where there were two, and so on up to two minutes. The writer fills to at least this at
// each Wanted. It is for any goroutine.
func (p *Playback) LowWater() int {
	largest := p.sizes.load()
	if largest == 0 {
		largest = audio.PeriodSamples
	}
	return min(largest+int(p.margin.Load()), p.ring.Cap())
}

// TakenAt returns when the callback took the sample at pos. It reports false
// for one not taken yet and for one of more than about 8000 callbacks ago (20 s
// of callbacks of 2.5 ms, 80 s of 10 ms). It is for any goroutine.
func (p *Playback) TakenAt(pos uint64) (time.Duration, bool) {
	return p.stamps.find(pos)
}

// Stats returns the counts so far. It is for any goroutine; counts of a
// callback that is running may be there in part.
func (p *Playback) Stats() PlaybackStats {
	return PlaybackStats{
		Callbacks:       p.callbacks.Load(),
		Taken:           p.taken.Load(),
		Underruns:       p.underruns.Load(),
		UnderrunSamples: p.underrunSamples.Load(),
		Starved:         p.starved.Load(),
		Stale:           p.stale.Load(),
		Gaps:            p.gaps.Load(),
		GapTime:         time.Duration(p.gapTime.Load()),
		Last:            time.Duration(p.last.Load()),
	}
}
