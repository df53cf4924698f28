package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"callcenter/api"
	"callcenter/server/internal/config"
)

// settingsFile writes a settings file, a new one if path is "".
func settingsFile(t *testing.T, path, text string) string {
	t.Helper()
	if path == "" {
		path = filepath.Join(t.TempDir(), "server.toml")
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// made is a server that listens and does not serve yet.
func made(t *testing.T, args ...string) (*server, *output) {
	t.Helper()
	cmd := command(io.Discard, nil)
	if err := cmd.ParseFlags(append([]string{"--listen", "127.0.0.1:0"}, args...)); err != nil {
		t.Fatal(err)
	}
	var log output
	s, err := newServer(cmd.Flags(), &log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.listener.Close() }) // serving closes it too
	return s, &log
}

func TestAReloadChangesWhatItCanUnderACall(t *testing.T) {
	file := settingsFile(t, "", "max-calls = 20\n")
	r := start(t, "--config", file, "--drain-timeout", "50ms")
	stream := r.call(t)

	settingsFile(t, file, "max-calls = 30\nmax-call-duration = \"1h\"\nmode = \"mix\"\n")
	r.signals <- syscall.SIGHUP
	r.stderr.await(t, `msg=reloaded settings_changed=2 waiting_for_restart=1`)
	for _, want := range []string{
		`msg="a setting changed" setting=max-calls before=20 now=30 from="file `,
		`msg="a setting changed" setting=max-call-duration before=12h0m0s now=1h0m0s from="file `,
		`msg="a setting waits for a restart" setting=mode in_force=loopback then=mix from="file `,
	} {
		if strings.Count(r.stderr.String(), want) != 1 {
			t.Errorf("the log has not one %s:\n%s", want, r.stderr)
		}
	}
	// The call goes on, and what waits is told again.
	if err := stream.Send(&api.AudioChunk{AudioData: make([]byte, 960)}); err != nil {
		t.Fatal(err)
	}
	for got := 0; got == 0; {
		chunk, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		got = len(chunk.AudioData)
	}
	r.signals <- syscall.SIGHUP
	r.stderr.await(t, `msg=reloaded settings_changed=0 waiting_for_restart=1`)
	r.signals <- syscall.SIGTERM
	if code := <-r.code; code != exitOK {
		t.Fatalf("exit %d: %s", code, r.stderr)
	}
}

func TestAReloadAppliesAllOrNothing(t *testing.T) {
	file := settingsFile(t, "", "max-calls = 20\n")
	s, _ := made(t, "--config", file)
	if err := s.reload(); err != nil || s.gate.Limits().Calls != 20 {
		t.Fatalf("calls %d, %v", s.gate.Limits().Calls, err)
	}
	for name, text := range map[string]string{
		"a value that cannot be":   "max-calls = 30\nspeakers = 0\n",
		"a key that is none":       "max-calls = 30\nmax-cals = 3\n",
		"what contradicts":         "max-calls = 30\ntls-cert = \"a\"\n",
		"a file that is no TOML":   "max-calls = 30\n=\n",
		"a value of another type":  "max-calls = 30\nlevel-control = 1\n",
		"more than a server takes": "max-calls = 30000000\n",
	} {
		settingsFile(t, file, text)
		if err := s.reload(); err == nil || s.gate.Limits().Calls != 20 {
			t.Errorf("%s: calls %d, %v", name, s.gate.Limits().Calls, err)
		}
		settingsFile(t, file, "max-calls = 20\n")
		if err := s.reload(); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := s.reload(); err == nil || s.gate.Limits().Calls != 20 {
		t.Errorf("without its file: calls %d, %v", s.gate.Limits().Calls, err)
	}
}

func TestARefusedReloadIsOneLine(t *testing.T) {
	file := settingsFile(t, "", "")
	r := start(t, "--config", file)
	settingsFile(t, file, "speakers = 0\nmode = \"echo\"\n")
	r.signals <- syscall.SIGHUP
	r.stderr.await(t, `level=ERROR msg="not reloaded: everything stays as it was" error=".*mode.*; .*speakers.*"\n`)
	r.signals <- syscall.SIGTERM
	if code := <-r.code; code != exitOK {
		t.Fatalf("exit %d: %s", code, r.stderr)
	}
}

func TestADrainIsNotReloaded(t *testing.T) {
	r := start(t, "--drain-timeout", "1h")
	r.call(t)
	r.signals <- syscall.SIGTERM
	r.signals <- syscall.SIGHUP
	r.stderr.await(t, `msg="not reloaded: the server is about to end"`)
	r.signals <- syscall.SIGTERM
	if code := <-r.code; code != exitFailed {
		t.Fatalf("exit %d: %s", code, r.stderr)
	}
}

func TestThePartsAreLookedAfterAndReloaded(t *testing.T) {
	s, log := made(t)
	reloads, wrong := 0, error(nil)
	ran := make(chan struct{})
	s.parts = []part{
		{name: "keys", reload: func() error { reloads++; return wrong }, run: func(ctx context.Context) error {
			<-ctx.Done()
			close(ran)
			return nil
		}},
		{name: "broken", reload: func() error { return nil }, run: func(context.Context) error { return errors.New("no such folder") }},
	}
	signals := make(chan os.Signal, 4)
	ended := make(chan error, 1)
	go func() { ended <- s.run(t.Context(), signals) }()
	signals <- syscall.SIGHUP
	log.await(t, "msg=reloaded")
	log.await(t, `msg="changed files are not noticed any more: SIGHUP reads them" what=broken`)
	signals <- syscall.SIGTERM
	if err := <-ended; err != nil || reloads != 1 {
		t.Fatalf("%d reloads, %v", reloads, err)
	}
	select {
	case <-ran:
	default:
		t.Error("a part still runs after the server's end")
	}
	wrong = errors.New("a key is cut short")
	if err := s.reload(); !errors.Is(err, wrong) {
		t.Errorf("a part's error is %v", err)
	}
}

func TestTheWindowThatWasClosedEndsTheServer(t *testing.T) {
	near, far, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close() //nolint:errcheck // of the test
	s, log := made(t)
	s.terminal = newTerminal(far)
	signals := make(chan os.Signal, 2)
	ended := make(chan error, 1)
	go func() { ended <- s.run(t.Context(), signals) }()
	signals <- syscall.SIGHUP
	log.await(t, "msg=reloaded")
	if err := near.Close(); err != nil {
		t.Fatal(err)
	}
	signals <- syscall.SIGHUP
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	log.await(t, "msg=draining signal=hangup")
}

func TestTooFewOpenFilesAreSaid(t *testing.T) {
	limit, known := openFiles()
	if !known {
		return // a system without such a limit
	}
	cfg := config.Default()
	cfg.MaxConnections = int(min(limit, 1<<40))
	if w := openFilesWarning(&cfg); limit < 1<<40 && (!strings.Contains(w, "LimitNOFILE") || !strings.Contains(w, "max-connections")) {
		t.Errorf("of %d files: %q", limit, w)
	}
	cfg.MaxConnections = 1
	if w := openFilesWarning(&cfg); w != "" {
		t.Errorf("one connection: %q", w)
	}
}

// manager is a service manager's socket.
func manager(t *testing.T) func() string {
	t.Helper()
	// The path of a socket is short; that of a test's folder need not be.
	dir, err := os.MkdirTemp("", "notify")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "s")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_PID", "")
	t.Setenv("WATCHDOG_USEC", "2000000")
	return func() string {
		t.Helper()
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		b := make([]byte, 4096)
		n, err := conn.Read(b)
		if err != nil {
			t.Fatalf("the manager is not told: %v", err)
		}
		return string(bytes.TrimSuffix(b[:n], []byte("\n")))
	}
}

func TestTheServiceManagerFollowsTheServer(t *testing.T) {
	cert, key := pair(t)
	keys := t.TempDir()
	tokenFile(t, keys)
	for name, args := range map[string][]string{
		"where nobody is asked":     {},
		"where everything is asked": {"--tls-cert", cert, "--tls-key", key, "--client-ca", cert, "--token-keys", keys},
		"where there is room for 1": {"--max-calls", "1", "--max-connections", "1"},
	} {
		t.Run(name, func(t *testing.T) {
			told := manager(t)
			file := settingsFile(t, "", "")
			r := start(t, append(args, "--config", file, "--drain-timeout", "50ms")...)
			next := func(want string) {
				t.Helper()
				got := told()
				for got == "WATCHDOG=1" && want != got {
					got = told()
				}
				if !strings.HasPrefix(got, want) {
					t.Errorf("the manager is told %q, want %q", got, want)
				}
			}
			next("READY=1\nSTATUS=takes calls on " + r.addr)
			next("WATCHDOG=1")
			r.signals <- syscall.SIGHUP
			next("RELOADING=1\nMONOTONIC_USEC=")
			next("READY=1\nSTATUS=takes calls on " + r.addr)
			settingsFile(t, file, "speakers = 0\n")
			r.signals <- syscall.SIGHUP
			next("RELOADING=1\n")
			next("READY=1\nSTATUS=takes calls on " + r.addr + "; the last reload was refused")
			r.signals <- syscall.SIGTERM
			next("STOPPING=1\nEXTEND_TIMEOUT_USEC=15050000\n")
			if code := <-r.code; code != exitOK {
				t.Fatalf("exit %d: %s", code, r.stderr)
			}
		})
	}
}

func TestAReloadLooksAtCertificatesAndKeysFirst(t *testing.T) {
	cert, key := pair(t)
	keys := t.TempDir()
	tokenFile(t, keys)
	file := settingsFile(t, "", "max-calls = 20\n")
	s, log := made(t, "--config", file, "--tls-cert", cert, "--tls-key", key, "--token-keys", keys)
	settingsFile(t, file, "max-calls = 30\n")
	good, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	revoked := filepath.Join(keys, "revoked")
	for name, spoil := range map[string]func(){
		"a certificate that is none": func() { settingsFile(t, cert, "none") },
		"no certificate":             func() { _ = os.Remove(cert) },
		"a list that is none":        func() { settingsFile(t, revoked, "something else\n") },
	} {
		spoil()
		if err := s.reload(); err == nil || s.gate.Limits().Calls != 20 {
			t.Errorf("%s: calls %d, %v", name, s.gate.Limits().Calls, err)
		}
		settingsFile(t, cert, string(good))
		settingsFile(t, revoked, "")
	}
	fresh, freshKey := pair(t)
	for from, to := range map[string]string{fresh: cert, freshKey: key} {
		b, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		settingsFile(t, to, string(b))
	}
	if err := s.reload(); err != nil || s.gate.Limits().Calls != 30 {
		t.Fatalf("calls %d, %v", s.gate.Limits().Calls, err)
	}
	want, _ := printOf(t, fresh)
	if got := s.security.store.Fingerprint(); got != want {
		t.Errorf("after the reload the certificate is %s, want %s\n%s", got, want, log)
	}
}
