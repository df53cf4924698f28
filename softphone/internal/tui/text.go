package tui

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"callcenter/softphone/internal/printable"
)

// unknown stands for what was not measured yet.
const unknown = "–"

// clean makes a text from outside safe to draw, and bounds it.
func clean(s string) string { return printable.Clean(s) }

// narrowRune reports a character that takes one cell in every terminal and joins
// no other.
func narrowRune(r rune) bool {
	switch {
	case r < ' ', r == 0x7f:
		return false
	case r < 0x7f:
		return true
	case r < 0xa1, r == 0xad, r == '©', r == '®':
		return false
	case r < 0x300: // Latin
		return true
	case r >= 0x2500 && r < 0x25e6: // lines, blocks and shapes
		return r != '▪' && r != '▫' && r != '▶' && r != '◀'
	}
	return r == '…' || r == '–' || r == '✗' || r == '✓'
}

// span is how many cells s takes, which may hold styles. Most texts are of
// characters that need no table.
func span(s string) int {
	n := 0
	for i := 0; i < len(s); {
		r, size := rune(s[i]), 1
		switch {
		case r == '\x1b':
			size = escape(s[i:])
			i += size
			continue
		case r >= utf8.RuneSelf:
			r, size = utf8.DecodeRuneInString(s[i:])
		}
		if !narrowRune(r) {
			return ansi.StringWidth(s)
		}
		n++
		i += size
	}
	return n
}

// cut shortens s, which may hold styles, to width cells.
func cut(s string, width int) string {
	if width <= 0 {
		return ""
	}
	if len(s) <= width || span(s) <= width {
		return s
	}
	return ansi.Truncate(s, width, "…")
}

// blanks are n of them.
func blanks(n int) string {
	const some = "                                                                "
	if n <= 0 {
		return ""
	}
	if n <= len(some) {
		return some[:n]
	}
	return strings.Repeat(" ", n)
}

// pad cuts s to width cells and fills it up with blanks.
func pad(s string, width int) string {
	s = cut(s, width)
	return s + blanks(width-span(s))
}

// between sets left and right at the two ends of width cells. When both do
// not fit, left is shortened.
func between(left, right string, width int) string {
	if right == "" {
		return cut(left, width)
	}
	right = cut(right, width)
	return pad(left, width-span(right)) + right
}

// number is a duration in milliseconds: one decimal below 100.
func number(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	if ms < 99.95 {
		return fmt.Sprintf("%.1f", ms)
	}
	return fmt.Sprintf("%.0f", ms)
}

// percent never shows something as nothing.
func percent(p float64, decimals int) string {
	if p >= 99.5 {
		return fmt.Sprintf("%.0f", p)
	}
	if least := map[int]float64{1: 0.05, 2: 0.005}[decimals]; p > 0 && p < least {
		return fmt.Sprintf("<%.*f", decimals, 2*least)
	}
	return fmt.Sprintf("%.*f", decimals, p)
}

// clock is a duration as h:mm:ss.
func clock(d time.Duration) string {
	s := int(max(d, 0) / time.Second)
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}

// wrap breaks a text without styles into lines of width cells at most, between
// words: a flag broken after its first dash would be another one.
func wrap(s string, width int) []string {
	if width <= 0 {
		return nil
	}
	const unbroken = "\u2011" // a dash at which nothing breaks
	lines := strings.Split(ansi.Wrap(strings.ReplaceAll(s, "-", unbroken), width, ""), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(strings.ReplaceAll(lines[i], unbroken, "-"))
	}
	return lines
}
