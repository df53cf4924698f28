//go:build cgo && !nospeexdsp

package clean_test

import (
	"fmt"
	"math"
	"testing"

	"callcenter/audio/audiotest"
	"callcenter/audio/clean"
)

func TestNoiseBetweenWordsGoesDownAndSpeechStays(t *testing.T) {
	for _, floor := range []float64{-60, -50, -40} {
		for _, frame := range []int{480, 960} {
			t.Run(fmt.Sprintf("noise at %g dBFS in frames of %d", floor, frame), func(t *testing.T) {
				// Words of 1 s and pauses of half a second.
				const word, period = second, second * 3 / 2
				words := speech(12*second, -24)
				for i := range words {
					if i%period >= word {
						words[i] = 0
					}
				}
				in := add(words, noise(len(words), floor))
				c := open(t, frame, clean.Options{Denoise: true})
				out := run(c, frame, in, nil)
				if c.Delay() != frame/2 {
					t.Fatalf("a delay of %d, want %d", c.Delay(), frame/2)
				}
				out = out[c.Delay():]
				var pauseIn, pauseOut, wordIn, wordOut []int16
				for at := 2 * period; at+480 <= len(out); at += 480 {
					// The first 100 ms of a pause belong to the last word.
					switch place := at % period; {
					case place >= word+second/10 && place < period-second/50:
						pauseIn, pauseOut = append(pauseIn, in[at:at+480]...), append(pauseOut, out[at:at+480]...)
					case level(words[at:at+480]) > -34:
						wordIn, wordOut = append(wordIn, words[at:at+480]...), append(wordOut, out[at:at+480]...)
					}
				}
				down, lost := level(pauseIn)-level(pauseOut), level(wordIn)-level(wordOut)
				t.Logf("the noise goes down by %.1f dB and speech by %.2f dB", down, lost)
				if down < 15 {
					t.Errorf("the noise goes down by %.1f dB, want 15", down)
				}
				if math.Abs(lost) > 1 {
					t.Errorf("speech loses %.2f dB, want less than 1", lost)
				}
			})
		}
	}
}

func TestNoiseSuppressionDelaysByHalfAFrame(t *testing.T) {
	for _, frame := range []int{480, 960} {
		c := open(t, frame, clean.Options{Denoise: true})
		in := speech(3*second, -24)
		out := run(c, frame, in, nil)
		const from = 2 * second
		if at, rho := audiotest.Find(in[from:][:second/4], out, from, from+1200); at-from != c.Delay() || rho < 0.95 {
			t.Errorf("frames of %d: found %d samples late (correlation %.2f), Delay says %d", frame, at-from, rho, c.Delay())
		}
	}
}

func TestAToneIsTakenForNoise(t *testing.T) {
	// Which is why clean-up is for microphones: this is what happens otherwise.
	c := open(t, 960, clean.Options{Denoise: true})
	in := audiotest.Sine(2*second, 1000, 3000)
	out := run(c, 960, in, nil)
	at := second * 3 / 2
	if got := level(out[at:][:second/10]) - level(in[at:][:second/10]); got > -15 {
		t.Errorf("after 1.5 s a tone is down by %.1f dB only; the documentation says otherwise", -got)
	}
}

func TestSoftSpeechInNoiseEndsNearTheTarget(t *testing.T) {
	for _, frame := range []int{480, 960} {
		c := open(t, frame, clean.Options{HighPass: true, Denoise: true, Level: true})
		in := add(speech(12*second, -40), noise(12*second, -55))
		out := run(c, frame, in, nil)[6*second:]
		if got := active(body(out)); math.Abs(got+22) > 2.5 {
			t.Errorf("frames of %d: level above 300 Hz is %.1f dBFS, want -22", frame, got)
		}
	}
}
