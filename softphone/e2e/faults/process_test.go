//go:build linux && !race

package faults

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long a condition may take; test machines are busy at times.
const patience = 40 * time.Second

// program is the server's binary, built once.
var program string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "faults")
	if err != nil {
		fmt.Fprintln(os.Stderr, "make a folder for the server:", err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program = filepath.Join(dir, "server")
	build := exec.Command("go", "build", "-o", program, "callcenter/server")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the server: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// pass lets time go by.
func pass(d time.Duration) { <-time.NewTimer(d).C }

// eventually waits for a condition and reports whether it came true.
func eventually(is func() bool) bool {
	for limit := time.Now().Add(patience); !is(); pass(20 * time.Millisecond) {
		if time.Now().After(limit) {
			return false
		}
	}
	return true
}

// process is a server that can die and come back at its address. One goroutine
// uses it.
type process struct {
	address string

	env    []string
	log    string // path
	cmd    *exec.Cmd
	exited chan struct{}
}

// serve starts a server that ends with the test. Its port is below those that
// the kernel gives to outgoing connections: while the server is dead nobody else
// must get it.
func serve(t *testing.T, env ...string) *process {
	t.Helper()
	p := &process{env: env, log: filepath.Join(t.TempDir(), "server.log")}
	t.Cleanup(func() {
		p.kill(syscall.SIGKILL)
		if t.Failed() {
			t.Logf("the server's log ends with:\n%s", p.tail())
		}
	})
	for range 50 {
		p.address = fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(12000))
		probe, err := net.Listen("tcp", p.address)
		if err != nil {
			continue
		}
		_ = probe.Close()
		if _, err := p.start(); err == nil {
			return p
		}
	}
	t.Fatal("no port for the server")
	return nil
}

// start runs the server and returns since when it listens.
func (p *process) start() (time.Time, error) {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return time.Time{}, err
	}
	defer func() { _ = log.Close() }()
	before := len(p.entries("listening"))
	cmd := exec.Command(program, "--listen", p.address, "--log-format", "json")
	cmd.Env, cmd.Stderr = append(os.Environ(), p.env...), log
	if err := cmd.Start(); err != nil {
		return time.Time{}, err
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait() // its end is what a fault wants
		close(exited)
	}()
	p.cmd, p.exited = cmd, exited
	listens := func() bool { return len(p.entries("listening")) > before || p.isDead() }
	if !eventually(listens) || p.isDead() {
		p.kill(syscall.SIGKILL)
		return time.Time{}, fmt.Errorf("the server does not listen:\n%s", p.tail())
	}
	all := p.entries("listening")
	return all[len(all)-1].Time, nil
}

func (p *process) isDead() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// kill sends a signal that is the process's end and waits for it.
func (p *process) kill(sig syscall.Signal) {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Signal(sig) // it may be dead
	_ = p.cmd.Process.Signal(syscall.SIGCONT)
	<-p.exited
}

func (p *process) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		t.Fatalf("send %v to the server: %v", sig, err)
	}
}

// descriptors is how many files and sockets the server has open.
func (p *process) descriptors() int { return descriptors(p.cmd.Process.Pid) }

func descriptors(pid int) int {
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return -1
	}
	return len(open)
}

// entry is a line of the server's log.
type entry struct {
	Time   time.Time
	Msg    string
	CallID string `json:"call_id"`
	Status string
	Reason string
}

// entries returns the log's lines with that message, of all the server's lives.
func (p *process) entries(msg string) []entry {
	content, err := os.ReadFile(p.log)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	var found []entry
	for line := range bytes.Lines(content) {
		var e entry
		if bytes.Contains(line, []byte(msg)) && json.Unmarshal(line, &e) == nil && e.Msg == msg {
			found = append(found, e)
		}
	}
	return found
}

// tail is the end of the log, and of a crash its first words.
func (p *process) tail() string {
	content, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	var kept []string
	for line := range strings.Lines(string(content)) {
		if strings.HasPrefix(line, "{") || strings.Contains(line, "panic:") || strings.Contains(line, "fatal") || strings.Contains(line, "SIG") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept[max(0, len(kept)-60):], "")
}

// said reports whether the server, in any of its lives, wrote that.
func (p *process) said(text string) bool {
	content, err := os.ReadFile(p.log)
	return err == nil && bytes.Contains(content, []byte(text))
}
