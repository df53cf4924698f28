// Package auth says who a caller is, and what it may do. A bearer token, a JWT
// signed with Ed25519, names a subject and grants; an Authority knows the keys
// that may sign, and what was revoked. Package callcenter asks it once for each
// RPC, and carries the Identity with the call; package cli makes, shows and
// revokes tokens with it.
//
// Nothing is allowed that a grant does not say. Times are those of the wall
// clock. Tokens are secrets: they are in no error and no log line; what is
// written of one is its id, its subject and its key's id.
package auth

import (
	"context"
	"time"
)

// Grants are what a token's bearer may do. The zero value allows nothing.
type Grants struct {
	// Call are the destinations that may be called: "echo", "tone", "room/NAME",
	// or a beginning that ends in "*": "room/*", "*".
	Call []string
	// Speak lets others hear the bearer, Listen the bearer others. A loopback
	// needs both, a tone needs Listen, a room needs one of them.
	Speak, Listen bool
	// Admin may ask the server about itself: reflection, off loopback.
	Admin bool
}

// Identity is what a token that was accepted says of its bearer. It does not
// change.
type Identity struct {
	Subject string // who: an operator's account, or a program's
	TokenID string // jti
	KeyID   string // kid, of the key that signed it
	Issued  time.Time
	Expires time.Time
	Grants  Grants
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
