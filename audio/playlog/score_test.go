package playlog_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"callcenter/audio/audiotest/trace"
	"callcenter/audio/playlog"
)

// The figures are those that another program gives for the same two files: the
// one that rated the peers.
func TestScoreIsThatOfThePeers(t *testing.T) {
	for _, tc := range []struct {
		spec  string
		delay int64
		want  playlog.Figures
	}{
		{"wifi --sec 120", 60, playlog.Figures{
			MeanMS: 105.13, P50MS: 105.0, P95MS: 150.0, P99MS: 150.0, MaxMS: 150.0, MeanWaitMS: 99.04, WaitP95MS: 147.94,
			ConcealedPct: 3.45, TraceLossPct: 0.0, Events: 37, Interruptions: 5, InsertedPct: 0.48,
			RemovedPct: 0.02, ComfortPct: 0.0, SkippedPct: 3.72, Stalls: 44,
			TTLMeanMS: 6.35, TTLMaxMS: 12.26, OvershootMaxMS: 30.0, R: 72.87, MOS: 3.73, CostMS: 174.13,
		}},
		{"cell --sec 120 --maxage 300", 150, playlog.Figures{
			MeanMS: 194.68, P50MS: 195.0, P95MS: 240.0, P99MS: 240.0, MaxMS: 240.0, MeanWaitMS: 136.8, WaitP95MS: 207.15,
			ConcealedPct: 2.76, TraceLossPct: 1.7, Events: 6, Interruptions: 5, InsertedPct: 0.47,
			RemovedPct: 0.02, ComfortPct: 0.0, SkippedPct: 1.31, Stalls: 6,
			TTLMeanMS: 4.86, TTLMaxMS: 7.78, OvershootMaxMS: 30.0, R: 63.15, MOS: 3.26, CostMS: 215.88,
		}},
		{"stall --sec 80", 30, playlog.Figures{
			MeanMS: 72.73, P50MS: 75.0, P95MS: 120.0, P99MS: 120.0, MaxMS: 120.0, MeanWaitMS: 68.62, WaitP95MS: 117.6,
			ConcealedPct: 5.37, TraceLossPct: 0.0, Events: 2, Interruptions: 2, InsertedPct: 0.47,
			RemovedPct: 0.02, ComfortPct: 0.0, SkippedPct: 5.55, Stalls: 2,
			TTLMeanMS: 1004.21, TTLMaxMS: 1999.66, OvershootMaxMS: 60.0, R: 70.74, MOS: 3.63, CostMS: 180.13,
		}},
		{"tcp --sec 120 --loss 5 --rtt 150 --burst 2", 280, playlog.Figures{
			MeanMS: 324.98, P50MS: 325.0, P95MS: 370.0, P99MS: 370.0, MaxMS: 370.0, MeanWaitMS: 281.83, WaitP95MS: 366.6,
			ConcealedPct: 2.0, TraceLossPct: 0.0, Events: 21, Interruptions: 0, InsertedPct: 0.48,
			RemovedPct: 0.02, ComfortPct: 0.0, SkippedPct: 2.23, Stalls: 149,
			TTLMeanMS: 3.74, TTLMaxMS: 10.0, OvershootMaxMS: 30.0, R: 42.05, MOS: 2.17, CostMS: 364.98,
		}},
		{"dtx --sec 60", 30, playlog.Figures{
			MeanMS: 74.03, P50MS: 75.0, P95MS: 120.0, P99MS: 120.0, MaxMS: 120.0, MeanWaitMS: 69.98, WaitP95MS: 118.42,
			ConcealedPct: 0.25, TraceLossPct: 56.54, Events: 0, Interruptions: 0, InsertedPct: 0.66,
			RemovedPct: 0.02, ComfortPct: 58.52, SkippedPct: 7.23, Stalls: 0,
			TTLMeanMS: 0.0, TTLMaxMS: 0, OvershootMaxMS: 0, R: 86.42, MOS: 4.24, CostMS: 74.03,
		}},
	} {
		t.Run(tc.spec, func(t *testing.T) {
			made, err := trace.Generate(tc.spec, 1)
			if err != nil {
				t.Fatal(err)
			}
			got, err := playlog.Score(made.Packets, saw(made.Packets, tc.delay))
			if err != nil {
				t.Fatal(err)
			}
			if sum := got.R + got.DelayR + got.LossR; math.Abs(sum-93.2) > 0.011 {
				t.Errorf("R %v, delay %v and loss %v add up to %v, want 93.2", got.R, got.DelayR, got.LossR, sum)
			}
			got.DelayR, got.LossR = 0, 0 // the other program does not say
			if got != tc.want {
				t.Errorf("figures\n%+v, want\n%+v", got, tc.want)
			}
		})
	}
}

func TestScoreOfAShortLog(t *testing.T) {
	packets := []playlog.Packet{{Seq: 1, SendUS: 0, ArriveUS: 30_000}, {Seq: 2, SendUS: 20_000, ArriveUS: 90_000}}
	sound := playlog.Line{PlayUS: 50_000, MediaUS: 0, Kind: playlog.Normal, Samples: 480}
	for name, tc := range map[string]struct {
		packets   []playlog.Packet
		log       []playlog.Line
		err       error
		mean, max float64
	}{
		"no log has nothing to rate":                  {packets, nil, playlog.ErrNothingPlayed, 0, 0},
		"no trace has nothing to rate":                {nil, []playlog.Line{sound}, playlog.ErrNothingPlayed, 0, 0},
		"made-up sound alone is nothing":              {packets, []playlog.Line{{MediaUS: -1, Samples: 480, Concealed: 480}}, playlog.ErrNothingPlayed, 0, 0},
		"what is played after the end does not count": {packets, []playlog.Line{{PlayUS: 90_001, Samples: 480}}, playlog.ErrNothingPlayed, 0, 0},
		"one line is rated":                           {packets, []playlog.Line{sound}, nil, 20, 20},
		"the filling before it does not count": {
			packets, []playlog.Line{{PlayUS: 40_000, MediaUS: -1, Samples: 480, Concealed: 480}, sound}, nil, 20, 20,
		},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := playlog.Score(tc.packets, tc.log)
			if !errors.Is(err, tc.err) || f.MeanMS != tc.mean || f.MaxMS != tc.max || f.ConcealedPct != 0 {
				t.Errorf("%+v, %v", f, err)
			}
		})
	}
}

func TestLinesAreText(t *testing.T) {
	l := playlog.Line{PlayUS: 50_000, MediaUS: -1, Kind: playlog.Comfort, Samples: 480, Inserted: 1, Removed: 2, Concealed: 3}
	if got := string(l.Append(nil)); got != "50000 -1 G 480 1 2 3\n" {
		t.Errorf("line of a play log %q", got)
	}
	p := playlog.Packet{Seq: 7, SendUS: 140_000, ArriveUS: 170_123}
	if got := string(p.Append(nil)); got != "7 140000 170123\n" {
		t.Errorf("line of a trace %q", got)
	}
	p.DTX = true
	if got := string(p.Append([]byte("# x\n"))); got != "# x\n7 140000 170123 1\n" {
		t.Errorf("marked line of a trace %q", got)
	}
}

// saw is the play log of a buffer that plays at a delay above the fastest packet
// that rises by 15 ms a second and falls back every 7 s, whatever is there, and
// now and then inserts and removes something.
func saw(packets []playlog.Packet, delay int64) []playlog.Line {
	least, end := packets[0].ArriveUS-packets[0].SendUS, int64(0)
	for _, p := range packets {
		least, end = min(least, p.ArriveUS-p.SendUS), max(end, p.ArriveUS)
	}
	var log []playlog.Line
	for now := int64(0); now <= end+100_000; now += 10_000 {
		media := now - least - delay*1000 - now/1_000_000%7*15_000
		l := playlog.Line{PlayUS: now, MediaUS: -1, Kind: playlog.Concealed, Samples: 480, Concealed: 480}
		i, _ := slices.BinarySearchFunc(packets, media, func(p playlog.Packet, m int64) int { return int(p.SendUS - m - 1) })
		if i--; i >= 0 {
			p := packets[i]
			switch {
			case p.DTX:
				l.Kind, l.Concealed = playlog.Comfort, 0
			case p.ArriveUS <= now && media < p.SendUS+20_000:
				l.Kind, l.MediaUS, l.Concealed = playlog.Normal, media, int32(i%7)
			}
			if i%50 == 0 {
				l.Kind, l.Inserted, l.Removed = playlog.Slowed, int32(i%240), int32(i%11)
			}
		}
		log = append(log, l)
	}
	return log
}
