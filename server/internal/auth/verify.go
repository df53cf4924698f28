package auth

import (
	"crypto/ed25519"
	"errors"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// MaxToken is how long a token may be, in bytes.
	MaxToken = 8 << 10
	// leeway is how far the clocks of two machines may be apart.
	leeway = 30 * time.Second
)

// verify returns who bears the token. When only its times or its audience are
// wrong it returns that with the error: the token was signed by a key of ours.
//
// The algorithm is settled before the key is looked at, and the key is of one
// type: a public key is never taken for a secret.
func verify(token string, keys map[string]ed25519.PublicKey, audience string, now time.Time) (*Identity, error) {
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}),
		jwt.WithAudience(audience),
		jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(),
		jwt.WithLeeway(leeway),
		jwt.WithTimeFunc(func() time.Time { return now }),
		jwt.WithStrictDecoding(),
	)
	var c claims
	id := &Identity{}
	parsed, err := parser.ParseWithClaims(token, &c, func(t *jwt.Token) (any, error) {
		kid, err := keyID(t.Header)
		if err != nil {
			return nil, err
		}
		key, known := keys[kid]
		if !known {
			return nil, ErrKey
		}
		id.KeyID, id.key = kid, key
		return key, nil
	})
	if err != nil && !errors.Is(err, jwt.ErrTokenInvalidClaims) {
		return nil, reasonOf(parsed, err)
	}
	if c.expires == nil {
		return nil, malformed("it has no claims")
	}
	id.Subject, id.TokenID, id.Grants = c.subject, c.id, c.grants
	id.Issued, id.Expires = c.issued.Time, c.expires.Time
	return id, claimsError(err)
}

// keyID returns the id of the key that a token's header names.
func keyID(header map[string]any) (string, error) {
	kid, ok := header["kid"].(string)
	if !ok {
		return "", mistakeError("it names no key")
	}
	if _, critical := header["crit"]; critical { // RFC 7515, section 4.1.11
		return "", mistakeError("it needs what is not known here")
	}
	if typ, there := header["typ"]; there && typ != "JWT" {
		return "", mistakeError("it is no JWT")
	}
	if !isKeyID(kid) {
		return "", ErrKey
	}
	return kid, nil
}

// reasonOf returns why a token is not one that a key of ours signed.
func reasonOf(t *jwt.Token, err error) error {
	mistake, isMistake := errors.AsType[mistakeError](err)
	switch {
	case isMistake:
		return malformed(string(mistake))
	case errors.Is(err, jwt.ErrTokenMalformed):
		return ErrMalformed
	case t == nil || t.Method == nil || t.Method.Alg() != jwt.SigningMethodEdDSA.Alg():
		return ErrAlgorithm
	case errors.Is(err, ErrKey):
		return ErrKey
	default:
		return ErrSignature
	}
}

// claimsError returns what is wrong with the claims of a token that a key of ours
// signed.
func claimsError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jwt.ErrTokenInvalidAudience), errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		return ErrAudience
	case errors.Is(err, jwt.ErrTokenExpired):
		return ErrExpired
	case errors.Is(err, jwt.ErrTokenNotValidYet), errors.Is(err, jwt.ErrTokenUsedBeforeIssued):
		return ErrEarly
	default:
		return ErrMalformed
	}
}
