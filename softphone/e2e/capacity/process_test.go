//go:build linux && !race

package capacity

import (
	"bufio"
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
)

// startLimit is how long a server may take until it listens; test machines are
// busy at times.
const startLimit = 30 * time.Second

// stopLimit is how long it may take to end.
const stopLimit = 10 * time.Second

// process is a running server. One goroutine uses it.
type process struct {
	address string
	lowered int // times that its rooms lowered the effort of encoders, after stop
	cmd     *exec.Cmd
	reading sync.WaitGroup
}

// startOurs runs the product's server.
func startOurs(tb testing.TB) *process {
	tb.Helper()
	return start(tb, exec.Command(filepath.Join(programs, "server"), "--listen", "127.0.0.1:0", "--log-format", "json"))
}

// startOther runs this binary in another role.
func startOther(tb testing.TB, role string) *process {
	tb.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	return start(tb, cmd)
}

// start runs a server and waits until it says where it listens. The end of the
// test stops it, if nobody has.
func start(tb testing.TB, cmd *exec.Cmd) *process {
	tb.Helper()
	stderr, err := cmd.StderrPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatalf("start %s: %v", cmd.Path, err)
	}
	p := &process{cmd: cmd}
	tb.Cleanup(p.stop)
	listens := make(chan string, 1)
	p.reading.Go(func() { p.read(stderr, listens) })
	limit := time.NewTimer(startLimit)
	defer limit.Stop()
	select {
	case p.address = <-listens:
	case <-limit.C:
	}
	if p.address == "" {
		tb.Fatalf("%s does not say where it listens", cmd.Path)
	}
	return p
}

// read looks in a server's log for the address and for what its rooms did.
func (p *process) read(log io.Reader, listens chan<- string) {
	defer close(listens)
	said := false
	for lines := bufio.NewScanner(log); lines.Scan(); {
		var entry struct {
			Msg, Address string
			Lowered      int `json:"effort_lowered"`
		}
		if json.Unmarshal(lines.Bytes(), &entry) != nil {
			continue
		}
		p.lowered += entry.Lowered
		if !said && entry.Msg == "listening" {
			listens <- entry.Address
			said = true
		}
	}
}

// stop ends the server, whose calls are over.
func (p *process) stop() {
	if p.cmd.ProcessState != nil {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	limit := time.AfterFunc(stopLimit, func() { _ = p.cmd.Process.Kill() })
	defer limit.Stop()
	p.reading.Wait()
	_ = p.cmd.Wait() // of a signal, where it is not the product's
}

// codecSide runs one benchmark of a room without a network for so many frames and
// returns its processor time for a leg and frame in microseconds.
func codecSide(name string, count int) (float64, error) {
	cmd := exec.Command(filepath.Join(programs, "room.test"), "-test.run", "^$",
		"-test.bench", benchmarkPattern(name), "-test.benchtime", fmt.Sprintf("%dx", count))
	cmd.Dir = programs
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("benchmark %s: %w\n%s", name, err, out)
	}
	us, err := metric(string(out))
	if err != nil {
		return 0, fmt.Errorf("benchmark %s: %w:\n%s", name, err, out)
	}
	return us, nil
}

// benchmarkPattern matches a benchmark by its whole name.
func benchmarkPattern(name string) string {
	parts := strings.Split(strings.ReplaceAll(name, " ", "_"), "/")
	return "^" + strings.Join(parts, "$/^") + "$"
}

var errNoMetric = errors.New("its output has no processor time")

// metric finds the processor time in the output of one benchmark.
func metric(out string) (float64, error) {
	fields := strings.Fields(out)
	for i, f := range fields {
		if f == "cpu-µs/leg-frame" && i > 0 {
			var us float64
			if _, err := fmt.Sscan(fields[i-1], &us); err == nil && us > 0 {
				return us, nil
			}
		}
	}
	return 0, errNoMetric
}
