//go:build unix

// Package terminal keeps the operator's terminal usable whatever happens to
// the program that draws on it: C libraries that print to stderr write to the
// log instead, and when the program dies without saying goodbye, also by a
// fault in a C library that no Go code survives, a watcher process puts the
// terminal back.
package terminal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// WatchCommand is the hidden command of the program that runs Watch.
const WatchCommand = "watch-terminal"

// goodbye is what Release writes; end of file without it is a crash.
const goodbye = 'q'

// restore leaves the alternate screen, shows the cursor and switches off mouse
// and paste reports, in that order.
const restore = "\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[?1049l\x1b[?25h\x1b[0m\r\n"

// Guard is a watcher process beside this one.
type Guard struct {
	pipe *os.File
	cmd  *exec.Cmd
}

// Protect starts a watcher for the terminal that is standard output. logFile is
// named in what the watcher says after a crash; environ is the watcher's
// environment, which need hold no secret.
func Protect(logFile string, environ []string) (*Guard, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program's own file: %w", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("open a pipe to the terminal's watcher: %w", err)
	}
	ready, started, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open a pipe to the terminal's watcher: %w", err), r.Close(), w.Close())
	}
	cmd := exec.Command(self, WatchCommand, logFile) //nolint:gosec // it is this very program
	cmd.Stdin = r
	cmd.Stdout = os.Stdout
	cmd.Stderr = os.Stdout
	// A dumb terminal is asked nothing: answers would go to the operator's keys.
	cmd.Env = append(environ, "TERM=dumb")
	cmd.ExtraFiles = []*os.File{started}
	// A group of its own, so that Ctrl+C and hang-ups reach only the softphone.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	err = cmd.Start()
	err = errors.Join(err, r.Close(), started.Close())
	if err == nil {
		// Only now may the terminal's settings be changed.
		_, err = io.ReadFull(ready, make([]byte, 1))
	}
	err = errors.Join(err, ready.Close())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the terminal's watcher: %w", err), w.Close())
	}
	return &Guard{pipe: w, cmd: cmd}, nil
}

// Release tells the watcher that the terminal was restored and waits for it.
func (g *Guard) Release() error {
	_, err := g.pipe.Write([]byte{goodbye})
	return errors.Join(err, g.pipe.Close(), g.cmd.Wait())
}

// Watch is the watcher: it notes how the terminal tty is set, waits for the end
// of in, and puts the terminal back unless it ended with a goodbye. It writes a
// byte to ready once it knows the settings.
func Watch(in io.Reader, ready io.WriteCloser, tty *os.File, logFile string) error {
	// The watcher is not in the foreground; without this it would be stopped
	// for writing to the terminal.
	signal.Ignore(syscall.SIGTTOU, syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM)
	before, err := term.GetState(int(tty.Fd()))
	if err != nil {
		return fmt.Errorf("read the terminal's settings: %w", err)
	}
	if _, err := ready.Write([]byte{goodbye}); err != nil {
		return fmt.Errorf("tell the softphone: %w", err)
	}
	if err := ready.Close(); err != nil {
		return fmt.Errorf("tell the softphone: %w", err)
	}
	said, err := io.ReadAll(io.LimitReader(in, 16))
	if err != nil {
		return fmt.Errorf("wait for the softphone: %w", err)
	}
	if len(said) > 0 && said[len(said)-1] == goodbye {
		return nil
	}
	err = term.Restore(int(tty.Fd()), before)
	_, werr := fmt.Fprintf(tty, "%ssoftphone stopped unexpectedly; what it said last is in %s\r\n", restore, logFile)
	return errors.Join(err, werr)
}

// RedirectStderr makes everything that this process prints to stderr, C
// libraries included, go to f. It returns a function that undoes it.
func RedirectStderr(f *os.File) (undo func() error, err error) {
	saved, err := unix.Dup(unix.Stderr)
	if err != nil {
		return nil, fmt.Errorf("keep stderr: %w", err)
	}
	unix.CloseOnExec(saved)
	if err := dup2(int(f.Fd()), unix.Stderr); err != nil {
		return nil, errors.Join(fmt.Errorf("point stderr at the log: %w", err), unix.Close(saved))
	}
	return func() error {
		return errors.Join(dup2(saved, unix.Stderr), unix.Close(saved))
	}, nil
}
