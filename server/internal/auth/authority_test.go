package auth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func (d *desk) reload() {
	d.tb.Helper()
	if err := d.Reload(); err != nil {
		d.tb.Fatal(err)
	}
}

func (d *desk) list() *revocations { return &d.state.Load().list }

func TestARevokedTokenIsRefused(t *testing.T) {
	d := newDesk(t)
	token, id := d.token("ada")
	other, otherID := d.token("ada")
	if err := RevokeToken(d.dir, id.TokenID, id.Expires, when); err != nil {
		t.Fatal(err)
	}
	d.reload()
	got, err := d.Authenticate(token, when)
	if !errors.Is(err, ErrRevoked) || got == nil || !d.Revoked(id) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := d.Authenticate(other, when); err != nil || d.Revoked(otherID) {
		t.Errorf("another token: %v", err)
	}
}

// A call goes on when its token ends.
func TestATokenThatHasExpiredIsNotRevoked(t *testing.T) {
	d := newDesk(t)
	token, id := d.token("ada")
	if _, err := d.Authenticate(token, when.Add(MaxLife)); !errors.Is(err, ErrExpired) {
		t.Error(err)
	}
	if d.Revoked(id) {
		t.Error("it is")
	}
}

func TestARevokedSubjectNeedsATokenThatWasMadeLater(t *testing.T) {
	d := newDesk(t)
	token, id := d.token("ada")
	bob, _ := d.token("bob")
	if err := RevokeSubject(d.dir, "ada", when.Add(300*time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	later, _ := d.token("ada") // within the same second
	d.reload()
	if _, err := d.Authenticate(token, when); !errors.Is(err, ErrRevoked) || !d.Revoked(id) {
		t.Errorf("the token before: %v", err)
	}
	for name, token := range map[string]string{"another subject": bob, "a later token": later} {
		if _, err := d.Authenticate(token, when); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whoever else makes tokens may tell the time more exactly.
func TestARevokedSubjectsTokenOfTheSameSecondIsRefused(t *testing.T) {
	d := newDesk(t)
	_, id := d.token("ada")
	if err := RevokeSubject(d.dir, "ada", when.Add(900*time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	d.reload()
	id.Issued = when.Add(500 * time.Millisecond)
	if !d.Revoked(id) {
		t.Error("it is not")
	}
}

func TestTheTokensOfAKeyThatIsGoneOrReplacedAreRevoked(t *testing.T) {
	d := newDesk(t)
	token, id := d.token("ada")
	if err := os.Remove(filepath.Join(d.dir, "k1.pub")); err != nil {
		t.Fatal(err)
	}
	d.reload()
	if _, err := d.Authenticate(token, when); !errors.Is(err, ErrKey) || !d.Revoked(id) || d.Keys() != 0 {
		t.Errorf("gone: %v", err)
	}
	if err := os.Remove(filepath.Join(d.dir, "k1.key")); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSigner(d.dir, "k1", when); err != nil {
		t.Fatal(err)
	}
	d.reload()
	if _, err := d.Authenticate(token, when); !errors.Is(err, ErrSignature) || !d.Revoked(id) {
		t.Errorf("replaced: %v", err)
	}
}

func TestTwoAdministratorsAtOnceLoseNothing(t *testing.T) {
	dir := t.TempDir()
	const many = 40
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() {
			if err := RevokeToken(dir, fmt.Sprint("id-", i), when.Add(time.Hour), when); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	r, err := readRevoked(dir)
	if err != nil || len(r.ids) != many {
		t.Errorf("%d of %d are in the list, %v", len(r.ids), many, err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("the folder has %v", entries)
	}
	if info, err := os.Stat(filepath.Join(dir, revokedName)); err != nil || info.Mode().Perm() != publicMode {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestWhatHasSurelyExpiredIsForgotten(t *testing.T) {
	dir := t.TempDir()
	for id, expires := range map[string]time.Time{"short": when.Add(time.Hour), "long": when.Add(MaxLife), "unknown": {}} {
		if err := RevokeToken(dir, id, expires, when); err != nil {
			t.Fatal(err)
		}
	}
	if err := RevokeSubject(dir, "ada", when); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		after time.Duration
		ids   int
		ada   bool
	}{
		{time.Hour + leeway, 3, true}, // the token itself is accepted until then
		{time.Hour + 2*leeway + 2*time.Second, 2, true},
		{MaxLife + leeway, 2, true},
		{MaxLife + 2*leeway + 2*time.Second, 0, false},
	} {
		if err := RevokeSubject(dir, "x", when.Add(tc.after)); err != nil {
			t.Fatal(err)
		}
		r, err := readRevoked(dir)
		if _, ada := r.subjects["ada"]; err != nil || len(r.ids) != tc.ids || ada != tc.ada {
			t.Errorf("after %v there are %v and %v, %v", tc.after, r.ids, r.subjects, err)
		}
	}
}

func TestAListThatCannotBeReadSaysWhereAndRefusesToStart(t *testing.T) {
	for name, tc := range map[string]struct{ text, says string }{
		"a word":           {"# ok\nid x 2026-01-01T00:00:00Z\noops\n", "line 3"},
		"an unknown kind":  {"key x 2026-01-01T00:00:00Z", "line 1"},
		"no time":          {"id x tomorrow", "tomorrow"},
		"a terminal's id":  {"id \x1b[2J 2026-01-01T00:00:00Z", "line 1"},
		"too large a file": {strings.Repeat("#", maxRevokedFile+1), "larger"},
	} {
		d := newDesk(t)
		token, _ := d.token("ada")
		if err := os.WriteFile(filepath.Join(d.dir, revokedName), []byte(tc.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(Config{Dir: d.dir, Audience: audience}); err == nil || !strings.Contains(err.Error(), tc.says) || strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Errorf("%s: %v", name, err)
		}
		if d.Reload() == nil {
			t.Errorf("%s: it is read again", name)
		}
		if _, err := d.Authenticate(token, when); err != nil {
			t.Errorf("%s: what held before does not hold any more: %v", name, err)
		}
		if err := RevokeToken(d.dir, "y", time.Time{}, when); err == nil {
			t.Errorf("%s: it is written over", name)
		}
	}
}

func TestTheListIsBounded(t *testing.T) {
	dir := t.TempDir()
	r := revocations{ids: make(map[string]time.Time), subjects: make(map[string]time.Time)}
	for i := range maxRevoked {
		r.ids[fmt.Sprint("id-", i)] = when.Add(time.Hour)
	}
	if err := os.WriteFile(filepath.Join(dir, revokedName), r.text(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := RevokeToken(dir, "one-more", when.Add(time.Hour), when); !errors.Is(err, ErrRevokedFull) {
		t.Error(err)
	}
	if err := RevokeToken(dir, "id-7", when.Add(time.Hour), when); err != nil {
		t.Errorf("one that is there: %v", err)
	}
	if err := RevokeToken(dir, "one-more", when.Add(3*time.Hour), when.Add(2*time.Hour)); err != nil {
		t.Errorf("when the others are forgotten: %v", err)
	}
}

func TestFoldersThatHoldNoKeysSayWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	if a, err := Open(Config{Dir: dir, Audience: audience}); err != nil || a.Keys() != 0 {
		t.Errorf("an empty one: %v", err)
	}
	if _, err := Open(Config{Dir: dir, Audience: "two words"}); err == nil {
		t.Error("any audience will do")
	}
	if _, err := Open(Config{Dir: filepath.Join(dir, "nowhere"), Audience: audience}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("none: %v", err)
	}
	for name, text := range map[string]string{"a b.pub": "", "text.pub": "hello", "large.pub": strings.Repeat("x", maxKeyFile+1)} {
		d := newDesk(t)
		if err := os.WriteFile(filepath.Join(d.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(Config{Dir: d.dir, Audience: audience}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whoever copies files into the folder may let the server read them only later,
// and a revocation must wait for neither.
func TestAFolderThatCouldNotBeReadIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		d := newDesk(t)
		d.cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
		_, id := d.token("ada")
		elsewhere, path := t.TempDir(), filepath.Join(d.dir, "k2.pub")
		if _, err := OpenSigner(elsewhere, "k2", when); err != nil {
			t.Fatal(err)
		}
		key, err := os.ReadFile(filepath.Join(elsewhere, "k2.pub"))
		if err != nil {
			t.Fatal(err)
		}
		put := func(b []byte) { // without a trace
			t.Helper()
			if err := errors.Join(os.WriteFile(path, b, 0o600), os.Chtimes(path, when, when)); err != nil {
				t.Fatal(err)
			}
		}
		put(bytes.ToLower(key))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- d.Run(ctx) }()
		if err := RevokeToken(d.dir, id.TokenID, id.Expires, when); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5*lookInterval + time.Second)
		if synctest.Wait(); !d.Revoked(id) || d.Keys() != 1 {
			t.Errorf("there are %d keys, revoked %v", d.Keys(), d.Revoked(id))
		}
		put(key)
		time.Sleep(lookInterval)
		if synctest.Wait(); !d.Revoked(id) || d.Keys() != 2 {
			t.Errorf("once it can be read there are %d keys, revoked %v", d.Keys(), d.Revoked(id))
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if n := strings.Count(log.String(), "level=ERROR"); n != 1 {
			t.Errorf("%d times it is told that a key cannot be read: %s", n, &log)
		}
	})
}

func TestAFolderThatIsGoneChangesNothing(t *testing.T) {
	d := newDesk(t)
	good, _ := d.token("ada")
	bad, id := d.token("ada")
	if err := RevokeToken(d.dir, id.TokenID, id.Expires, when); err != nil {
		t.Fatal(err)
	}
	d.reload()
	if err := os.Rename(d.dir, d.dir+"-elsewhere"); err != nil {
		t.Fatal(err)
	}
	if err := d.Reload(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("reading it again: %v", err)
	}
	if _, err := d.Authenticate(good, when); err != nil {
		t.Errorf("a token that was accepted: %v", err)
	}
	if _, err := d.Authenticate(bad, when); !errors.Is(err, ErrRevoked) {
		t.Errorf("one that was revoked: %v", err)
	}
}

func TestChangesInTheFolderAreNoticedWithinSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		d := newDesk(t)
		d.cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
		_, id := d.token("ada")
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- d.Run(ctx) }()

		if err := RevokeToken(d.dir, id.TokenID, id.Expires, when); err != nil {
			t.Fatal(err)
		}
		time.Sleep(lookInterval + time.Second)
		if synctest.Wait(); !d.Revoked(id) {
			t.Error("what was revoked is not")
		}
		if _, err := OpenSigner(d.dir, "k2", when); err != nil {
			t.Fatal(err)
		}
		time.Sleep(lookInterval)
		if synctest.Wait(); d.Keys() != 2 || !strings.Contains(d.Describe()[0], "k1 k2") {
			t.Errorf("there are %d keys: %s", d.Keys(), d.Describe())
		}
		if err := os.WriteFile(filepath.Join(d.dir, "k2.pub"), []byte("broken"), 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * lookInterval)
		if synctest.Wait(); d.Keys() != 2 {
			t.Error("a key that cannot be read takes the others along")
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if n := strings.Count(log.String(), "level=INFO"); n != 2 {
			t.Errorf("%d changes are told: %s", n, &log)
		}
		if n := strings.Count(log.String(), "level=ERROR"); n != 1 {
			t.Errorf("%d times it is told that a key cannot be read: %s", n, &log)
		}
	})
}

func TestWhatWasRevokedHoldsBesideAKeyThatCannotBeRead(t *testing.T) {
	d := newDesk(t)
	_, id := d.token("ada")
	broken := filepath.Join(d.dir, "k2.pub")
	if err := errors.Join(os.WriteFile(broken, []byte("half"), 0o600), RevokeToken(d.dir, id.TokenID, id.Expires, when)); err != nil {
		t.Fatal(err)
	}
	if err := d.Reload(); err == nil || !d.Revoked(id) || d.Keys() != 1 {
		t.Errorf("%v, %d keys, revoked: %t", err, d.Keys(), d.Revoked(id))
	}
	list := filepath.Join(d.dir, revokedName)
	if err := errors.Join(os.Remove(broken), os.WriteFile(list, []byte("half a line"), 0o600), os.Remove(filepath.Join(d.dir, "k1.pub"))); err != nil {
		t.Fatal(err)
	}
	if err := d.Reload(); err == nil || !d.Revoked(id) || d.Keys() != 0 {
		t.Errorf("the other way round: %v, %d keys, revoked: %t", err, d.Keys(), d.Revoked(id))
	}
	if err := os.RemoveAll(d.dir); err != nil {
		t.Fatal(err)
	}
	if err := d.Reload(); err == nil || !d.list().has(id) {
		t.Errorf("without a folder: %v", err)
	}
}
