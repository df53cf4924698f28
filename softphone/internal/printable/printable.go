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

// Drawable leaves out control, formatting and direction characters, selectors
// whose width terminals disagree about, and all but two combining marks in a
// row. White space of any kind becomes a blank.
func Drawable(s string) string {
	marks := 0
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			r = ' '
		case unicode.Is(unicode.Variation_Selector, r), r == unicode.ReplacementChar, !unicode.IsGraphic(r):
			return -1
		}
		if !unicode.Is(unicode.M, r) {
			marks = 0
		} else if marks++; marks > 2 {
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
