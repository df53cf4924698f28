package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"callcenter/api"
)

// asServer makes the test's own program the server.
const asServer = "CALLCENTER_TEST_IS_THE_SERVER"

func TestMain(m *testing.M) {
	if os.Getenv(asServer) != "" {
		os.Exit(Main(os.Args[1:], os.Stdout, os.Stderr))
	}
	goleak.VerifyTestMain(m)
}

// output is a writer that tells when something was written.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// await waits for a match in the output and returns its first group.
func (o *output) await(t *testing.T, pattern string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range 2000 {
		if m := re.FindStringSubmatch(o.String()); m != nil {
			return m[len(m)-1]
		}
		<-tick.C
	}
	t.Fatalf("no %s in %q", pattern, o)
	return ""
}

// running is a server with signals of the test's own.
type running struct {
	addr    string
	stderr  *output
	signals chan os.Signal
	code    chan int
}

func start(t *testing.T, args ...string) *running {
	t.Helper()
	r := &running{stderr: &output{}, signals: make(chan os.Signal, 2), code: make(chan int, 1)}
	go func() {
		r.code <- run(append([]string{"--listen", "127.0.0.1:0"}, args...), &output{}, r.stderr, r.signals)
	}()
	r.addr = r.stderr.await(t, `address"?[=:]"?(127\.0\.0\.1:\d+)`)
	return r
}

// call opens a call, waits for the answer and returns the stream.
func (r *running) call(t *testing.T) grpc.BidiStreamingClient[api.AudioChunk, api.AudioChunk] {
	t.Helper()
	conn, err := grpc.NewClient(r.addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	t.Cleanup(cancel)
	stream, err := api.NewCallCenterClient(conn).LiveCall(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&api.AudioChunk{CallId: "x", SampleRate: 48000, Channels: 1, Codec: "pcm", Setup: &api.Setup{}}); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	return stream
}

func TestAnOrderlyEndIs0(t *testing.T) {
	r := start(t, "--log-format", "json", "--drain-timeout", "200ms")
	r.call(t)
	r.signals <- syscall.SIGTERM
	if code := <-r.code; code != exitOK {
		t.Fatalf("exit %d: %s", code, r.stderr)
	}
	for _, s := range []string{`"msg":"listening"`, `"msg":"call started"`, `"msg":"draining"`, `"msg":"call ended"`, `"status":"Unavailable"`, `"msg":"stopped"`} {
		if strings.Count(r.stderr.String(), s) != 1 {
			t.Errorf("the log has not one %s:\n%s", s, r.stderr)
		}
	}
}

func TestASecondSignalEndsAtOnce(t *testing.T) {
	r := start(t, "--drain-timeout", "1h")
	r.call(t)
	r.signals <- syscall.SIGINT
	r.stderr.await(t, "msg=draining")
	r.signals <- syscall.SIGINT
	if code := <-r.code; code != exitFailed {
		t.Fatalf("exit %d: %s", code, r.stderr)
	}
}

func TestWrongUseIs2(t *testing.T) {
	file := filepath.Join(t.TempDir(), "server.toml")
	if err := os.WriteFile(file, []byte("drain-timout = \"5s\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		args []string
		says string
	}{
		{"an unknown flag", []string{"--lisen", "x"}, "did you mean --listen"},
		{"a flag without its value", []string{"--listen"}, "--listen"},
		{"an argument", []string{"now"}, `"now" (server --help explains)`},
		{"a slip in a command", []string{"chek-config"}, "did you mean server check-config?"},
		{"an argument of a command", []string{"check-config", "now"}, `"now"`},
		{"an unknown flag of a command", []string{"check-config", "--lisen", "x"}, "did you mean --listen"},
		{"an unknown mode", []string{"--mode", "echo"}, "loopback"},
		{"a missing settings file", []string{"--config", "/nowhere.toml"}, "/nowhere.toml"},
		{"an unknown key in it", []string{"--config", file}, `"drain-timeout"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var stdout, stderr output
			code := run(tc.args, &stdout, &stderr, nil)
			text := stderr.String()
			if code != exitUsage || !strings.Contains(text, tc.says) || strings.Count(text, "\n") != 1 {
				t.Fatalf("exit %d: %q", code, text)
			}
		})
	}
}

func TestAnAddressThatCannotBeHadIs1(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer lis.Close() //nolint:errcheck // of the test
	for address, says := range map[string]string{
		lis.Addr().String(): "in use",
		"192.0.2.1:5000":    "no such address",
	} {
		var stderr output
		code := run([]string{"--listen", address}, &output{}, &stderr, nil)
		text := stderr.String()
		if code != exitFailed || !strings.Contains(text, says) || !strings.Contains(text, "--listen") || strings.Count(text, "\n") != 1 {
			t.Errorf("%s: exit %d: %q", address, code, text)
		}
	}
}

func TestACrashIsNotTakenForWrongSettings(t *testing.T) {
	// What a watchdog sends; a panic takes the same way out.
	cmd := exec.Command("sh", "-c", `ulimit -c 0; exec "$0" "$@"`, os.Args[0], "--listen", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), asServer+"=1")
	var stderr output
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stderr.await(t, "msg=listening")
	if err := cmd.Process.Signal(syscall.SIGABRT); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != -1 || !strings.Contains(exit.String(), "signal: abort") {
		t.Errorf("it ends with %v, want a signal", err)
	}
	if !strings.Contains(stderr.String(), "goroutine ") {
		t.Errorf("it does not say where it was:\n%s", &stderr)
	}
}

func TestVersionAndHelpAre0(t *testing.T) {
	for arg, says := range map[string][]string{
		"--version": {"server "},
		"--help":    {"--drain-timeout", "check-config", exitCodes, "SIGHUP"},
	} {
		var stdout output
		code := run([]string{arg}, &stdout, &output{}, nil)
		for _, s := range says {
			if code != exitOK || !strings.Contains(stdout.String(), s) {
				t.Errorf("%s: exit %d, want %q: %q", arg, code, s, stdout.String())
			}
		}
	}
}

func TestTheHelpSaysEveryExitCode(t *testing.T) {
	for _, code := range []int{exitOK, exitFailed, exitUsage} {
		if !regexp.MustCompile(fmt.Sprintf(`(?m)^  %d  \S`, code)).MatchString(exitCodes) {
			t.Errorf("exit code %d is not explained in\n%s", code, exitCodes)
		}
	}
}

func TestShellsCompleteTheChoices(t *testing.T) {
	for flag, says := range map[string]string{"--mode": "loopback\nmix\n:4", "--log-format": "text\njson\n:4"} {
		var stdout output
		if code := run([]string{"__complete", flag, ""}, &stdout, &output{}, nil); code != exitOK || !strings.HasPrefix(stdout.String(), says) {
			t.Errorf("%s: exit %d: %q", flag, code, stdout.String())
		}
	}
}
