package tui

import (
	"fmt"
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
		key := p.st.key.Render(fmt.Sprint(r.number))
		if r.number == 0 {
			key = p.st.key.Render("r")
		}
		out[at] += pad(key+"  "+r.text(), column)
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

// idleBlocks take the place of the figures while there is no call.
func (m *model) idleBlocks() []block {
	rows := make([]dialRow, 0, 10)
	for i, c := range m.dir.Favourites[:min(9, len(m.dir.Favourites))] {
		rows = append(rows, dialRow{number: i + 1, name: clean(c.Name), destination: clean(c.Destination)})
	}
	if len(m.dir.Recent) > 0 {
		c := m.dir.Recent[0]
		rows = append(rows, dialRow{name: either(c.Name == "", "again", clean(c.Name)), destination: clean(c.Destination)})
	}
	if len(rows) == 0 {
		return nil
	}
	return []block{{blank{}, claimBlank}, {speedDial{&m.styles, rows}, claimDelay}}
}
