//go:build linux && !race

package hostile

import (
	"fmt"
	"slices"
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
	rounds    = 5
	p50Share  = 0.10
	p50Least  = 0.5 // ms, which is what the swarm tells apart
	p99Factor = 2.0
	p99More   = 5.0 // ms
)

// figures are what one run says of the well-behaved, and the server's cores.
type figures struct{ spoilt, p50, p99, behind99, cores float64 }

// of are the figures of a swarm: an echo has nothing behind.
func of(r *swarm.Report) figures {
	f := figures{spoilt: spoilt(r), p50: r.AddedDelay.P50, p99: r.AddedDelay.P99}
	if r.Behind != nil {
		f.behind99 = r.Behind.P99
	}
	if r.ServerCPU != nil {
		f.cores = r.ServerCPU.Cores
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
		slices.Sort(x)
		return x[len(x)/2]
	}
	return figures{
		spoilt: of(func(f figures) float64 { return f.spoilt }),
		p50:    of(func(f figures) float64 { return f.p50 }), p99: of(func(f figures) float64 { return f.p99 }),
		behind99: of(func(f figures) float64 { return f.behind99 }), cores: of(func(f figures) float64 { return f.cores }),
	}
}

// judge says which bars do not hold beside hostile callers.
func (f figures) judge(without figures) (wrong []string) {
	if f.spoilt > without.spoilt {
		wrong = append(wrong, fmt.Sprintf("%.1f frames are lost or made up, without them %.1f", f.spoilt, without.spoilt))
	}
	if more := f.p50 - without.p50; more > max(p50Share*without.p50, p50Least) {
		wrong = append(wrong, fmt.Sprintf("p50 is %.1f ms, without them %.1f", f.p50, without.p50))
	}
	for _, d := range []struct {
		name          string
		with, without float64
	}{{"p99", f.p99, without.p99}, {"p99 behind the fastest", f.behind99, without.behind99}} {
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
	c, n := company{rooms: 4, echoes: 10, duration: long}, rounds
	if !driven {
		c, n = company{rooms: 1, echoes: 2, duration: long}, 1
	}
	path := build(t)
	company := append([]kind{behaves()}, kinds()...)
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
			_, _ = fmt.Fprintf(w, "%s\t%s\t%.1f\t%.1f\t%.1f\t%.1f\t%.2f\t%s\t\n", others.name, k.name, f.spoilt, f.p50, f.p99, f.behind99, f.cores, verdict(driven, wrong))
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
	work := func() { inRooms, echo, err = c.call(t.Context(), p.address, up) }
	beside(t, k, up.yes, c.hostiles(t, p.address), work)
	for _, r := range []*swarm.Report{&inRooms, &echo} {
		if r.Held < r.Calls || r.Failures > 0 || r.Lost > 0 {
			t.Errorf("of calls to %s beside who %s %d of %d were held, %d frames lost, %d failures: %v", r.Destination, k.name, r.Held, r.Calls, r.Lost, r.Failures, err)
		}
	}
	return inRooms, echo
}
