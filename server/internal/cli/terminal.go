package cli

import (
	"os"

	"github.com/mattn/go-isatty"
)

// terminal is where the server was started by hand. SIGHUP from a window that
// was closed means its end, any other a reload.
type terminal struct {
	files []*os.File // those that were terminals at the start
}

func newTerminal(files ...*os.File) *terminal {
	t := &terminal{}
	for _, f := range files {
		if isatty.IsTerminal(f.Fd()) {
			t.files = append(t.files, f)
		}
	}
	return t
}

// gone reports that there was a terminal and is none any more.
func (t *terminal) gone() bool {
	for _, f := range t.files {
		if isatty.IsTerminal(f.Fd()) {
			return false
		}
	}
	return len(t.files) > 0
}
