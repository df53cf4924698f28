package e2e

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/creack/pty"
	"golang.org/x/term"
)

// screen is a softphone in a pseudo-terminal.
type screen struct {
	t    *testing.T
	tty  *os.File // our side
	side *os.File // the softphone's side, kept open to look at its settings
	cmd  *exec.Cmd

	mu   sync.Mutex
	out  strings.Builder // since mark
	all  strings.Builder
	done chan struct{}
}

func startScreen(t *testing.T, env []string, args ...string) *screen {
	t.Helper()
	ours, theirs, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := pty.Setsize(ours, &pty.Winsize{Rows: 24, Cols: 80}); err != nil {
		t.Fatal(err)
	}
	s := &screen{t: t, tty: ours, side: theirs, done: make(chan struct{})}
	s.cmd = softphone(t.Context(), t, env, args...)
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = theirs, theirs, theirs
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go s.read()
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		_ = theirs.Close()
		_ = ours.Close()
		<-s.done
	})
	return s
}

func (s *screen) read() {
	defer close(s.done)
	buf := make([]byte, 4096)
	for {
		n, err := s.tty.Read(buf)
		s.mu.Lock()
		s.out.Write(buf[:n])
		s.all.Write(buf[:n])
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// keys types, after which only what is drawn from then on counts.
func (s *screen) keys(text string) {
	s.t.Helper()
	s.mu.Lock()
	s.out.Reset()
	s.mu.Unlock()
	if _, err := io.WriteString(s.tty, text); err != nil {
		s.t.Fatal(err)
	}
}

// shows waits until the text was drawn.
func (s *screen) shows(text string) {
	s.t.Helper()
	waitFor(s.t, "the screen to show "+text, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return strings.Contains(strings.ToLower(ansi.Strip(s.out.String())), strings.ToLower(text))
	})
}

// raw is everything that was written to the terminal.
func (s *screen) raw() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.String()
}

// cooked reports that the terminal echoes and edits lines again.
func (s *screen) cooked(before *term.State) bool {
	now, err := term.GetState(int(s.side.Fd()))
	return err == nil && *now == *before
}

func TestTheScreenDialsMutesHangsUpAndQuits(t *testing.T) {
	srv := startServer(t)
	s := startScreen(t, nil, "--server", srv.address, "--capture", "tone:440", "--playback", "null")
	s.shows("idle")
	s.keys("d")
	s.shows("live")
	s.shows("dBFS")
	waitFor(t, "the call to start", func() bool { return len(srv.entries("call started")) == 1 })
	s.keys("m")
	s.shows("muted")
	s.keys("m")
	s.keys("q")
	s.shows("y")
	s.keys("n")
	s.keys("h")
	s.shows("ended")
	waitFor(t, "the server's account", func() bool { return len(srv.entries("call ended")) == 1 })
	s.keys("q")
	if err := s.cmd.Wait(); err != nil {
		t.Fatalf("the softphone ended with %v", err)
	}
}

func TestAServerThatIsDownIsASentenceOnTheScreen(t *testing.T) {
	s := startScreen(t, nil, "--server", "127.0.0.1:1", "--capture", "null", "--playback", "null")
	s.shows("idle")
	s.keys("d")
	s.shows("cannot be reached")
	s.keys("q")
	if err := s.cmd.Wait(); err != nil {
		t.Fatalf("the softphone ended with %v", err)
	}
}

func TestTheTerminalIsRestoredHoweverTheSoftphoneEnds(t *testing.T) {
	tests := map[string]func(*screen){
		"by q":        func(s *screen) { s.keys("q") },
		"by SIGTERM":  func(s *screen) { _ = s.cmd.Process.Signal(syscall.SIGTERM) },
		"by SIGKILL":  func(s *screen) { _ = s.cmd.Process.Kill() },
		"by a fault":  func(s *screen) { _ = s.cmd.Process.Signal(syscall.SIGSEGV) },
		"by an abort": func(s *screen) { _ = s.cmd.Process.Signal(syscall.SIGABRT) },
	}
	for name, end := range tests {
		t.Run(name, func(t *testing.T) {
			ours, theirs, err := pty.Open()
			if err != nil {
				t.Fatal(err)
			}
			before, err := term.GetState(int(theirs.Fd()))
			if err != nil {
				t.Fatal(err)
			}
			_ = ours.Close()
			_ = theirs.Close()
			s := startScreen(t, nil, "--capture", "null", "--playback", "null")
			s.shows("idle")
			end(s)
			_ = s.cmd.Wait()
			waitFor(t, "the terminal's settings", func() bool { return s.cooked(before) })
			waitFor(t, "the main screen", func() bool {
				raw := s.raw()
				return strings.LastIndex(raw, "\x1b[?1049l") > strings.LastIndex(raw, "\x1b[?1049h") &&
					strings.LastIndex(raw, "\x1b[?25h") > strings.LastIndex(raw, "\x1b[?25l")
			})
			if strings.Contains(s.raw(), "goroutine ") {
				t.Errorf("a stack trace is on the terminal:\n%s", s.raw())
			}
		})
	}
}
