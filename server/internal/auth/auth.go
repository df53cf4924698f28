// Package auth says who a caller is, and what it may do. A bearer token, a JWT
// signed with Ed25519, names a subject and grants; an Authority knows the keys
// that may sign, and what was revoked. Package callcenter asks it once for each
// RPC, and carries the Identity with the call; package cli makes, shows and
// revokes tokens with it.
//
// Nothing is allowed that a grant does not say. Times are those of the wall
// clock. Tokens are secrets: they are in no error and no log line; what is
// written of one is its id, its subject and its key's id, and nothing of one that
// no key of ours signed.
//
// The keys' folder has a KID.pub for each key whose tokens are taken, the KID.key
// where tokens are made, and the list of what was revoked. An Authority is safe for
// concurrent use.
package auth

import (
	"context"
	"crypto/ed25519"
	"time"
)

// Identity is what a token that was accepted says of its bearer. It does not
// change.
type Identity struct {
	Subject string // who: an operator's account, or a program's
	TokenID string // jti
	KeyID   string // kid, of the key that signed it
	Issued  time.Time
	Expires time.Time
	Grants  Grants

	key ed25519.PublicKey // KeyID's, when it was accepted
}

// Name is the subject, "" where nobody is asked.
func (id *Identity) Name() string {
	if id == nil {
		return ""
	}
	return id.Subject
}

type contextKey struct{}

// NewContext returns a context that carries who makes an RPC.
func NewContext(ctx context.Context, id *Identity) context.Context {
	return context.WithValue(ctx, contextKey{}, id)
}

// FromContext returns who makes an RPC, nil where nobody is asked.
func FromContext(ctx context.Context) *Identity {
	id, _ := ctx.Value(contextKey{}).(*Identity)
	return id
}

// SameSubject reports that two who make RPCs are the same, or that nobody was asked
// either time.
func SameSubject(a, b *Identity) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Subject == b.Subject
}
