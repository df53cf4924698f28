package replay_test

import (
	"fmt"
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

var speech = audiotest.Speech(20*audio.Rate, 1)

// play replays a trace of speech.
func play(t playlog.Trace) (replay.Result, error) {
	return replay.Run(replay.Config{
		Trace: t, Source: &loop{pcm: speech}, Codec: pcm.Codec{}, Options: codec.Options{Complexity: 9},
	})
}

// rate replays one trace and scores it.
func rate(tb testing.TB, spec string, seed int64) (playlog.Figures, replay.Result) {
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
	return f, res
}

// BenchmarkPeers replays every trace that the peers were measured on and prints
// ours beside them.
func BenchmarkPeers(b *testing.B) {
	peers := trace.Peers()
	for b.Loop() {
		fmt.Printf("%-18s %-11s %7s %6s %6s %6s %9s %6s %6s %6s\n", "trace", "buffer", "mean ms", "p95", "max", "conc%", "ttl ms", "ins%", "rem%", "R")
		var sum, sumRef float64
		for _, t := range trace.Set() {
			f, _ := rate(b, t.Spec, 1)
			fmt.Printf("%-18s %-11s %7.1f %6.0f %6.0f %6.2f %4.0f/%4.0f %6.2f %6.2f %6.2f\n", t.Name, "ours", f.MeanMS, f.P95MS, f.MaxMS, f.ConcealedPct, f.TTLMeanMS, f.TTLMaxMS, f.InsertedPct, f.RemovedPct, f.R)
			for _, p := range peers {
				if p.Trace != t.Name {
					continue
				}
				if p.Name == "ref" && t.Name != "dtx" && t.Name != "step" {
					sum += f.R
					sumRef += p.R
				}
				if p.Name == "ref" || p.Name == "neteq" || p.Name == "mumble" {
					fmt.Printf("%-18s %-11s %7.0f %6.0f %6s %6.2f %4.0f/%4.0f %6s %6s %6.1f\n", "", p.Name, p.Mean, p.P95, "", p.Concealed, p.TTLMean, p.TTLMax, "", "", p.R)
				}
			}
		}
		fmt.Printf("mean R above ref: %.2f\n", (sum-sumRef)/17)
	}
}
