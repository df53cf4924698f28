package audiotest

import (
	"math"
	"math/rand/v2"

	"callcenter/audio"
)

// Sine returns n samples of a sine wave with this peak.
func Sine(n int, hz, peak float64) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = int16(math.Round(peak * math.Sin(2*math.Pi*hz*float64(i)/audio.Rate)))
	}
	return pcm
}

// Voice returns n samples of a steady vowel: a pitch of hz with the harmonics
// below 3.5 kHz falling by 6 dB an octave, peaking near this peak.
func Voice(n int, hz, peak float64) []int16 {
	wave := make([]float64, n)
	top := 0.0
	for i := range wave {
		phase := 2 * math.Pi * hz * float64(i) / audio.Rate
		for k := 1.0; k*hz < 3500 && k <= 12; k++ {
			wave[i] += math.Sin(k*phase+k*k) / k
		}
		top = max(top, math.Abs(wave[i]))
	}
	pcm := make([]int16, n)
	for i, v := range wave {
		pcm[i] = int16(math.Round(peak * v / top))
	}
	return pcm
}

// Speech returns n samples that a correlation finds only at one place: syllables
// of a voice whose pitch glides, with short pauses.
func Speech(n int, seed uint64) []int16 {
	rnd := rand.New(rand.NewPCG(seed, 1))
	pcm := make([]int16, n)
	phase := 0.0
	for i := 0; i < n; {
		length := audio.Rate/8 + rnd.IntN(audio.Rate/8)
		from, to := 90+rnd.Float64()*110, 90+rnd.Float64()*110
		bright := 0.3 + rnd.Float64()*0.6
		for k := 0; k < length && i < n; k++ {
			at := float64(k) / float64(length)
			phase += 2 * math.Pi * (from + (to-from)*at) / audio.Rate
			v, amp := 0.0, 1.0
			for h := 1.0; h <= 10; h++ {
				v += amp * math.Sin(h*phase+h*h)
				amp *= bright
			}
			pcm[i] = int16(2500 * v * math.Sin(math.Pi*at))
			i++
		}
		i += rnd.IntN(audio.Rate / 20)
	}
	return pcm
}

// Noise returns n samples of white noise, evenly spread up to peak.
func Noise(n int, peak float64, seed uint64) []int16 {
	rnd := rand.New(rand.NewPCG(seed, 2))
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = int16(peak * (2*rnd.Float64() - 1))
	}
	return pcm
}
