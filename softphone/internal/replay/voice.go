package replay

import (
	"math"
	"math/rand/v2"

	"callcenter/audio"
)

// The formants of a few vowels, in Hz, from G. E. Peterson and H. L. Barney,
// "Control methods used in a study of the vowels", JASA 24 (1952): men's means.
var vowels = [...][3]float64{
	{270, 2290, 3010}, {530, 1840, 2480}, {730, 1090, 2440}, {570, 840, 2410}, {300, 870, 2240}, {490, 1350, 1690},
}

// Voice is a talker made of nothing: syllables of a gliding pitch through
// moving formants, with breath at the beginning of some, in phrases with pauses
// between, over the noise of a quiet room. Speech is near -22 dBFS RMS, the
// noise near -66. It has what time scaling, pauses and concealment work on, and
// the same seed always says the same. It is an audio.Source that never ends,
// for one goroutine.
type Voice struct {
	rnd *rand.Rand

	left, length      int // of this sound, samples
	syllables         int // left in this phrase
	voiced, breath    float64
	from, to          float64 // pitch, Hz
	formants, aim     [3]float64
	state             [3][2]float64 // of the resonators
	a, b              [3]float64
	phase, glottis    float64
	breathLow, ground float64
}

// NewVoice returns a talker.
func NewVoice(seed uint64) *Voice {
	//nolint:gosec // a voice is no secret
	rnd := rand.New(rand.NewPCG(seed, 3))
	v := &Voice{rnd: rnd, formants: vowels[0], to: 120, left: 1}
	v.next()
	return v
}

// Close does nothing; a voice holds nothing.
func (*Voice) Close() error { return nil }

// Fill writes the next samples. It does not allocate.
func (v *Voice) Fill(dst []int16) {
	for i := range dst {
		if v.left == 0 {
			v.next()
		}
		if v.left%tuneEvery == 0 {
			v.tune()
		}
		v.left--
		dst[i] = int16(math.Round(max(-1, min(1, v.sample())) * math.MaxInt16))
	}
}

const (
	// tuneEvery is how often the resonators follow the formants, in samples.
	tuneEvery = 48
	// breathing is the share of a syllable that may begin with breath.
	breathing = 0.3
)

// next begins the next syllable, or the pause between two phrases.
func (v *Voice) next() {
	v.from = v.to
	if v.syllables == 0 {
		v.syllables = 3 + v.rnd.IntN(7)
		v.length = audio.Rate/4 + v.rnd.IntN(audio.Rate*3/5)
		v.left, v.voiced, v.breath = v.length, 0, 0
		v.from, v.to = 130, 110+50*v.rnd.Float64()
		return
	}
	v.syllables--
	v.length = audio.Rate*12/100 + v.rnd.IntN(audio.Rate*14/100)
	v.left = v.length
	v.voiced, v.breath = 0.6+0.4*v.rnd.Float64(), 0
	if v.rnd.IntN(3) == 0 {
		v.breath = 0.03 + 0.05*v.rnd.Float64()
	}
	// A phrase falls to its end.
	v.to = 85 + 8*float64(v.syllables) + 40*v.rnd.Float64()
	v.aim = vowels[v.rnd.IntN(len(vowels))]
}

// tune moves the formants on and sets the resonators.
func (v *Voice) tune() {
	for i := range v.formants {
		v.formants[i] += 0.02 * (v.aim[i] - v.formants[i])
		width := 50 + 0.03*v.formants[i]
		r := math.Exp(-math.Pi * width / audio.Rate)
		v.a[i] = 2 * r * math.Cos(2*math.Pi*v.formants[i]/audio.Rate)
		v.b[i] = -r * r
	}
}

// sample returns the next sample, full scale is 1.
func (v *Voice) sample() float64 {
	at := 1 - float64(v.left)/float64(v.length)
	noise := 2*v.rnd.Float64() - 1
	v.ground += 0.2 * (noise - v.ground)
	if v.voiced == 0 {
		return 0.0026 * v.ground
	}
	// A pulse a period, rounded by two low passes: 12 dB an octave.
	pitch := v.from + (v.to-v.from)*at
	v.phase += pitch / audio.Rate
	pulse := 0.0
	if v.phase >= 1 {
		v.phase--
		pulse = audio.Rate / pitch
	}
	v.glottis += 0.03 * (pulse - v.glottis)
	out := v.glottis - 1 + 0.02*noise
	for i := range v.state {
		s := &v.state[i]
		y := (1-v.a[i]-v.b[i])*out + v.a[i]*s[0] + v.b[i]*s[1]
		s[1], s[0] = s[0], y
		out = y
	}
	shape := math.Sin(math.Pi * at)
	v.breathLow += 0.5 * (noise - v.breathLow)
	hiss := 0.0
	if at < breathing {
		hiss = v.breath * (noise - v.breathLow) * math.Sin(math.Pi*at/breathing)
	}
	return 0.02*v.voiced*shape*out + hiss + 0.0026*v.ground
}
