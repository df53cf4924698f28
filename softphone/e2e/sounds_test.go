//go:build !race

package e2e

import (
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/softphone/e2e/pulse"
)

// sounding is for how long a recording has a tone of that pitch, in steps of
// 10 ms.
func sounding(pcm []int16, hz float64) (d time.Duration) {
	for part := range slices.Chunk(pcm, audio.PeriodSamples) {
		if len(part) == audio.PeriodSamples && audiotest.Goertzel(part, hz) > 800 {
			d += audio.Period
		}
	}
	return d
}

// TestAnOperatorHearsWhatBecomesOfACall makes calls over PulseAudio, with the
// settings that an operator gets, and listens to the headset: each sound is there
// to its end, also that of a device which is closed just after it.
func TestAnOperatorHearsWhatBecomesOfACall(t *testing.T) {
	sound := pulse.Start(t)
	s := startServer(t)
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = nobody.Close() }()
	for _, tc := range []struct {
		name string
		args []string
		want map[float64][2]int // pitches, and for how many ms
	}{
		{
			"answered and ended by a limit",
			[]string{"call", "echo", "--server", s.address, "--duration", "1s"},
			map[float64][2]int{880: {40, 90}, 1108.73: {40, 90}, 1318.51: {40, 90}, 440: {80, 140}},
		},
		{
			"refused",
			[]string{"call", "room/No", "--server", s.address},
			map[float64][2]int{425: {120, 210}, 880: {0, 0}},
		},
		{
			"nobody answers",
			[]string{"call", "echo", "--server", nobody.Addr().String()},
			map[float64][2]int{425: {1050, 1250}, 880: {0, 0}},
		},
		{
			"without sounds",
			[]string{"call", "echo", "--server", s.address, "--duration", "1s", "--sounds", "off"},
			map[float64][2]int{880: {0, 0}, 440: {0, 0}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			eventually(t, func(t *testing.T) (wrong []string) {
				t.Helper()
				recording := sound.Record(pulse.HeadsetMonitor)
				recording.WaitSamples(audio.Rate / 10)
				r := runPhone(t, sound.Env(), tc.args...)
				recording.WaitSamples(recording.Samples() + audio.Rate/2)
				heard := recording.Stop()
				for hz, want := range tc.want {
					got := int(sounding(heard, hz).Milliseconds())
					t.Logf("%g Hz for %d ms", hz, got)
					if got < want[0] || got > want[1] {
						wrong = append(wrong, fmt.Sprintf("%g Hz is heard for %d ms, want %d to %d ms; %s", hz, got, want[0], want[1], r.stderr.String()))
					}
				}
				return wrong
			})
		})
	}
}
