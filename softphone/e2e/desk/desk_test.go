//go:build linux && !race

package desk

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// settle is how long a program runs before it is measured: it has opened its
// devices and learned its network.
const settle = 3 * time.Second

// plan is how much is measured.
type plan struct {
	runs            int
	seconds, settle time.Duration
	judge           bool
	rows            *regexp.Regexp // those to measure
}

// readPlan takes the plan from the environment.
func readPlan(tb testing.TB) plan {
	tb.Helper()
	p := plan{runs: 1, seconds: 2 * time.Second, settle: settle / 3}
	if text := os.Getenv("DESK_RUNS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 100 {
			tb.Fatalf("DESK_RUNS %q: use 1 to 100", text)
		}
		p = plan{runs: n, seconds: 20 * time.Second, settle: settle, judge: true}
	}
	if text := os.Getenv("DESK_SECONDS"); text != "" {
		s, err := strconv.ParseFloat(text, 64)
		if err != nil || s < 1 || s > 600 {
			tb.Fatalf("DESK_SECONDS %q: use 1 to 600", text)
		}
		p.seconds = time.Duration(s * float64(time.Second))
	}
	var err error
	if p.rows, err = regexp.Compile(os.Getenv("DESK_ROWS")); err != nil {
		tb.Fatalf("DESK_ROWS: %v", err)
	}
	return p
}

// measurement is a row and what starts its program.
type measurement struct {
	row
	start func(t *testing.T) *subject
}

func (p plan) measurements(r *rig) []*measurement {
	all := []*measurement{
		{row{Name: rowBare}, r.bare},
		{row{Name: rowCall}, r.call},
		{row{Name: rowSmall}, r.screen(80, 24, true)},
		{row{Name: rowLarge}, r.screen(120, 40, true)},
		{row{Name: rowIdle}, r.screen(120, 40, false)},
		{row{Name: rowMumble}, r.mumble},
	}
	var chosen []*measurement
	for _, m := range all {
		if !p.rows.MatchString(m.Name) {
			continue
		}
		if m.Name == rowMumble {
			if m.Missing = missingForMumble(); !p.judge {
				m.Missing = "not in a short run"
			}
		}
		chosen = append(chosen, m)
	}
	return chosen
}

// run measures once.
func (m *measurement) run(t *testing.T, r *rig, p plan) {
	t.Helper()
	if m.Missing != "" {
		return
	}
	r.silent(t)
	s := m.start(t)
	defer s.end()
	time.Sleep(p.settle)
	began, before, written := time.Now(), processorTime(t, s.pid), s.term.written()
	time.Sleep(p.seconds)
	took := time.Since(began)
	used := processorTime(t, s.pid) - before
	if s.term != nil {
		m.Written = append(m.Written, float64(s.term.written()-written)/took.Seconds())
	}
	m.CPU = append(m.CPU, 60*used.Seconds()/took.Seconds())
	if s.only != nil {
		s.only()
	}
	m.Memory = append(m.Memory, memoryOf(t, s.pid))
}

// TestTheWholeSoftphoneBesideABarePairAndMumble measures all rows and prints the
// table.
func TestTheWholeSoftphoneBesideABarePairAndMumble(t *testing.T) {
	p := readPlan(t)
	r := newRig(t)
	all := p.measurements(r)
	result := &table{Runs: p.runs, Seconds: p.seconds.Seconds()}
	for _, m := range all {
		result.Rows = append(result.Rows, &m.row)
	}
	for run := range p.runs {
		for _, m := range all {
			m.run(t, r, p)
			if p.judge && m.Missing == "" {
				t.Logf("run %d of %d, %s: %.2f s/min, %.1f MB", run+1, p.runs, m.Name, m.CPU[run], m.Memory[run].Resident)
			}
		}
	}
	if p.judge {
		result.judge()
	}
	fmt.Println(result)
	for _, b := range result.Bars {
		if !b.passes() {
			t.Errorf("%s: %.2f, want at most %.2f", b.Name, b.Value, b.Most)
		}
	}
	if idle := result.row(rowIdle); idle != nil && idle.Written[0] > 0 {
		t.Errorf("an idle screen writes %.0f bytes a second", idle.Written[0])
	}
	if path := os.Getenv("DESK_JSON"); path != "" {
		data, err := json.MarshalIndent(result, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(data, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
