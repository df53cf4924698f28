package auth

import (
	"errors"
	"fmt"
	"strings"
)

// RefusedError is why a token is not accepted. Its text is for whoever holds the
// token, or gave it to them; it says nothing of what is in it.
type RefusedError struct {
	Reason string // in a few words, for the log
	Advice string // what to do
}

// Error implements error.
func (e *RefusedError) Error() string { return e.Reason + ": " + e.Advice }

// The reasons for which Authenticate refuses, each a *RefusedError.
var (
	ErrMissing   error = &RefusedError{"no token", "this server asks who calls: name a file that holds one with --token-file, or set SOFTPHONE_TOKEN"}
	ErrMalformed error = &RefusedError{"the token is malformed", "copy it whole, or ask for a new one"}
	ErrAlgorithm error = &RefusedError{"the token is not signed with EdDSA", "ask for one that server token create made"}
	ErrKey       error = &RefusedError{"the token's key is not known here", "ask for one that was made for this server, or put its key into the server's --token-keys"}
	ErrSignature error = &RefusedError{"the token's signature is wrong", "copy it whole, or ask for a new one"}
	ErrAudience  error = &RefusedError{"the token is for another server", "ask for one with this server's --audience"}
	ErrExpired   error = &RefusedError{"the token has expired", "ask for a new one"}
	ErrEarly     error = &RefusedError{"the token is not valid yet", "wait until it is, or see to the clocks of this server and of where it was made"}
	ErrRevoked   error = &RefusedError{"the token was revoked", "ask for a new one"}
)

// ErrDenied marks what an accepted token does not allow.
var ErrDenied = errors.New("the token does not allow it")

// malformed is ErrMalformed and what is wrong, in words that are not the token's.
func malformed(what string) error { return fmt.Errorf("%w (%s)", ErrMalformed, what) }

// ReasonOf returns in a few words why a token was refused or something denied, for
// the log.
func ReasonOf(err error) string {
	if r, ok := errors.AsType[*RefusedError](err); ok {
		return r.Reason
	}
	text := err.Error()
	if errors.Is(err, ErrDenied) {
		text, _, _ = strings.Cut(text, ": ")
	}
	return text
}
