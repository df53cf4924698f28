package mix

import (
	"math"
	"time"

	"callcenter/audio"
)

const (
	// ControlTarget is the level that Control brings active speech to, in dBFS RMS.
	ControlTarget = -23.0
	// ControlRange is the most that it turns a voice up or down, in dB.
	ControlRange = 12.0
	// controlSlew is the most that the gain moves, in dB a second of speech.
	controlSlew = 4.0
	// controlBegin and controlEnd are the hysteresis: the gain begins to move when it
	// is off by the first, in dB, and stops when it is off by less than the second.
	controlBegin, controlEnd = 1.0, 0.2

	// silent is the level below which nothing is a voice, in dBFS.
	silent = -58.0
	// above is how far a voice is above the noise, and near how far below its own
	// loudness it goes, in dB: what is lower is a pause, or somebody else in the room.
	above, near = 8.0, 16.0
	// doubt is how fast that second gate opens while only such sound is heard, in dB
	// a second: it may be the same voice at a lower setting.
	doubt = 1.0
	// memory is over how much speech its loudness is the mean, and enough how much
	// there must be before the gain moves.
	memory, enough = 3 * time.Second, 300 * time.Millisecond
	// The noise is the quietest moment of the last spans, of which each lasts span.
	span, spans = 250 * time.Millisecond, 8
	// peakFall is how the highest peak is forgotten, in dB a second of speech.
	peakFall = 1.0

	controlBlock = audio.PeriodSamples
)

// Control brings one voice slowly to the loudness of all others, before they are
// added up. The gain follows the mean energy of what is speech: clearly above the
// quietest moments of the last two seconds, and not far below what was speech
// before. In pauses, in noise and in a steady sound, which has no quieter moments,
// it stays where it is. It is within 12 dB up or down, moves by at most 4 dB in a
// second of speech, evenly within a block, and does not turn a voice up so far that
// its peaks exceed the Ceiling; a peak that comes unforeseen is limited.
//
// What needs no gain passes bit for bit. A Control belongs to one voice, and the zero
// value is ready, with a gain of 0 dB. It is for one goroutine at a time.
type Control struct {
	gain   float64 // dB
	moving bool

	speech int     // samples of speech in the mean, at most memory
	energy float64 // mean energy of a sample of speech
	peak   float64 // the highest magnitude, falling
	opened float64 // how far doubt has opened the gate, dB

	quiet   [spans]float64 // quietest energy of each span, 0: not yet
	current float64        // the same of the span that runs
	into    int            // samples of it
	at      int            // its place in quiet

	limiter Limiter
	wide    [controlBlock]int32
}

// Gain returns the gain at the end of the last block, in dB.
func (c *Control) Gain() float64 { return c.gain }

// Process applies the gain to pcm where it is. Blocks may be of any size; 10 ms are
// measured at a time.
func (c *Control) Process(pcm []int16) {
	for len(pcm) > 0 {
		n := min(len(pcm), controlBlock)
		c.block(pcm[:n])
		pcm = pcm[n:]
	}
}

func (c *Control) block(pcm []int16) {
	before := c.gain
	if c.measure(pcm) && c.speech >= audio.Samples(enough) {
		c.move(audio.Duration(len(pcm)).Seconds())
	}
	if before == 0 && c.gain == 0 && c.limiter.Gain() == 1 {
		return
	}
	from, to := amplitude(before), amplitude(c.gain)
	step := (to - from) / float64(len(pcm))
	wide := c.wide[:len(pcm)]
	for i, x := range pcm {
		from += step
		wide[i] = int32(math.RoundToEven(float64(x) * from))
	}
	if c.gain <= 0 && before <= 0 && c.limiter.Gain() == 1 { // what came in fits as it is
		for i, x := range wide {
			pcm[i] = int16(x)
		}
		return
	}
	c.limiter.Process(pcm, wide)
}

// measure takes a block into account and reports whether it is speech.
func (c *Control) measure(pcm []int16) bool {
	var sum int64
	highest := 0
	for _, s := range pcm {
		x := int(s)
		sum += int64(x * x)
		highest = max(highest, x, -x)
	}
	energy := float64(sum) / float64(len(pcm))
	loudness := decibels(energy)
	if loudness < silent {
		return false
	}
	noise := c.listen(energy, len(pcm))
	if loudness < decibels(noise)+above || !c.belongs(loudness, len(pcm)) {
		return false
	}
	c.speech = min(c.speech+len(pcm), audio.Samples(memory))
	c.energy += (energy - c.energy) * float64(len(pcm)) / float64(c.speech)
	fall := amplitude(-peakFall * audio.Duration(len(pcm)).Seconds())
	c.peak = max(c.peak*fall, float64(highest))
	return true
}

// listen takes n samples of that energy for the noise, and returns its energy.
func (c *Control) listen(energy float64, n int) float64 {
	if c.into == 0 {
		c.current = energy
	}
	c.current = min(c.current, energy)
	noise := c.current
	for _, q := range c.quiet {
		if q > 0 {
			noise = min(noise, q)
		}
	}
	if c.into += n; c.into >= audio.Samples(span) {
		c.quiet[c.at] = c.current
		c.at, c.into = (c.at+1)%spans, 0
	}
	return noise
}

// belongs reports whether n samples of that loudness are of the voice that was heard
// before.
func (c *Control) belongs(loudness float64, n int) bool {
	gate := decibels(c.energy) - near
	if c.speech < audio.Samples(enough) || loudness >= gate {
		c.opened = 0
		return true
	}
	c.opened += doubt * audio.Duration(n).Seconds()
	return loudness >= gate-c.opened
}

// move brings the gain nearer to where it should be, by what that time allows.
func (c *Control) move(seconds float64) {
	want := min(max(ControlTarget-decibels(c.energy), -ControlRange), ControlRange)
	if room := 20 * math.Log10(Ceiling/max(c.peak, 1)); want > room {
		want = max(room, min(want, 0))
	}
	off := want - c.gain
	c.moving = math.Abs(off) > controlBegin || c.moving && math.Abs(off) > controlEnd
	if c.moving {
		most := controlSlew * seconds
		c.gain += min(max(off, -most), most)
	}
}

// decibels returns the level of a mean energy in dBFS, full scale being 32767.
func decibels(energy float64) float64 {
	return 10 * math.Log10(max(energy, 1e-3)/(math.MaxInt16*math.MaxInt16))
}

// amplitude returns the factor of a gain in dB.
func amplitude(dB float64) float64 { return math.Pow(10, dB/20) }
