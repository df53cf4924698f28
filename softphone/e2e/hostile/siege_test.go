//go:build linux && !race

package hostile

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"callcenter/softphone/internal/swarm"
)

// mostMemory is how many MiB more than without an attack the server may come to
// have resident.
const mostMemory = 256

// calmFiles is how many files a server has open at most that has no connection: a
// listener, its log, what the runtime needs.
const calmFiles = 16

// siege is what one run beside an attack, or without one, says.
type siege struct {
	InRooms figures `json:"in_rooms"`
	Echoes  figures `json:"echoes"`
	Visits  visits  `json:"newcomers"`
	// PeakMiB is what the server had resident at most, Files what it had open when
	// the attack ended, Goroutines how many were left when all calls had hung up.
	PeakMiB    float64           `json:"server_peak_mib"`
	Files      int               `json:"server_files"`
	Goroutines int               `json:"server_goroutines_left"`
	Assault    *assault          `json:"attack,omitempty"`
	Logged     map[string]uint64 `json:"server_log,omitempty"`
}

// besieged is an attack's runs, with and without it in turn.
type besieged struct {
	Name    string   `json:"attack"`
	With    []siege  `json:"with"`
	Without []siege  `json:"without"`
	Wrong   []string `json:"wrong,omitempty"`

	secure bool
	calm   []siege // what it is judged by
}

// calm are all runs without an attack, of servers with the same settings. They are
// between those with one, and of rooms it takes many: how far a room's turns are
// from its talkers' is chance, and is in the delay with up to a frame.
func calm(all []besieged, secure bool) (runs []siege) {
	for i := range all {
		if all[i].secure == secure {
			runs = append(runs, all[i].Without...)
		}
	}
	return runs
}

// chosen are the names that HOSTILE_KINDS, a regular expression, matches.
func chosen(t *testing.T) func(name string) bool {
	t.Helper()
	which, err := regexp.Compile(os.Getenv("HOSTILE_KINDS"))
	if err != nil {
		t.Fatalf("HOSTILE_KINDS: %v", err)
	}
	return which.MatchString
}

// TestAttackersOfConnectionsChangeNothing is part of `make bench-hostile`: five runs
// beside each attack and five without it, in turn. Without HOSTILE it makes one
// short pair of one attack, which shows that the driver works.
func TestAttackersOfConnectionsChangeNothing(t *testing.T) {
	long, driven := duration(t, "HOSTILE", time.Second)
	c, n, all := company{rooms: 4, echoes: 10, duration: long}, runs(t), append(attacks(), secureAttacks()...)
	if !driven {
		t.Parallel()
		c, n, all = company{rooms: 1, echoes: 2, duration: long}, 1, all[:1]
	}
	path, picked := build(t), chosen(t)
	results := make([]besieged, 0, len(all))
	for _, k := range all {
		if driven && !picked(k.name) {
			continue
		}
		b := besieged{Name: k.name}
		for round := range n {
			b.Without = append(b.Without, c.siege(t, path, k, false))
			b.With = append(b.With, c.siege(t, path, k, true))
			t.Logf("round %d, %s:\nwithout %+v\nwith    %+v\n%s", round+1, k.name, b.Without[round], b.With[round], b.With[round].told())
		}
		b.secure = k.secure
		results = append(results, b)
	}
	for i := range results {
		b := &results[i]
		b.calm = calm(results, b.secure)
		b.Wrong = b.judge()
		if driven && len(b.Wrong) > 0 {
			t.Errorf("beside who %s: %s", b.Name, strings.Join(b.Wrong, "; "))
		}
	}
	t.Logf("medians of %d runs of %v beside each attack, and of as many without it; delays in ms:\n%s", n, long, sieges(results, driven))
	if file := os.Getenv("HOSTILE_JSON"); driven && file != "" {
		text, err := json.MarshalIndent(results, "", "  ")
		if err == nil {
			err = os.WriteFile(file, text, 0o600)
		}
		if err != nil {
			t.Error(err)
		}
	}
}

// shipped is how much garbage the server keeps where nobody says otherwise. What
// attackers make it throw away is to be collected as it is with users.
const shipped = "400"

// startFor starts a server for calls beside an attack.
func startFor(t *testing.T, path string, k attack) (*process, site) {
	t.Helper()
	if !k.secure {
		p := startWith(t, path, shipped)
		return p, openSite(p.address)
	}
	g := newGuarded(t)
	p := startWith(t, path, shipped, g.flags()...)
	return p, g.site(p.address)
}

// siege makes the calls to a fresh server, beside the attack if it is made.
func (c company) siege(t *testing.T, path string, k attack, made bool) (s siege) {
	t.Helper()
	p, where := startFor(t, path, k)
	defer p.stop()
	up := newHeld(members * c.rooms)
	var inRooms, echo swarm.Report
	var err error
	newcomer := newCaller(t, where, "echo", 0)
	work := func() {
		var coming sync.WaitGroup
		ctx, cancel := context.WithCancel(t.Context())
		coming.Go(func() {
			select {
			case <-up.yes:
				s.Visits = newcomer.newcomers(ctx)
			case <-ctx.Done():
			}
		})
		inRooms, echo, err = c.call(t.Context(), where, up)
		cancel()
		coming.Wait()
	}
	if made {
		a := startAttack(t, k.name, where)
		s.Assault = a.beside(t, up.yes, work, func() { s.Files = p.files() })
	} else {
		work()
		s.Files = p.files()
	}
	for _, r := range []*swarm.Report{&inRooms, &echo} {
		if r.Held < r.Calls || r.Failures > 0 || r.Lost > 0 {
			t.Logf("of calls to %s %d of %d were held, %d frames lost, %d failures: %v", r.Destination, r.Held, r.Calls, r.Lost, r.Failures, err)
		}
	}
	s.InRooms, s.Echoes = of(&inRooms), of(&echo)
	s.PeakMiB = p.peak()
	gone := !made || inTime(func() bool { return p.files() <= calmFiles })
	s.Goroutines = p.dump()
	if !gone {
		t.Errorf("the server keeps connections of who %s", k.name)
	}
	s.Logged = p.logged()
	return s
}

// median is that of a figure of runs.
func median(runs []siege, figure func(s *siege) float64) float64 {
	x := make([]float64, 0, len(runs))
	for i := range runs {
		x = append(x, figure(&runs[i]))
	}
	return middle(x)
}

func inRooms(runs []siege) figures {
	return medians(pick(runs, func(s *siege) figures { return s.InRooms }))
}

func echoes(runs []siege) figures {
	return medians(pick(runs, func(s *siege) figures { return s.Echoes }))
}

func pick(runs []siege, which func(s *siege) figures) []figures {
	all := make([]figures, 0, len(runs))
	for i := range runs {
		all = append(all, which(&runs[i]))
	}
	return all
}

func peak(s *siege) float64  { return s.PeakMiB }
func files(s *siege) float64 { return float64(s.Files) }
func left(s *siege) float64  { return float64(s.Goroutines) }

func refused(s *siege) float64 { return float64(s.Visits.Refused) }
func answer(s *siege) float64  { return s.Visits.P50 }

// judge says which bars do not hold.
func (b *besieged) judge() (wrong []string) {
	for _, others := range []struct {
		name string
		of   func([]siege) figures
	}{{"in rooms", inRooms}, {"echoes", echoes}} {
		for _, w := range others.of(b.With).judge(others.of(b.calm)) {
			wrong = append(wrong, others.name+" "+w)
		}
	}
	if with, without := median(b.With, peak), median(b.calm, peak); with > without+mostMemory {
		wrong = append(wrong, fmt.Sprintf("the server has %.0f MiB, without it %.0f", with, without))
	}
	if with, without := median(b.With, refused), median(b.calm, refused); with > without {
		wrong = append(wrong, fmt.Sprintf("%.0f newcomers are refused, without it %.0f", with, without))
	}
	for i := range b.With {
		if a := b.With[i].Assault; a.Error != "" || a.Did == 0 {
			wrong = append(wrong, fmt.Sprintf("it was done %d times: %s", a.Did, a.Error))
		}
	}
	return wrong
}

// told is what the server refused, by those it refused and by its log.
func (s *siege) told() string {
	a := s.Assault
	return fmt.Sprintf("%d of %d newcomers refused %s; %d connections, %d at a time, %d times in %.1f s with %.2f cores; answers %v; log %v",
		s.Visits.Refused, s.Visits.Tried, s.Visits.Why, a.Dialled, a.Most, a.Did, a.Seconds, a.Cores, a.Got, s.Logged)
}

// sieges is all of it as people read it.
func sieges(all []besieged, judged bool) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(w, "beside who\tothers\tspoilt\twithout\tp50\twithout\tp99\twithout\tp99 behind\twithout\tserver's cores\twithout\tMiB\twithout\tfiles\tgoroutines left\twithout\trefused\tanswer\twithout\ttheir cores\t\t")
	for i := range all {
		a := &all[i]
		for _, others := range []struct {
			name string
			of   func([]siege) figures
		}{{"in rooms", inRooms}, {"echoes", echoes}} {
			with, without := others.of(a.With), others.of(a.calm)
			_, _ = fmt.Fprintf(w, "%s\t%s\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.2f\t%.2f\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%.1f\t%.1f\t%.2f\t%s\t\n",
				a.Name, others.name, with.Spoilt, without.Spoilt, with.P50, without.P50, with.P99, without.P99, with.Behind99, without.Behind99,
				with.Cores, without.Cores, median(a.With, peak), median(a.calm, peak), median(a.With, files), median(a.With, left), median(a.calm, left),
				median(a.With, refused), median(a.With, answer), median(a.calm, answer),
				median(a.With, func(s *siege) float64 { return s.Assault.Cores }), verdict(judged, a.Wrong))
		}
	}
	_ = w.Flush() // into memory
	for i := range all {
		runs := all[i].With
		fmt.Fprintf(&b, "who %s: %s\n", all[i].Name, runs[len(runs)-1].told())
	}
	return b.String()
}
