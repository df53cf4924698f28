package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/file"
	"callcenter/softphone/internal/call"
)

// patience is how long a condition may take; test machines are busy at times.
const patience = 30 * time.Second

// binaries is the folder of the binaries under test, built once.
var binaries string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "e2e")
	if err != nil {
		fmt.Fprintln(os.Stderr, "make a folder for the binaries:", err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binaries = dir
	args := []string{"build", "-o", dir + string(filepath.Separator)}
	if raceEnabled {
		args = append(args, "-race")
	}
	build := exec.Command("go", append(args, "callcenter/softphone", "callcenter/server")...)
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the binaries: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// server is a running server binary.
type server struct {
	address string
	cmd     *exec.Cmd
	log     logBuffer
	exited  chan struct{}
	err     error // of Wait, after exited
}

// startServer runs the server on a free port and waits until it listens. It
// ends with the test.
func startServer(tb testing.TB, args ...string) *server {
	tb.Helper()
	s := &server{exited: make(chan struct{})}
	s.cmd = exec.Command(filepath.Join(binaries, "server"),
		append([]string{"--listen", "127.0.0.1:0", "--log-format", "json"}, args...)...)
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		tb.Fatalf("start the server: %v", err)
	}
	listening := make(chan string, 1)
	go func() {
		s.read(stderr, listening)
		s.err = s.cmd.Wait()
		close(s.exited)
	}()
	tb.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		<-s.exited
	})
	select {
	case s.address = <-listening:
	case <-s.exited:
		tb.Fatalf("the server ended: %v\n%s", s.err, s.log.String())
	case <-time.After(patience):
		tb.Fatalf("the server does not listen:\n%s", s.log.String())
	}
	return s
}

// read keeps the log and picks the address out of it.
func (s *server) read(r io.Reader, listening chan<- string) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		s.log.add(lines.Text())
		var entry struct{ Msg, Address string }
		if json.Unmarshal(lines.Bytes(), &entry) == nil && entry.Msg == "listening" {
			listening <- entry.Address
		}
	}
}

// entries returns the log's lines with that message.
func (s *server) entries(msg string) []map[string]any {
	var found []map[string]any
	for line := range strings.Lines(s.log.String()) {
		var entry map[string]any
		if json.Unmarshal([]byte(line), &entry) == nil && entry["msg"] == msg {
			found = append(found, entry)
		}
	}
	return found
}

type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) add(line string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.buf.WriteString(line + "\n")
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// phoneRun is a softphone that was run.
type phoneRun struct {
	stdout, stderr bytes.Buffer
	code           int
}

// softphone returns a command that runs the softphone with settings of its own.
func softphone(ctx context.Context, tb testing.TB, env []string, args ...string) *exec.Cmd {
	tb.Helper()
	home := tb.TempDir()
	cmd := exec.CommandContext(ctx, filepath.Join(binaries, "softphone"), args...)
	cmd.Env = append([]string{
		"HOME=" + home, "PATH=" + os.Getenv("PATH"), "TERM=xterm-256color",
		"XDG_STATE_HOME=" + filepath.Join(home, "state"), "XDG_CONFIG_HOME=" + filepath.Join(home, "config"),
	}, env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = patience
	return cmd
}

// runPhone runs the softphone to its end.
func runPhone(tb testing.TB, env []string, args ...string) *phoneRun {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 3*patience)
	defer cancel()
	r := &phoneRun{}
	cmd := softphone(ctx, tb, env, args...)
	cmd.Stdout, cmd.Stderr = &r.stdout, &r.stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		tb.Fatalf("run the softphone: %v", err)
	}
	r.code = cmd.ProcessState.ExitCode()
	return r
}

// report is what the run printed with --json.
func (r *phoneRun) report(tb testing.TB) call.Report {
	tb.Helper()
	var rep call.Report
	dec := json.NewDecoder(bytes.NewReader(r.stdout.Bytes()))
	if err := dec.Decode(&rep); err != nil {
		tb.Fatalf("the report is no JSON object: %v\n%s%s", err, r.stdout.String(), r.stderr.String())
	}
	return rep
}

// readWAV returns a WAV file as 48 kHz mono.
func readWAV(tb testing.TB, path string) []int16 {
	tb.Helper()
	r, err := file.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	pcm := make([]int16, audio.Samples(r.Duration()))
	r.Fill(pcm)
	return pcm
}

// writeWAV writes PCM of 48 kHz to a file of that name in a new folder.
func writeWAV(t *testing.T, name string, pcm []int16) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	w, err := file.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Write(pcm), w.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// speech returns some seconds of a synthetic voice, 48 kHz mono.
func speech(tb testing.TB, seconds int) []int16 {
	tb.Helper()
	raw := filepath.Join(tb.TempDir(), "espeak.wav")
	const text = "Good morning, you are speaking with the service desk. How may I help you today? " +
		"I see, your order left the warehouse on Tuesday, and it should be with you by the end of this week. " +
		"Is there anything else that I can do for you? Thank you for calling, and have a pleasant afternoon."
	out, err := exec.Command("espeak-ng", "-s", "150", "-w", raw, text).CombinedOutput()
	if err != nil {
		tb.Fatalf("this test needs the package `espeak-ng`: %v %s", err, out)
	}
	pcm := readWAV(tb, raw)
	if len(pcm) < seconds*audio.Rate {
		tb.Fatalf("the voice speaks for %d s only", len(pcm)/audio.Rate)
	}
	return pcm[:seconds*audio.Rate]
}
