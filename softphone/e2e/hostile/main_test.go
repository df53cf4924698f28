//go:build linux && !race

package hostile

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"

	"callcenter/api"
	"callcenter/api/socket"
	"callcenter/api/wire"
)

// collectorVariable sets how much garbage the servers keep. At their own 400 % what
// is resident grows for the first two minutes, to five times what is in use; at 20 %
// it is little more than what is in use, and shows whether that grows.
const collectorVariable = "GOGC"

// bareVariable makes the test's program a bare echo.
const bareVariable = "HOSTILE_TEST_BARE"

func TestMain(m *testing.M) {
	if os.Getenv(collectorVariable) == "" {
		debug.SetGCPercent(400) // as both programs do
	}
	for variable, serve := range map[string]func() error{bareVariable: serveBare, attackVariable: serveAttack} {
		if os.Getenv(variable) != "" {
			if err := serve(); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			os.Exit(0)
		}
	}
	os.Exit(m.Run())
}

// bare sends each chunk back as it is, but for the marks of a sender's queue, and
// nothing else: what grpc-go costs by itself. The product's server says how long
// a chunk took, so this says a number too: messages are of the same size.
type bare struct {
	api.UnimplementedCallCenterServer
}

// LiveCall implements api.CallCenterServer.
func (bare) LiveCall(stream grpc.BidiStreamingServer[api.AudioChunk, api.AudioChunk]) error {
	if _, err := stream.Recv(); err != nil {
		return err
	}
	if err := stream.Send(&api.AudioChunk{Event: &api.Event{Kind: api.Event_KIND_ANSWERED}}); err != nil {
		return err
	}
	for {
		c, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		c.Ack, c.ServerTime = c.Sequence, 200
		if err := stream.Send(c); err != nil {
			return err
		}
	}
}

// serveBare listens, says where as the server's log does, and serves until it is
// killed. Windows, sockets and limits are those of the product's server.
func serveBare() error {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := grpc.NewServer(grpc.StaticStreamWindowSize(65535), grpc.StaticConnWindowSize(1<<20), grpc.MaxRecvMsgSize(wire.MaxMessage))
	api.RegisterCallCenterServer(s, bare{})
	fmt.Fprintf(os.Stderr, "{\"msg\":\"listening\",\"address\":%q}\n", lis.Addr())
	return s.Serve(tuned{lis})
}

// tuned sets the product's options on every socket.
type tuned struct{ net.Listener }

func (l tuned) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		socket.Tune(conn)
	}
	return conn, err
}

// build makes the server's binary for a test.
func build(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "server")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, "callcenter/server").CombinedOutput(); err != nil {
		t.Fatalf("build the server: %v\n%s", err, out)
	}
	return path
}

// process is a server of its own.
type process struct {
	address string
	cmd     *exec.Cmd
	read    chan struct{} // closed when the log is at its end

	said       map[string]uint64 // how often the log said what; after read
	goroutines int               // that a dump shows; after read
}

// start runs a server, path or the bare echo if that is "", that keeps little
// garbage.
func start(t *testing.T, path string) *process {
	t.Helper()
	return startWith(t, path, "20")
}

// startWith is start with so much garbage, in per cent of what is in use, and flags
// of the server's.
func startWith(t *testing.T, path, garbage string, more ...string) *process {
	t.Helper()
	cmd := exec.Command(path, append([]string{"--listen", "127.0.0.1:0", "--log-format", "json"}, more...)...)
	cmd.Env = append(os.Environ(), collectorVariable+"="+garbage)
	if path == "" {
		cmd = exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), collectorVariable+"="+garbage, bareVariable+"=1")
	}
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: cmd, read: make(chan struct{}), said: make(map[string]uint64)}
	lines := bufio.NewReader(log)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("a server does not listen: %v", errors.Join(err, cmd.Wait()))
		}
		if _, at, ok := strings.Cut(line, `"address":"`); ok && strings.Contains(line, `"listening"`) {
			p.address, _, _ = strings.Cut(at, `"`)
			break
		}
	}
	go func() {
		defer close(p.read)
		p.follow(lines)
	}()
	return p
}

// follow counts what the log says, by message and what ended a call, and the
// goroutines of a dump.
func (p *process) follow(log *bufio.Reader) {
	for {
		line, err := log.ReadBytes('\n')
		if err != nil {
			return
		}
		var said struct{ Msg, Reason, Error, Status string }
		switch {
		case bytes.HasPrefix(line, []byte("goroutine ")):
			p.goroutines++
		case json.Unmarshal(line, &said) == nil && len(p.said) < mostAnswers:
			p.said[strings.TrimSpace(fmt.Sprintf("%s %.60s %.60s %.60s", said.Msg, said.Status, said.Reason, said.Error))]++
		}
	}
}

// files is how many the server has open.
func (p *process) files() int {
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	return len(open)
}

// peak is what the server had resident at most, in MiB.
func (p *process) peak() float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	_, value, _ := strings.Cut(string(status), "VmHWM:")
	var kib float64
	_, _ = fmt.Sscan(value, &kib) // 0 where it is not told
	return kib / 1024
}

// dump ends the server with a list of its goroutines, and returns how many there
// were.
func (p *process) dump() int {
	_ = p.cmd.Process.Signal(syscall.SIGQUIT) // stop ends one that is gone
	<-p.read
	return p.goroutines
}

// logged is what the log said, of a server that has ended.
func (p *process) logged() map[string]uint64 { return p.said }

// stop kills the server and waits for it.
func (p *process) stop() {
	_ = p.cmd.Process.Kill()
	<-p.read
	_ = p.cmd.Wait() // it was killed
}

// duration reads how long a driver's runs last from the environment, and reports
// false if nothing is there: then the run is short and judges no times.
func duration(t *testing.T, variable string, short time.Duration) (d time.Duration, driven bool) {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return short, false
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		t.Fatalf("%s=%q: use a duration such as 10s", variable, text)
	}
	return d, true
}
