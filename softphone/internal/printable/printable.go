// Package printable makes texts from outside, such as names that a server tells,
// safe to print for an operator: nothing in them moves the cursor, colours,
// reverses or stretches what is around them. The screen and the line mode call it.
// Its functions are pure and safe for concurrent use.
package printable

import (
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// Longest is how many characters of a text from outside are kept.
const Longest = 512

// Clean makes a text from outside one safe line, see Drawable, without escape
// sequences and blanks around it, of at most 512 characters.
func Clean(s string) string {
	if len(s) > 4*Longest {
		s = s[:4*Longest]
	}
	s = strings.TrimSpace(Drawable(ansi.Strip(s)))
	if r := []rune(s); len(r) > Longest {
		return string(r[:Longest])
	}
	return s
}

var (
	// prepend are the graphic characters that make one with what follows, a blank
	// too: of the class Prepend in Unicode 16, UAX #29.
	prepend = &unicode.RangeTable{
		R16: []unicode.Range16{{Lo: 0x0d4e, Hi: 0x0d4e, Stride: 1}},
		R32: []unicode.Range32{
			{Lo: 0x111c2, Hi: 0x111c3, Stride: 1},
			{Lo: 0x113d1, Hi: 0x113d1, Stride: 1},
			{Lo: 0x1193f, Hi: 0x11941, Stride: 2},
			{Lo: 0x11a3a, Hi: 0x11a3a, Stride: 1},
			{Lo: 0x11a84, Hi: 0x11a89, Stride: 1},
			{Lo: 0x11d46, Hi: 0x11d46, Stride: 1},
			{Lo: 0x11f02, Hi: 0x11f02, Stride: 1},
		},
	}
	// extend are those that are no marks (M) and make one with what is before, as
	// marks do: of the classes Extend and SpacingMark there.
	extend = &unicode.RangeTable{
		R16: []unicode.Range16{{Lo: 0x0e33, Hi: 0x0eb3, Stride: 0x80}, {Lo: 0xff9e, Hi: 0xff9f, Stride: 1}},
		R32: []unicode.Range32{{Lo: 0x1f3fb, Hi: 0x1f3ff, Stride: 1}},
	}
)

// Drawable leaves out control, formatting and direction characters, selectors
// and joining letters whose width terminals disagree about, and all combining marks
// but two on each character. White space of any kind becomes a blank.
func Drawable(s string) string {
	const most = 2
	marks := most // on nothing there are none
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			marks = most
			return ' '
		case unicode.In(r, unicode.Variation_Selector, prepend), r == unicode.ReplacementChar, !unicode.IsGraphic(r):
			return -1
		}
		if !unicode.In(r, unicode.M, extend) {
			marks = 0
		} else if marks++; marks > most {
			return -1
		}
		return r
	}, s)
}

// Spelling is what stands for a character where there are those of ASCII only,
// one for one. A character that it does not know is a question mark there.
type Spelling map[rune]byte

// NewSpelling returns the spelling of lines, shapes, signs and Latin letters.
func NewSpelling() Spelling {
	all := make(Spelling)
	for from, to := range map[string]byte{
		"·": '.', "─": '-', "│┃▏": '|', "├┤┌┐└┘┬┴┼": '+', "×": 'x', "–—−‐‑": '-',
		"█": '#', "▉▊▋▌▍▎▒░": '=', "▬▭": '=', "╌┄": '-', "━═": '=',
		"▁": '.', "▂": ':', "▃": '-', "▄": '=', "▅": '+', "▆": '*', "▇": '%',
		"◐": '-', "◓": '\\', "◑": '|', "◒": '/', "●★◆■": '*', "○☆◇□": 'o', "✓": 'v', "✗✘": 'x', "•‣∙": '*',
		"→▸▶›»": '>', "←◂◀‹«": '<', "↑▲": '^', "↓▼": 'v',
		"‘’‚′´": '\'', "“”„″": '"', "…": '.', "¡": '!', "¿": '?', "±": '~', "µ": 'u', "°": 'o', "\u00a0": ' ',
		"ÀÁÂÃÄÅĀĂĄÆ": 'A', "àáâãäåāăąæª": 'a', "ÇĆĈĊČ": 'C', "çćĉċč": 'c', "ÐĎĐ": 'D', "ðďđ": 'd',
		"ÈÉÊËĒĔĖĘĚ": 'E', "èéêëēĕėęě": 'e', "ĜĞĠĢ": 'G', "ĝğġģ": 'g', "ĤĦ": 'H', "ĥħ": 'h',
		"ÌÍÎÏĨĪĬĮİ": 'I', "ìíîïĩīĭįı": 'i', "Ĵ": 'J', "ĵ": 'j', "Ķ": 'K', "ķĸ": 'k', "ĹĻĽĿŁ": 'L', "ĺļľŀł": 'l',
		"ÑŃŅŇŊ": 'N', "ñńņňŉŋ": 'n', "ÒÓÔÕÖØŌŎŐŒ": 'O', "òóôõöøōŏőœº": 'o', "ŔŖŘ": 'R', "ŕŗř": 'r',
		"ŚŜŞŠȘ": 'S', "śŝşšßſș": 's', "ŢŤŦȚÞ": 'T', "ţťŧțþ": 't', "ÙÚÛÜŨŪŬŮŰŲ": 'U', "ùúûüũūŭůűų": 'u',
		"Ŵ": 'W', "ŵ": 'w', "ÝŶŸ": 'Y', "ýÿŷ": 'y', "ŹŻŽ": 'Z', "źżž": 'z',
	} {
		for _, r := range from {
			all[r] = to
		}
	}
	return all
}

// Text is s, a clean line, with the characters of ASCII only. Marks over letters
// go. A nil Spelling leaves it as it is.
func (sp Spelling) Text(s string) string {
	if sp == nil {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch b, ok := sp[r]; {
		case r < unicode.MaxASCII:
			return r
		case ok:
			return rune(b)
		case unicode.Is(unicode.M, r):
			return -1
		}
		return '?'
	}, s)
}
