package auth

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestKeysAreMadeOnceAndNeverReplaced(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	s, err := OpenSigner(dir, "", when)
	if err != nil || s.id != "key-2026-05-04" {
		t.Fatalf("%v, %v", s, err)
	}
	files := func() string {
		var all []string
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			info, _ := e.Info()
			b, _ := os.ReadFile(filepath.Join(dir, e.Name()))
			all = append(all, e.Name(), info.Mode().String(), string(b))
		}
		return strings.Join(all, "\n")
	}
	first := files()
	if !strings.Contains(first, "key-2026-05-04.key\n-rw-------") || !strings.Contains(first, "key-2026-05-04.pub\n-rw-r--r--") || strings.Contains(first, ".new-") {
		t.Errorf("the folder has %s", first)
	}
	again, err := OpenSigner(dir, "", when.AddDate(1, 0, 0))
	if err != nil || again.id != s.id || files() != first {
		t.Errorf("the second time: %v, %v", again, err)
	}
	if _, err := OpenSigner(dir, "second", when); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSigner(dir, "", when); err == nil || !strings.Contains(err.Error(), "--key") {
		t.Errorf("of two keys: %v", err)
	}
	for _, id := range []string{"../x", "a b", "", strings.Repeat("k", 65)} {
		if CheckKeyID(id) == nil {
			t.Errorf("%q is the name of a key", id)
		}
	}
}

func TestAKeyThatCannotBeUsedIsSaid(t *testing.T) {
	for name, tc := range map[string]struct {
		spoil func(dir string) error
		says  string
	}{
		"the private key is elsewhere":   {func(dir string) error { return os.Remove(filepath.Join(dir, "k1.key")) }, "--key"},
		"others may use the private key": {func(dir string) error { return os.Chmod(filepath.Join(dir, "k1.key"), 0o644) }, "chmod 600"},
		"the private key is broken":      {func(dir string) error { return os.WriteFile(filepath.Join(dir, "k1.key"), []byte("x"), 0o600) }, "k1.key"},
		"the public key is another's": {func(dir string) error {
			if _, err := OpenSigner(dir, "k2", when); err != nil {
				return err
			}
			return os.Rename(filepath.Join(dir, "k2.pub"), filepath.Join(dir, "k1.pub"))
		}, "another key"},
	} {
		d := newDesk(t)
		if err := tc.spoil(d.dir); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenSigner(d.dir, "k1", when); err == nil || !strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Where only public keys are, a server runs and nobody makes tokens.
	d := newDesk(t)
	if err := os.Remove(filepath.Join(d.dir, "k1.key")); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSigner(d.dir, "", when); !errors.Is(err, ErrNoKey) {
		t.Error(err)
	}
	if err := d.Reload(); err != nil || d.Keys() != 1 {
		t.Errorf("%d keys, %v", d.Keys(), err)
	}
}

func TestTokensThatNobodyCouldUseAreNotMade(t *testing.T) {
	d := newDesk(t)
	good := Request{Subject: "ada", Audience: audience, Expires: when.Add(MaxLife), NotBefore: when.Add(time.Hour)}
	if _, _, err := d.signer.Issue(good, when); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Request){
		"no subject":           func(r *Request) { r.Subject = "" },
		"a subject with space": func(r *Request) { r.Subject = "ada l" },
		"no audience":          func(r *Request) { r.Audience = "" },
		"expired":              func(r *Request) { r.Expires = when },
		"over before it began": func(r *Request) { r.NotBefore = r.Expires },
		"too long":             func(r *Request) { r.Expires = when.Add(MaxLife + time.Second) },
		"a wrong destination":  func(r *Request) { r.Grants.Call = []string{"A"} },
	} {
		r := good
		change(&r)
		if token, _, err := d.signer.Issue(r, when); err == nil || token != "" {
			t.Errorf("%s: made", name)
		}
	}
}

func TestKeysThatEverybodyMayWriteAreNotTaken(t *testing.T) {
	for _, name := range []string{"", "k1.pub"} {
		d := newDesk(t)
		path := filepath.Join(d.dir, name)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, info.Mode().Perm()|0o002); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(Config{Dir: d.dir, Audience: audience}); err == nil || !strings.Contains(err.Error(), path+" can be written by everybody") {
			t.Errorf("%q: %v", name, err)
		}
	}
}
