// Package tone generates a sine as an audio.Source: for "tone:HZ" as a
// microphone and for test tones. Frequencies are in Hz, levels in dBFS.
package tone

import (
	"fmt"
	"math"

	"callcenter/audio"
)

// The range of frequencies.
const (
	MinHz = 20
	MaxHz = 20000
)

// The range of levels, in dBFS.
const (
	MinDBFS = -96
	MaxDBFS = 0
)

// fadeSamples is how long the tone takes to come up: 5 ms, so that it starts
// without a click.
const fadeSamples = audio.Rate / 200

// Tone is a sine that never ends. It is an audio.Source for one goroutine.
type Tone struct {
	amplitude float64
	phase     float64 // in turns, 0 to 1
	step      float64 // turns a sample
	played    int     // samples so far, while fading in
}

var _ audio.Source = (*Tone)(nil)

// New returns a tone of hz (20 to 20000) whose amplitude is dbfs (-96 to 0)
// once it has faded in.
func New(hz, dbfs float64) (*Tone, error) {
	// Written so that NaN is outside, too.
	if !(hz >= MinHz && hz <= MaxHz) {
		return nil, fmt.Errorf("tone: frequency %g Hz is outside %d to %d", hz, MinHz, MaxHz)
	}
	if !(dbfs >= MinDBFS && dbfs <= MaxDBFS) {
		return nil, fmt.Errorf("tone: level %g dBFS is outside %d to %d", dbfs, MinDBFS, MaxDBFS)
	}
	return &Tone{amplitude: math.MaxInt16 * math.Pow(10, dbfs/20), step: hz / audio.Rate}, nil
}

// Fill writes the next samples; the sine goes on where the last call ended.
func (t *Tone) Fill(dst []int16) {
	for i := range dst {
		a := t.amplitude
		if t.played < fadeSamples {
			a *= 0.5 - 0.5*math.Cos(math.Pi*float64(t.played)/fadeSamples)
			t.played++
		}
		dst[i] = int16(math.Round(a * math.Sin(2*math.Pi*t.phase)))
		t.phase += t.step
		if t.phase >= 1 {
			t.phase--
		}
	}
}

// Close does nothing; a tone holds nothing.
func (t *Tone) Close() error { return nil }
