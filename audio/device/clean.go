package device

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxName is the most characters of a name that reach a screen or a log.
	maxName = 64
	// maxID is the most characters of an id. PulseAudio's go up to 255 bytes,
	// and an id that was cut opens nothing.
	maxID = 256
)

// CleanName makes a name fit for screens and logs: no control characters, no
// terminal escape sequences, at most 64 characters.
func CleanName(s string) string { return clean(s, maxName) }

// clean makes a text from a sound system fit for screens and logs: terminal
// escape sequences, control characters and invisible formatting go, runs of
// white space become one space, and at most limit characters remain.
func clean(s string, limit int) string {
	var b strings.Builder
	n, space := 0, false
	for len(s) > 0 && n < limit {
		if skip := escapeLen(s); skip > 0 {
			s = s[skip:]
			continue
		}
		r, size := utf8.DecodeRuneInString(s)
		s = s[size:]
		switch {
		case unicode.IsSpace(r):
			space = n > 0
			continue
		case r == utf8.RuneError && size == 1, !unicode.IsGraphic(r):
			continue
		}
		if space {
			if n+1 == limit {
				break
			}
			b.WriteByte(' ')
			n++
			space = false
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}

// escapeLen returns the length of the terminal escape sequence that s begins
// with, 0 if it begins with none. A sequence that does not end takes all.
func escapeLen(s string) int {
	if s[0] != 0x1b {
		return 0
	}
	if len(s) == 1 {
		return 1
	}
	switch s[1] {
	case '[': // CSI: up to a final byte
		for i := 2; i < len(s); i++ {
			if s[i] >= 0x40 && s[i] <= 0x7e {
				return i + 1
			}
		}
		return len(s)
	case ']', 'P', '_', '^', 'X': // OSC and other strings: up to BEL or ESC \
		for i := 2; i < len(s); i++ {
			if s[i] == 0x07 {
				return i + 1
			}
			if s[i] == 0x1b && i+1 < len(s) && s[i+1] == '\\' {
				return i + 2
			}
		}
		return len(s)
	}
	return 2
}
