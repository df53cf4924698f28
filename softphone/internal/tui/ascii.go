package tui

import (
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"callcenter/softphone/internal/printable"
)

// spelling is what stands for a character on a screen of ASCII only, cell for
// cell, so that nothing moves. nil is a screen that may show all characters.
type spelling printable.Spelling

func newSpelling() spelling { return spelling(printable.NewSpelling()) }

// picture writes a picture, which may hold styles, with the characters of ASCII
// only. Every line keeps its width. A sign of omission takes the cell before it
// along: "Hop…" becomes "Ho..".
func (s spelling) picture(picture string) string {
	if s == nil || plainASCII(picture) {
		return picture
	}
	out := make([]byte, 0, len(picture))
	text := false // the last byte is a cell, not the end of a style
	for i := 0; i < len(picture); {
		switch c := picture[i]; {
		case c == '\x1b':
			n := escape(picture[i:])
			out, text = append(out, picture[i:i+n]...), false
			i += n
		case c < utf8.RuneSelf:
			out, text = append(out, c), c > ' '
			i++
		default:
			cluster, width := firstCluster(picture[i:])
			i += len(cluster)
			r, _ := utf8.DecodeRuneInString(cluster)
			if r == '…' && text {
				out[len(out)-1] = '.'
			}
			for k := range width {
				out = append(out, s.cell(r, k))
			}
			text = true
		}
	}
	return string(out)
}

// cell is what the k-th cell of a character shows.
func (s spelling) cell(r rune, k int) byte {
	if k > 0 {
		return ' '
	}
	if b, ok := s[r]; ok {
		return b
	}
	return '?'
}

// firstCluster is the first character of s with its marks, and its cells.
func firstCluster(s string) (cluster string, width int) {
	if r, n := utf8.DecodeRuneInString(s); narrowRune(r) && (n == len(s) || s[n] < utf8.RuneSelf) {
		return s[:n], 1
	}
	return ansi.FirstGraphemeCluster(s, ansi.GraphemeWidth)
}

// plainASCII reports that s has no other characters.
func plainASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// escape is how many bytes the style that s begins with takes.
func escape(s string) int {
	if end := strings.IndexByte(s, 'm'); end >= 0 {
		return end + 1
	}
	return len(s)
}
