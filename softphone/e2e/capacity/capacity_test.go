//go:build linux && !race

package capacity

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/codec"
	"callcenter/codec/opus"
	"callcenter/softphone/internal/phone"
	"callcenter/softphone/internal/swarm"
)

const (
	// legs load two cores, of which the callers use their share, by half or so when
	// the naive server has them; of ours so many in rooms of two and of ten do.
	legs     = 60
	legsTwos = 300
	legsTens = 120
	talkers  = 3

	echoCalls = 300

	ramp     = time.Second
	attempts = 3
)

// measurement is a row that can be measured: one figure of ours and one of the
// other at a time.
type measurement struct {
	row
	ours, other func(tb testing.TB, p plan) (float64, error)
	broken      bool
}

// plan is how much is measured.
type plan struct {
	runs    int
	seconds time.Duration
	share   int // of the calls, one in so many
	judge   bool
	rows    *regexp.Regexp // those to measure
}

// readPlan takes the plan from the environment.
func readPlan(tb testing.TB) plan {
	tb.Helper()
	p := plan{runs: 1, seconds: time.Second, share: 10}
	if text := os.Getenv("CAPACITY_RUNS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 100 {
			tb.Fatalf("CAPACITY_RUNS %q: use 1 to 100", text)
		}
		p = plan{runs: n, seconds: 8 * time.Second, share: 1, judge: true}
	}
	if text := os.Getenv("CAPACITY_SECONDS"); text != "" {
		s, err := strconv.ParseFloat(text, 64)
		if err != nil || s < 1 || s > 600 {
			tb.Fatalf("CAPACITY_SECONDS %q: use 1 to 600", text)
		}
		p.seconds = time.Duration(s * float64(time.Second))
	}
	var err error
	if p.rows, err = regexp.Compile(os.Getenv("CAPACITY_ROWS")); err != nil {
		tb.Fatalf("CAPACITY_ROWS: %v", err)
	}
	return p
}

// TestTheServerBesideOthers measures all rows and prints the table.
func TestTheServerBesideOthers(t *testing.T) {
	p := readPlan(t)
	all := p.choose(measurements(p))
	result := &table{Runs: p.runs, Seconds: p.seconds.Seconds(), Machine: thisMachine()}
	for _, m := range all {
		result.Rows = append(result.Rows, &m.row)
	}
	before := usage()
	for run := range p.runs {
		for _, m := range all {
			m.run(t, p)
			if p.judge {
				t.Logf("run %d of %d, %s: %s µs, %s %s µs", run+1, p.runs, m.Name, last(m.Ours), m.Other, last(m.Their))
			}
		}
	}
	result.Machine.meanwhile(before)
	for _, m := range all {
		if p.judge && !m.passes() {
			t.Errorf("%s: %.2f times, %s", m.Name, m.ratio(), m.verdict())
		}
	}
	fmt.Println(result)
	if path := os.Getenv("CAPACITY_JSON"); path != "" {
		data, err := json.MarshalIndent(result, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(data, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// choose leaves the rows that are asked for.
func (p *plan) choose(all []*measurement) []*measurement {
	return slices.DeleteFunc(all, func(m *measurement) bool { return !p.rows.MatchString(m.Name) })
}

// run measures each way once, unless that did not work before.
func (m *measurement) run(tb testing.TB, p plan) {
	tb.Helper()
	if m.broken {
		return
	}
	ours, err := attempt(tb, m.Name+", ours", func() (float64, error) { return m.ours(tb, p) })
	if errors.Is(err, errLowered) {
		m.Lowered++
		err = nil
	}
	if err == nil {
		m.Ours = append(m.Ours, ours)
		var their float64
		if their, err = attempt(tb, m.Name+", "+m.Other, func() (float64, error) { return m.other(tb, p) }); err == nil {
			m.Their = append(m.Their, their)
		}
	}
	if err != nil {
		tb.Error(err)
		m.broken = true
	}
}

// attempt measures until all that was measured is right: a machine that holds the
// programs up makes gaps in rooms that are not theirs.
func attempt[T any](tb testing.TB, name string, measure func() (T, error)) (T, error) {
	tb.Helper()
	for i := 1; ; i++ {
		result, err := measure()
		if err == nil {
			return result, nil
		}
		if i == attempts {
			return result, fmt.Errorf("%s: no measurement of %d was right, the last: %w", name, attempts, err)
		}
		tb.Logf("%s, measured again: %v", name, err)
	}
}

// measurements are the rows, with their bars.
func measurements(p plan) []*measurement {
	echoes := swarm.Config{Destination: "echo", Calls: echoCalls, Rooms: 1}
	echo := callRow(fmt.Sprintf("server, echo, %d calls", echoCalls/p.share), roleBare, 1.3, echoes, echoes)
	twos := func(legs int) swarm.Config {
		return swarm.Config{Destination: "room/two", Calls: legs, Rooms: legs / 2, Talkers: 2}
	}
	tens := func(legs int) swarm.Config {
		return swarm.Config{Destination: "room/ten", Calls: legs, Rooms: legs / 10, Talkers: talkers}
	}
	if !p.judge {
		all := []*measurement{
			codecRow(2, 5, "noise", 0), echo,
			callRow("server, rooms of 2", roleNaive, 0, twos(legs), twos(legs)),
			callRow("server, rooms of 10", roleNaive, 0, tens(legs), tens(legs)),
		}
		for _, m := range all {
			m.Bar = 0
		}
		return all
	}
	return []*measurement{
		codecRow(2, 5, "noise", 0),
		codecRow(2, 9, "noise", 0),
		codecRow(10, 5, "noise", 2.3),
		codecRow(10, 9, "noise", 2.3),
		codecRow(100, 5, "noise", 18),
		codecRow(100, 9, "noise", 18),
		codecRow(10, 5, "silence", 0),
		codecRow(10, 9, "silence", 0),
		codecRow(100, 5, "silence", 0),
		codecRow(100, 9, "silence", 0),
		echo,
		callRow("server, 30 rooms of 2", roleNaive, 0, twos(legs), twos(legs)),
		callRow("server, 150 rooms of 2, naive 30", roleNaive, 6, twos(legsTwos), twos(legs)),
		callRow("server, 6 rooms of 10", roleNaive, 0, tens(legs), tens(legs)),
		callRow("server, 12 rooms of 10, naive 6", roleNaive, 1.8, tens(legsTens), tens(legs)),
	}
}

// codecRow is a room without a network.
func codecRow(members, effort int, quiet string, bar float64) *measurement {
	benchmark := func(way string) func(testing.TB, plan) (float64, error) {
		name := fmt.Sprintf("BenchmarkConference/%d members/complexity %d/%s/%s", members, effort, quiet, way)
		return func(_ testing.TB, p plan) (float64, error) {
			// Both ways get the same words: what an encoder does depends on them.
			count := int(p.seconds / audio.Duration(frameSamples))
			if members > 10 {
				count /= 2 // the naive way takes long
			}
			return codecSide(name, count)
		}
	}
	name := fmt.Sprintf("codec, room of %d, complexity %d", members, effort)
	if quiet == "silence" {
		name += ", silence"
	}
	return &measurement{
		row:  row{Name: name, Other: roleNaive, Bar: bar},
		ours: benchmark("ours"), other: benchmark("naive"),
	}
}

// callRow is calls over gRPC, so many to ours and so many to the other.
func callRow(name, role string, bar float64, calls, others swarm.Config) *measurement {
	return &measurement{
		row: row{Name: name, Other: role, Bar: bar, AtMost: role == roleBare},
		ours: func(tb testing.TB, p plan) (float64, error) {
			tb.Helper()
			return call(tb, startOurs(tb), calls, p)
		},
		other: func(tb testing.TB, p plan) (float64, error) {
			tb.Helper()
			return call(tb, startOther(tb, role), others, p)
		},
	}
}

// call makes the calls, ends the server and returns its processor time for a call
// and frame in microseconds.
func call(tb testing.TB, server *process, cfg swarm.Config, p plan) (float64, error) {
	tb.Helper()
	cfg.Calls, cfg.Rooms = max(1, cfg.Calls/p.share), max(1, cfg.Rooms/p.share)
	cfg.Duration, cfg.Ramp = p.seconds, min(ramp, p.seconds)
	r, err := swarm.Run(tb.Context(), load20ms(server, cfg))
	server.stop()
	switch {
	case err != nil:
		return 0, err
	case r.ServerCPU == nil:
		return 0, fmt.Errorf("the processor time of the server at %s is not known", server.address)
	case p.judge && server.lowered > 0:
		return r.ServerCPU.USPerFrame, errLowered
	}
	return r.ServerCPU.USPerFrame, nil
}

// errLowered comes with a figure that is too low.
var errLowered = errors.New("the server lowered its encoders' effort: is the machine busy?")

// load20ms completes what a swarm is to do: phones of this product, with frames of
// 20 ms, each on a connection of its own. Who says nothing sends the noise of a
// room, so that every leg carries a frame both ways in each tick.
func load20ms(server *process, cfg swarm.Config) swarm.Config {
	cfg.Server, cfg.Connect = server.address, phone.Connect
	cfg.Speakers, cfg.Streams = 3, 1
	cfg.Codec, cfg.Options = opus.Codec{}, codec.Options{Complexity: 9, FrameSamples: frameSamples}
	return cfg
}

// TestTheServersToCompareWithWork holds the comparison honest: a naive server that
// mixes wrongly, or an echo that loses frames, would be cheap.
func TestTheServersToCompareWithWork(t *testing.T) {
	for name, tc := range map[string]struct {
		role  string
		calls swarm.Config
	}{
		"the naive server mixes": {roleNaive, swarm.Config{Destination: "room/x", Calls: 6, Rooms: 2, Talkers: 2}},
		"the bare echo echoes":   {roleBare, swarm.Config{Destination: "echo", Calls: 4, Rooms: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := attempt(t, name, func() (swarm.Report, error) {
				server := startOther(t, tc.role)
				defer server.stop()
				cfg := load20ms(server, tc.calls)
				cfg.Duration = 3500 * time.Millisecond
				r, err := swarm.Run(t.Context(), cfg)
				if err == nil && (r.Verified+r.Windows == 0 || r.Received == 0 || r.ServerCPU == nil) {
					err = fmt.Errorf("nothing was verified or measured: %+v", r)
				}
				return r, err
			}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTheTableIsFormedFromItsFigures(t *testing.T) {
	result := &table{Runs: 3, Seconds: 8, Machine: machine{CPU: "Z80", Cores: 2, Go: "go1", Libopus: "1.3", Others: 0.25}, Rows: []*row{
		{Name: "room", Other: roleNaive, Ours: []float64{12, 8, 10}, Their: []float64{180, 200, 190}, Bar: 18},
		{Name: "pair", Other: roleNaive, Ours: []float64{50, 40}, Their: []float64{180, 180}, Bar: 6},
		{Name: "echo", Other: roleBare, Ours: []float64{42}, Their: []float64{40}, Bar: 1.3, AtMost: true},
		{Name: "free", Other: roleNaive, Ours: []float64{100}, Their: []float64{200}},
		{Name: "late", Other: roleNaive, Ours: []float64{20}, Their: []float64{200}, Bar: 6, Lowered: 1},
		{Name: "none", Other: roleNaive, Bar: 6},
	}}
	const want = `processor time of a leg in 20 ms, µs: median (least to most) of 3 runs of 8 s each
Z80, 2 cores; go1; libopus 1.3; meanwhile others used 0.25 cores, 0.00 were not to be had

                     ours                    beside  times           bar  legs a core
room  10.0 (8.00 to 12.0)    naive 190 (180 to 200)  19.00  >= 18.0 PASS         2000
pair  45.0 (40.0 to 50.0)    naive 180 (180 to 180)   4.00   >= 6.0 FAIL          444
echo  42.0 (42.0 to 42.0)  bare 40.0 (40.0 to 40.0)   1.05   <= 1.3 PASS          476
free     100 (100 to 100)    naive 200 (200 to 200)   2.00                        200
late  20.0 (20.0 to 20.0)    naive 200 (200 to 200)  10.00   >= 6.0 FAIL         1000
none                    -                   naive -   0.00   >= 6.0 FAIL            -

late: in 1 of 1 measurements the server lowered its effort, and did too little
legs a core: what one core holds of ours if it does nothing else
`
	if got := result.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTheProcessorTimeOfABenchmarkIsFound(t *testing.T) {
	const line = "BenchmarkConference/10_members/ours-2 \t 400\t 772809 ns/op\t 76.77 cpu-µs/leg-frame\t 758 B/op\nPASS\n"
	if us, err := metric(line); err != nil || us != 76.77 {
		t.Errorf("%v, %v", us, err)
	}
	if _, err := metric("PASS\n"); err == nil {
		t.Error("a benchmark that did not run has a figure")
	}
	const want = "^B$/^2_members$/^ours$"
	if got := benchmarkPattern("B/2 members/ours"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if strings.Count(benchmarkPattern("a"), "/") != 0 {
		t.Error("a name without parts got one")
	}
}
