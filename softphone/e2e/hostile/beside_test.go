//go:build linux && !race

package hostile

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"callcenter/softphone/internal/swarm"
)

// The bars of hostile company, for the others: no frame more is lost or made up,
// the median of the added delay is within a share of what it is without, and the
// 99th percentile within a factor or a few ms.
const (
	p50Share  = 0.10
	p50Least  = 0.5 // ms, which is what the swarm tells apart
	p99Factor = 2.0
	p99More   = 5.0 // ms
)

// runs is how many there are of each kind, with and without it.
func runs(t *testing.T) int {
	t.Helper()
	text := os.Getenv("HOSTILE_RUNS")
	if text == "" {
		return 5
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("HOSTILE_RUNS=%q: use a number of runs, from 1", text)
	}
	return n
}

// figures are what one run says of the well-behaved, and the server's cores.
type figures struct {
	Spoilt   float64 `json:"spoilt"`
	P50      float64 `json:"p50_ms"`
	P99      float64 `json:"p99_ms"`
	Behind99 float64 `json:"p99_behind_ms"`
	Cores    float64 `json:"server_cores"`
}

// of are the figures of a swarm: an echo has nothing behind.
func of(r *swarm.Report) figures {
	f := figures{Spoilt: spoilt(r), P50: r.AddedDelay.P50, P99: r.AddedDelay.P99}
	if r.Behind != nil {
		f.Behind99 = r.Behind.P99
	}
	if r.ServerCPU != nil {
		f.Cores = r.ServerCPU.Cores
	}
	return f
}

// medians are those of each figure by itself.
func medians(all []figures) figures {
	of := func(figure func(figures) float64) float64 {
		var x []float64
		for _, f := range all {
			x = append(x, figure(f))
		}
		return middle(x)
	}
	return figures{
		Spoilt: of(func(f figures) float64 { return f.Spoilt }),
		P50:    of(func(f figures) float64 { return f.P50 }), P99: of(func(f figures) float64 { return f.P99 }),
		Behind99: of(func(f figures) float64 { return f.Behind99 }), Cores: of(func(f figures) float64 { return f.Cores }),
	}
}

// judge says which bars do not hold beside hostile callers.
func (f figures) judge(without figures) (wrong []string) {
	if f.Spoilt > without.Spoilt {
		wrong = append(wrong, fmt.Sprintf("%.1f frames are lost or made up, without them %.1f", f.Spoilt, without.Spoilt))
	}
	if more := f.P50 - without.P50; more > max(p50Share*without.P50, p50Least) {
		wrong = append(wrong, fmt.Sprintf("p50 is %.1f ms, without them %.1f", f.P50, without.P50))
	}
	for _, d := range []struct {
		name          string
		with, without float64
	}{{"p99", f.P99, without.P99}, {"p99 behind the fastest", f.Behind99, without.Behind99}} {
		if d.with > max(p99Factor*d.without, d.without+p99More) {
			wrong = append(wrong, fmt.Sprintf("%s is %.1f ms, without them %.1f", d.name, d.with, d.without))
		}
	}
	return wrong
}

// TestHostileCallersChangeNothing is `make bench-hostile`, and without HOSTILE one
// short round that judges no times.
func TestHostileCallersChangeNothing(t *testing.T) {
	long, driven := duration(t, "HOSTILE", time.Second)
	c, n := company{rooms: 4, echoes: 10, duration: long}, runs(t)
	if !driven {
		c, n = company{rooms: 1, echoes: 2, duration: long}, 1
	}
	path := build(t)
	picked := chosen(t)
	company := append([]kind{behaves()}, slices.DeleteFunc(kinds(), func(k kind) bool { return driven && !picked(k.name) })...)
	if len(company) == 1 {
		return
	}
	inRooms, echoes := make([][]figures, len(company)), make([][]figures, len(company))
	for round := range n {
		for i, k := range company {
			room, echo := c.beside(t, path, k)
			inRooms[i], echoes[i] = append(inRooms[i], of(&room)), append(echoes[i], of(&echo))
			t.Logf("round %d, beside who %s: rooms %+v, echoes %+v", round+1, k.name, of(&room), of(&echo))
		}
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(w, "others\tbeside who\tspoilt\tp50\tp99\tp99 behind\tserver's cores\t\t")
	for _, others := range []struct {
		name string
		runs [][]figures
	}{{"in rooms", inRooms}, {"echoes", echoes}} {
		without := medians(others.runs[0])
		for i, k := range company {
			f := medians(others.runs[i])
			wrong := f.judge(without)
			if driven && len(wrong) > 0 {
				t.Errorf("%s beside who %s: %s", others.name, k.name, strings.Join(wrong, "; "))
			}
			_, _ = fmt.Fprintf(w, "%s\t%s\t%.1f\t%.1f\t%.1f\t%.1f\t%.2f\t%s\t\n", others.name, k.name, f.Spoilt, f.P50, f.P99, f.Behind99, f.Cores, verdict(driven, wrong))
		}
	}
	_ = w.Flush() // into memory
	t.Logf("medians of %d runs of %v, delays in ms:\n%s", n, long, b.String())
}

// beside makes the calls to a fresh server beside callers of a kind.
func (c company) beside(t *testing.T, path string, k kind) (inRooms, echo swarm.Report) {
	t.Helper()
	p := start(t, path)
	defer p.stop()
	var err error
	up := newHeld(members * c.rooms)
	work := func() { inRooms, echo, err = c.call(t.Context(), openSite(p.address), up) }
	beside(t, k, up.yes, c.hostiles(t, openSite(p.address)), work)
	for _, r := range []*swarm.Report{&inRooms, &echo} {
		if r.Held < r.Calls || r.Failures > 0 || r.Lost > 0 {
			t.Errorf("of calls to %s beside who %s %d of %d were held, %d frames lost, %d failures: %v", r.Destination, k.name, r.Held, r.Calls, r.Lost, r.Failures, err)
		}
	}
	return inRooms, echo
}
