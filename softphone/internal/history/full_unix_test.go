//go:build unix

package history_test

import (
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"callcenter/softphone/internal/history"
)

// A disk that is full for a while costs no call, and is said once. Here no file
// may grow.
func TestWhatADiskHasNoRoomForIsWrittenLater(t *testing.T) {
	path := file(t)
	s, l, end := begin(t, history.Config{Path: path})
	s.Note(past(1))
	waitFor(t, "the first call", func() bool { return len(find(t, path, "")) == 1 })

	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	none := limit
	none.Cur = 1
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &none); err != nil {
		t.Fatal(err)
	}
	for n := 2; n < 9; n++ {
		s.Note(past(n))
	}
	waitFor(t, "a word of it", func() bool { return len(l.said()) > 0 })
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	s.Note(past(9))
	waitFor(t, "all calls", func() bool { return len(find(t, path, "")) == 9 })
	end()
	if said := l.said(); len(said) != 1 || !strings.Contains(said[0], "The history of calls cannot be written, and is tried again: ") {
		t.Errorf("said %q", said)
	}
}
