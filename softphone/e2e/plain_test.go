package e2e

import (
	"io"
	"strings"
	"syscall"
	"testing"
	"time"
)

// plainScript is a whole call, as a script types it.
const plainScript = `# a comment
dial echo
wait connected
mute
unmute
hold
resume
12#
mic +3
training delay 100 loss 2
training off
wait 2s
status
delay
hagup
save
hang up
history
redial
wait connected 10s
quit
quit
`

// inOrder fails unless the lines are in the text, in that order.
func inOrder(t *testing.T, text string, lines ...string) {
	t.Helper()
	rest := text
	for _, line := range lines {
		_, after, ok := strings.Cut(rest, line)
		if !ok {
			t.Fatalf("%q is not printed, or not in its place:\n%s", line, text)
		}
		rest = after
	}
}

func TestAScriptDrivesAWholeCallInTheLineMode(t *testing.T) {
	srv := startServer(t)
	var stdout, stderr logWriter
	cmd := softphone(t.Context(), t, nil, "--plain", "--server", srv.address, "--capture", "tone:440", "--playback", "null")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(plainScript), &stdout, &stderr
	from := time.Now()
	if err := cmd.Run(); err != nil {
		t.Fatalf("the softphone ended with %v\n%s%s", err, stdout.String(), stderr.String())
	}
	t.Logf("took %v", time.Since(from))
	said := stdout.String()
	inOrder(t, said,
		"Calling echo at "+srv.address+".\n",
		"Connected to echo.\n",
		"Your microphone is muted.\n",
		"Your microphone is open.\n",
		"You hold the call: nobody hears you, and you hear nobody.\n",
		"The call goes on.\n",
		"Sent 1 2 #.\n",
		"Microphone +3 dB.\n",
		"Training adds 100 ms of delay, 0 ms of jitter and 2 % of loss.\n",
		"Training is off.\n",
		"Live: echo for ",
		"From mouth to ear: ",
		`Unknown command "hagup": did you mean hang up? Nothing was done.`+"\n",
		"-echo.zip: saved ",
		"softphone open FILE shows it.\n",
		"Call to echo ended after ",
		"Summary: ",
		"1: ",
		", echo, ",
		"hung up.\n",
		"Calling echo at ",
		"Connected to echo.\n",
		"You are in a call. Type yes to hang up and quit, no to stay.\n",
		"Call to echo ended after ",
		"Summary: ",
	)
	for _, c := range said {
		if c != '\n' && (c < ' ' || c > '~') {
			t.Fatalf("%q is printed:\n%s", c, said)
		}
	}
	if stderr.String() != "" {
		t.Errorf("on stderr: %s", stderr.String())
	}
	waitFor(t, "the server's accounts", func() bool { return len(srv.entries("call ended")) == 2 })
	for _, e := range srv.entries("call ended") {
		if e["status"] != "OK" {
			t.Errorf("the server ended a call with %v", e["status"])
		}
	}
}

func TestAScriptThatWaitsInVainFails(t *testing.T) {
	r := runScript(t, "dial echo\nwait connected\nmute\n", "--server", "127.0.0.1:1")
	inOrder(t, r.stdout.String(), "Calling echo at 127.0.0.1:1.\n", "cannot be reached", "The wait failed: there is no call that could be connected.\n")
	if said := r.stderr.String(); r.code != 1 || strings.Count(said, "\n") != 1 || !strings.HasPrefix(said, "softphone: the wait failed") {
		t.Errorf("exit code %d, on stderr: %s", r.code, said)
	}
}

// runScript runs the line mode with a script to its end.
func runScript(t *testing.T, script string, args ...string) *phoneRun {
	t.Helper()
	r := &phoneRun{}
	cmd := softphone(t.Context(), t, nil, append([]string{"--plain", "--capture", "null", "--playback", "null"}, args...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(script), &r.stdout, &r.stderr
	_ = cmd.Run() // its code says how it ended
	r.code = cmd.ProcessState.ExitCode()
	return r
}

func TestTheLineModeHangsUpHoweverItEnds(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(in io.Closer, out io.Closer, signal func(syscall.Signal))
		code int
	}{
		"by the end of its input":        {func(in, _ io.Closer, _ func(syscall.Signal)) { _ = in.Close() }, 0},
		"by SIGINT":                      {func(_, _ io.Closer, signal func(syscall.Signal)) { signal(syscall.SIGINT) }, 0},
		"by SIGTERM":                     {func(_, _ io.Closer, signal func(syscall.Signal)) { signal(syscall.SIGTERM) }, 0},
		"by a reader that has gone away": {func(_, out io.Closer, _ func(syscall.Signal)) { _ = out.Close() }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			srv := startServer(t)
			cmd := softphone(t.Context(), t, nil, "--plain", "--server", srv.address, "--capture", "tone:440", "--playback", "null")
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(in, "dial echo\n"); err != nil {
				t.Fatal(err)
			}
			waitFor(t, "the call to start", func() bool { return len(srv.entries("call started")) == 1 })
			c.end(in, out, func(s syscall.Signal) { _ = cmd.Process.Signal(s) })
			if c.code != 0 {
				_, _ = io.WriteString(in, "status\n") // which cannot be printed
			}
			waitFor(t, "the server's account", func() bool { return len(srv.entries("call ended")) == 1 })
			if status := srv.entries("call ended")[0]["status"]; status != "OK" {
				t.Errorf("the server ended the call with %v", status)
			}
			_, _ = io.Copy(io.Discard, out)
			_ = cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
		})
	}
}

// A terminal that is dumb: no picture, no prompt, and what is typed is obeyed.
func TestTheLineModeInATerminalMovesNoCursor(t *testing.T) {
	srv := startServer(t)
	s := startScreen(t, []string{"TERM=dumb"}, "--plain", "--server", srv.address, "--capture", "tone:440", "--playback", "null")
	s.shows("Ready. dial calls echo")
	s.keys("d\n")
	s.shows("Connected to echo.")
	s.keys("m\n")
	s.shows("Your microphone is muted.")
	s.keys("\x04") // Ctrl+D
	s.shows("Summary: ")
	if err := s.cmd.Wait(); err != nil {
		t.Fatalf("the softphone ended with %v", err)
	}
	if strings.ContainsAny(strings.ReplaceAll(s.raw(), "\r\n", "\n"), "\x1b\r\b") {
		t.Errorf("printed %q", s.raw())
	}
}

func TestTheScreenOnADumbTerminalNamesTheLineMode(t *testing.T) {
	s := startScreen(t, []string{"TERM=dumb"}, "--capture", "null", "--playback", "null")
	s.shows("this one is dumb: use --plain")
	_ = s.cmd.Wait()
	if code := s.cmd.ProcessState.ExitCode(); code != 2 {
		t.Errorf("exit code %d", code)
	}
}
