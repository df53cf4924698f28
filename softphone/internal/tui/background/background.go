// Package background keeps the start of the softphone from asking the terminal
// for its background colour. Bubble Tea v1 asks in its own init, with escape
// sequences on standard output, and waits up to five seconds for a terminal
// that does not answer, in every command that links it. A background that is
// set already is not asked for.
//
// Go initialises packages in the order of their import paths once their imports
// are ready (Go 1.21), so this package, which needs no more than Bubble Tea
// does and sorts before it, comes first; a test holds that.
package background

import (
	"os"
	"strconv"
	"strings"

	"github.com/charmbracelet/lipgloss"
)

func init() { //nolint:gochecknoinits // it must come before Bubble Tea's
	lipgloss.SetHasDarkBackground(Dark(os.Getenv("COLORFGBG")))
}

// Dark reports whether a terminal whose COLORFGBG is value has a dark
// background. Without a value it is taken to be dark; the screen's colours can
// be read on both.
func Dark(value string) bool {
	parts := strings.Split(value, ";")
	n, err := strconv.Atoi(parts[len(parts)-1])
	if err != nil {
		return true
	}
	return n != 7 && (n < 9 || n > 15)
}
