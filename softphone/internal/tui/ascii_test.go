package tui

import (
	"iter"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
)

// stages are the models of all scenes, by name.
func stages() iter.Seq2[string, *model] {
	return func(yield func(string, *model) bool) {
		for _, s := range scenes() {
			if !yield(s.name, s.stage()) {
				return
			}
		}
		for _, s := range deskScenes() {
			if !yield(s.name, s.stage()) {
				return
			}
		}
	}
}

func TestOnAScreenOfASCIIThereIsNothingElse(t *testing.T) {
	for name, m := range stages() {
		for _, size := range [][2]int{{1, 1}, {12, 5}, {30, 8}, {40, 12}, {60, 20}, {80, 24}, {120, 40}, {200, 60}} {
			m.ascii = nil
			m.Update(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
			whole := m.View()
			m.ascii = newSpelling()
			view := m.View()
			for i := range len(view) {
				if b := view[i]; b != '\n' && (b < ' ' || b > '~') {
					t.Fatalf("%s at %v holds %#x:\n%s", name, size, b, view)
				}
			}
			lines, asciiLines := strings.Split(whole, "\n"), strings.Split(view, "\n")
			for i := range lines {
				if span(lines[i]) != span(asciiLines[i]) {
					t.Errorf("%s at %v, line %d: %d cells became %d:\n%s\n%s", name, size, i, span(lines[i]), span(asciiLines[i]), lines[i], asciiLines[i])
				}
			}
		}
	}
}

func TestASCIIIsSpeltCellForCell(t *testing.T) {
	for from, want := range map[string]string{
		"":                               "",
		"plain":                          "plain",
		"Grace Hop… ███▍·":               "Grace Ho.. ###=.",
		"a \x1b[1m…\x1b[0m":              "a \x1b[1m.\x1b[0m",
		"…":                              ".",
		"Zoë Müller–Łuk 3 × 10 µs":       "Zoe Muller-Luk 3 x 10 us",
		"日本 x":                           "? ?  x",
		"e\u0301a\u0300x":                "eax",
		"\x1b[38;2;1;2;3m●\x1b[0m ○ ✓ ✗": "\x1b[38;2;1;2;3m*\x1b[0m o v x",
		"▁▂▃▄▅▆▇█ ├─┤ ┃│": ".:-=+*%# +-+ ||",
	} {
		if got := newSpelling().picture(from); got != want {
			t.Errorf("%q became %q, want %q", from, got, want)
		}
	}
}
