package hostile

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"testing"

	"callcenter/server/servertest"
	"callcenter/softphone/internal/bearer"
	"callcenter/softphone/internal/phone"
	"callcenter/softphone/internal/trust"
)

// secureAttacks are those on servers that speak TLS and ask who calls.
func secureAttacks() []attack {
	return []attack{
		{name: "says its first bytes of TLS one by one", run: (*attacker).hello, full: strength{500, 1000, 500}, quick: strength{20, 200, 100}, spread: 50, secure: true, bare: true},
		{name: "shakes hands again and again", run: (*attacker).shake, full: strength{20, 0, 200}, quick: strength{2, 0, 20}, spread: 10, secure: true},
		{name: "shows tokens of its own making", run: (*attacker).forge, full: strength{4, 2000, 100}, quick: strength{2, 50, 20}, spread: 4, secure: true},
	}
}

// guarded is what a server that speaks TLS and asks for tokens is started with, and
// who is let in.
type guarded struct {
	ca   *servertest.CA
	keys *servertest.Keys
	cert string // files
	key  string
}

func newGuarded(t *testing.T) *guarded {
	t.Helper()
	g := &guarded{ca: servertest.NewCA(t), keys: servertest.NewKeys(t)}
	g.cert, g.key = g.ca.Files(t, t.TempDir(), servertest.Leaf{})
	return g
}

// flags are those of the server's program.
func (g *guarded) flags() []string {
	return []string{
		"--tls-cert", g.cert, "--tls-key", g.key, "--token-keys", g.keys.Dir, "--audience", servertest.Audience,
		"--max-calls-per-identity", "0", // one token is the swarm's
	}
}

// site is such a server: softphones know it and have a token, attackers have one
// that somebody else has signed.
func (g *guarded) site(address string) site {
	token := g.keys.Token("swarm", servertest.Everything())
	access := &phone.Access{
		Encrypt: phone.EncryptAlways, Token: bearer.Value(token),
		Trust: trust.New(trust.Config{CA: g.ca.Pool(), CAFile: "the test's"}),
	}
	return site{address: address, connect: access.Connect, tls: attackersTLS(), token: forged(token)}
}

// attackersTLS asks for nothing: to attackers one server is as good as another.
func attackersTLS() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, InsecureSkipVerify: true, NextProtos: []string{"h2"}}
}

// forged is a token with another signature: the server has to look at it to know.
func forged(token string) string {
	b := []byte(token)
	at := len(b) - 40
	if b[at] == 'A' {
		b[at] = 'B'
	} else {
		b[at] = 'A'
	}
	return string(b)
}

// recorder keeps what a client says first, and answers nothing.
type recorder struct {
	net.Conn
	said bytes.Buffer
}

func (r *recorder) Write(b []byte) (int, error) { return r.said.Write(b) }
func (r *recorder) Read([]byte) (int, error)    { return 0, io.EOF }

// hello begins TLS as a client does, a byte at a time.
func (a *attacker) hello(ctx context.Context) error {
	r := &recorder{}
	_ = tls.Client(r, a.tls).HandshakeContext(ctx) // nobody answers
	return a.slowly(ctx, r.said.Bytes())
}

// shake does a handshake and leaves.
func (a *attacker) shake(ctx context.Context) error {
	return a.each(ctx, func(context.Context, int, *raw) error {
		a.did.Add(1)
		return nil
	})
}

// forge calls with a token that nobody has signed.
func (a *attacker) forge(ctx context.Context) error {
	return a.talk(ctx, func(ctx context.Context, _ int, r *raw) error {
		return a.paced(ctx, func(n int) error {
			for range n {
				if _, err := r.open(liveCall, false, a.opening("echo", "pcm")); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// TestCallsGoOnWhateverIsSaidBeforeThem is TestCallsGoOnWhateverConnectionsDo with
// TLS and tokens, and what is hostile about those.
func TestCallsGoOnWhateverIsSaidBeforeThem(t *testing.T) {
	t.Parallel()
	g := newGuarded(t)
	s := startMarked(t, servertest.Options{TLS: &servertest.TLS{CertFile: g.cert, KeyFile: g.key}, Keys: g.keys})
	goOn(t, g.site(s.Addr), secureAttacks())
}
