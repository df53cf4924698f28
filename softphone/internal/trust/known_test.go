package trust_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"callcenter/softphone/internal/trust"
)

// mark is a fingerprint, as good as any.
func mark(n int) string { return fmt.Sprintf("SHA256:%043d", n)[:49] + "A" }

func add(t *testing.T, k *trust.Known, address string, n int) string {
	t.Helper()
	note, err := k.Add(address, mark(n), noon)
	if err != nil {
		t.Fatal(err)
	}
	return note
}

func TestKnownServersAreALineEachForTheirOwnerOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	k := trust.NewKnown(dir)
	if list, err := k.List(); list != nil || err != nil {
		t.Errorf("at first: %v, %v", list, err)
	}
	add(t, k, "A.example:1", 1)
	add(t, k, "[::2]:1", 2)
	add(t, k, "a.example:1", 3)
	raw, err := os.ReadFile(k.Path())
	if err != nil || !strings.HasSuffix(string(raw), "\n[::2]:1 "+mark(2)+" 2026-11-26T12:00:00Z\na.example:1 "+mark(3)+" 2026-11-26T12:00:00Z\n") {
		t.Errorf("the file is\n%s%v", raw, err)
	}
	for path, want := range map[string]os.FileMode{k.Path(): 0o600, dir: 0o700} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	for _, wrong := range []string{"", "a", "a:", ":1", "a b:1", "a\n:1", "#a:1", strings.Repeat("a", 999) + ":1"} {
		if _, err := k.Add(wrong, mark(1), noon); !errors.As(err, new(*trust.UsageError)) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	if _, err := k.Add("a:1", "SHA256:x", noon); !errors.As(err, new(*trust.UsageError)) {
		t.Errorf("a wrong fingerprint: %v", err)
	}
}

func TestADamagedFileIsKeptAsideAndWhatIsReadableStays(t *testing.T) {
	k := trust.NewKnown(t.TempDir())
	good := "good:1 " + mark(1) + " 2026-11-26T12:00:00Z\n"
	for damage, lines := range map[string]int{
		"\x00\x01\x02":                        1,
		"x y z\nhello\n":                      2,
		"a:1 " + mark(1) + "\n":               1,
		"A:1 " + good[7:]:                     1,
		"a:1 SHA256:x 2026-01-01":             1,
		good:                                  1, // twice
		"a:1 " + strings.Repeat("x", 600<<10): 2,
	} {
		for _, f := range []string{".damaged", ".damaged2"} {
			_ = os.Remove(k.Path() + f)
		}
		if err := os.WriteFile(k.Path(), []byte("# hello\n\n"+good+damage), 0o600); err != nil {
			t.Fatal(err)
		}
		list, err := k.List()
		var of *trust.DamageError
		if !errors.As(err, &of) || of.Lines != lines {
			t.Errorf("%.30q: %v", damage, err)
		}
		if want := damage != good; (len(list) == 1) != want { // who has two keys has none
			t.Errorf("%.30q leaves %v", damage, list)
		}
		note := add(t, k, "new:1", 2)
		if !strings.Contains(note, "damaged") || strings.Count(note, "\n") > 0 {
			t.Errorf("the note is %q", note)
		}
		if raw, err := os.ReadFile(k.Path() + ".damaged"); err != nil || !strings.HasSuffix(string(raw), damage) {
			t.Errorf("%.30q is kept as %.60q, %v", damage, raw, err)
		}
		if _, err := k.List(); err != nil {
			t.Errorf("after: %v", err)
		}
	}
}

func TestAFileThatCannotBeReadMakesNobodyAStranger(t *testing.T) {
	s := newScene(t)
	if err := os.MkdirAll(s.known.Path(), 0o700); err != nil { // a folder in its place
		t.Fatal(err)
	}
	var self *authority
	if _, err := s.meet(desk, shows(self.issue(t, "desk", newKey(t)))); err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("it is let in: %v", err)
	}
	s.cfg.Known = nil
	if _, err := s.meet(desk, shows(self.issue(t, "desk", newKey(t)))); err == nil || !strings.Contains(err.Error(), "--ca") {
		t.Errorf("without a place for the file: %v", err)
	}
}

func TestManySoftphonesAtOnceLoseNoServerAndTheirNumberIsBounded(t *testing.T) {
	dir := t.TempDir()
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() { add(t, trust.NewKnown(dir), fmt.Sprintf("host-%d:1", i), i) })
	}
	all.Wait()
	k := trust.NewKnown(dir)
	if list, err := k.List(); err != nil || len(list) != 20 {
		t.Errorf("%d are known, %v", len(list), err)
	}
	var b strings.Builder
	for i := range trust.MaxServers {
		fmt.Fprintf(&b, "host-%d:1 %s 2026-11-26T12:00:00Z\n", i, mark(i))
	}
	if err := os.WriteFile(k.Path(), []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Add("one:1", mark(1), noon); err == nil || !strings.Contains(err.Error(), "forget") {
		t.Errorf("one too many: %v", err)
	}
	add(t, k, "host-7:1", 8) // one that is known may change
}

func TestAServerIsTheSameHoweverItsAddressIsWritten(t *testing.T) {
	for text, want := range map[string]string{
		"Desk.Example:50051": "desk.example:50051", "desk.example.:50051": "desk.example:50051", "desk.example:050051": "desk.example:50051",
		"[0:0::0A]:443": "[::a]:443", "[::ffff:10.0.0.1]:1": "10.0.0.1:1", "[FE80::1%eth0]:1": "[fe80::1%eth0]:1", "10.0.0.1:1": "10.0.0.1:1",
	} {
		if got, err := trust.Address(text); err != nil || got != want {
			t.Errorf("%s is %s, want %s: %v", text, got, want, err)
		}
	}
	for _, text := range []string{".:1", ":1", "desk:", "desk", "a b:1", "a\n:1", "#a:1"} {
		if got, err := trust.Address(text); err == nil {
			t.Errorf("%q is %s", text, got)
		}
	}
}
