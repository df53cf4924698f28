//go:build linux && !race

package desk

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/creack/pty"
)

// subject is a program that is being measured.
type subject struct {
	pid  int
	end  func()
	only func()    // ends another of its kind, with which it shares memory; nil: there is none
	term *terminal // nil without a screen
}

// bare is the pair of devices.
func (r *rig) bare(t *testing.T) *subject {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(r.environment(t), roleVariable+"="+roleBare)
	cmd.Stderr = os.Stderr
	end := begin(t, cmd, nil)
	r.hears(t, "the bare pair")
	return &subject{pid: cmd.Process.Pid, end: end}
}

func (r *rig) softphone(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(filepath.Join(programs, "softphone"), append(args, "--server", r.address, "--period", period.String())...)
	cmd.Env = r.environment(t)
	return cmd
}

// call is a call without a screen.
func (r *rig) call(t *testing.T) *subject {
	t.Helper()
	cmd := r.softphone(t, "call", "echo")
	end := begin(t, cmd, nil)
	r.hears(t, "softphone call")
	return &subject{pid: cmd.Process.Pid, end: end}
}

// screen is the softphone in a terminal, in a call to echo or idle.
func (r *rig) screen(columns, rows uint16, inCall bool) func(t *testing.T) *subject {
	return func(t *testing.T) *subject {
		t.Helper()
		ours, theirs, err := pty.Open()
		if err != nil {
			t.Fatal(err)
		}
		if err := pty.Setsize(ours, &pty.Winsize{Rows: rows, Cols: columns}); err != nil {
			t.Fatal(err)
		}
		term := &terminal{tty: ours}
		cmd := r.softphone(t)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs, theirs, theirs
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		var reading sync.WaitGroup
		reading.Go(term.read)
		stop := begin(t, cmd, nil)
		end := sync.OnceFunc(func() {
			stop()
			_ = theirs.Close()
			_ = ours.Close()
			reading.Wait()
		})
		t.Cleanup(end)
		waitFor(t, "the screen", func() bool { return term.shows("idle") })
		if inCall {
			if _, err := io.WriteString(ours, "d"); err != nil {
				t.Fatal(err)
			}
			waitFor(t, "a call on the screen", func() bool { return term.shows("live") })
			r.hears(t, "the screen's call")
		}
		return &subject{pid: cmd.Process.Pid, end: end, term: term}
	}
}

// terminal reads what is drawn.
type terminal struct {
	tty   *os.File
	bytes atomic.Int64

	mu   sync.Mutex
	text strings.Builder // the first of it
}

func (s *terminal) read() {
	const enough = 1 << 18
	buf := make([]byte, 64<<10)
	for {
		n, err := s.tty.Read(buf)
		s.bytes.Add(int64(n))
		s.mu.Lock()
		if s.text.Len() < enough {
			s.text.Write(buf[:n])
		}
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// written is how many bytes were, 0 without a terminal.
func (s *terminal) written() int64 {
	if s == nil {
		return 0
	}
	return s.bytes.Load()
}

func (s *terminal) shows(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Contains(strings.ToLower(ansi.Strip(s.text.String())), text)
}
