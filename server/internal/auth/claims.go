package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// MaxLife is how long a token may be valid, from its making: what was revoked
	// need not be remembered for longer.
	MaxLife = 366 * 24 * time.Hour
	// maxName is how long a subject or an id may be, in bytes.
	maxName = 128
	// maxTime is the end of the year 9999, the last that there is a notation for.
	maxTime = 253402300800
)

// claims are a token's, of which those that are not named here are ignored
// (RFC 7519, section 4). No name may come twice: two readers would read two tokens.
type claims struct {
	subject, id                string
	audience                   jwt.ClaimStrings
	issued, notBefore, expires *jwt.NumericDate
	grants                     Grants
}

var _ jwt.Claims = (*claims)(nil)

// mistakeError is what is wrong with claims, in words that are not theirs.
type mistakeError string

// Error implements error.
func (m mistakeError) Error() string { return string(m) }

// UnmarshalJSON implements json.Unmarshaler. Its errors are mistakeErrors.
func (c *claims) UnmarshalJSON(b []byte) error {
	if !utf8.Valid(b) {
		return mistakeError("its claims are not UTF-8")
	}
	fields, err := object(b)
	if err != nil {
		return mistakeError("its claims are no object, or name something twice")
	}
	for _, f := range []struct {
		name string
		read func(json.RawMessage) error
		need bool
	}{
		{"sub", name(&c.subject), true},
		{"jti", name(&c.id), true},
		{"aud", func(b json.RawMessage) error { return json.Unmarshal(b, &c.audience) }, false}, // the parser asks for it
		{"iat", date(&c.issued), true},
		{"nbf", date(&c.notBefore), false},
		{"exp", date(&c.expires), true},
		{"grants", c.grants.read, true},
	} {
		raw, there := fields[f.name]
		switch {
		case !there && f.need:
			return mistakeError("its claim " + f.name + " is missing")
		case there && f.read(raw) != nil:
			return mistakeError("its claim " + f.name + " is wrong")
		}
	}
	if c.expires.Sub(c.issued.Time) > MaxLife {
		return mistakeError(fmt.Sprintf("it is valid for more than %d days", MaxLife/(24*time.Hour)))
	}
	return nil
}

var errNoName = fmt.Errorf("it is not 1 to %d bytes of visible characters without spaces", maxName)

// checkName reports a subject or id that no token may have: it must be fit for one
// word of a log line and of the list of what was revoked.
func checkName(s string) error {
	if s == "" || len(s) > maxName || !utf8.ValidString(s) {
		return errNoName
	}
	for _, r := range s {
		if !unicode.IsGraphic(r) || unicode.IsSpace(r) {
			return errNoName
		}
	}
	return nil
}

// CheckSubject reports a subject that no token may have.
func CheckSubject(s string) error { return checkName(s) }

func name(to *string) func(json.RawMessage) error {
	return func(b json.RawMessage) error {
		if err := json.Unmarshal(b, to); err != nil {
			return err
		}
		return checkName(*to)
	}
}

// date reads a claim of seconds since 1970, with or without a fraction.
func date(to **jwt.NumericDate) func(json.RawMessage) error {
	return func(b json.RawMessage) error {
		var seconds *float64
		if err := json.Unmarshal(b, &seconds); err != nil {
			return err
		}
		if seconds == nil || *seconds < 0 || *seconds > maxTime {
			return errors.New("it is no time")
		}
		whole, part := math.Modf(*seconds)
		*to = &jwt.NumericDate{Time: time.Unix(int64(whole), int64(part*1e9))}
		return nil
	}
}

// read takes the claim "grants". A grant that is not known here may be meant to
// limit the others: it is an error.
func (g *Grants) read(b json.RawMessage) error {
	fields, err := object(b)
	if err != nil {
		return err
	}
	for key, raw := range fields {
		var to any
		switch key {
		case "call":
			to = &g.Call
		case "speak":
			to = &g.Speak
		case "listen":
			to = &g.Listen
		case "admin":
			to = &g.Admin
		default:
			return errors.New("it has a grant that is not known")
		}
		if bytes.Equal(raw, []byte("null")) {
			return errors.New("it has a grant without a value")
		}
		if err := json.Unmarshal(raw, to); err != nil {
			return err
		}
	}
	return g.check()
}

// claim is the claim "grants".
func (g *Grants) claim() map[string]any {
	return map[string]any{"call": append([]string{}, g.Call...), "speak": g.Speak, "listen": g.Listen, "admin": g.Admin}
}

var errNoObject = errors.New("it is no JSON object whose names are all different")

// object returns the members of a JSON object. Unlike json.Unmarshal it takes each
// name once, and as it is written.
func object(b []byte) (map[string]json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errNoObject
	}
	fields := make(map[string]json.RawMessage)
	for d.More() {
		t, err := d.Token()
		key, ok := t.(string)
		if _, twice := fields[key]; err != nil || !ok || twice {
			return nil, errNoObject
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, errNoObject
		}
		fields[key] = raw
	}
	if _, err := d.Token(); err != nil || d.More() {
		return nil, errNoObject
	}
	return fields, nil
}

// GetExpirationTime implements jwt.Claims, as do the others.
func (c *claims) GetExpirationTime() (*jwt.NumericDate, error) { return c.expires, nil }

// GetIssuedAt implements jwt.Claims.
func (c *claims) GetIssuedAt() (*jwt.NumericDate, error) { return c.issued, nil }

// GetNotBefore implements jwt.Claims.
func (c *claims) GetNotBefore() (*jwt.NumericDate, error) { return c.notBefore, nil }

// GetIssuer implements jwt.Claims; who signs is known by the key.
func (c *claims) GetIssuer() (string, error) { return "", nil }

// GetSubject implements jwt.Claims.
func (c *claims) GetSubject() (string, error) { return c.subject, nil }

// GetAudience implements jwt.Claims.
func (c *claims) GetAudience() (jwt.ClaimStrings, error) { return c.audience, nil }
