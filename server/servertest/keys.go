package servertest

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"google.golang.org/grpc"

	"callcenter/server/internal/auth"
)

// Audience is whom the tokens for test servers are made for.
const Audience = "servertest"

// Grants are what a token's bearer may do: see Keys.Token.
type Grants = auth.Grants

// Everything is all that there is to grant but to administer.
func Everything() Grants { return Grants{Call: []string{"*"}, Speak: true, Listen: true} }

// Keys are a folder with a key that makes tokens, for servers that ask who calls.
type Keys struct {
	// Dir is the folder, as --token-keys.
	Dir string

	tb     testing.TB
	signer *auth.Signer
}

// NewKeys makes a key.
func NewKeys(tb testing.TB) *Keys {
	tb.Helper()
	k := &Keys{Dir: tb.TempDir(), tb: tb}
	var err error
	if k.signer, err = auth.OpenSigner(k.Dir, "test", time.Now()); err != nil {
		tb.Fatalf("make a key for tokens: %v", err)
	}
	return k
}

// Token makes a token that is valid from now on for an hour.
func (k *Keys) Token(subject string, g Grants) string {
	k.tb.Helper()
	return k.TokenUntil(subject, g, time.Now().Add(time.Hour))
}

// TokenUntil makes a token that is valid from now on until then. Servers grant
// another 30 s.
func (k *Keys) TokenUntil(subject string, g Grants, expires time.Time) string {
	k.tb.Helper()
	token, _, err := k.signer.Issue(auth.Request{Subject: subject, Audience: Audience, Expires: expires, Grants: g}, time.Now())
	if err != nil {
		k.tb.Fatalf("make a token: %v", err)
	}
	return token
}

// Revoke revokes a token. Servers notice within seconds.
func (k *Keys) Revoke(token string) {
	k.tb.Helper()
	content, err := auth.Read(token)
	if err == nil {
		err = auth.RevokeToken(k.Dir, content.TokenID, content.Expires, time.Now())
	}
	if err != nil {
		k.tb.Fatalf("revoke a token: %v", err)
	}
}

// RevokeSubject revokes all tokens that a subject was given until now.
func (k *Keys) RevokeSubject(subject string) {
	k.tb.Helper()
	if err := auth.RevokeSubject(k.Dir, subject, time.Now()); err != nil {
		k.tb.Fatalf("revoke a subject: %v", err)
	}
}

// open returns what a server goes by, which follows the folder until the test ends.
func (k *Keys) open(tb testing.TB, log *slog.Logger) *auth.Authority {
	tb.Helper()
	a, err := auth.Open(auth.Config{Dir: k.Dir, Audience: Audience, Log: log})
	if err != nil {
		tb.Fatalf("open the keys for tokens: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = a.Run(ctx) // it returns nil
	}()
	tb.Cleanup(func() {
		cancel()
		<-done
	})
	return a
}

// Bearer lets all RPCs of a connection carry a token, also in plain text.
func Bearer(token string) grpc.DialOption { return grpc.WithPerRPCCredentials(bearer(token)) }

type bearer string

// GetRequestMetadata implements credentials.PerRPCCredentials.
func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

// RequireTransportSecurity implements credentials.PerRPCCredentials.
func (b bearer) RequireTransportSecurity() bool { return false }
