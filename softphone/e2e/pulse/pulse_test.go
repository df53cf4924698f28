package pulse_test

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"callcenter/softphone/e2e/pulse"
)

// probe is noise that rises and falls, so that no part is like another.
func probe(samples int) []int16 {
	random := rand.New(rand.NewPCG(1, 2))
	pcm := make([]int16, samples)
	var smooth float64
	for i := range pcm {
		smooth += (random.Float64()*2 - 1 - smooth) / 4
		pcm[i] = int16(20000 * smooth * (0.6 + 0.4*math.Sin(float64(i)/3000)))
	}
	return pcm
}

// attempts is how often a probe is played until it comes through whole: a busy
// machine makes holes that are nobody's fault.
const attempts = 5

func TestWhatIsPlayedIntoTheMouthIsHeardByTheMicrophone(t *testing.T) {
	s := pulse.Start(t)
	said := probe(24000)
	var correlation float64
	for range attempts {
		r := s.Record(pulse.HeadsetMic)
		if err := s.Play(t.Context(), pulse.Mouth, said); err != nil {
			t.Fatal(err)
		}
		r.WaitSamples(r.Samples() + 9600)
		if _, correlation = pulse.Find(r.Stop(), said); correlation >= 0.99 {
			return
		}
	}
	t.Errorf("correlation %.3f, want at least 0.99", correlation)
}

func TestACableHearsOneEndOnly(t *testing.T) {
	s := pulse.Start(t)
	cable := s.Cable()
	words := probe(12000)
	var correlation float64
	for range attempts {
		r := cable.Record()
		if err := cable.Say(t.Context(), words); err != nil {
			t.Fatal(err)
		}
		r.WaitSamples(r.Samples() + 9600)
		said, heard := r.Stop()
		if loudest := slices.Max(heard); loudest > 0 {
			t.Fatalf("heard a level of %d, want silence", loudest)
		}
		if _, correlation = pulse.Find(said, words); correlation >= 0.99 {
			return
		}
	}
	t.Errorf("said: correlation %.3f, want at least 0.99", correlation)
}

func TestPlayingEndsWithItsContext(t *testing.T) {
	s := pulse.Start(t)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := s.Play(ctx, pulse.Mouth, probe(48000*20)); err == nil {
		t.Error("20 s were played in 200 ms")
	}
}

func TestEnvLeadsToThisServerOnly(t *testing.T) {
	s := pulse.Start(t)
	if env := s.Env(); !slices.ContainsFunc(env, func(kv string) bool { return strings.HasPrefix(kv, "PULSE_SERVER=unix:/") }) {
		t.Errorf("no PULSE_SERVER in %q", env)
	}
	if got := s.Pactl("info"); !strings.Contains(got, "Default Sink: "+pulse.Headset) {
		t.Errorf("the default sink is another one:\n%s", got)
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	p := probe(4800)
	for _, tt := range []struct {
		name        string
		heard       []int16
		at          int
		atLeast, up float64
	}{
		{"a copy is found to the sample", slices.Concat(make([]int16, 1237), p, make([]int16, 999)), 1237, 0.9999, 1.0001},
		{"a quieter copy correlates as well", slices.Concat(make([]int16, 100), quieter(p), make([]int16, 50)), 100, 0.999, 1.0001},
		{"silence does not correlate", make([]int16, 9600), -1, 0, 0},
		{"something too short does not correlate", p[:100], -1, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			at, c := pulse.Find(tt.heard, p)
			if at != tt.at || c < tt.atLeast || c > tt.up {
				t.Errorf("found at %d with %.4f, want %d with %.4f to %.4f", at, c, tt.at, tt.atLeast, tt.up)
			}
		})
	}
}

func TestTraceFindsEachPartDespiteAGap(t *testing.T) {
	t.Parallel()
	p := probe(3 * pulse.PartSamples)
	heard := slices.Concat(make([]int16, 500), p[:pulse.PartSamples], make([]int16, 700), p[pulse.PartSamples:])
	for i, part := range pulse.Trace(heard, p) {
		want := 500 + i*pulse.PartSamples
		if i > 0 {
			want += 700
		}
		if part.From != i*pulse.PartSamples || part.At != want || part.Correlation < 0.999 {
			t.Errorf("part %d: %+v, want it at %d", i, part, want)
		}
	}
}

func quieter(pcm []int16) []int16 {
	out := make([]int16, len(pcm))
	for i, v := range pcm {
		out[i] = v / 4
	}
	return out
}
