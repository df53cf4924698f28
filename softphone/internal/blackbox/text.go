package blackbox

import (
	"strings"
	"unicode"
)

// printable keeps of a text what a terminal shows: lines, and no command to it.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', unicode.IsGraphic(r) && r != unicode.ReplacementChar:
			return r
		case r == '\t':
			return ' '
		}
		return -1
	}, text)
}
