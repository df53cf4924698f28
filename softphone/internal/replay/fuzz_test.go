package replay_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/playlog"
	"callcenter/codec/pcm"
	"callcenter/softphone/internal/replay"
)

// FuzzRun plays whatever the reader takes for a trace, up to a minute of it: the
// play log has a line for each 10 ms, and what is in it adds up.
func FuzzRun(f *testing.F) {
	for _, s := range []string{
		"1 20000 50000\n2 40000 70001 1\n4 80000 110000\n",
		"1 0 0\n2 1 0\n3 2 0\n4 3000000 100\n",
		"1 60000000 5\n2 60020000 60000000\n",
		"7 100 9000000\n6 50 9000000 1\n5 0 9000000 1\n",
		"1 0 0\n999999 20000 10000\n1000000 40000 30000\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, packets []byte) {
		tr, err := playlog.ReadTrace(bytes.NewReader(append([]byte("# frame_ms=10 rtt_ms=40\n"), packets...)))
		if err != nil || len(tr.Packets) == 0 {
			return
		}
		first, last := tr.Packets[0].ArriveUS, tr.Packets[0].ArriveUS
		for _, p := range tr.Packets {
			first, last = min(first, p.ArriveUS), max(last, p.ArriveUS)
		}
		if last-first > time.Minute.Microseconds() {
			return
		}
		res, err := replay.Run(replay.Config{Trace: tr, Source: replay.NewVoice(1), Codec: pcm.Codec{}})
		if err != nil {
			t.Fatal(err)
		}
		if want := (last - first + 500_000) / 10_000; int64(len(res.Log)) != want+1 {
			t.Fatalf("%d lines, want %d", len(res.Log), want+1)
		}
		for _, l := range res.Log {
			if l.Samples != audio.PeriodSamples || l.Concealed < 0 || l.Concealed > l.Samples || l.MediaUS < -1 ||
				bytes.IndexByte([]byte("NAPMCG"), l.Kind) < 0 {
				t.Fatalf("line %+v", l)
			}
		}
		s := res.Stats
		if s.TotalSamplesReceived+s.SilentSamples+s.FillingSamples != uint64(len(res.Log))*audio.PeriodSamples {
			t.Fatalf("samples do not add up: %+v", s)
		}
		if _, err := playlog.Score(tr.Packets, res.Log); err != nil && !errors.Is(err, playlog.ErrNothingPlayed) {
			t.Fatal(err)
		}
	})
}
