package tui

import (
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"

	"callcenter/softphone/internal/printable"
)

// longestEntry bounds what can be typed or pasted into the dial prompt, in
// characters.
const longestEntry = 128

// pasted makes one line of what was pasted, without what nobody types: control
// and direction characters, pictures. It tells how many characters had no room.
func pasted(runes []rune, room int) (text []rune, over int) {
	const most = 64 << 10 // what is looked at
	if len(runes) > most {
		over, runes = len(runes)-most, runes[:most]
	}
	s := strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.So, unicode.Sk, unicode.Co) || r == '\u200d' {
			return -1
		}
		return r
	}, printable.Drawable(ansi.Strip(string(runes))))
	text = []rune(strings.Join(strings.Fields(s), " "))
	if len(text) > room {
		over += len(text) - room
		text = text[:room]
	}
	return text, over
}
