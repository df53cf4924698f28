// Package destination tells whether a text can be a destination of a call, and
// what is wrong with one that cannot, before anybody is called. The screen's dial
// prompt and the line mode call it. Its functions are pure.
package destination

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// longestRoom is how long the name of a room may be.
const longestRoom = 64

var roomName = regexp.MustCompile(`^[a-z0-9._-]+$`)

// Fault says why an entry can be no destination, and what can; "" if it can. The
// server's word is the last one.
func Fault(entry string) string {
	name, room := strings.CutPrefix(entry, "room/")
	switch {
	case entry == "echo", entry == "tone":
		return ""
	case !room:
		return fmt.Sprintf("%q is no destination: type echo, tone or room/NAME.", ansi.Truncate(entry, 32, "…"))
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

// Begun reports that an entry is the beginning of a destination.
func Begun(entry string) bool {
	for _, d := range []string{"echo", "tone", "room/"} {
		if strings.HasPrefix(d, entry) {
			return true
		}
	}
	return false
}
