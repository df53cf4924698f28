package tui

import (
	"fmt"
	"slices"
	"strings"
)

// fit renders the blocks and empties those that a height has no room for.
func fit(blocks []block, width, height int) []string {
	texts := make([]string, len(blocks))
	total := 0
	for i, b := range blocks {
		texts[i] = b.panel.Render(width)
		total += lines(texts[i])
	}
	for total > height {
		least := -1
		for i, b := range blocks {
			if texts[i] != "" && (least < 0 || b.claim <= blocks[least].claim) {
				least = i
			}
		}
		if least < 0 {
			break
		}
		had := lines(texts[least])
		texts[least] = stretch(blocks[least], width, had-min(had, total-height))
		total -= had - lines(texts[least])
	}
	for i, b := range blocks {
		if texts[i] != "" && total < height {
			had := lines(texts[i])
			if _, ok := b.panel.(elastic); ok {
				texts[i] = stretch(b, width, had+height-total)
			}
			total += lines(texts[i]) - had
		}
	}
	return texts
}

// stretch renders a block in so many lines at most, where it can do with them.
func stretch(b block, width, lines int) string {
	e, ok := b.panel.(elastic)
	if !ok || lines == 0 {
		return ""
	}
	return e.RenderIn(width, lines)
}

func lines(text string) int {
	if text == "" {
		return 0
	}
	return 1 + strings.Count(text, "\n")
}

// window is as many rows from one on as there is room for. Where some follow, the
// last says how many, and how to come to them.
func (st *styles) window(rows []string, from, room, width int) []string {
	from = min(from, len(rows))
	shown := slices.Clone(rows[from:min(from+max(room, 0), len(rows))])
	if rest := len(rows) - from - len(shown); rest > 0 && len(shown) > 0 {
		shown[len(shown)-1] = cut(st.dim.Render(fmt.Sprintf("%d more lines: ", rest+1))+st.key.Render("down pgdown"), width)
	}
	return shown
}
