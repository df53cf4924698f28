package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"callcenter/api/fingerprint"
	"callcenter/server/internal/certs"
	"callcenter/server/internal/config"
)

// pair is a certificate and its key in files.
func pair(t *testing.T) (cert, key string) {
	t.Helper()
	state := t.TempDir()
	if _, err := certs.Open(certs.Settings{StateDir: state, Names: []string{"127.0.0.1"}}); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(state, "tls", "certificate.pem"), filepath.Join(state, "tls", "key.pem")
}

func printOf(t *testing.T, certFile string) (string, *x509.CertPool) {
	t.Helper()
	text, err := os.ReadFile(certFile)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return fingerprint.Of(cert), pool
}

func TestACertificateIsGivenAlsoOnLoopback(t *testing.T) {
	cert, key := pair(t)
	printed, pool := printOf(t, cert)
	r := start(t, "--tls-cert", cert, "--tls-key", key)
	if line := r.stderr.await(t, `(msg=listening .*)\n`); !strings.Contains(line, "security=tls") || !strings.Contains(line, printed) || !strings.Contains(line, "auth=none") {
		t.Error(line)
	}
	conn, err := grpc.NewClient(r.addr, grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS13, RootCAs: pool})))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // it was only asked
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{}); err != nil {
		t.Error(err)
	}
	r.signals <- syscall.SIGTERM
	if code := <-r.code; code != exitOK {
		t.Errorf("exit %d: %s", code, r.stderr)
	}
}

func TestPlainTextOnLoopbackIsSaid(t *testing.T) {
	r := start(t, "--max-calls", "10", "--max-connections", "10") // any machine lets so many be open
	r.stderr.await(t, `msg=listening .*security=plain auth=none\n`)
	r.signals <- syscall.SIGTERM
	if code := <-r.code; code != exitOK || strings.Contains(r.stderr.String(), "level=WARN") {
		t.Errorf("exit %d: %s", code, r.stderr)
	}
}

func TestFilesOfTLSThatCannotBeAre2(t *testing.T) {
	cert, key := pair(t)
	_, another := pair(t)
	for name, args := range map[string][]string{
		"no certificate": {"--tls-cert", cert + ".not", "--tls-key", key},
		"another's key":  {"--tls-cert", cert, "--tls-key", another},
		"no key named":   {"--tls-cert", cert},
		"no authority":   {"--tls-cert", cert, "--tls-key", key, "--client-ca", key},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr output
			code := run(append(args, "--listen", "127.0.0.1:0"), &stdout, &stderr, nil)
			if text := stderr.String(); code != exitUsage || strings.Count(text, "\n") != 1 {
				t.Errorf("exit %d: %q", code, text)
			}
		})
	}
}

func TestTheServersOwnCertificateSurvivesARestart(t *testing.T) {
	cfg := config.Config{NoAuth: true, Listen: "phones.example:50051", StateDir: t.TempDir()}
	before, err := checkSecurity(&cfg, tcp("192.0.2.1"), false)
	if err != nil || !strings.Contains(strings.Join(before, "\n"), "to be made") || certs.Made(cfg.StateDir) {
		t.Errorf("a check before: %q, %v", before, err)
	}
	said := func() string {
		t.Helper()
		var out output
		log := slog.New(slog.NewTextHandler(&out, nil))
		s, err := secure(&cfg, tcp("192.0.2.1"), false, log)
		if err != nil || s.credentials() == nil || s.reload() != nil {
			t.Fatal(err)
		}
		s.announce(log, "address", "192.0.2.1:50051")
		return out.String()
	}
	first, again := said(), said()
	re := regexp.MustCompile(`msg=listening address=192.0.2.1:50051 security=tls auth=none fingerprint=(SHA256:\S{43})`)
	a, b := re.FindStringSubmatch(first), re.FindStringSubmatch(again)
	if a == nil || b == nil || a[1] != b[1] {
		t.Fatalf("first %s, then %s", first, again)
	}
	if strings.Count(first, a[1]) != 2 || !strings.Contains(first, "made itself a certificate") || !strings.Contains(again, "goes on with") {
		t.Errorf("first %s, then %s", first, again)
	}
	after, err := checkSecurity(&cfg, tcp("192.0.2.1"), false)
	if err != nil || !strings.Contains(strings.Join(after, "\n"), a[1]) {
		t.Errorf("a check after: %q, %v", after, err)
	}
	if err := os.Remove(filepath.Join(cfg.StateDir, "tls", "key.pem")); err != nil {
		t.Fatal(err)
	}
	if _, err := secure(&cfg, tcp("192.0.2.1"), false, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("half of it is taken")
	}
	if _, err := checkSecurity(&cfg, tcp("192.0.2.1"), false); err == nil {
		t.Error("half of it passes a check")
	}
}

func TestTheServersOwnCertificateIsForWhatItIsCalled(t *testing.T) {
	names := certificateNames("phones.example:50051", tcp("192.0.2.1"))
	for _, want := range []string{"phones.example", "192.0.2.1", "localhost"} {
		if !slices.Contains(names, want) {
			t.Errorf("%q lacks %s", names, want)
		}
	}
	if names = certificateNames(":50051", tcp("::")); !slices.Contains(names, "127.0.0.1") || slices.Contains(names, "::") || slices.Contains(names, "") {
		t.Errorf("on every address: %q", names)
	}
}

func TestWhereTheServerKeepsItsCertificate(t *testing.T) {
	for _, tc := range []struct{ setting, service, xdg, home, want string }{
		{"/set", "/var/lib/s", "/xdg", "/home/x", "/set"},
		{"", "/var/lib/s", "/xdg", "/home/x", "/var/lib/s"},
		{"", "/var/lib/s:/var/lib/t", "", "", "/var/lib/s"},
		{"", "", "/xdg", "/home/x", "/xdg/callcenter"},
		{"", "", "relative", "/home/x", "/home/x/.local/state/callcenter"},
		{"", "", "", "", ""},
	} {
		t.Setenv("STATE_DIRECTORY", tc.service)
		t.Setenv("XDG_STATE_HOME", tc.xdg)
		t.Setenv("HOME", tc.home)
		got, err := stateDir(&config.Config{StateDir: tc.setting})
		if got != tc.want || (err == nil) != (tc.want != "") || err != nil && !strings.Contains(err.Error(), "--state-dir") {
			t.Errorf("%+v: %q, %v", tc, got, err)
		}
	}
}
