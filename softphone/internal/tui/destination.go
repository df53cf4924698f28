package tui

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// longestEntry bounds what can be typed or pasted into the dial prompt, in
// characters.
const longestEntry = 128

// longestRoom is how long the name of a room may be.
const longestRoom = 64

var roomName = regexp.MustCompile(`^[a-z0-9._-]+$`)

// fault says why an entry can be no destination, and what can; "" if it can. The
// server's word is the last one.
func fault(entry string) string {
	name, room := strings.CutPrefix(entry, "room/")
	switch {
	case entry == "echo", entry == "tone":
		return ""
	case !room:
		return fmt.Sprintf("%q is no destination: type echo, tone or room/NAME.", cut(entry, 32))
	case name == "":
		return "A room needs a name: room/NAME."
	case len(name) > longestRoom:
		return fmt.Sprintf("The name of a room has at most %d characters, this one has %d.", longestRoom, len([]rune(name)))
	case roomName.MatchString(name):
		return ""
	}
	odd := strings.IndexFunc(name, func(r rune) bool { return !roomName.MatchString(string(r)) })
	bad := []rune(name[odd:])[0]
	if unicode.IsUpper(bad) && roomName.MatchString(strings.ToLower(name)) {
		return fmt.Sprintf("The name of a room has small letters only: room/%s?", strings.ToLower(name))
	}
	return fmt.Sprintf("The name of a room has a-z 0-9 . _ - only, not %q.", bad)
}

// begun reports that an entry is the beginning of a destination.
func begun(entry string) bool {
	for _, d := range []string{"echo", "tone", "room/"} {
		if strings.HasPrefix(d, entry) {
			return true
		}
	}
	return false
}

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
	}, drawable(ansi.Strip(string(runes))))
	text = []rune(strings.Join(strings.Fields(s), " "))
	if len(text) > room {
		over += len(text) - room
		text = text[:room]
	}
	return text, over
}
