// Package bearer is the operator's token: where it is, and what it says of its
// bearer, so that an operator is told in time what a server would refuse later.
// The phone reads it anew for each connection; only a server can tell whether it
// is genuine.
//
// A token is a secret. It is in a file or in an environment variable, never on a
// command line, and in none of the texts made here. A Source does not change and
// is safe for concurrent use; times are those of the wall clock.
package bearer

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"
)

const (
	// Variable is the environment variable that may hold a token.
	Variable = "SOFTPHONE_TOKEN"
	// maxToken is the longest token that is taken, in bytes: servers make none and
	// accept none that is longer.
	maxToken = 8 << 10
	// soon is when an operator is told that a token is about to expire: within a
	// shift.
	soon = 8 * time.Hour
)

// Source is where the token is. The zero value is nowhere: none is used.
type Source struct {
	file  string
	value string
}

// File is a token in a file.
func File(path string) Source { return Source{file: path} }

// Value is a token from the environment.
func Value(token string) Source { return Source{value: token} }

// Given reports that there is to be a token.
func (s Source) Given() bool { return s.file != "" || s.value != "" }

// where names the source.
func (s Source) where() string {
	if s.file != "" {
		return "the token file " + s.file
	}
	return Variable
}

// Read returns the token, "" if none is used. Its error names the file, and
// nothing of what is in it.
func (s Source) Read() (string, error) {
	raw := s.value
	if s.file != "" {
		b, err := content(s.file)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return "", fmt.Errorf("%s is not there: put your token into it, or name another with --token-file", s.where())
		case errors.Is(err, fs.ErrPermission):
			return "", fmt.Errorf("%s cannot be read: make it yours (chmod 600), or name another with --token-file", s.where())
		case err != nil:
			return "", fmt.Errorf("%s cannot be read: %w", s.where(), err)
		}
		raw = string(b)
	}
	token := strings.TrimSpace(raw)
	switch {
	case token == "" && !s.Given():
		return "", nil
	case token == "":
		return "", fmt.Errorf("%s is empty: put your token into it", s.where())
	case len(token) > maxToken, !isToken(token):
		return "", fmt.Errorf("%s holds no token: a token is one line of three parts with dots between them, as your administrator made it", s.where())
	}
	return token, nil
}

func content(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() && info.Mode()&os.ModeNamedPipe == 0 {
		return nil, errors.New("it is no file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(f, 2*maxToken))
	return raw, errors.Join(err, f.Close())
}

// isToken reports the form of a signed JWT: three parts of base64url.
func isToken(s string) bool {
	parts := strings.Split(s, ".")
	for _, p := range parts {
		if _, err := base64.RawURLEncoding.DecodeString(p); err != nil || p == "" {
			return false
		}
	}
	return len(parts) == 3
}

// Is reports that a text which was to name a file is a token itself: it must not be
// in a message or a log.
func Is(text string) bool {
	text = strings.TrimPrefix(strings.TrimSpace(text), "Bearer ")
	return strings.HasPrefix(text, "eyJ") && isToken(text)
}

// Claims are what a token says of its bearer, not verified. Zero is not said.
type Claims struct {
	Subject            string
	NotBefore, Expires time.Time
}

// Claims reads what the token says of its bearer.
func (s Source) Claims() (Claims, error) {
	token, err := s.Read()
	if err != nil || token == "" {
		return Claims{}, err
	}
	body, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	var c struct {
		Subject   string      `json:"sub"`
		NotBefore json.Number `json:"nbf"`
		Expires   json.Number `json:"exp"`
	}
	if err == nil {
		d := json.NewDecoder(bytes.NewReader(body))
		d.UseNumber()
		err = d.Decode(&c)
	}
	if err != nil { // the error quotes what it met
		return Claims{}, fmt.Errorf("%s holds no token that can be read: ask your administrator for another", s.where())
	}
	return Claims{Subject: c.Subject, NotBefore: moment(c.NotBefore), Expires: moment(c.Expires)}, nil
}

// moment is a NumericDate of RFC 7519: seconds, perhaps with a fraction.
func moment(n json.Number) time.Time {
	s, err := n.Float64()
	if err != nil || s <= 0 || s > 1e11 {
		return time.Time{}
	}
	return time.Unix(int64(s), 0)
}

// Expired is a sentence's beginning about a token that is out of date at now, ""
// if it is not.
func (c Claims) Expired(now time.Time) string {
	switch {
	case !c.Expires.IsZero() && !now.Before(c.Expires):
		return "your token expired on " + spell(c.Expires)
	case !c.NotBefore.IsZero() && now.Before(c.NotBefore):
		return "your token is valid from " + spell(c.NotBefore) + " only"
	}
	return ""
}

// Soon is what is to be said of a token that expires within a shift, "" if it does
// not, or did.
func (c Claims) Soon(now time.Time) string {
	left := c.Expires.Sub(now)
	if c.Expires.IsZero() || left <= 0 || left > soon {
		return ""
	}
	return "your token expires on " + spell(c.Expires)
}

func spell(t time.Time) string { return t.Local().Format("2006-01-02 15:04") }

// Until is when a token expires, for people.
func (c Claims) Until() string {
	if c.Expires.IsZero() {
		return "without end"
	}
	return "until " + spell(c.Expires)
}

// Exposed is a sentence about a token file that others can read, "" if none can.
func (s Source) Exposed() string {
	if s.file == "" {
		return ""
	}
	info, err := os.Stat(s.file)
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return ""
	}
	return fmt.Sprintf("others on this computer can read or change the token file %s and call in your name: run chmod 600 on it", s.file)
}

// Concern is what an operator should know of the token before a call: that it
// cannot be read, is out of date, is soon, or can be read by others; "" is
// nothing.
func (s Source) Concern(now time.Time) string {
	c, err := s.Claims()
	if err != nil {
		return err.Error()
	}
	for _, text := range []string{c.Expired(now), c.Soon(now)} {
		if text != "" {
			return text + ": ask your administrator for a new one"
		}
	}
	return s.Exposed()
}
