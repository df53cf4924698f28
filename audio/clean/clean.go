// Package clean makes a microphone fit to be heard: it takes away rumble below
// 80 Hz, suppresses steady noise, and brings speech to one level. The
// softphone's uplink runs a Cleaner on each frame before it is encoded.
//
// A frame goes through
//
//  1. the high-pass, 12 dB an octave below 80 Hz;
//  2. noise suppression by SpeexDSP, up to 24 dB, which adds half a frame of
//     delay;
//  3. the level control, which brings active speech to -22 dBFS RMS (RFC 7874),
//     at most 20 dB up or down, by 6 dB a second, and stays in pauses;
//  4. a limiter at -1 dBFS, as soon as one of the others is on.
//
// Each of the first three is switched by Options, also during a call. What is
// off costs nothing, and with all of them off samples pass bit for bit, with no
// delay. The high-pass and the level control add no delay of their own.
//
// Noise suppression takes all that is steady for noise, tones too: within 1.5 s,
// or 3 s later in a call, a tone goes down by 20 dB and more, and in half of that
// time with frames of 10 ms. It is for microphones and not for files and
// generators.
//
// PCM is 48 kHz mono. Levels are in dBFS: 0 is a sample of 32767, or an RMS of
// that.
package clean

import (
	"fmt"
	"math"
	"sync/atomic"

	"callcenter/audio"
	"callcenter/audio/mix"
)

const (
	// blockSamples is what is worked on at a time, 10 ms.
	blockSamples = audio.PeriodSamples
	// suppress is how far noise goes down at most, in dB.
	suppress = -24
)

// Options says what a Cleaner does. The zero value does nothing.
type Options struct {
	HighPass bool // take away what is below 80 Hz
	Denoise  bool // suppress steady noise; without effect unless HasDenoise
	Level    bool // bring speech to -22 dBFS
}

// Cleaner cleans up one microphone. One goroutine calls Process and Close; the
// other methods are for any goroutine.
type Cleaner struct {
	frame int
	late  int32         // delay of the noise suppression in samples
	want  atomic.Uint32 // Options as bits
	delay atomic.Int32
	gain  atomic.Uint64 // of the level control in dB, as the bits of a float64

	rumble   fader
	noise    fader
	limiting fader
	highPass highPass
	denoiser *denoiser
	leveller leveller
	limiter  mix.Limiter

	// The block at work, as it goes through the stages.
	block, filtered [blockSamples]float32
	whole           [blockSamples]int16
	wide            [blockSamples]int32
}

// New returns a Cleaner for frames of 480 or 960 samples. Where noise
// suppression is not built in (HasDenoise is false) Denoise is ignored, and
// Options says so. Close gives back what the Cleaner holds.
func New(frameSamples int, o Options) (*Cleaner, error) {
	if frameSamples != blockSamples && frameSamples != 2*blockSamples {
		return nil, fmt.Errorf("set up the microphone's clean-up: frames of %d samples; use %d or %d", frameSamples, blockSamples, 2*blockSamples)
	}
	// With half a frame noise goes down as far as with a whole one. A quarter
	// would take vowels for noise, as they stay for longer than what it
	// remembers.
	hop := frameSamples / 2
	d, err := newDenoiser(hop)
	if err != nil {
		return nil, err
	}
	c := &Cleaner{
		frame:    frameSamples,
		late:     int32(hop),
		highPass: newRumbleFilter(),
		denoiser: d,
		leveller: newLeveller(),
	}
	c.Set(o)
	o = c.Options()
	c.rumble.start(o.HighPass)
	c.noise.start(o.Denoise)
	c.limiting.start(o != Options{})
	c.publish()
	return c, nil
}

const (
	bitHighPass = 1 << iota
	bitDenoise
	bitLevel
)

// Set switches to o from the next frame on, by a cross-fade of one block: no
// click. The level control begins at 0 dB, and ends there within 0.4 s.
func (c *Cleaner) Set(o Options) {
	var bits uint32
	if o.HighPass {
		bits |= bitHighPass
	}
	if o.Denoise && HasDenoise {
		bits |= bitDenoise
	}
	if o.Level {
		bits |= bitLevel
	}
	c.want.Store(bits)
}

// Options returns what was set last. Denoise is false where it is not built in.
func (c *Cleaner) Options() Options {
	bits := c.want.Load()
	return Options{
		HighPass: bits&bitHighPass != 0,
		Denoise:  bits&bitDenoise != 0,
		Level:    bits&bitLevel != 0,
	}
}

// Delay returns by how many samples the last frame came out later than it went
// in: half a frame with noise suppression and 0 without.
func (c *Cleaner) Delay() int { return int(c.delay.Load()) }

// Gain returns the gain of the level control after the last frame, in dB.
func (c *Cleaner) Gain() float64 { return math.Float64frombits(c.gain.Load()) }

// Close gives back what the noise suppression holds. It may be called again.
// Process leaves samples alone afterwards.
func (c *Cleaner) Close() {
	c.denoiser.close()
	c.frame = 0
	c.delay.Store(0)
}

// Process cleans up one frame where it is. It does not allocate. A slice that is
// not a frame of the length given to New is left alone.
func (c *Cleaner) Process(pcm []int16) {
	if c.frame == 0 || len(pcm) != c.frame {
		return
	}
	o := c.Options()
	for ; len(pcm) > 0; pcm = pcm[blockSamples:] {
		c.process((*[blockSamples]int16)(pcm), o)
	}
	c.publish()
}

// publish shows other goroutines how things are.
func (c *Cleaner) publish() {
	delay := int32(0)
	if c.noise.share > 0 {
		delay = c.late
	}
	c.delay.Store(delay)
	c.gain.Store(math.Float64bits(c.leveller.gain))
}

// process takes one block through the stages.
func (c *Cleaner) process(pcm *[blockSamples]int16, o Options) {
	rumble := c.rumble.next(o.HighPass)
	noise := c.noise.next(o.Denoise)
	level := o.Level || c.leveller.gain != 0
	limiting := c.limiting.next(rumble.runs || noise.runs || level)
	if !limiting.runs {
		return
	}
	for i, x := range pcm {
		c.block[i] = float32(x)
	}
	if rumble.runs {
		if rumble.begins {
			c.highPass = newRumbleFilter()
		}
		c.highPass.run(&c.filtered, &c.block)
		rumble.mix(&c.block, &c.filtered)
	}
	if noise.runs {
		for i, x := range c.block {
			c.whole[i] = int16(round(min(max(x, math.MinInt16), math.MaxInt16)))
		}
		c.denoiser.run(&c.whole)
		for i, x := range c.whole {
			c.filtered[i] = float32(x)
		}
		noise.mix(&c.block, &c.filtered)
	}
	if level {
		c.leveller.run(&c.block, o.Level)
	}
	c.limit(pcm, limiting)
}

// limit writes the block to pcm, held at -1 dBFS.
func (c *Cleaner) limit(pcm *[blockSamples]int16, limiting fade) {
	if limiting.begins {
		c.limiter = mix.Limiter{}
	}
	for i, x := range c.block {
		c.wide[i] = round(x)
	}
	c.limiter.Process(c.whole[:], c.wide[:])
	if limiting.from == 1 && limiting.to == 1 {
		*pcm = c.whole
		return
	}
	for i, x := range c.whole {
		c.block[i] = min(max(c.block[i], math.MinInt16), math.MaxInt16)
		c.filtered[i] = float32(x)
	}
	limiting.mix(&c.block, &c.filtered)
	for i, x := range c.block {
		pcm[i] = int16(round(x))
	}
}

// round returns the nearest whole number.
func round(x float32) int32 {
	if x < 0 {
		return int32(x - 0.5)
	}
	return int32(x + 0.5)
}
