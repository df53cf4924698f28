//go:build !race

package device_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/softphone/e2e/pulse"
)

// attempts is how often a test plays its probe until it comes through: a busy
// machine makes holes that are nobody's fault.
const attempts = 5

// probe is noise that rises and falls, so that no part is like another.
func probe(samples int) []int16 {
	random := rand.New(rand.NewPCG(3, 4))
	pcm := make([]int16, samples)
	var smooth float64
	for i := range pcm {
		smooth += (random.Float64()*2 - 1 - smooth) / 4
		pcm[i] = int16(20000 * smooth * (0.6 + 0.4*math.Sin(float64(i)/3000)))
	}
	return pcm
}

func TestPulseCarriesSoundFromTheMicrophoneToTheHeadset(t *testing.T) {
	s := startPulse(t)
	openLine(t, "", "", 50*time.Millisecond) // long, as the delay does not matter here
	said := probe(48000)
	untilHeard(t, func() ([]pulse.Part, error) {
		r := s.Record(pulse.HeadsetMonitor)
		if err := s.Play(t.Context(), pulse.Mouth, said); err != nil {
			return nil, err
		}
		r.WaitSamples(r.Samples() + 24000)
		return pulse.Trace(r.Stop(), said), nil
	})
}

func TestPulseDelayFromMicrophoneToHeadset(t *testing.T) {
	s := startPulse(t)
	cable := s.Cable()
	l := openLine(t, pulse.CableMic, pulse.CableEar, audio.Period)
	words := probe(48000)
	saidAt := 0
	parts := untilHeard(t, func() ([]pulse.Part, error) {
		r := cable.Record()
		if err := cable.Say(t.Context(), words); err != nil {
			return nil, err
		}
		r.WaitSamples(r.Samples() + 24000)
		said, heard := r.Stop()
		var c float64
		if saidAt, c = pulse.Find(said, words); c < 0.99 {
			return nil, fmt.Errorf("correlation %.3f where it was said, want at least 0.99", c)
		}
		return pulse.Trace(heard, words), nil
	})
	var delays []time.Duration
	for _, p := range parts {
		delays = append(delays, audio.Duration(p.At-p.From-saidAt))
	}
	slices.Sort(delays)
	delay := delays[len(delays)/2]
	mic, ear := l.mic.Stats(), l.ear.Stats()
	t.Logf("delay %v (%v to %v); %d callbacks of %d samples in, %d of %d out on average; %d underruns",
		delay, delays[0], delays[len(delays)-1], mic.Callbacks, mic.Samples/mic.Callbacks,
		ear.Callbacks, (ear.Taken+ear.UnderrunSamples)/ear.Callbacks, ear.Underruns)
	if delay <= 0 || delay > 250*time.Millisecond {
		t.Errorf("the delay is %v, want at most 250 ms", delay)
	}
}

// untilHeard tries until most parts of the probe correlate with 0.9 or more, and
// returns those.
func untilHeard(t *testing.T, try func() ([]pulse.Part, error)) []pulse.Part {
	t.Helper()
	for range attempts {
		parts, err := try()
		if err != nil {
			t.Log(err)
			continue
		}
		heard := slices.DeleteFunc(slices.Clone(parts), func(p pulse.Part) bool { return p.Correlation < 0.9 })
		if len(heard) > 0 && len(heard) >= len(parts)*3/4 {
			return heard
		}
		t.Logf("only %d of %d parts of the probe were heard: %+v", len(heard), len(parts), parts)
	}
	t.Fatalf("the probe was not heard in %d attempts", attempts)
	return nil
}
