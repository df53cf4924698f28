package tui

import "strings"

// columns are two lists of blocks side by side: of one width each, unless the left
// one would be too narrow for the names of its figures.
type columns struct {
	left, right []block
	lines       int // that there is room for
}

// Render implements panel.
func (c columns) Render(width int) string { return c.RenderIn(width, c.lines) }

// RenderIn implements elastic. It takes all the lines, so that it is asked once.
func (c columns) RenderIn(width, most int) string {
	half := max((width-columnGap)/2, roomy-2)
	left, right := fitted(c.left, half, most), fitted(c.right, width-columnGap-half, most)
	var b strings.Builder
	for i := range most {
		if i > 0 {
			b.WriteByte('\n')
		}
		line := ""
		if i < len(left) {
			line = left[i]
		}
		b.WriteString(line)
		if i < len(right) {
			b.WriteString(blanks(half + columnGap - span(line)))
			b.WriteString(right[i])
		}
		if i == 0 && b.Len() == 0 {
			b.WriteByte(' ') // a text of nothing is no panel
		}
	}
	return b.String()
}

// fitted are the lines of blocks in so many of them.
func fitted(blocks []block, width, most int) []string {
	var out []string
	for _, text := range fit(blocks, width, most) {
		if text != "" {
			out = append(out, strings.Split(text, "\n")...)
		}
	}
	return out
}
