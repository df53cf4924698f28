package auth

import (
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Content is what a token says, whoever made it: nothing in it is to be trusted.
// Texts are as they are in the token, and may be unfit for a terminal.
type Content struct {
	Algorithm, KeyID string
	Subject, TokenID string
	Audience         []string
	Issued, Expires  time.Time
	NotBefore        time.Time // zero: there is none
	Grants           Grants
}

// Read returns what a token says, without a look at who signed it. Its errors wrap
// ErrMalformed or ErrAlgorithm.
func Read(token string) (*Content, error) {
	if len(token) > MaxToken {
		return nil, malformed("it is too long")
	}
	var c claims
	t, _, err := jwt.NewParser(jwt.WithStrictDecoding()).ParseUnverified(token, &c)
	switch {
	case err != nil:
		return nil, reasonOf(t, err)
	case c.expires == nil:
		return nil, malformed("it has no claims")
	}
	kid, _ := t.Header["kid"].(string) // "" where it is none
	content := &Content{
		Algorithm: t.Method.Alg(), KeyID: kid, Subject: c.subject, TokenID: c.id, Audience: c.audience,
		Issued: c.issued.Time, Expires: c.expires.Time, Grants: c.grants,
	}
	if c.notBefore != nil {
		content.NotBefore = c.notBefore.Time
	}
	return content, nil
}
