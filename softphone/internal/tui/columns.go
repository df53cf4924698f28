package tui

import "strings"

// columns are two lists of blocks side by side, of one width each.
type columns struct{ left, right []block }

// Render implements panel.
func (c columns) Render(width int) string {
	const plenty = 1 << 20
	half := (width - columnGap) / 2
	natural := max(height(fitted(c.left, half, plenty)), height(fitted(c.right, half, plenty)))
	return c.RenderIn(width, natural)
}

// RenderIn implements elastic.
func (c columns) RenderIn(width, most int) string {
	half := (width - columnGap) / 2
	left, right := fitted(c.left, half, most), fitted(c.right, half, most)
	var b strings.Builder
	for i := range max(len(left), len(right)) {
		if i > 0 {
			b.WriteByte('\n')
		}
		line := ""
		if i < len(left) {
			line = left[i]
		}
		if i < len(right) {
			line = pad(line, half) + blanks(columnGap) + right[i]
		}
		b.WriteString(line)
	}
	if b.Len() == 0 {
		return " "
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

func height(lines []string) int { return len(lines) }
