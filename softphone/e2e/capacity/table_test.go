//go:build linux && !race

package capacity

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// frames is how many frames of 20 ms a leg has in the microseconds of a second
// of one core.
const frames = 1e6 / 50

// row is a line of the table: ours beside another way. Figures are microseconds
// of processor time for one leg and frame.
type row struct {
	Name  string    `json:"name"`
	Other string    `json:"other"` // what ours is beside
	Ours  []float64 `json:"ours_us"`
	Their []float64 `json:"other_us"`
	// Lowered is in how many measurements the server made less effort than it
	// should, being late: what it did then was too cheap.
	Lowered int `json:"lowered,omitempty"`
	// Bar is the least that the other may cost as a multiple of ours, or with
	// AtMost the most that ours may as a multiple of the other; 0: any.
	Bar    float64 `json:"bar,omitempty"`
	AtMost bool    `json:"at_most,omitempty"`
}

// ratio is how many times as much the other costs, or with AtMost ours, and 0
// where one was not measured.
func (r *row) ratio() float64 {
	switch {
	case len(r.Ours) == 0 || len(r.Their) == 0:
		return 0
	case r.AtMost:
		return median(r.Ours) / median(r.Their)
	}
	return median(r.Their) / median(r.Ours)
}

// passes reports whether the row meets its bar.
func (r *row) passes() bool {
	switch {
	case r.Bar == 0:
		return true
	case 2*r.Lowered > len(r.Ours):
		return false
	case r.AtMost:
		return 0 < r.ratio() && r.ratio() <= r.Bar
	}
	return r.ratio() >= r.Bar
}

// holds is how many legs of ours one core holds.
func (r *row) holds() string {
	if len(r.Ours) == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f", frames/median(r.Ours))
}

// verdict is the bar and whether it is met.
func (r *row) verdict() string {
	if r.Bar == 0 {
		return ""
	}
	sign, word := ">=", "PASS"
	if r.AtMost {
		sign = "<="
	}
	if !r.passes() {
		word = "FAIL"
	}
	return fmt.Sprintf("%s %.1f %s", sign, r.Bar, word)
}

// table is the whole result.
type table struct {
	Runs    int     `json:"runs"`
	Seconds float64 `json:"seconds"`
	Machine machine `json:"machine"`
	Rows    []*row  `json:"rows"`
}

// String is the table for people.
func (t *table) String() string {
	cells := [][]string{{"", "ours", "beside", "times", "bar", "legs a core"}}
	for _, r := range t.Rows {
		cells = append(cells, []string{
			r.Name, figure(r.Ours), r.Other + " " + figure(r.Their),
			fmt.Sprintf("%.2f", r.ratio()), r.verdict(), r.holds(),
		})
	}
	var b strings.Builder
	fmt.Fprintf(&b, "processor time of a leg in 20 ms, µs: median (least to most) of %d runs of %.3g s each\n%s\n\n", t.Runs, t.Seconds, &t.Machine)
	align(&b, cells)
	for _, r := range t.Rows {
		if r.Lowered > 0 {
			fmt.Fprintf(&b, "\n%s: in %d of %d measurements the server lowered its effort, and did too little", r.Name, r.Lowered, len(r.Ours))
		}
	}
	b.WriteString("\nlegs a core: what one core holds of ours if it does nothing else\n")
	return b.String()
}

// align writes cells in columns, the first of which is on the left.
func align(b *strings.Builder, cells [][]string) {
	widths := make([]int, len(cells[0]))
	for _, line := range cells {
		for i, c := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(c))
		}
	}
	for _, line := range cells {
		var out strings.Builder
		for i, c := range line {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c))
			if i == 0 {
				out.WriteString(c + pad)
			} else {
				out.WriteString("  " + pad + c)
			}
		}
		b.WriteString(strings.TrimRight(out.String(), " ") + "\n")
	}
}

// figure is a median and what it is of.
func figure(all []float64) string {
	if len(all) == 0 {
		return "-"
	}
	return fmt.Sprintf("%s (%s to %s)", short(median(all)), short(slices.Min(all)), short(slices.Max(all)))
}

// last is the newest of all.
func last(all []float64) string {
	if len(all) == 0 {
		return "-"
	}
	return short(all[len(all)-1])
}

// short is a number to three digits.
func short(x float64) string {
	switch {
	case x < 10:
		return fmt.Sprintf("%.2f", x)
	case x < 100:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.0f", x)
}

// median is the middle of all, or the mean of the two in the middle, and 0 of
// none.
func median(all []float64) float64 {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
