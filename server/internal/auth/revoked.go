package auth

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"callcenter/api/disk"
)

const (
	// revokedName is the file with what was revoked. It holds no secret.
	revokedName = "revoked"
	// maxRevoked is how many revocations there may be, maxRevokedFile how large
	// their file, in bytes.
	maxRevoked     = 20_000
	maxRevokedFile = 4 << 20

	wordID, wordSubject = "id", "subject"
)

// revokedHeader begins the file. Each line after it is one revocation.
const revokedHeader = "# What was revoked, by server token revoke: \"id ID UNTIL\", a token and when its line may go,\n" +
	"# or \"subject NAME TIME\", all tokens of a subject that were made until then.\n"

// ErrRevokedFull is of one revocation too many.
var ErrRevokedFull = fmt.Errorf("%d tokens and subjects are revoked, more are not allowed: replace the key that signed them", maxRevoked)

// revocations are what was revoked: token ids with when they are forgotten, and
// subjects with when.
type revocations struct {
	ids, subjects map[string]time.Time
}

// has reports that an identity is revoked.
func (r *revocations) has(id *Identity) bool {
	if _, is := r.ids[id.TokenID]; is {
		return true
	}
	at, is := r.subjects[id.Subject]
	return is && !id.Issued.Truncate(time.Second).After(at) // at is of a whole second
}

// readRevoked reads a folder's list; where there is none, nothing was revoked. It
// is an error if there is no folder.
func readRevoked(dir string) (revocations, error) {
	r := revocations{ids: make(map[string]time.Time), subjects: make(map[string]time.Time)}
	path := filepath.Join(dir, revokedName)
	b, err := disk.Read(path, maxRevokedFile)
	switch {
	case errors.Is(err, os.ErrNotExist):
		if _, err := os.Stat(dir); err != nil {
			return r, fmt.Errorf("%w: %w", errFolder, err)
		}
		return r, nil
	case err != nil:
		return r, err
	}
	n := 0
	for line := range strings.Lines(string(b)) {
		n++
		if err := r.take(strings.TrimSpace(line)); err != nil {
			return r, fmt.Errorf("%s, line %d: %w", path, n, err)
		}
	}
	return r, nil
}

// take takes one line of the list.
func (r *revocations) take(line string) error {
	if line == "" || strings.HasPrefix(line, "#") {
		return nil
	}
	word := strings.Fields(line)
	if len(word) != 3 {
		return errors.New(`it is neither "id ID UNTIL" nor "subject NAME TIME"`)
	}
	at, err := time.Parse(time.RFC3339, word[2])
	if err != nil {
		return fmt.Errorf("%.40q is no time such as 2026-01-31T12:00:00Z", word[2])
	}
	if err := checkName(word[1]); err != nil {
		return err
	}
	switch word[0] {
	case wordID:
		r.ids[word[1]] = later(r.ids[word[1]], at)
	case wordSubject:
		r.subjects[word[1]] = later(r.subjects[word[1]], at)
	default:
		return fmt.Errorf("%.40q is neither id nor subject", word[0])
	}
	if len(r.ids)+len(r.subjects) > maxRevoked {
		return ErrRevokedFull
	}
	return nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// forget drops what no token can be of any more that has not expired.
func (r *revocations) forget(now time.Time) {
	now = now.Add(-2 * leeway) // of whoever judges the tokens
	for id, until := range r.ids {
		if until.Before(now) {
			delete(r.ids, id)
		}
	}
	for subject, at := range r.subjects {
		if at.Add(MaxLife).Before(now) {
			delete(r.subjects, subject)
		}
	}
}

// text is the file's.
func (r *revocations) text() []byte {
	b := bytes.NewBufferString(revokedHeader)
	for _, part := range []struct {
		word string
		of   map[string]time.Time
	}{{wordSubject, r.subjects}, {wordID, r.ids}} {
		names := make([]string, 0, len(part.of))
		for name := range part.of {
			names = append(names, name)
		}
		slices.SortFunc(names, func(a, b string) int { return cmp.Or(part.of[a].Compare(part.of[b]), cmp.Compare(a, b)) })
		for _, name := range names {
			fmt.Fprintf(b, "%s %s %s\n", part.word, name, part.of[name].UTC().Format(time.RFC3339))
		}
	}
	return b.Bytes()
}

// RevokeToken revokes the token with an id, in a keys' folder. It is remembered
// until expires, when the token ends to be valid; zero: for as long as any token
// can be. Running servers notice within seconds.
func RevokeToken(dir, id string, expires, now time.Time) error {
	if err := checkName(id); err != nil {
		return fmt.Errorf("token id %.80q: %w", id, err)
	}
	if expires.IsZero() {
		expires = now.Add(MaxLife)
	}
	return revoke(dir, now, func(r *revocations) { r.ids[id] = later(r.ids[id], roundUp(expires)) })
}

// RevokeSubject revokes all tokens of a subject that were made until now, in a
// keys' folder.
func RevokeSubject(dir, subject string, now time.Time) error {
	if err := checkName(subject); err != nil {
		return fmt.Errorf("subject %.80q: %w", subject, err)
	}
	return revoke(dir, now, func(r *revocations) { r.subjects[subject] = later(r.subjects[subject], now.Truncate(time.Second)) })
}

func roundUp(t time.Time) time.Time { return t.Add(time.Second - 1).Truncate(time.Second) }

// revoke changes the list, while nobody else does.
func revoke(dir string, now time.Time, change func(*revocations)) error {
	unlock, err := lock(dir)
	if err != nil {
		return err
	}
	defer unlock()
	r, err := readRevoked(dir)
	if err != nil {
		return err
	}
	r.forget(now)
	change(&r)
	if len(r.ids)+len(r.subjects) > maxRevoked {
		return ErrRevokedFull
	}
	if err := disk.Replace(filepath.Join(dir, revokedName), publicMode, r.text()); err != nil {
		return fmt.Errorf("write the list of what was revoked: %w", err)
	}
	return nil
}
