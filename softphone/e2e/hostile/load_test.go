//go:build linux && !race

package hostile

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"callcenter/softphone/internal/swarm"
)

// The bars of a load: the added delay at the 99th percentile beyond frame and
// target, in ms, or as a multiple of a bare echo's; and the share of what is
// resident that may come to it in a minute, once the same load was there for a
// while: until then the heap grows to what the collector lets it.
const (
	mostBeyond = 20.0
	mostOfBare = 2.0
	mostGrowth = 0.05
	frameMS    = float64(frame / time.Millisecond)
)

// scene is one load.
type scene struct {
	name                  string
	destination           string
	calls, rooms, talkers int
}

func scenes(driven bool) []scene {
	if !driven {
		return []scene{{"6 echo calls", "echo", 6, 1, 0}, {"2 rooms of 4", "room/load", 8, 2, 3}}
	}
	return []scene{
		{"300 echo calls", "echo", 300, 1, 0},
		{"10 rooms of 10", "room/load", 100, 10, 3},
		{"1 room of 100", "room/load", 100, 1, 3},
	}
}

// outcome is how a scene went: on the server, after a while of it that is not
// measured, and as a bare echo of as many calls before and after.
type outcome struct {
	scene
	ours swarm.Report
	bare [2]swarm.Report
}

// TestAServerHoldsItsCallsUnderLoad is `make bench-load`, and without LOAD a short
// run that judges no times.
func TestAServerHoldsItsCallsUnderLoad(t *testing.T) {
	long, driven := duration(t, "LOAD", time.Second)
	path := build(t)
	var all []outcome
	for _, s := range scenes(driven) {
		o := outcome{scene: s}
		o.bare[0] = s.asBare(t, long/2)
		server := start(t, path)
		_ = s.run(t, server, long/2)
		o.ours = s.run(t, server, long)
		server.stop()
		o.bare[1] = s.asBare(t, long/2)
		all = append(all, o)
	}
	t.Logf("\n%s", table(all, driven))
	for _, o := range all {
		for _, r := range []*swarm.Report{&o.ours, &o.bare[0], &o.bare[1]} {
			if r.Held < r.Calls || r.Failures > 0 || r.Lost > 0 {
				t.Errorf("%s at %s: held %d, failures %d, lost %d", o.name, r.Server, r.Held, r.Failures, r.Lost)
			}
		}
		for _, wrong := range o.judge() {
			if driven {
				t.Errorf("%s: %s", o.name, wrong)
			}
		}
	}
}

// run makes a scene's calls to a server.
func (s scene) run(t *testing.T, p *process, d time.Duration) swarm.Report {
	t.Helper()
	cfg := plan(openSite(p.address), s.destination, s.calls, s.rooms, s.talkers, d)
	cfg.Ramp = min(d/10, 2*time.Second)
	if testing.Verbose() {
		cfg.Progress = os.Stderr
	}
	r, err := swarm.Run(t.Context(), cfg)
	if err != nil {
		t.Log(err)
	}
	return r
}

// asBare makes as many calls to a bare echo of its own.
func (s scene) asBare(t *testing.T, d time.Duration) swarm.Report {
	t.Helper()
	p := start(t, "")
	defer p.stop()
	return scene{s.name, "echo", s.calls, 1, 0}.run(t, p, d)
}

// beyond is the delay at the 99th percentile less the server's target for a voice
// and, in a room, less the frame that the room collects: the swarm's own is not in
// it.
func (o *outcome) beyond() float64 {
	d := o.ours.AddedDelay.P99
	if o.destination == "echo" {
		return d
	}
	if target := o.ours.ServerTarget; target != nil {
		d -= target.P50
	}
	return d - frameMS
}

// ofBare is a figure of the bare echo: the mean of before and after.
func (o *outcome) ofBare(figure func(d *swarm.Delay) float64) float64 {
	return (figure(&o.bare[0].AddedDelay) + figure(&o.bare[1].AddedDelay)) / 2
}

func p50(d *swarm.Delay) float64 { return d.P50 }
func p95(d *swarm.Delay) float64 { return d.P95 }
func p99(d *swarm.Delay) float64 { return d.P99 }

// judge says which bars do not hold.
func (o *outcome) judge() (wrong []string) {
	if bare := o.ofBare(p99); o.beyond() > mostBeyond && o.beyond() > mostOfBare*bare {
		wrong = append(wrong, fmt.Sprintf("p99 is %.1f ms beyond frame and target, more than %g, and than %g times the bare echo's %.1f", o.beyond(), mostBeyond, mostOfBare, bare))
	}
	switch m := o.ours.ServerMemory; {
	case m == nil:
		wrong = append(wrong, "the server's memory is not known")
	case m.Growth > mostGrowth*m.Begin:
		wrong = append(wrong, fmt.Sprintf("memory grows by %.2f MiB a minute from %.1f", m.Growth, m.Begin))
	}
	if o.ours.Failures > 0 {
		wrong = append(wrong, fmt.Sprintf("%d verification failures", o.ours.Failures))
	}
	if o.ours.Held < o.calls {
		wrong = append(wrong, fmt.Sprintf("%d of %d calls held", o.ours.Held, o.calls))
	}
	return wrong
}

// table is the outcome as people read it, with a verdict if it is judged. Delays are
// in milliseconds.
func table(all []outcome, judged bool) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	line := func(cells ...any) {
		for _, c := range cells {
			_, _ = fmt.Fprintf(w, "%v\t", c)
		}
		_, _ = fmt.Fprintln(w)
	}
	line("load", "held", "wrong", "p50", "p95", "p99", "max", "p99 beyond", "bare p50", "p95", "p99", "max", "late", "dropped", "lost", "concealed", "restarts", "cores", "bare", "swarm", "MiB", "end", "a minute", "")
	for _, o := range all {
		r := &o.ours
		cells := []any{o.name, fmt.Sprintf("%d/%d", r.Held, r.Calls), r.Failures}
		for _, x := range []float64{
			r.AddedDelay.P50, r.AddedDelay.P95, r.AddedDelay.P99, r.AddedDelay.Max, o.beyond(),
			o.ofBare(p50), o.ofBare(p95), o.ofBare(p99), max(o.bare[0].AddedDelay.Max, o.bare[1].AddedDelay.Max),
		} {
			cells = append(cells, fmt.Sprintf("%.1f", x))
		}
		cells = append(cells, r.Late, r.Dropped+r.Unsent, r.Lost, r.Concealed, r.Restarts)
		cells = append(cells, cores(r), cores(&o.bare[0]), fmt.Sprintf("%.2f", r.Cores))
		if m := r.ServerMemory; m != nil {
			cells = append(cells, fmt.Sprintf("%.1f", m.Begin), fmt.Sprintf("%.1f", m.End), fmt.Sprintf("%+.2f", m.Growth))
		} else {
			cells = append(cells, "?", "?", "?")
		}
		line(append(cells, verdict(judged, o.judge()))...)
	}
	_ = w.Flush() // into memory
	return b.String()
}

func verdict(judged bool, wrong []string) string {
	switch {
	case !judged:
		return ""
	case len(wrong) > 0:
		return "FAIL"
	}
	return "PASS"
}

func cores(r *swarm.Report) string {
	if r.ServerCPU == nil {
		return "?"
	}
	return fmt.Sprintf("%.2f", r.ServerCPU.Cores)
}
