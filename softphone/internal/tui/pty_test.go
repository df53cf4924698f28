package tui

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/term"
)

// terminal is a child on a pseudo-terminal of 80 by 24.
type terminal struct {
	t      *testing.T
	master *os.File
	slave  *os.File
	cmd    *exec.Cmd
	before term.State

	mu   sync.Mutex
	text bytes.Buffer
	news chan struct{}
	over chan struct{}
}

func startChild(t *testing.T, kind string) *terminal {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := pty.Setsize(master, &pty.Winsize{Cols: 80, Rows: 24}); err != nil {
		t.Fatal(err)
	}
	c := &terminal{t: t, master: master, slave: slave, news: make(chan struct{}, 1), over: make(chan struct{})}
	c.before = c.modes()
	c.cmd = exec.Command(os.Args[0])
	// TERM=screen: the child must not wait for answers of a real terminal.
	c.cmd.Env = append(os.Environ(), childVariable+"="+kind, "TERM=screen-256color", "NO_COLOR=1")
	c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = slave, slave, slave
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go c.listen()
	t.Cleanup(func() {
		_ = c.cmd.Process.Kill() // no effect on one that ended
		_ = c.slave.Close()
		_ = c.master.SetDeadline(time.Now())
		_ = c.master.Close()
		<-c.over
	})
	return c
}

// listen collects what the child draws until the terminal is closed.
func (c *terminal) listen() {
	defer close(c.over)
	buf := make([]byte, 4096)
	for {
		n, err := c.master.Read(buf)
		c.mu.Lock()
		c.text.Write(buf[:n])
		c.mu.Unlock()
		select {
		case c.news <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// expect waits until the child drew text, and returns and forgets all up to
// its end.
func (c *terminal) expect(text string) string {
	c.t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		c.mu.Lock()
		seen := c.text.String()
		if i := strings.Index(seen, text); i >= 0 {
			c.text.Next(i + len(text))
			c.mu.Unlock()
			return seen[:i+len(text)]
		}
		c.mu.Unlock()
		select {
		case <-c.news:
		case <-deadline:
			c.t.Fatalf("%q did not appear in %q", text, seen)
		}
	}
}

func (c *terminal) press(keys string) {
	c.t.Helper()
	if _, err := c.master.WriteString(keys); err != nil {
		c.t.Fatal(err)
	}
}

func (c *terminal) modes() term.State {
	c.t.Helper()
	modes, err := term.GetState(int(c.slave.Fd()))
	if err != nil {
		c.t.Fatal(err)
	}
	return *modes
}

// restored waits for the child's end and checks its exit code, that it left
// the alternate screen, showed the cursor and restored the modes.
func (c *terminal) restored(code int) string {
	c.t.Helper()
	late := time.AfterFunc(30*time.Second, func() { _ = c.cmd.Process.Kill() })
	defer late.Stop()
	err := c.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		c.t.Fatal(err)
	}
	if got := c.cmd.ProcessState.ExitCode(); got != code {
		c.t.Errorf("exit code %d, want %d", got, code)
	}
	rest := c.expect("after:")
	for _, sequence := range []string{"\x1b[?1049l", "\x1b[?25h", "\x1b[?2004l"} {
		if !strings.Contains(rest, sequence) {
			c.t.Errorf("%q is missing at the end: %q", sequence, rest)
		}
	}
	if strings.LastIndex(rest, "\x1b[?25h") < strings.LastIndex(rest, "\x1b[?25l") {
		c.t.Error("the cursor stays hidden")
	}
	if c.modes() != c.before {
		c.t.Error("the modes of the terminal are not restored")
	}
	if strings.Contains(rest, "goroutine ") || strings.Contains(rest, ".go:") {
		c.t.Errorf("the operator saw a stack: %q", rest)
	}
	return c.expect("]")
}

func TestACallInATerminal(t *testing.T) {
	t.Parallel()
	c := startChild(t, "softphone")
	c.expect("\x1b[?1049h")
	c.expect("IDLE")
	c.expect("none open")
	if c.modes() == c.before {
		t.Error("the terminal is not in raw mode")
	}
	c.press("d")
	c.expect("LIVE")
	c.expect("USB Headset Analog Mono, 48 kHz, 1 ch, 3 × 10 ms, pulseaudio")
	c.press("m")
	c.expect("MUTED")
	c.press("?")
	c.expect("hold, and again to go on")
	c.press("?")
	c.expect("mouth to ear est.")
	c.press("q")
	c.expect("Hang up and quit?")
	c.press("n")
	c.expect("m unmute")
	c.press("h")
	c.expect("IDLE")
	c.press("/room/y\r")
	c.expect("room/y")
	c.press("\x03\x03")
	if did := c.restored(0); !strings.Contains(did, "<nil> bench closed [dial  mute hang up dial room/y hang up]") {
		t.Errorf("the phone did %s", did)
	}
}

func TestTheTerminalIsRestored(t *testing.T) {
	for _, c := range []struct {
		name, kind, keys string
		signal           syscall.Signal
		code             int
		want             string
	}{
		{name: "when the operator quits", kind: "softphone", keys: "q", want: "<nil>"},
		{name: "when the context ends", kind: "softphone", keys: "d", signal: syscall.SIGTERM, want: "<nil>"},
		{name: "when a key panics", kind: "panic in a key", keys: "dm", code: 3, want: "panic in the screen: broken mute"},
		{name: "when the operator quits from the devices' screen", kind: "softphone", keys: "v\x03", want: "<nil> bench closed"},
		{name: "when the context ends under the devices' screen", kind: "softphone", keys: "v", signal: syscall.SIGTERM, want: "<nil> bench closed"},
		{name: "when the bench does not begin", kind: "panic in the bench's begin", keys: "v", code: 3, want: "panic in the screen: broken begin bench closed"},
		{name: "when the bench does not end", kind: "panic in the bench's end", keys: "v\x1b", code: 3, want: "panic in the screen: broken end bench closed"},
		{name: "when the bench does not end with the screen", kind: "panic in the bench's end", keys: "v", signal: syscall.SIGTERM, code: 3, want: "panic in the screen: broken end"},
		{name: "when the bench has no state", kind: "panic in the bench's state", keys: "v", code: 3, want: "panic in the screen: broken state bench closed"},
		{name: "when the bench cannot record", kind: "panic in the bench's record m1", keys: "vr", code: 3, want: "panic in the screen: broken record m1 bench closed"},
		{name: "when the bench cannot choose", kind: "panic in the bench's choose m1", keys: "v\r", code: 3, want: "panic in the screen: broken choose m1 bench closed"},
		{name: "when the operator quits from the check", kind: "softphone", keys: "c\x03", want: "<nil> bench closed"},
		{name: "when the context ends under the check", kind: "softphone", keys: "c", signal: syscall.SIGTERM, want: "<nil> bench closed"},
		{name: "when the check does not begin", kind: "panic in the check's begin", keys: "c", code: 3, want: "panic in the screen: broken begin"},
		{name: "when the check has no state", kind: "panic in the check's state", keys: "c", code: 3, want: "panic in the screen: broken state bench closed"},
		{name: "when the check does not end with the screen", kind: "panic in the check's end", keys: "c", signal: syscall.SIGTERM, code: 3, want: "panic in the screen: broken end bench closed"},
		{name: "when a snapshot panics", kind: "panic in a snapshot", keys: "d", code: 3, want: "panic in the screen: broken snapshot"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			child := startChild(t, c.kind)
			child.expect("IDLE")
			for _, k := range c.keys {
				child.press(string(k))
				switch {
				case k == 'd' && c.kind != "panic in a snapshot":
					child.expect("LIVE")
				case k == 'v' && c.kind != "panic in the bench's begin" && c.kind != "panic in the bench's state":
					child.expect("HD Web Camera")
				case k == 'c' && c.kind != "panic in the check's begin" && c.kind != "panic in the check's state":
					child.expect("Echo of the ear")
				}
			}
			if c.signal != 0 {
				if err := child.cmd.Process.Signal(c.signal); err != nil {
					t.Fatal(err)
				}
			}
			if got := child.restored(c.code); !strings.Contains(got, c.want) {
				t.Errorf("Run returned %q, want %q", got, c.want)
			}
		})
	}
}
