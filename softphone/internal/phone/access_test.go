package phone_test

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"callcenter/api"
	"callcenter/api/fingerprint"
	"callcenter/api/socket"
	"callcenter/codec"
	"callcenter/codec/opus"
	"callcenter/softphone/internal/bearer"
	"callcenter/softphone/internal/call"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/phone"
	"callcenter/softphone/internal/trust"
)

// ear collects what an operator is told.
type ear struct {
	mu    sync.Mutex
	words []string
}

func (e *ear) say(n callstate.Notice) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.words = append(e.words, n.Text)
}

func (e *ear) heard() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return strings.Join(e.words, "\n")
}

// newAccess is one that encrypts, and knows nobody yet.
func newAccess(t *testing.T, e *ear, change ...func(*trust.Config)) *phone.Access {
	t.Helper()
	cfg := trust.Config{Known: trust.NewKnown(t.TempDir())}
	for _, f := range change {
		f(&cfg)
	}
	return &phone.Access{Encrypt: phone.EncryptAlways, Trust: trust.New(cfg), Say: e.say}
}

// by makes a phone use an access.
func by(a *phone.Access) func(*phone.Config) {
	return func(c *phone.Config) { c.Connect, c.Token = a.Connect, a.Token }
}

// place makes one call of 300 ms, and returns how it ended.
func place(t *testing.T, servers string, a *phone.Access) (r call.Report, said string, err error) {
	t.Helper()
	e := &ear{}
	cfg := phone.Config{
		Servers: strings.Split(servers, ","), Destination: "echo", Codec: opus.Codec{},
		Options: codec.Options{Bitrate: 32000, Complexity: 5, FrameSamples: 960},
		Sound:   &fakeSound{}, Log: slog.New(slog.DiscardHandler),
	}
	by(a)(&cfg)
	p := phone.New(cfg)
	r, err = p.Place(t.Context(), phone.Order{Limit: 300 * time.Millisecond})
	for len(p.Notices()) > 0 {
		e.say(<-p.Notices())
	}
	return r, e.heard(), err
}

func TestACallIsEncryptedAndItsServerIsKnownFromThenOn(t *testing.T) {
	f, e := encrypted(t), &ear{}
	a := newAccess(t, e)
	r, _, err := place(t, f.addr, a)
	if err != nil || r.Encrypted == nil || !*r.Encrypted || r.Received == 0 {
		t.Fatalf("%+v: %v", r, err)
	}
	key := fingerprint.Of(f.cert.Leaf)
	if said := e.heard(); strings.Count(said, key) != 1 || !strings.Contains(said, "for the first time") || !strings.Contains(said, "Compare it") {
		t.Errorf("said: %s", said)
	}
	if _, _, err := place(t, f.addr, a); err != nil || strings.Count(e.heard(), key) != 1 {
		t.Errorf("the second call: %v; said: %s", err, e.heard())
	}
	f.become(strange(t))
	began := time.Now()
	_, _, err = place(t, f.addr, a)
	if err == nil || !strings.Contains(err.Error(), "its key was "+key) || !strings.Contains(err.Error(), "softphone trust forget "+f.addr) || strings.Contains(err.Error(), "\n") {
		t.Errorf("with another key: %v", err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v to be refused", took)
	}
}

func TestAnotherServerIsTriedWhenTheKeyOfTheFirstHasChanged(t *testing.T) {
	f, g, e := encrypted(t), encrypted(t), &ear{}
	a := newAccess(t, e)
	if _, _, err := place(t, f.addr, a); err != nil {
		t.Fatal(err)
	}
	f.become(strange(t))
	r, said, err := place(t, f.addr+","+g.addr, a)
	if err != nil || r.Received == 0 || !strings.Contains(said, "its key was") {
		t.Errorf("%+v: %v; said: %s", r, err, said)
	}
}

func TestAKeyThatChangesInMidCallEndsItAtOnceAndIsSaid(t *testing.T) {
	f, e := encrypted(t), &ear{}
	p := startPhone(t, f.addr, &fakeSound{}, by(newAccess(t, e)))
	said := &ear{}
	p.Dial("")
	within(t, "the call is live", func() bool { return p.Snapshot().State == callstate.Live && p.Snapshot().Link.Security.Encrypted })
	f.become(strange(t))
	began, before := time.Now(), f.handshakes()
	f.cut()
	within(t, "the call is over", func() bool { return p.Snapshot().State == callstate.Idle })
	within(t, "the reason is said", func() bool {
		for len(p.Notices()) > 0 {
			said.say(<-p.Notices())
		}
		return strings.Contains(said.heard(), "its key was")
	})
	if took, asked := time.Since(began), f.handshakes()-before; took > 10*time.Second || asked != 1 {
		t.Errorf("it took %v and %d attempts", took, asked)
	}
}

func TestPlainTextAndTLSDoNotTakeEachOtherForALinkThatIsGone(t *testing.T) {
	f, plain, e := encrypted(t), (&doorman{}).serve(t), &ear{}
	a := newAccess(t, e)
	if _, _, err := place(t, plain, a); err == nil || !strings.Contains(err.Error(), "does not speak TLS") {
		t.Errorf("TLS to plain text: %v", err)
	}
	open := &phone.Access{Encrypt: phone.EncryptNever}
	if _, _, err := place(t, f.addr, open); err == nil || !strings.Contains(err.Error(), "--tls on") {
		t.Errorf("plain text to TLS: %v", err)
	}
	f.mu.Lock()
	f.ask = tls.RequireAnyClientCert
	f.mu.Unlock()
	if _, _, err := place(t, f.addr, a); err == nil || !strings.Contains(err.Error(), "asks for a certificate of this softphone") {
		t.Errorf("a certificate is wanted: %v", err)
	}
}

func TestAServerThatHangsUpOnPlainTextMayWantTLS(t *testing.T) {
	read := func(c net.Conn, bytes int64) { _, _ = io.CopyN(io.Discard, c, bytes) }
	hangUp := map[string]func(*net.TCPConn){
		"it hung up":              func(c *net.TCPConn) { read(c, 24) }, // the preface of RFC 9113 §3.4
		"it reset the connection": func(c *net.TCPConn) { read(c, 1); _ = c.SetLinger(0) },
	}
	for name, end := range hangUp {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = l.Close() }()
			go func() {
				for c, err := l.Accept(); err == nil; c, err = l.Accept() {
					end(c.(*net.TCPConn))
					_ = c.Close()
				}
			}()
			_, _, err = place(t, l.Addr().String(), &phone.Access{Encrypt: phone.EncryptNever})
			if err == nil || !strings.Contains(err.Error(), "hung up at once") || !strings.Contains(err.Error(), "--tls on") {
				t.Error(err)
			}
		})
	}
}

func TestATokenIsShownAnewWithEachConnection(t *testing.T) {
	d := &doorman{}
	server := d.serve(t)
	path := filepath.Join(t.TempDir(), "token")
	a := &phone.Access{Token: bearer.File(path)}
	if _, _, err := place(t, server, a); err == nil || !strings.Contains(err.Error(), path+" is not there") || !strings.Contains(err.Error(), "--token-file") {
		t.Errorf("without the file: %v", err)
	}
	var want []string
	for i := range 2 {
		token := signed(time.Now().Add(time.Duration(i+1) * time.Hour))
		want = append(want, "Bearer "+token)
		if err := os.WriteFile(path, []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := place(t, server, a); err != nil {
			t.Fatal(err)
		}
	}
	if got := d.tokens(); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("%d were shown, not the %d that were there", len(got), len(want))
	}
}

func TestWhyAServerRefusesATokenIsASentenceToActOn(t *testing.T) {
	for name, tt := range map[string]struct {
		token bearer.Source
		likes func(string) error
		says  string
	}{
		"none":    {bearer.Source{}, refuses(codes.Unauthenticated, "no token: this server asks who calls"), "without a token (no token): name the file with yours by --token-file"},
		"expired": {bearer.Value(signed(time.Now().Add(-time.Hour))), refuses(codes.Unauthenticated, "expired"), "your token expired on"},
		"revoked": {bearer.Value(signed(time.Now().Add(time.Hour))), refuses(codes.Unauthenticated, "revoked"), "does not accept your token (revoked): ask its administrator for a new one"},
		"grants":  {bearer.Value(signed(time.Now().Add(time.Hour))), refuses(codes.PermissionDenied, "the token does not allow it to call echo: ask for one with --call echo"), "refuses this call (the token does not allow it to call echo): ask its administrator for a token that"},
	} {
		d := &doorman{likes: tt.likes}
		_, _, err := place(t, d.serve(t), &phone.Access{Token: tt.token})
		if err == nil || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
		if n := len(d.tokens()); n != 1 {
			t.Errorf("%s: asked %d times", name, n)
		}
	}
}

func TestATokenThatIsRevokedInMidCallEndsItAndIsNotTriedAgain(t *testing.T) {
	d := &doorman{}
	a := &phone.Access{Token: bearer.Value(signed(time.Now().Add(time.Hour)))}
	server := d.serve(t)
	p := startPhone(t, server, &fakeSound{}, by(a))
	p.Dial("")
	within(t, "the call is live", func() bool { return p.Snapshot().Duration > 20*time.Millisecond })
	d.ended <- status.Error(codes.Unauthenticated, "the token was revoked")
	said := &ear{}
	within(t, "the call is over", func() bool {
		for len(p.Notices()) > 0 {
			said.say(<-p.Notices())
		}
		return p.Snapshot().State == callstate.Idle && strings.Contains(said.heard(), "does not let this call go on, as it does not accept your token (the token was revoked)")
	})
	if n := len(d.tokens()); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func TestACallThatIsAsLongAsItMayBeEndsAndIsNotTriedAgain(t *testing.T) {
	d := &doorman{goodbye: &api.Event{Kind: api.Event_KIND_ENDED, Reason: "the call was as long as a call may be"}}
	p := startPhone(t, d.serve(t), &fakeSound{})
	p.Dial("")
	within(t, "the call is live", func() bool { return p.Snapshot().Duration > 20*time.Millisecond })
	d.ended <- status.Error(codes.DeadlineExceeded, "the call was as long as a call may be, 12h0m0s: call again")
	said := &ear{}
	within(t, "the call is over", func() bool {
		for len(p.Notices()) > 0 {
			said.say(<-p.Notices())
		}
		return p.Snapshot().State == callstate.Idle && strings.Contains(said.heard(), "ended the call (the call was as long as a call may be, 12h0m0s): dial again")
	})
	if n := len(d.tokens()); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func TestWhoMayNotSpeakOrListenIsTold(t *testing.T) {
	for _, tt := range []struct {
		event *api.Event
		says  string
	}{
		{&api.Event{Kind: api.Event_KIND_ANSWERED, NewCall: true, MayNotSpeak: true}, "Nobody hears you: your token does not let you speak."},
		{&api.Event{Kind: api.Event_KIND_ANSWERED, NewCall: true, MayNotListen: true}, "You hear nobody: your token does not let you listen."},
		{&api.Event{Kind: api.Event_KIND_ANSWERED, NewCall: true}, ""},
	} {
		d := &doorman{answer: tt.event}
		r, said, err := place(t, d.serve(t), &phone.Access{})
		if err != nil || r.MayNotSpeak != tt.event.GetMayNotSpeak() || r.MayNotListen != tt.event.GetMayNotListen() {
			t.Errorf("%+v: %v", r, err)
		}
		if !strings.Contains(said, tt.says) || tt.says == "" && strings.Contains(said, "token") {
			t.Errorf("said: %q, want %q", said, tt.says)
		}
	}
}

func TestTokensGoInPlainTextOnlyWhereTheSettingsAllowIt(t *testing.T) {
	a := &phone.Access{Token: bearer.Value(signed(time.Now()))}
	if c, err := a.Connect("127.0.0.1:1"); err != nil || c.Close() != nil {
		t.Errorf("on this computer: %v", err)
	}
	if _, err := a.Connect("10.0.0.1:1"); err == nil { // it would have to be encrypted
		t.Error("a connection that can know no server is made")
	}
	a.Encrypt = phone.EncryptNever
	c, err := a.Connect("10.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	of, ok := c.(interface{ Security() callstate.Security })
	if !ok || !of.Security().Open() {
		t.Error("it does not say that others can hear")
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// elsewhere is a connection to another computer, as a socket says.
type elsewhere struct{ net.Conn }

func (elsewhere) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 50051} }

func TestPlainTextDoesNotFollowANameThatLeadsToAnotherComputer(t *testing.T) {
	d := &doorman{}
	address := d.serve(t)
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	a := &phone.Access{Token: bearer.Value(signed(time.Now().Add(time.Hour)))}
	if _, _, err := place(t, "localhost:"+port, a); err != nil {
		t.Errorf("on this computer: %v", err)
	}
	a.Dial = func(ctx context.Context, _ string) (net.Conn, error) {
		c, err := socket.Dial(ctx, address)
		return elsewhere{c}, err
	}
	before := len(d.tokens())
	_, _, err = place(t, "localhost:"+port, a)
	if err == nil || !strings.Contains(err.Error(), "leads to 10.0.0.1:50051") || !strings.Contains(err.Error(), "--tls on") || strings.Contains(err.Error(), "\n") {
		t.Errorf("elsewhere: %v", err)
	}
	if len(d.tokens()) != before {
		t.Error("the token went there")
	}
	a.Encrypt = phone.EncryptNever // it was spelled out
	if _, _, err := place(t, "localhost:"+port, a); err != nil {
		t.Errorf("by --tls off: %v", err)
	}
}
