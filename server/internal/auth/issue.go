package auth

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// ErrNoKey is of a folder with public keys alone, where no key was named.
var ErrNoKey = errors.New("the folder has no private key: make tokens where that is kept, or name a new key with --key")

// Request is a token to be made.
type Request struct {
	Subject  string
	Audience string
	// NotBefore is when it begins to be valid; zero: at once.
	NotBefore time.Time
	// Expires is when it ends to be.
	Expires time.Time
	Grants  Grants
}

// Signer makes tokens with a private key. It is safe for concurrent use. Use
// OpenSigner.
type Signer struct {
	dir     string
	id      string
	private ed25519.PrivateKey
}

// OpenSigner returns what makes tokens with the key of that id in a folder. "" is
// the only private key there. Folder and key are made where there is none; no key
// is ever replaced.
func OpenSigner(dir, id string, now time.Time) (*Signer, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // servers read it as somebody else
		return nil, fmt.Errorf("make the token keys' folder: %w", err)
	}
	id, err := choose(dir, id, now)
	if err != nil {
		return nil, err
	}
	private, err := readPrivate(filepath.Join(dir, id+privateSuffix))
	switch {
	case err == nil:
		err = publish(dir, id, private)
	case errors.Is(err, os.ErrNotExist):
		if _, err := os.Stat(filepath.Join(dir, id+publicSuffix)); err == nil {
			return nil, fmt.Errorf("%s is here without %s%s: make tokens where that is kept, or name a new key with --key",
				filepath.Join(dir, id+publicSuffix), id, privateSuffix)
		}
		private, err = makePair(dir, id)
	}
	if err != nil {
		return nil, err
	}
	return &Signer{dir: dir, id: id, private: private}, nil
}

// choose returns the id of the key to sign with.
func choose(dir, id string, now time.Time) (string, error) {
	if id != "" {
		return id, CheckKeyID(id)
	}
	private, err := list(dir, privateSuffix)
	if err != nil {
		return "", err
	}
	public, err := list(dir, publicSuffix)
	switch {
	case err != nil:
		return "", err
	case len(private) == 1:
		return private[0], nil
	case len(private) > 1:
		return "", fmt.Errorf("%s has the keys %s: say which with --key", dir, strings.Join(private, " "))
	case len(public) > 0:
		return "", ErrNoKey
	}
	return "key-" + now.UTC().Format(time.DateOnly), nil
}

// Issue makes a token, which begins now, and returns whom an Authority will see. A
// subject that was revoked within this very second gets one of the next, so that
// this token is not revoked too.
func (s *Signer) Issue(r Request, now time.Time) (token string, id *Identity, err error) {
	list, err := readRevoked(s.dir)
	if err != nil {
		return "", nil, err
	}
	issued := now.Truncate(time.Second)
	if at, is := list.subjects[r.Subject]; is && !issued.After(at) && at.Sub(issued) < time.Second {
		issued = at.Add(time.Second)
	}
	if err := r.check(issued); err != nil {
		return "", nil, err
	}
	id = &Identity{
		Subject: r.Subject, TokenID: rand.Text(), KeyID: s.id, Grants: r.Grants,
		Issued: issued, Expires: r.Expires.Truncate(time.Second), key: s.private.Public().(ed25519.PublicKey),
	}
	claims := jwt.MapClaims{
		"sub": id.Subject, "jti": id.TokenID, "aud": r.Audience, "grants": r.Grants.claim(),
		"iat": id.Issued.Unix(), "exp": id.Expires.Unix(),
	}
	if !r.NotBefore.IsZero() {
		claims["nbf"] = r.NotBefore.Unix()
	}
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims)
	t.Header["kid"] = s.id
	token, err = t.SignedString(s.private)
	switch {
	case err != nil:
		return "", nil, fmt.Errorf("sign a token: %w", err)
	case len(token) > MaxToken:
		return "", nil, fmt.Errorf("the token is longer than %d bytes: name fewer destinations", MaxToken)
	}
	return token, id, nil
}

// check reports a token that could not be used.
func (r *Request) check(issued time.Time) error {
	if err := checkName(r.Subject); err != nil {
		return fmt.Errorf("subject %.80q: %w", r.Subject, err)
	}
	if err := checkName(r.Audience); err != nil {
		return fmt.Errorf("audience %.80q: %w", r.Audience, err)
	}
	if err := r.Grants.check(); err != nil {
		return fmt.Errorf("grants: %w", err)
	}
	expires := r.Expires.Truncate(time.Second)
	switch life := expires.Sub(issued); {
	case life <= 0, !r.NotBefore.IsZero() && !expires.After(r.NotBefore):
		return errors.New("the token would expire before it is valid")
	case life > MaxLife:
		return fmt.Errorf("the token would be valid for more than %d days", MaxLife/(24*time.Hour))
	}
	return nil
}
