package check

import (
	"math"

	"callcenter/audio"
	"callcenter/audio/level"
)

// voiced is what a microphone brought while somebody was to speak.
type voiced struct {
	active float64 // level of the active speech, dBFS
	share  float64 // of the time that was active speech, 0 to 1
}

const (
	// The method of ITU-T P.56 (method B) for the level of active speech: an
	// envelope of two equal exponential averages of 30 ms, pauses of less than 200
	// ms belong to the speech, and speech is what is within 15.9 dB of the level
	// that comes of it.
	envelopeTime = 0.03
	hangoverTime = 0.2
	speechMargin = 15.9
	envelopeStep = audio.Rate / 1000 // between two looks at the envelope, samples
	thresholds   = 15                // each half of the one before, the highest being half of full scale
)

// activeSpeech measures pcm above 300 Hz, as RFC 7874 has it.
func activeSpeech(pcm []int16) voiced {
	const hangover = int(hangoverTime * audio.Rate)
	var (
		filter  = newHighPass(300)
		g       = math.Exp(-1 / (audio.Rate * envelopeTime))
		p, q    float64
		squares float64
		active  [thresholds]int
		hang    [thresholds]int // samples since the envelope was above
		tops    [thresholds]float64
	)
	for j := range hang {
		hang[j], tops[j] = hangover, threshold(j)
	}
	for i, s := range pcm {
		x := filter.next(float64(s) / math.MaxInt16)
		squares += x * x
		p = g*p + (1-g)*math.Abs(x)
		q = g*q + (1-g)*p
		if i%envelopeStep != envelopeStep-1 {
			continue
		}
		for j, top := range tops {
			if q >= top {
				hang[j] = -envelopeStep
			}
			if hang[j] < hangover {
				active[j] += envelopeStep
				hang[j] += envelopeStep
			}
		}
	}
	return solve(squares, len(pcm), active)
}

func threshold(j int) float64 { return math.Ldexp(1, -1-j) }

// solve finds the level that is the margin above its threshold, between two of
// those that were tried.
func solve(squares float64, n int, active [thresholds]int) voiced {
	before, beforeOver := 0.0, math.Inf(1)
	for j := range active {
		if active[j] == 0 {
			continue
		}
		at := 10 * math.Log10(squares/float64(active[j]))
		over := at - 20*math.Log10(threshold(j)) - speechMargin
		if over >= 0 {
			if share := over - beforeOver; !math.IsInf(beforeOver, 0) && share > 0 {
				at -= (at - before) * over / share
			}
			at = max(at, level.Floor)
			return voiced{active: at, share: min(squares/float64(n)/math.Pow(10, at/10), 1)}
		}
		before, beforeOver = at, over
	}
	if math.IsInf(beforeOver, 0) {
		return voiced{active: level.Floor}
	}
	return voiced{active: max(before, level.Floor), share: 1} // steady, and close to the least there is
}

// highPass is a Butterworth high-pass of second order (bilinear transform).
type highPass struct {
	b0, b1, b2, a1, a2 float64
	x1, x2, y1, y2     float64
}

func newHighPass(hz float64) *highPass {
	k := math.Tan(math.Pi * hz / audio.Rate)
	norm := 1 / (1 + math.Sqrt2*k + k*k)
	return &highPass{b0: norm, b1: -2 * norm, b2: norm, a1: 2 * (k*k - 1) * norm, a2: (1 - math.Sqrt2*k + k*k) * norm}
}

func (f *highPass) next(x float64) float64 {
	y := f.b0*x + f.b1*f.x1 + f.b2*f.x2 - f.a1*f.y1 - f.a2*f.y2
	f.x2, f.x1, f.y2, f.y1 = f.x1, x, f.y1, y
	return y
}

// noiseBlock is what the noise is measured in: of such blocks the middle one is
// the floor, so that a cough or a key that is struck counts for nothing.
const noiseBlock = audio.Rate / 20

// noiseFloor is the level of what a microphone brings while nobody speaks, in dBFS,
// without the rumble that a call takes off a device and nobody hears.
func noiseFloor(pcm []int16) float64 {
	energies, filter := make([]float64, 0, len(pcm)/noiseBlock), newHighPass(80)
	for ; len(pcm) >= noiseBlock; pcm = pcm[noiseBlock:] {
		squares := 0.0
		for _, s := range pcm[:noiseBlock] {
			x := filter.next(float64(s))
			squares += x * x
		}
		energies = append(energies, squares/noiseBlock)
	}
	return level.DBFS(math.Sqrt(median(energies)))
}

// clipping is how often a microphone clipped, and where.
type clipping struct {
	moments        int // blocks of 10 ms with a clipped sample
	above, below   int // samples at full scale, of either polarity
	flatUp, flatDn int // runs of samples at the greatest or the least value below full scale
	peak           float64
}

const (
	// fullScale is audio/level's rule for CLIP: -0.1 dBFS, of either polarity.
	fullScale = -0.1
	// A preamplifier may clip below full scale. Then the extreme value stands for
	// flatRun samples and more, again and again, which no sound above flatLeast
	// does that moves.
	flatRun   = 3
	flatTimes = 5
	flatLeast = -20.0
)

// findClipping looks for clipped samples.
func findClipping(pcm []int16) clipping {
	c := clipping{peak: level.Peak(pcm)}
	limit := int(math.MaxInt16 * math.Pow(10, fullScale/20))
	lo, hi := 0, 0
	for begin := 0; begin < len(pcm); begin += audio.PeriodSamples {
		before := c.above + c.below
		for _, s := range pcm[begin:min(begin+audio.PeriodSamples, len(pcm))] {
			v := int(s)
			lo, hi = min(lo, v), max(hi, v)
			switch {
			case v >= limit:
				c.above++
			case v <= -limit:
				c.below++
			}
		}
		if c.above+c.below > before {
			c.moments++
		}
	}
	if c.above == 0 && c.peak >= flatLeast {
		c.flatUp = runs(pcm, hi)
	}
	if c.below == 0 && c.peak >= flatLeast {
		c.flatDn = runs(pcm, lo)
	}
	return c
}

// runs counts how often value stands for flatRun samples and more.
func runs(pcm []int16, value int) (n int) {
	length := 0
	for _, s := range pcm {
		if int(s) != value {
			length = 0
			continue
		}
		if length++; length == flatRun {
			n++
		}
	}
	return n
}

// clipped reports that the microphone clipped.
func (c clipping) clipped() bool {
	return c.above+c.below > 0 || c.flat()
}

// flat reports that it clipped below full scale.
func (c clipping) flat() bool { return c.flatUp >= flatTimes || c.flatDn >= flatTimes }
