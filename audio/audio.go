// Package audio is the vocabulary that every audio package shares.
//
// Between packages PCM is []int16, 48 kHz, mono. A frame is what one chunk
// carries (10 or 20 ms); a period is what a sound card or a pacer moves at once
// (10 ms). Lengths are in samples unless a name says otherwise.
package audio

import "time"

// Rate is the sample rate of PCM between packages, in samples a second.
const Rate = 48000

// PeriodSamples is 10 ms: the quantum in which audio is pulled, played and
// paced.
const PeriodSamples = Rate / 100

// Period is the duration of PeriodSamples.
const Period = 10 * time.Millisecond

// Duration returns how long n samples last.
func Duration(n int) time.Duration {
	return time.Duration(n) * time.Second / Rate
}

// Samples returns how many whole samples fit into d.
func Samples(d time.Duration) int {
	return int(d * Rate / time.Second)
}

// Clock is a monotonic clock: the time since an origin that all who compare
// its readings share. It is safe for concurrent use, never allocates and never
// blocks, so that a device callback may read it.
type Clock func() time.Duration

// NewClock returns a clock whose origin is now.
func NewClock() Clock {
	origin := time.Now()
	return func() time.Duration { return time.Since(origin) }
}

// Source is a generator of PCM that never ends: a file that is over, or a
// generator with nothing to say, gives silence. It is used by one goroutine.
type Source interface {
	// Fill writes the next len(dst) samples. It does not allocate.
	Fill(dst []int16)
	// Close releases what the source holds; Fill is not called afterwards.
	Close() error
}

// Sink takes PCM, in order. It is used by one goroutine.
type Sink interface {
	// Write keeps or discards all of pcm and does not retain the slice. After
	// an error the sink stays usable for Close only.
	Write(pcm []int16) error
	// Close completes what was written, also after an error.
	Close() error
}

// Endpoint says what is really open at one end of a call: a sound device, a
// file, a generator.
type Endpoint struct {
	// ID is the stable id of a device ("" for others) and Name what people call
	// it, cleaned for screens.
	ID, Name string
	// Backend is "pulseaudio", "alsa", "coreaudio", "file", "tone" or "null".
	Backend string
	// Rate and Channels are those granted at the device, before conversion to
	// 48 kHz mono.
	Rate, Channels int
	// Period is the granted period, and Periods how many the device buffers.
	Period  time.Duration
	Periods int
	// Monitor marks a source that records what a loudspeaker plays.
	Monitor bool
}
