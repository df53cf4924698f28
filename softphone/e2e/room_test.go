package e2e

import (
	"fmt"
	"math"
	"path/filepath"
	"sync"
	"testing"

	"callcenter/audio"
)

func TestSoftphonesInARoomHearEachOtherAndNotThemselves(t *testing.T) {
	for _, tones := range [][]int{{440, 1000}, {440, 1000, 2300}} {
		t.Run(fmt.Sprintf("%d softphones", len(tones)), func(t *testing.T) {
			s := startServer(t)
			heard := make([][]int16, len(tones))
			var calls sync.WaitGroup
			for i, hz := range tones {
				out := filepath.Join(t.TempDir(), "out.wav")
				calls.Go(func() {
					r := runPhone(t, nil, "call", "room/x", "--server", s.address, "--name", fmt.Sprint(hz),
						"--capture", fmt.Sprintf("tone:%d", hz), "--playback", "file:"+out, "--duration", "4s")
					if r.code != 0 {
						t.Errorf("%d Hz: exit code %d: %s", hz, r.code, r.stderr.String())
						return
					}
					heard[i] = readWAV(t, out)
				})
			}
			calls.Wait()
			if t.Failed() {
				return
			}
			for i := range tones {
				checkTones(t, tones, i, heard[i])
			}
		})
	}
}

// checkTones asserts that listener i heard every tone but its own, in the middle
// of the call, when all were there.
func checkTones(t *testing.T, tones []int, i int, heard []int16) {
	t.Helper()
	middle := heard[len(heard)/2 : len(heard)/2+audio.Rate/2]
	for j, hz := range tones {
		level := toneLevel(middle, float64(hz))
		t.Logf("%d Hz hears %d Hz at %.1f dBFS", tones[i], hz, level)
		if j == i && level > -60 {
			t.Errorf("%d Hz hears itself at %.1f dBFS, want below -60", hz, level)
		}
		if j != i && level < -26 {
			t.Errorf("%d Hz hears %d Hz at %.1f dBFS, want about -20", tones[i], hz, level)
		}
	}
}

// toneLevel is the level of a sine in pcm, in dBFS of its peak (Goertzel, Hann
// window).
func toneLevel(pcm []int16, hz float64) float64 {
	var re, im, sum float64
	for n, s := range pcm {
		w := 0.5 - 0.5*math.Cos(2*math.Pi*float64(n)/float64(len(pcm)))
		phase := 2 * math.Pi * hz * float64(n) / audio.Rate
		re += w * float64(s) * math.Cos(phase)
		im += w * float64(s) * math.Sin(phase)
		sum += w
	}
	return 20 * math.Log10(2*math.Hypot(re, im)/sum/32768+1e-9)
}
