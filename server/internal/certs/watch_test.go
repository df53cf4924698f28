package certs

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

// told is what a log was told.
type told struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *told) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *told) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// watched is a store in a bubble, whose Run goes on until the test's end.
type watched struct {
	*Store
	out told
}

func watch(t *testing.T, s Settings) *watched {
	t.Helper()
	w := &watched{}
	s.Log = slog.New(slog.NewTextHandler(&w.out, nil))
	var err error
	if w.Store, err = Open(s); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := w.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return w
}

// settle lets the store look at its files twice, and more.
func settle() {
	time.Sleep(3 * lookEvery)
	synctest.Wait()
}

// keep puts a fresh pair into a folder, and returns where.
func keep(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	if _, err := makePair(dir, filepath.Join(dir, "x"), []string{"localhost"}); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "x", certName), filepath.Join(dir, "x", keyName)
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func TestFilesThatChangeAreTakenWithinSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		cert, key := keep(t, dir)
		w := watch(t, Settings{CertFile: cert, KeyFile: key})
		before := w.Fingerprint()
		freshCert, freshKey := keep(t, t.TempDir())

		settle()
		must(t, os.Rename(freshKey, key)) // and the certificate a moment later
		time.Sleep(lookEvery / 2)
		must(t, os.Rename(freshCert, cert))
		settle()
		if w.Fingerprint() == before || strings.Contains(w.out.String(), "ERROR") || strings.Count(w.out.String(), "certificate reloaded") != 1 {
			t.Errorf("%s after %s: %s", w.Fingerprint(), before, &w.out)
		}
	})
}

func TestALinkThatIsSwappedIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		keep(t, dir) // in x
		must(t, os.Rename(filepath.Join(dir, "x"), filepath.Join(dir, "1")))
		keep(t, dir)
		must(t, os.Rename(filepath.Join(dir, "x"), filepath.Join(dir, "2")))
		must(t, os.Symlink("1", filepath.Join(dir, "data")))
		for _, name := range []string{certName, keyName} {
			must(t, os.Symlink(filepath.Join("data", name), filepath.Join(dir, name)))
		}
		w := watch(t, Settings{CertFile: filepath.Join(dir, certName), KeyFile: filepath.Join(dir, keyName)})
		before := w.Fingerprint()

		must(t, os.Symlink("2", filepath.Join(dir, "fresh")))
		must(t, os.Rename(filepath.Join(dir, "fresh"), filepath.Join(dir, "data")))
		settle()
		if w.Fingerprint() == before || strings.Contains(w.out.String(), "ERROR") {
			t.Errorf("%s after %s: %s", w.Fingerprint(), before, &w.out)
		}
	})
}

func TestBrokenFilesAreToldOnceAndTakenWhenTheyAreMended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cert, key := keep(t, t.TempDir())
		w := watch(t, Settings{CertFile: cert, KeyFile: key})
		before := w.Fingerprint()
		freshCert, freshKey := keep(t, t.TempDir())

		must(t, os.Rename(freshCert, cert))
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if w.Fingerprint() != before || strings.Count(w.out.String(), "certificate not reloaded") != 1 {
			t.Errorf("%s after %s: %s", w.Fingerprint(), before, &w.out)
		}
		must(t, os.Remove(key))
		settle()
		if n := strings.Count(w.out.String(), "certificate not reloaded"); n != 2 {
			t.Errorf("another error was told %d times: %s", n-1, &w.out)
		}
		must(t, os.Rename(freshKey, key))
		settle()
		if w.Fingerprint() == before || strings.Count(w.out.String(), "certificate reloaded") != 1 {
			t.Errorf("%s after %s: %s", w.Fingerprint(), before, &w.out)
		}
	})
}

func TestTheServersOwnCertificateIsRenewedWithItsKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		state := t.TempDir()
		certFile, _, _, err := ensureSelfSigned(state, []string{"localhost", "192.0.2.1"})
		must(t, err)
		time.Sleep(selfSignedYears*365*24*time.Hour - 10*24*time.Hour)
		w := watch(t, Settings{StateDir: state})
		before := w.Fingerprint()
		synctest.Wait()
		if years := time.Until(w.Ends()).Hours() / 24 / 365; years < 9.9 || w.Fingerprint() != before || strings.Contains(w.out.String(), "ERROR") {
			t.Errorf("it lasts %.1f years, %s after %s: %s", years, w.Fingerprint(), before, &w.out)
		}
		leaf := w.current.Load().leaf
		if fmt.Sprint(leaf.DNSNames, leaf.IPAddresses) != "[localhost] [192.0.2.1]" {
			t.Errorf("it is for %v %v", leaf.DNSNames, leaf.IPAddresses)
		}
		if info, err := os.Stat(certFile + ".new"); err == nil {
			t.Errorf("%v was left behind", info.Name())
		}
	})
}

func TestACertificatesEndIsWarnedOfOnceADay(t *testing.T) {
	cert, key := keep(t, t.TempDir())
	var out bytes.Buffer
	st, err := Open(Settings{CertFile: cert, KeyFile: key, Log: slog.New(slog.NewTextHandler(&out, nil))})
	must(t, err)
	w := &watcher{store: st}
	lines := func(from, to time.Duration) (warnings, errs int) {
		out.Reset()
		for at := from; at < to; at += time.Minute {
			w.checkEnd(st.Ends().Add(at))
		}
		return strings.Count(out.String(), "level=WARN"), strings.Count(out.String(), "level=ERROR")
	}
	const aDay = 24 * time.Hour
	if warnings, errs := lines(-20*aDay, -14*aDay); warnings+errs != 0 {
		t.Errorf("long before: %d warnings, %d errors: %s", warnings, errs, &out)
	}
	if warnings, errs := lines(-14*aDay, -11*aDay); warnings != 3 || errs != 0 || !strings.Contains(out.String(), "days=13") {
		t.Errorf("in 3 days before: %d warnings, %d errors: %s", warnings, errs, &out)
	}
	if warnings, errs := lines(aDay, 3*aDay); warnings != 0 || errs != 2 {
		t.Errorf("in 2 days after: %d warnings, %d errors: %s", warnings, errs, &out)
	}
}

func TestAFloodOfRefusalsIsCountedRatherThanLogged(t *testing.T) {
	var out bytes.Buffer
	r := &refusals{log: slog.New(slog.NewTextHandler(&out, nil))}
	now := time.Unix(1e9, 0)
	for i := range 1000 {
		r.add("192.0.2.7:1", errors.New(strings.Repeat("x", 10_000)), now.Add(time.Duration(i)*time.Millisecond))
	}
	if n := strings.Count(out.String(), "\n"); n != refusalsLogged || out.Len() > n*500 {
		t.Errorf("%d lines, %d bytes", n, out.Len())
	}
	out.Reset()
	r.add("192.0.2.7:1", errors.New("x"), now.Add(refusalWindow))
	if !strings.Contains(out.String(), "left_out=990") {
		t.Error(&out)
	}
}
