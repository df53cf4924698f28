package phone_test

import (
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"callcenter/server/servertest"
	"callcenter/softphone/internal/bearer"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/phone"
	"callcenter/softphone/internal/trust"
)

// guarded is a real server that encrypts and asks who calls, and how an operator
// with a token gets into it.
type guarded struct {
	t      *testing.T
	server *servertest.Server
	keys   *servertest.Keys
}

func newGuarded(t *testing.T, change ...func(*servertest.Options)) *guarded {
	t.Helper()
	o := servertest.Options{TLS: &servertest.TLS{}, Keys: servertest.NewKeys(t)}
	for _, f := range change {
		f(&o)
	}
	return &guarded{t, servertest.Start(t, o), o.Keys}
}

// access is that of an operator whose token is in a file.
func (g *guarded) access(e *ear, token string, change ...func(*trust.Config)) *phone.Access {
	g.t.Helper()
	path := filepath.Join(g.t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(token+"\n"), 0o600); err != nil {
		g.t.Fatal(err)
	}
	a := newAccess(g.t, e, change...)
	a.Token = bearer.File(path)
	return a
}

func TestALongListOfDestinationsFitsIntoATokenThatIsTaken(t *testing.T) {
	g, e := newGuarded(t), &ear{}
	grants := servertest.Grants{Call: []string{"echo"}, Speak: true, Listen: true}
	for i := range 63 {
		grants.Call = append(grants.Call, fmt.Sprintf("room/%064d", i))
	}
	if r, said, err := place(t, g.server.Addr, g.access(e, g.keys.Token("ada", grants))); err != nil || r.Received == 0 {
		t.Errorf("%+v: %v; said %q", r, err, said)
	}
}

func TestAGuardedServerIsMetAndTheCallIsHeard(t *testing.T) {
	g, e := newGuarded(t), &ear{}
	a := g.access(e, g.keys.Token("ada", servertest.Everything()))
	r, said, err := place(t, g.server.Addr, a)
	if err != nil || r.Received == 0 || r.Encrypted == nil || !*r.Encrypted || r.MayNotSpeak || r.MayNotListen || said != "" {
		t.Errorf("%+v: %v; said %q", r, err, said)
	}
	if !strings.Contains(e.heard(), g.server.Fingerprint()) {
		t.Errorf("%q does not say %s", e.heard(), g.server.Fingerprint())
	}
	open := &phone.Access{Encrypt: phone.EncryptNever, Token: a.Token}
	if _, _, err := place(t, g.server.Addr, open); err == nil || !strings.Contains(err.Error(), "--tls on") {
		t.Errorf("in plain text: %v", err)
	}
}

func TestWhatARealServerHasAgainstATokenIsASentence(t *testing.T) {
	g, e := newGuarded(t), &ear{}
	everything := servertest.Everything()
	for says, token := range map[string]string{
		"your token expired on": signed(time.Now().Add(-time.Hour)),
		"does not accept your token (the token's signature is wrong): ask":      servertest.NewKeys(t).Token("ada", everything),
		"(the token does not allow it to call echo): ask its administrator for": g.keys.Token("ada", servertest.Grants{Call: []string{"room/*"}, Speak: true, Listen: true}),
	} {
		if _, _, err := place(t, g.server.Addr, g.access(e, token)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
	if _, _, err := place(t, g.server.Addr, newAccess(t, e)); err == nil || !strings.Contains(err.Error(), "without a token (no token): name the file with yours by --token-file") {
		t.Errorf("without one: %v", err)
	}
}

func TestAServerThatWantsACertificateGetsOne(t *testing.T) {
	ca := servertest.NewCA(t)
	caFile := ca.File(t, t.TempDir())
	certFile, keyFile := ca.Files(t, t.TempDir(), servertest.Leaf{})
	g := newGuarded(t, func(o *servertest.Options) {
		o.TLS = &servertest.TLS{CertFile: certFile, KeyFile: keyFile, ClientCA: caFile}
	})
	e := &ear{}
	token := g.keys.Token("ada", servertest.Everything())
	pool, err := trust.LoadCA(caFile)
	if err != nil {
		t.Fatal(err)
	}
	byCA := func(pool *x509.CertPool) func(*trust.Config) {
		return func(c *trust.Config) { c.CA, c.CAFile = pool, "house.pem" }
	}
	if _, _, err := place(t, g.server.Addr, g.access(e, token, byCA(pool))); err == nil || !strings.Contains(err.Error(), "asks for a certificate of this softphone") {
		t.Errorf("without one: %v", err)
	}
	mine := func(c *trust.Config) {
		c.CertFile, c.KeyFile = ca.Files(t, t.TempDir(), servertest.Leaf{Names: []string{"ada"}, Client: true})
	}
	if r, _, err := place(t, g.server.Addr, g.access(e, token, byCA(pool), mine)); err != nil || r.Received == 0 || e.heard() != "" {
		t.Errorf("%+v: %v; said %q", r, err, e.heard())
	}
	other := func(c *trust.Config) {
		c.CertFile, c.KeyFile = servertest.NewCA(t).Files(t, t.TempDir(), servertest.Leaf{Names: []string{"eve"}, Client: true})
	}
	if _, _, err := place(t, g.server.Addr, g.access(e, token, byCA(pool), other)); err == nil || !strings.Contains(err.Error(), "does not accept the certificate in ") {
		t.Errorf("with another's: %v", err)
	}
	if _, _, err := place(t, g.server.Addr, g.access(e, token, byCA(x509.NewCertPool()), mine)); err == nil || !strings.Contains(err.Error(), "nobody in house.pem signed") {
		t.Errorf("with another --ca: %v", err)
	}
}

func TestWhoMayOnlyListenSeesItAndWhoIsRevokedIsOut(t *testing.T) {
	g, e := newGuarded(t), &ear{}
	token := g.keys.Token("ada", servertest.Grants{Call: []string{"room/*"}, Listen: true})
	p := startPhone(t, g.server.Addr, &fakeSound{}, by(g.access(e, token)))
	other := startPhone(t, g.server.Addr, &fakeSound{}, by(g.access(e, g.keys.Token("bob", servertest.Everything()))))
	p.Dial("room/a")
	other.Dial("room/a")
	within(t, "the screen says so", func() bool {
		s := p.Snapshot()
		return s.State == callstate.Live && s.MayNotSpeak && !s.MayNotListen && s.Verdict.Good == "Nobody hears you: your token does not let you speak." && len(s.Roster) == 1
	})
	if s := other.Snapshot(); s.MayNotSpeak || s.MayNotListen || !s.Link.Security.Encrypted {
		t.Errorf("the other may not: %+v", s)
	}
	g.keys.Revoke(token)
	said := &ear{}
	within(t, "the call is over", func() bool {
		for len(p.Notices()) > 0 {
			said.say(<-p.Notices())
		}
		return p.Snapshot().State == callstate.Idle && strings.Contains(said.heard(), "does not let this call go on, as it does not accept your token (the token was revoked)")
	})
	if s := other.Snapshot(); s.State != callstate.Live {
		t.Errorf("the other is %v", s.State)
	}
}
