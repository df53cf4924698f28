package replay_test

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/audiotest/trace"
	"callcenter/audio/playlog"
	"callcenter/codec"
	"callcenter/codec/pcm"
	"callcenter/softphone/internal/replay"
)

// loop says the same PCM over and over.
type loop struct {
	pcm []int16
	at  int
}

func (l *loop) Fill(dst []int16) {
	for len(dst) > 0 {
		n := copy(dst, l.pcm[l.at:])
		l.at = (l.at + n) % len(l.pcm)
		dst = dst[n:]
	}
}

func (*loop) Close() error { return nil }

// speech is what the far end says, made once.
var speech = sync.OnceValue(func() []int16 { return audiotest.Speech(20*audio.Rate, 1) })

// play replays a trace of speech.
func play(t playlog.Trace) (replay.Result, error) {
	return replay.Run(replay.Config{
		Trace: t, Source: &loop{pcm: speech()}, Codec: pcm.Codec{}, Options: codec.Options{Complexity: 9},
	})
}

// rate makes a trace, replays it and scores it.
func rate(tb testing.TB, spec string, seed int64) (playlog.Figures, playlog.Trace) {
	tb.Helper()
	tr, err := trace.Generate(spec, seed)
	if err != nil {
		tb.Fatal(err)
	}
	res, err := play(tr.Trace)
	if err != nil {
		tb.Fatal(err)
	}
	f, err := playlog.Score(tr.Packets, res.Log)
	if err != nil {
		tb.Fatal(err)
	}
	return f, tr.Trace
}

// compared reports whether a trace counts in the comparison: the peers could
// not be told of silence, and a step is only looked at.
func compared(name string) bool { return name != "dtx" && name != "step" }

// row is how a peer did.
func row(tb testing.TB, name, peer string) trace.Peer {
	tb.Helper()
	p, ok := trace.Find(name, peer)
	if !ok {
		tb.Fatalf("no row of %s on %s", peer, name)
	}
	return p
}

const (
	// belowRef is how far below the simulated control law, which stretches
	// nothing and mends nothing, R may be on average.
	belowRef = 0.5
	// backToLive is how long a stall of 2 s may be felt, in ms.
	backToLive = 500
)

func TestOursIsBetterThanThePeersOnTheirTraces(t *testing.T) {
	set := trace.Set()
	ours := make([]playlog.Figures, len(set))
	t.Run("traces", func(t *testing.T) {
		for i, tr := range set {
			t.Run(tr.Name, func(t *testing.T) {
				t.Parallel()
				ours[i], _ = rate(t, tr.Spec, 1)
				f, on := ours[i], tr.Name
				if on == "dtx" {
					on = "clean" // the same network, all of it spoken
				}
				for _, peer := range []string{"neteq", "mumble"} {
					if p := row(t, on, peer); on != "step" && f.R <= p.R {
						t.Errorf("R %.2f, %s has %.1f", f.R, peer, p.R)
					}
				}
				if tr.Name == "stall2000" && (f.Stalls == 0 || f.TTLMaxMS >= backToLive) {
					t.Errorf("back to live %v ms after the worst of %d stalls, want less than %d", f.TTLMaxMS, f.Stalls, backToLive)
				}
			})
		}
	})
	var sum, n float64
	for i, tr := range set {
		if compared(tr.Name) {
			sum += ours[i].R - row(t, tr.Name, "ref").R
			n++
		}
	}
	if sum/n < -belowRef {
		t.Errorf("R is %.2f below the simulated control law's on average, want at most %v", -sum/n, belowRef)
	}
}

// others are further parameters of the same models, and how far below the best
// fixed delay, chosen by who knows the whole trace, R may be. Where the network
// changes we must do better than that, where it does not as good as.
func others() map[string]float64 {
	within := map[string]float64{
		"clean --sec 120 --jitter 8":               0.5,
		"clean --sec 120 --jitter 30":              0.5,
		"clean --sec 120 --jitter 1 --rtt 10":      0.5,
		"tcp --sec 120 --loss 0.2 --rtt 20":        1,
		"tcp --sec 120 --loss 3 --rtt 80":          0.5,
		"cell --sec 120 --rtt 120":                 0,
		"cell --sec 120 --maxage 500":              0,
		"wifi --sec 120 --jitter 10":               1,
		"wifi --sec 120 --rtt 10 --maxage 150":     1,
		"stall --sec 80 --stall 200":               0.5,
		"stall --sec 80 --stall 1000":              0.5,
		"stall --sec 80 --stall 3500 --maxage 200": 0.5,
		"step --sec 90":                            0.5,
		"drift --sec 120 --ppm 400":                0.5,
		"drift --sec 120 --ppm -400 --jitter 10":   0.5,
		"ge --sec 120 --loss 0.5":                  0,
		"ge --sec 120 --loss 6 --burst 3":          0,
		"dtx --sec 60 --jitter 12":                 0.5,
		// The model would have one packet in thirteen come too late, all the time.
		// We are not that ruthless, nor is anybody.
		"tcp --sec 120 --loss 1 --rtt 200":          4,
		"tcp --sec 120 --loss 8 --rtt 40 --burst 1": 4,
	}
	for _, tr := range trace.Set() {
		spec := strings.Replace(tr.Spec, "--sec 300", "--sec 120", 1)
		within[spec] = 0.5
		if model, _, _ := strings.Cut(tr.Name, "_"); model == "cell" || model == "ge" {
			within[spec] = 0
		}
	}
	return within
}

func TestOtherSeedsAndParametersDoAsWell(t *testing.T) {
	for spec, within := range others() {
		for seed := int64(2); seed <= lastSeed; seed++ {
			t.Run(fmt.Sprintf("%s --seed %d", spec, seed), func(t *testing.T) {
				t.Parallel()
				f, tr := rate(t, spec, seed)
				best := trace.BestFixed(tr)
				t.Logf("R %.2f, with a fixed delay of %v %.2f at best", f.R, best.Delay, best.R)
				if f.R < best.R-within {
					t.Errorf("R %.2f, with a fixed delay of %v it is %.2f (concealed %.2f %% and %.2f %%): want at most %v less",
						f.R, best.Delay, best.R, f.ConcealedPct, best.ConcealedPct, within)
				}
				// Short ones are bridged from then on, with more delay.
				outage := strings.HasPrefix(spec, "stall") && !strings.HasSuffix(spec, "--stall 200")
				if outage && f.TTLMaxMS >= backToLive {
					t.Errorf("back to live after %v ms, want less than %d", f.TTLMaxMS, backToLive)
				}
			})
		}
	}
}

// BenchmarkPeers replays every trace that the peers were measured on and prints
// ours beside theirs, and beside the best fixed delay that a trace allows.
func BenchmarkPeers(b *testing.B) {
	var table string
	for b.Loop() {
		table = peersTable(b)
	}
	fmt.Fprint(os.Stdout, table) // b.Log cuts it off
}

func peersTable(b *testing.B) string {
	b.Helper()
	var (
		out    strings.Builder
		sum, n float64
	)
	fmt.Fprintf(&out, "\n%-18s %-8s %7s %5s %6s %15s %6s\n", "trace", "buffer", "mean ms", "p95", "conc %", "back to live ms", "R")
	line := func(name, buffer string, p trace.Peer) {
		fmt.Fprintf(&out, "%-18s %-8s %7.0f %5.0f %6.2f %7.0f/%7.0f %6.1f\n", name, buffer, p.Mean, p.P95, p.Concealed, p.TTLMean, p.TTLMax, p.R)
	}
	for _, named := range trace.Set() {
		f, tr := rate(b, named.Spec, 1)
		line(named.Name, "ours", trace.Peer{Mean: f.MeanMS, P95: f.P95MS, Concealed: f.ConcealedPct, TTLMean: f.TTLMeanMS, TTLMax: f.TTLMaxMS, R: f.R})
		for _, peer := range []string{"ref", "neteq", "mumble", "pjmedia"} {
			line("", peer, row(b, named.Name, peer))
		}
		fixed := trace.BestFixed(tr)
		d := fixed.Delay.Seconds() * 1000
		line("", "fixed", trace.Peer{Mean: d, P95: d, Concealed: fixed.ConcealedPct, R: fixed.R})
		if compared(named.Name) {
			sum += f.R - row(b, named.Name, "ref").R
			n++
		}
	}
	fmt.Fprintf(&out, "R above ref on average, without step and dtx: %+.2f\n", sum/n)
	b.ReportMetric(sum/n, "R-above-ref")
	return out.String()
}
