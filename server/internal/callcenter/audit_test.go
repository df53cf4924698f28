package callcenter

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"callcenter/audio"
	"callcenter/server/internal/admission"
	"callcenter/server/internal/auth"
)

// named is an address by its text.
type named string

func (named) Network() string  { return "tcp" }
func (n named) String() string { return string(n) }

func TestRefusalsWithoutEndDoNotFillTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		a := newAudit(slog.New(slog.NewTextHandler(&log, nil)), audio.NewClock())
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); a.run(ctx) }()
		line := entry{method: "/callcenter.CallCenter/LiveCall"}
		const a1, a2 = 6000, 3
		for i := range a1 { // a hundred a second, for a minute
			line.peer = named(fmt.Sprint("192.0.2.1:", 1000+i))
			_ = a.refuse(ctx, line, auth.ErrMissing)
			time.Sleep(10 * time.Millisecond)
		}
		for i := range a2 { // somebody else
			line.peer = named(fmt.Sprint("192.0.2.2:", 1000+i))
			_ = a.refuse(ctx, line, auth.ErrExpired)
		}
		cancel()
		<-done
		told := strings.Count(log.String(), "msg=refused")
		if told < 30 || told > 50 {
			t.Errorf("%d of %d refusals are told", told, a1+a2)
		}
		if n := strings.Count(log.String(), "192.0.2.2"); n != a2 {
			t.Errorf("%d lines are of another address", n)
		}
		left, n := 0, 0
		for text := range strings.Lines(log.String()) {
			if _, count, ok := strings.Cut(text, `msg="refusals left out of the log" count=`); ok {
				_, _ = fmt.Sscan(count, &n)
				left += n
			}
		}
		if told+left != a1+a2 {
			t.Errorf("%d are told and %d left out, of %d", told, left, a1+a2)
		}
		if lines := strings.Count(log.String(), "\n"); lines > 60 {
			t.Errorf("there are %d lines in a minute", lines)
		}
	})
}

func TestAFloodFromEverywhereDoesNotFillTheLogNorTheMemory(t *testing.T) {
	var log bytes.Buffer
	now := time.Duration(0)
	a := newAudit(slog.New(slog.NewTextHandler(&log, nil)), func() time.Duration { return now })
	for i := range 100_000 {
		now += time.Millisecond
		_ = a.refuse(t.Context(), entry{peer: named(fmt.Sprintf("[2001:db8:%x:%x::1]:443", i>>16, i&0xffff))}, auth.ErrMissing)
	}
	if n := strings.Count(log.String(), "\n"); n > allRefusalsMax+allRefusalsRate*100+1 {
		t.Errorf("%d lines in 100 s", n)
	}
	if n := len(a.addresses) + len(a.older); n > maxAddresses {
		t.Errorf("%d addresses are remembered", n)
	}
}

func TestAnAddressIsWhatOneSubscriberHas(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1:1", "192.0.2.1:2", true},
		{"192.0.2.1:1", "192.0.2.2:1", false},
		{"192.0.2.1:1", "[::ffff:192.0.2.1]:1", true},
		{"[2001:db8::1]:1", "[2001:db8::ffff:1]:2", true},
		{"[2001:db8::1]:1", "[2001:db8:0:1::1]:1", false},
		{"[fe80::1%eth0]:1", "[fe80::1%eth1]:1", true},
		{"bufconn", "", true},
	} {
		if got := admission.Address(named(tc.a)) == admission.Address(named(tc.b)); got != tc.same {
			t.Errorf("%s and %s are the same: %v", tc.a, tc.b, got)
		}
	}
}

func TestWhichAddressesOthersCanReach(t *testing.T) {
	for address, remote := range map[string]bool{"127.0.0.1": false, "127.9.9.9": false, "::1": false, "0.0.0.0": true, "::": true, "192.0.2.1": true} {
		if got := isRemote(&net.TCPAddr{IP: net.ParseIP(address)}); got != remote {
			t.Errorf("%s can be reached: %v", address, got)
		}
	}
	if isRemote(&net.UnixAddr{Name: "x"}) {
		t.Error("a socket of this machine can be reached")
	}
}

func TestReflectionIsClosedToOtherMachinesWhereNobodyIsAsked(t *testing.T) {
	var log bytes.Buffer
	cfg := testConfig()
	cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
	g := guard{svc: New(cfg), remote: true}
	for method, want := range map[string]string{
		"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo":      "PermissionDenied",
		"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": "PermissionDenied",
		"/grpc.health.v1.Health/Check":                                   "OK",
		"/grpc.health.v1.Health/Watch":                                   "OK",
		"/callcenter.CallCenter/LiveCall":                                "OK",
		"/callcenter.CallCenter/Other":                                   "PermissionDenied",
		"/grpc.health.v1.HealthX/Check":                                  "PermissionDenied",
	} {
		id, err := g.admit(t.Context(), method)
		if got := codeName(err); got != want || id != nil {
			t.Errorf("%s: %v %v, want %v", method, got, id, want)
		}
	}
	if n := strings.Count(log.String(), "msg=refused"); n != 4 {
		t.Errorf("%d lines are of refusals: %s", n, &log)
	}
}

func TestATokenThatIsRevokedBeforeTheFirstChunkOpensNoCall(t *testing.T) {
	var log bytes.Buffer
	dir, now := t.TempDir(), time.Now()
	signer, err := auth.OpenSigner(dir, "", now)
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := signer.Issue(auth.Request{
		Subject: "ada", Audience: "x", Expires: now.Add(time.Hour), Grants: auth.Grants{Call: []string{"*"}, Speak: true, Listen: true},
	}, now)
	if err != nil {
		t.Fatal(err)
	}
	cfg := testConfig()
	cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
	if cfg.Authority, err = auth.Open(auth.Config{Dir: dir, Audience: "x"}); err != nil {
		t.Fatal(err)
	}
	id, err := cfg.Authority.Authenticate(token, now)
	if err != nil {
		t.Fatal(err)
	}
	if err := auth.RevokeSubject(dir, "ada", now.Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if err := cfg.Authority.Reload(); err != nil {
		t.Fatal(err)
	}
	s := New(cfg)
	_, err = openCall(s, &fakeStream{ctx: auth.NewContext(t.Context(), id)}, extendedOpening("echo"))
	if codeName(err) != "Unauthenticated" || len(s.calls) != 0 {
		t.Errorf("%v, %d calls", err, len(s.calls))
	}
	if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), "subject=ada") {
		t.Errorf("the log says %s", &log)
	}
}
