package tui

import (
	"strconv"
	"strings"

	"github.com/charmbracelet/lipgloss"
)

// speedDial is whom one key calls, shown while there is no call.
type speedDial struct {
	st   *styles
	rows []dialRow
}

// Render implements panel: in columns where there is room for them.
func (p speedDial) Render(width int) string {
	if len(p.rows) == 0 {
		return ""
	}
	widest := 0
	for _, r := range p.rows {
		widest = max(widest, lipgloss.Width(r.text()))
	}
	column := min(widest+7, width)
	columns := max(width/column, 1)
	lines := (len(p.rows) + columns - 1) / columns
	out := make([]string, lines)
	for i, r := range p.rows {
		at := i % lines
		text := r.name
		if r.name == "" {
			text = r.destination
		} else if r.destination != "" {
			text += "  " + p.st.dim.Render(r.destination)
		}
		out[at] += pad(p.st.key.Render(r.key())+"  "+text, column)
	}
	return cut(p.st.strong.Render("One key dials"), width) + "\n" + strings.Join(out, "\n")
}

// text is a contact in a few words.
func (r dialRow) text() string {
	if r.name == "" {
		return r.destination
	}
	return r.name + "  " + r.destination
}

// key is the key that calls a row of the idle screen.
func (r dialRow) key() string {
	switch {
	case r.number > 0:
		return strconv.Itoa(r.number)
	case r.kind == "recent":
		return "r"
	}
	return "d"
}

// idleBlocks take the place of the figures while there is no call. After one, who
// has no favourites and no history sees the figures of that.
func (m *model) idleBlocks() []block {
	if len(m.dir.Favourites)+len(m.dir.Recent) == 0 && m.snap.Duration > 0 {
		return nil
	}
	rows := make([]dialRow, 1, 11)
	rows[0] = dialRow{destination: m.fallback()}
	for i, c := range m.dir.Favourites[:min(9, len(m.dir.Favourites))] {
		rows = append(rows, dialRow{number: i + 1, name: clean(c.Name), destination: clean(c.Destination)})
	}
	if len(m.dir.Recent) > 0 {
		c := m.dir.Recent[0]
		rows = append(rows, dialRow{kind: "recent", name: either(c.Name == "", "again", clean(c.Name)), destination: clean(c.Destination)})
	}
	return []block{{blank{}, claimBlank}, {speedDial{&m.styles, rows}, claimDelay}}
}
