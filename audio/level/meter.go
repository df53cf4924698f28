package level

import (
	"sync"
	"time"

	"callcenter/audio"
)

const (
	// fall is how fast the bar, and the tick after its hold, come down: 20 dB in
	// 1.5 s, in dB a second.
	fall = 20 / 1.5
	// holdTime is how long the tick stays before it falls.
	holdTime = 1500 * time.Millisecond
	// clipTime is how long CLIP stays lit.
	clipTime = 5 * time.Second
	// clipLevel is -0.1 dBFS as a magnitude. One such sample lights CLIP, so any
	// run of full-scale samples does.
	clipLevel = 32392
	// bucketSamples and buckets make the RMS window: 30 times 10 ms.
	bucketSamples = audio.PeriodSamples
	buckets       = 30
	rmsWindow     = buckets * audio.Period
)

// Reading is what a meter shows at one moment, in dBFS between Floor and 0.
type Reading struct {
	Peak float64 // the bar: attacks at once, falls 13.3 dB a second
	RMS  float64 // the mark: over the last 300 ms
	Hold float64 // the tick: the highest peak, held for 1.5 s, then falling
	Clip bool    // a sample reached -0.1 dBFS, of either polarity, within 5 s
}

// mark is a level that falls from a moment on. It is kept above Floor, so that
// its zero value is silence.
type mark struct {
	above float64 // dB above Floor
	from  time.Duration
}

func (m *mark) at(now time.Duration) float64 {
	age := max(now-m.from, 0)
	return max(m.above-fall*age.Seconds(), 0)
}

// raise sets the mark to a level that it does not exceed at now.
func (m *mark) raise(above float64, now, hold time.Duration) {
	if above >= m.at(now) {
		m.above, m.from = above, now+hold
	}
}

// Meter turns blocks of samples into what a level meter shows. Its zero value
// is a meter in silence.
//
// One goroutine calls Add, any other may call Read meanwhile; a small mutex
// keeps them apart, so Add is not for a device callback. Both are to be given
// the same clock.
type Meter struct {
	mu        sync.Mutex
	bar, tick mark
	clipped   bool
	clipEnd   time.Duration

	sums  [buckets]uint64 // energy of 10 ms each; sums[next] is being filled
	next  int
	fill  int // samples in sums[next]
	count int // full buckets besides it, at most buckets-1
	last  time.Duration
}

// Add measures pcm, the newest samples, at now. Blocks may be of any size;
// more than 10 ms at once only make the meter coarser.
func (m *Meter) Add(pcm []int16, now time.Duration) {
	if len(pcm) == 0 {
		return
	}
	top := peak(pcm)
	above := DBFS(float64(top)) - Floor

	m.mu.Lock()
	defer m.mu.Unlock()
	m.bar.raise(above, now, 0)
	m.tick.raise(above, now, holdTime)
	if top >= clipLevel {
		m.clipped, m.clipEnd = true, now+clipTime
	}
	if now-m.last > rmsWindow { // what was before a pause is over
		m.next, m.fill, m.count = 0, 0, 0
		m.sums[0] = 0
	}
	m.last = now
	m.accumulate(pcm)
}

// accumulate adds pcm to the RMS window. It is called with the lock held.
func (m *Meter) accumulate(pcm []int16) {
	for len(pcm) > 0 {
		if m.fill == bucketSamples {
			m.next = (m.next + 1) % buckets
			m.sums[m.next], m.fill = 0, 0
			m.count = min(m.count+1, buckets-1)
		}
		n := min(len(pcm), bucketSamples-m.fill)
		m.sums[m.next] += energy(pcm[:n])
		m.fill += n
		pcm = pcm[n:]
	}
}

// Read returns what the meter shows at now. When no samples came for 300 ms
// the RMS is Floor; the others fall in their own time.
func (m *Meter) Read(now time.Duration) Reading {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := Reading{
		Peak: Floor + m.bar.at(now),
		RMS:  Floor,
		Hold: Floor + m.tick.at(now),
		Clip: m.clipped && now < m.clipEnd,
	}
	if now-m.last <= rmsWindow {
		var sum uint64
		for i := range m.count + 1 {
			sum += m.sums[(m.next-i+buckets)%buckets]
		}
		r.RMS = rms(sum, m.count*bucketSamples+m.fill)
	}
	// Rounding in the two marks must not show a bar above its tick.
	r.Hold = max(r.Hold, r.Peak)
	return r
}
