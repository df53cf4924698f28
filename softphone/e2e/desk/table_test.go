//go:build linux && !race

package desk

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// The rows, by name.
const (
	rowBare   = "bare pair"
	rowCall   = "softphone call"
	rowSmall  = "softphone 80x24"
	rowLarge  = "softphone 120x40"
	rowIdle   = "softphone idle"
	rowMumble = "Mumble"
)

// The bars.
const (
	mostAdded   = 1.5 // seconds a minute that the screen's call may cost beyond the bare pair
	mostDrawing = 0.6 // seconds a minute: 1 % of a core
	mostIdle    = 0.3 // seconds a minute, half a percent of a core: the clock of the screen
)

// row is what was measured of one program, a figure for each run.
type row struct {
	Name    string    `json:"name"`
	CPU     []float64 `json:"cpu_s_per_minute,omitempty"`
	Memory  []memory  `json:"memory,omitempty"`
	Written []float64 `json:"terminal_bytes_per_s,omitempty"`
	Missing string    `json:"missing,omitempty"` // why there are none
}

func (r *row) cpu() float64 { return median(r.CPU) }

func (r *row) resident() float64 { return r.memory(func(m memory) float64 { return m.Resident }) }

func (r *row) share() float64 { return r.memory(func(m memory) float64 { return m.Share }) }

func (r *row) memory(of func(memory) float64) float64 {
	var all []float64
	for _, m := range r.Memory {
		all = append(all, of(m))
	}
	return median(all)
}

// table is the whole result.
type table struct {
	Runs    int     `json:"runs"`
	Seconds float64 `json:"seconds"`
	Rows    []*row  `json:"rows"`
	Bars    []bar   `json:"bars,omitempty"`
}

// bar is a figure and what it may be at most.
type bar struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Most  float64 `json:"most"`
}

func (b *bar) passes() bool { return b.Value <= b.Most }

func (t *table) row(name string) *row {
	for _, r := range t.Rows {
		if r.Name == name && len(r.CPU) > 0 {
			return r
		}
	}
	return nil
}

// judge fills in the bars whose rows were measured.
func (t *table) judge() {
	add := func(name string, value, most float64) { t.Bars = append(t.Bars, bar{name, value, most}) }
	pair, call, small, large := t.row(rowBare), t.row(rowCall), t.row(rowSmall), t.row(rowLarge)
	idle, mumble := t.row(rowIdle), t.row(rowMumble)
	if pair != nil && small != nil {
		add("beyond the bare pair, 80x24, CPU s/min", small.cpu()-pair.cpu(), mostAdded)
	}
	if pair != nil && large != nil {
		add("beyond the bare pair, 120x40, CPU s/min", large.cpu()-pair.cpu(), mostAdded)
	}
	if call != nil && small != nil {
		add("drawing 80x24, CPU s/min", max(0, small.cpu()-call.cpu()), mostDrawing)
	}
	if call != nil && large != nil {
		add("drawing 120x40, CPU s/min", max(0, large.cpu()-call.cpu()), mostDrawing)
	}
	if idle != nil {
		add("idle, CPU s/min", idle.cpu(), mostIdle)
		add("idle, bytes written", slices.Max(idle.Written), 0)
	}
	if mumble != nil && large != nil {
		add("memory beside Mumble's, resident MB", large.resident(), mumble.resident())
		add("memory beside Mumble's, share MB", large.share(), mumble.share())
	}
}

// String is the table for people.
func (t *table) String() string {
	cells := [][]string{{"", "CPU s/min", "resident", "share", "private MB", "terminal B/s"}}
	for _, r := range t.Rows {
		line := []string{r.Name, r.Missing, "", "", "", ""}
		if len(r.CPU) > 0 {
			line[1] = figure(r.CPU)
			line[2], line[3] = fmt.Sprintf("%.1f", r.resident()), fmt.Sprintf("%.1f", r.share())
			line[4] = fmt.Sprintf("%.1f", r.memory(func(m memory) float64 { return m.Private }))
			if len(r.Written) > 0 {
				line[5] = fmt.Sprintf("%.0f", median(r.Written))
			}
		}
		cells = append(cells, line)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "the whole softphone on this computer: median (least to most) of %d runs of %.3g s each\n\n", t.Runs, t.Seconds)
	align(&b, cells)
	if len(t.Bars) > 0 {
		b.WriteString("\n")
		cells = nil
		for _, bar := range t.Bars {
			word := "PASS"
			if !bar.passes() {
				word = "FAIL"
			}
			cells = append(cells, []string{bar.Name, fmt.Sprintf("%.2f", bar.Value), fmt.Sprintf("<= %.2f", bar.Most), word})
		}
		align(&b, cells)
	}
	return b.String()
}

// align writes cells in columns, the first of which is on the left.
func align(b *strings.Builder, cells [][]string) {
	widths := make([]int, len(cells[0]))
	for _, line := range cells {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, line := range cells {
		for i, cell := range line {
			gap := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				b.WriteString(cell + gap)
			} else {
				b.WriteString("  " + gap + cell)
			}
		}
		b.WriteString("\n")
	}
}

// figure is a median with its range.
func figure(values []float64) string {
	if len(values) == 1 {
		return fmt.Sprintf("%.2f", values[0])
	}
	return fmt.Sprintf("%.2f (%.2f-%.2f)", median(values), slices.Min(values), slices.Max(values))
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	if n := len(sorted); n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}
