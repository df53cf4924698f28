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

// The whole of a shift, in a terminal, with the real server: every key of a call.
func TestTheDeskFromDialToQuit(t *testing.T) {
	srv := startServer(t)
	s := startScreen(t, nil, "--server", srv.address, "--capture", "tone:440", "--playback", "null")
	started := func(n int, destination string) {
		t.Helper()
		s.shows("live")
		waitFor(t, "the call to "+destination, func() bool {
			calls := srv.entries("call started")
			return len(calls) == n && calls[n-1]["destination"] == destination
		})
	}
	s.shows("q quit")
	s.keys("/")
	s.shows("esc cancel")
	s.keys("nobody\r")
	s.shows("is no destination")
	s.keys("\x15\x1b[200~room/\x1b[31mdesk\r\n\x1b[201~")
	s.shows("room/desk")
	s.keys("\r")
	started(1, "room/desk")
	s.keys("m")
	s.shows("space talk")
	s.keys(" ")
	s.shows("space release")
	s.keys(" ")
	s.shows("space talk")
	s.keys("m")
	s.shows("m mute")
	s.keys("x")
	s.shows("x resume")
	s.shows("held")
	s.keys("x")
	s.shows("x hold")
	s.keys("12#")
	s.shows("Sent 1 2 #")
	s.keys("+")
	s.shows("Microphone +1 dB")
	s.keys(">")
	s.shows("Ear volume +1 dB")
	s.keys("w")
	s.shows("esc close")
	s.keys("h")
	s.shows("ended after")
	s.keys("r")
	started(2, "room/desk")
	s.keys("h")
	s.shows("ended after")
	s.keys("d")
	started(3, "echo")
	s.keys("t")
	s.shows("0 all off")
	s.keys("\x1b[C\x1b[C")
	s.shows("100 ms")
	s.shows("TRAINING")
	s.keys("0")
	s.shows("0 ms")
	s.keys("\x1bq") // as a slow terminal tells of esc and a key soon after it
	s.shows("Hang up and quit?")
	s.keys("y")
	if err := s.cmd.Wait(); err != nil {
		t.Fatalf("the softphone ended with %v", err)
	}
	waitFor(t, "the server's accounts", func() bool { return len(srv.entries("call ended")) == 3 })
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
