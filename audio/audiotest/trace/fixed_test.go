package trace_test

import (
	"testing"
	"time"

	"callcenter/audio/audiotest/trace"
	"callcenter/audio/playlog"
)

// The best fixed delay is no worse than any that is tried.
func TestBestFixed(t *testing.T) {
	packets := func(late ...int64) (t playlog.Trace) {
		for i, ms := range late {
			if ms >= 0 {
				t.Packets = append(t.Packets, playlog.Packet{Seq: int64(i), SendUS: int64(i) * 20_000, ArriveUS: int64(i)*20_000 + 30_000 + ms*1000})
			}
		}
		return t
	}
	for name, tc := range map[string]struct {
		trace     playlog.Trace
		delay     time.Duration
		concealed float64
	}{
		"all in time":            {packets(0, 0, 0, 0), 0, 0},
		"one waits for the last": {packets(0, 5, 10, 0), 10 * time.Millisecond, 0},
		"not for a second":       {packets(0, 10, 0, 1000), 10 * time.Millisecond, 25},
		"what is lost is lost":   {packets(0, -1, 0, 0), 0, 25},
		"nothing":                {playlog.Trace{}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got := trace.BestFixed(tc.trace)
			if got.Delay != tc.delay || got.ConcealedPct != tc.concealed {
				t.Errorf("got %+v, want %v and %v %%", got, tc.delay, tc.concealed)
			}
		})
	}
	silent := packets(0, 0, -1, -1, 0)
	silent.Packets[1].DTX = true
	if got := trace.BestFixed(silent); got.ConcealedPct != 0 {
		t.Errorf("announced silence counts: %+v", got)
	}
}
