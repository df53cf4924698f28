package certs_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"callcenter/server/internal/certs"
	"callcenter/server/servertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// log is what a store told.
type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *log) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func open(t *testing.T, s certs.Settings) *certs.Store {
	t.Helper()
	st, err := certs.Open(s)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func selfSigned(t *testing.T, dir string) *certs.Store {
	t.Helper()
	return open(t, certs.Settings{StateDir: dir, Names: []string{"phones.example", "192.0.2.1"}})
}

func TestTheServersOwnCertificateIsMadeOnce(t *testing.T) {
	state := filepath.Join(t.TempDir(), "a", "b")
	if certs.Made(state) {
		t.Error("it is there before it was made")
	}
	first := selfSigned(t, state)
	if own, made := first.SelfSigned(); !own || !made || !certs.Made(state) {
		t.Errorf("self-signed %v, just made %v", own, made)
	}
	again := selfSigned(t, state)
	if _, made := again.SelfSigned(); made || again.Fingerprint() != first.Fingerprint() {
		t.Errorf("a restart: made %v, %s after %s", made, again.Fingerprint(), first.Fingerprint())
	}
	if years := time.Until(again.Ends()).Hours() / 24 / 365; years < 9.9 || years > 10.1 {
		t.Errorf("it lasts %.1f years", years)
	}
	for path, mode := range map[string]os.FileMode{"": 0o700, "tls": 0o700, "tls/key.pem": 0o600} {
		if info, err := os.Stat(filepath.Join(state, path)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	if entries, err := os.ReadDir(state); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if err := os.RemoveAll(filepath.Join(state, "tls")); err != nil {
		t.Fatal(err)
	}
	if fresh := selfSigned(t, state); fresh.Fingerprint() == first.Fingerprint() {
		t.Error("another key has the same fingerprint")
	}
}

func TestServersThatStartAtOnceShareOneCertificate(t *testing.T) {
	state := t.TempDir()
	prints := make([]string, 8)
	var all sync.WaitGroup
	for i := range prints {
		all.Go(func() {
			if st, err := certs.Open(certs.Settings{StateDir: state}); err == nil {
				prints[i] = st.Fingerprint()
			}
		})
	}
	all.Wait()
	if slices.Sort(prints); prints[0] == "" || prints[0] != prints[len(prints)-1] {
		t.Errorf("the keys are %q", prints)
	}
}

func TestABrokenPairOfTheServersOwnIsNeverReplaced(t *testing.T) {
	other := t.TempDir()
	selfSigned(t, other)
	for name, spoil := range map[string]func(dir string) error{
		"no key":         func(dir string) error { return os.Remove(dir + "/key.pem") },
		"no certificate": func(dir string) error { return os.Remove(dir + "/certificate.pem") },
		"half a key":     func(dir string) error { return os.Truncate(dir+"/key.pem", 100) },
		"an empty key":   func(dir string) error { return os.Truncate(dir+"/key.pem", 0) },
		"another's key":  func(dir string) error { return os.Rename(other+"/tls/key.pem", dir+"/key.pem") },
		"a writable key": func(dir string) error { return os.Chmod(dir+"/key.pem", 0o620) },
	} {
		t.Run(name, func(t *testing.T) {
			state := t.TempDir()
			selfSigned(t, state)
			dir := filepath.Join(state, "tls")
			if err := spoil(dir); err != nil {
				t.Fatal(err)
			}
			before := contents(t, dir)
			_, err := certs.Open(certs.Settings{StateDir: state})
			if err == nil || !strings.Contains(err.Error(), "remove "+dir) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v", err)
			}
			if after := contents(t, dir); after != before {
				t.Errorf("the folder was\n%s\nand is\n%s", before, after)
			}
		})
	}
}

// contents is everything that is in a folder's files.
func contents(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString(e.Name() + ":\n" + string(text))
	}
	return b.String()
}

func TestAFolderThatCannotBeWrittenToIsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := certs.Open(certs.Settings{StateDir: filepath.Join(file, "state")})
	if err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("error %v", err)
	}
}

func TestWhatIsWrongWithFilesIsSaidWithoutAWordOfTheKey(t *testing.T) {
	const canary = "c2VjcmV0IHRvIGFsbA" // stands where a key's bytes do
	ca := servertest.NewCA(t)
	for _, tc := range []struct {
		name  string
		spoil func(dir string) error
		says  []string
	}{
		{"no certificate", func(dir string) error { return os.Remove(dir + "/cert.pem") }, []string{"cert.pem", "no such file"}},
		{"no key", func(dir string) error { return os.Remove(dir + "/key.pem") }, []string{"key.pem", "no such file"}},
		{"a folder", func(dir string) error {
			return remake(dir+"/key.pem", func(p string) error { return os.Mkdir(p, 0o700) })
		}, []string{"key.pem", "no regular file"}},
		{"no PEM", rewrite("key.pem", canary), []string{"key.pem", "PRIVATE KEY"}},
		{"no key in it", rewrite("key.pem", "-----BEGIN PRIVATE KEY-----\n"+canary+"\n-----END PRIVATE KEY-----\n"), []string{"key.pem"}},
		{"an encrypted key", rewrite("key.pem", "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"+canary+"\n-----END ENCRYPTED PRIVATE KEY-----\n"), []string{"key.pem", "encrypted"}},
		{"a key as the certificate", rewrite("cert.pem", "-----BEGIN PRIVATE KEY-----\n"+canary+"\n-----END PRIVATE KEY-----\n"), []string{"cert.pem", "CERTIFICATE"}},
		{"garbage in the certificate", rewrite("cert.pem", "-----BEGIN CERTIFICATE-----\n"+canary+"\n-----END CERTIFICATE-----\n"), []string{"cert.pem"}},
		{"a certificate without end", rewrite("cert.pem", strings.Repeat(canary, 1<<17)), []string{"cert.pem", "larger"}},
		{"another certificate", func(dir string) error {
			return remake(dir+"/cert.pem", func(string) error {
				cert, _ := ca.Files(t, t.TempDir(), servertest.Leaf{})
				return os.Rename(cert, dir+"/cert.pem")
			})
		}, []string{"key.pem", "is not that of", "cert.pem"}},
		{"no authority", rewrite("ca.pem", canary), []string{"ca.pem", "no certificate"}},
		{"no authority's file", func(dir string) error { return os.Remove(dir + "/ca.pem") }, []string{"ca.pem", "no such file"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			cert, key := ca.Files(t, dir, servertest.Leaf{})
			s := certs.Settings{CertFile: cert, KeyFile: key, ClientCA: ca.File(t, dir)}
			running := open(t, s)
			before := running.Fingerprint()
			if err := tc.spoil(dir); err != nil {
				t.Fatal(err)
			}
			_, err := certs.Open(s)
			_, rerr := running.Reload()
			if err == nil || rerr == nil || running.Fingerprint() != before {
				t.Fatalf("opened: %v, reloaded: %v", err, rerr)
			}
			for _, says := range tc.says {
				if !strings.Contains(err.Error(), says) || !strings.Contains(rerr.Error(), says) {
					t.Errorf("%v and %v do not say %q", err, rerr, says)
				}
			}
			if text := err.Error(); strings.Contains(text, canary) || strings.Contains(text, "\n") || len(text) > 400 {
				t.Errorf("it says too much: %q", text)
			}
		})
	}
}

func rewrite(name, text string) func(dir string) error {
	return func(dir string) error { return os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600) }
}

func remake(path string, makeIt func(string) error) error {
	if err := os.Remove(path); err != nil {
		return err
	}
	return makeIt(path)
}

func TestWhatIsUnwiseIsSaid(t *testing.T) {
	ca := servertest.NewCA(t)
	for _, tc := range []struct {
		name    string
		leaf    servertest.Leaf
		mode    os.FileMode
		refused bool
		says    string
	}{
		{"nothing", servertest.Leaf{}, 0o600, false, ""},
		{"a key for a group", servertest.Leaf{}, 0o640, false, ""},
		{"a key for all to read", servertest.Leaf{}, 0o644, false, "chmod 600"},
		{"a key for a group to write", servertest.Leaf{}, 0o660, true, "chmod 600"},
		{"a key for all to write", servertest.Leaf{}, 0o602, true, "chmod 600"},
		{"a client's certificate", servertest.Leaf{Client: true}, 0o600, false, "serverAuth"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cert, key := ca.Files(t, t.TempDir(), tc.leaf)
			if err := os.Chmod(key, tc.mode); err != nil {
				t.Fatal(err)
			}
			var l log
			st, err := certs.Open(certs.Settings{CertFile: cert, KeyFile: key, Log: l.logger()})
			if tc.refused {
				if err == nil || !strings.Contains(err.Error(), tc.says) {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			said := strings.Join(st.Cautions(), "\n")
			if !strings.Contains(said, tc.says) || (tc.says == "") != (said == "") || strings.Count(l.String(), "\n") != len(st.Cautions()) {
				t.Errorf("cautions %q, log %s", said, &l)
			}
		})
	}
}

func TestAReloadSaysWhatChanged(t *testing.T) {
	ca, dir := servertest.NewCA(t), t.TempDir()
	leaf := ca.Issue(t, servertest.Leaf{})
	cert, key := servertest.WriteCertificate(t, dir, leaf)
	st := open(t, certs.Settings{CertFile: cert, KeyFile: key, ClientCA: ca.File(t, dir)})
	expect := func(want ...string) {
		t.Helper()
		if got, err := st.Reload(); err != nil || !slices.Equal(got, want) {
			t.Errorf("changed %q, %v, want %q", got, err, want)
		}
	}
	expect()
	ca.Files(t, dir, servertest.Leaf{})
	expect("certificate", "key")
	servertest.NewCA(t).File(t, dir)
	expect("client CA")
	servertest.WriteCertificate(t, dir, leaf)
	expect("certificate", "key")
	ca.Files(t, dir, servertest.Leaf{NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour)})
	if _, err := st.Reload(); err == nil || !strings.Contains(err.Error(), "ended on") || !strings.Contains(err.Error(), "stays in force") {
		t.Errorf("one that has ended is taken: %v", err)
	}
}
