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
			eventually(t, func(t *testing.T) (wrong []string) { // a computer that is late makes up sound
				t.Helper()
				for i, pcm := range hearRoom(t, s, tones) {
					wrong = append(wrong, wrongTones(t, tones, i, pcm)...)
				}
				return wrong
			})
		})
	}
}

// hearRoom is what each of several softphones with those tones heard in a room.
func hearRoom(t *testing.T, s *server, tones []int) [][]int16 {
	t.Helper()
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
		t.FailNow()
	}
	return heard
}

// wrongTones says where listener i did not hear every tone but its own, in the
// middle of the call, when all were there.
func wrongTones(t *testing.T, tones []int, i int, heard []int16) (wrong []string) {
	t.Helper()
	middle := heard[len(heard)/2 : len(heard)/2+audio.Rate/2]
	for j, hz := range tones {
		level := toneLevel(middle, float64(hz))
		t.Logf("%d Hz hears %d Hz at %.1f dBFS", tones[i], hz, level)
		if j == i && level > -60 {
			wrong = append(wrong, fmt.Sprintf("%d Hz hears itself at %.1f dBFS, want below -60", hz, level))
		}
		if j != i && level < -26 {
			wrong = append(wrong, fmt.Sprintf("%d Hz hears %d Hz at %.1f dBFS, want about -20", tones[i], hz, level))
		}
	}
	return wrong
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
