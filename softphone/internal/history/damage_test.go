package history_test

import (
	"bytes"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/history"
)

// many is the content of a database of some pages.
func many(t *testing.T) []byte {
	t.Helper()
	path := file(t)
	var calls []callstate.Past
	for n := range 200 {
		p := past(n)
		p.Name = strings.Repeat("name ", 20)
		calls = append(calls, p)
	}
	keep(t, path, calls...)
	raw, err := os.ReadFile(path)
	if err != nil || len(raw) < 40000 {
		t.Fatalf("%d bytes, %v", len(raw), err)
	}
	return raw
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// execute runs SQL on a database.
func execute(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}

func TestADamagedHistoryIsKeptAsideAndANewOneBegins(t *testing.T) {
	whole := many(t)
	broken := func(change func(raw []byte) []byte) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			t.Helper()
			write(t, path, change(bytes.Clone(whole)))
		}
	}
	for name, tc := range map[string]struct {
		make func(t *testing.T, path string)
		why  string
	}{
		"garbage":                          {broken(func([]byte) []byte { return []byte("This is no database, whatever it says.") }), "is damaged"},
		"much garbage":                     {broken(func([]byte) []byte { return bytes.Repeat([]byte{0xa5, 0x17}, 1<<16) }), "is damaged"},
		"half of it":                       {broken(func(raw []byte) []byte { return raw[:len(raw)/2] }), "is damaged"},
		"cut within a page":                {broken(func(raw []byte) []byte { return raw[:len(raw)-1000] }), "is damaged"},
		"the first page":                   {broken(func(raw []byte) []byte { return raw[:4096] }), "is damaged"},
		"a few bytes":                      {broken(func(raw []byte) []byte { return raw[:50] }), "is damaged"},
		"zeros in its head":                {broken(func(raw []byte) []byte { return append(make([]byte, 100), raw[100:]...) }), "is damaged"},
		"zeros in the midst":               {broken(func(raw []byte) []byte { clear(raw[8192:20480]); return raw }), "is damaged"},
		"a first page that names no table": {broken(func(raw []byte) []byte { clear(raw[103:105]); return raw }), "is damaged"},
		"a folder": {func(t *testing.T, path string) {
			t.Helper()
			write(t, filepath.Join(path, "file"), nil)
		}, "is a folder"},
		"a link to nowhere": {func(t *testing.T, path string) {
			t.Helper()
			write(t, path, nil)
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink("nowhere", path); err != nil {
				t.Fatal(err)
			}
		}, "leads nowhere"},
		"another program's": {func(t *testing.T, path string) {
			t.Helper()
			write(t, path, nil)
			execute(t, path, "CREATE TABLE calls (id TEXT)")
		}, "is of another program"},
		"without a table": {func(t *testing.T, path string) {
			t.Helper()
			write(t, path, whole)
			execute(t, path, "DROP TABLE dialed")
		}, "has other tables"},
		"without a column": {func(t *testing.T, path string) {
			t.Helper()
			write(t, path, whole)
			execute(t, path, "ALTER TABLE calls DROP COLUMN gaps")
		}, "has other tables"},
	} {
		t.Run(name, func(t *testing.T) {
			path := file(t)
			tc.make(t, path)
			before, _ := os.ReadFile(path) // a folder has no content
			if name != "a folder" {
				if _, _, err := history.Find(t.Context(), path, "", 10); err == nil && tc.why == "is damaged" {
					t.Log("a reader finds nothing wrong") // with what it read
				}
			}
			said := keep(t, path, past(1))
			if len(said) != 1 || !strings.Contains(said[0], path+", "+tc.why) ||
				!strings.HasSuffix(said[0], ": it is kept as history.db.damaged, and a new history begins.") {
				t.Errorf("said %q", said)
			}
			if kept, err := os.ReadFile(path + ".damaged"); err == nil && !bytes.Equal(kept, before) {
				t.Errorf("%d bytes are kept of %d", len(kept), len(before))
			} else if _, lerr := os.Lstat(path + ".damaged"); lerr != nil {
				t.Errorf("nothing is kept: %v, %v", err, lerr)
			}
			if said := keep(t, path, past(2)); len(said) != 0 {
				t.Errorf("in the next run: %q", said)
			}
			if calls := find(t, path, ""); len(calls) != 2 {
				t.Errorf("the new history has %d calls", len(calls))
			}
		})
	}
}

func TestALogOfADamagedHistoryDoesNotBelongToTheNextOne(t *testing.T) {
	path := file(t)
	write(t, path, bytes.Repeat([]byte("garbage"), 1000))
	write(t, path+"-wal", many(t))
	write(t, path+"-shm", []byte("index"))
	if said := keep(t, path, past(1)); len(said) != 1 {
		t.Errorf("said %q", said)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if info, err := os.Stat(path + ".damaged" + suffix); err != nil || info.Size() == 0 {
			t.Errorf("%q is not kept: %v", suffix, err)
		}
	}
	if calls := find(t, path, ""); len(calls) != 1 {
		t.Errorf("%+v", calls)
	}
}

func TestManyDamagedHistoriesAreKeptUnderTheirOwnNames(t *testing.T) {
	path := file(t)
	for n := range 12 {
		write(t, path, bytes.Repeat([]byte{byte('a' + n)}, 600))
		if said := keep(t, path); len(said) != 1 {
			t.Fatalf("%d: said %q", n, said)
		}
	}
	kept, err := filepath.Glob(path + ".damaged*")
	if err != nil || len(kept) != 9 {
		t.Errorf("kept %q, %v", kept, err)
	}
	if first, err := os.ReadFile(path + ".damaged"); err != nil || first[0] != 'a' {
		t.Errorf("the first is %.10q, %v", first, err)
	}
}

func TestAHistoryOfANewerSoftphoneIsLeftAlone(t *testing.T) {
	path := file(t)
	keep(t, path, past(1))
	execute(t, path, "PRAGMA journal_mode = DELETE; PRAGMA user_version = 7; ALTER TABLE calls ADD COLUMN more TEXT")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s, l, end := begin(t, history.Config{Path: path, Before: []string{"tone"}, Imported: func() { t.Error("it was written") }})
	waitFor(t, "a word of it", func() bool { return len(l.said()) > 0 })
	s.Note(past(2))
	s.Dialed("echo")
	end()
	if said := l.said(); len(said) != 1 || !strings.Contains(said[0], "is of a newer softphone (form 7, this one knows 1): it is left alone") {
		t.Errorf("said %q", said)
	}
	if r := s.Recent(); len(r) != 2 {
		t.Errorf("recent %v", r)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("it was changed, %v", err)
	}
	if _, _, err := history.Find(t.Context(), path, "", 10); err == nil || !strings.Contains(err.Error(), "is of a newer softphone") {
		t.Errorf("reading it: %v", err)
	}
	if files, _ := filepath.Glob(path + ".damaged*"); len(files) != 0 {
		t.Errorf("%q are aside", files)
	}
}

func TestAHistoryThatGoesAwayUnderASoftphoneIsBegunAnew(t *testing.T) {
	path := file(t)
	s, l, end := begin(t, history.Config{Path: path})
	p := past(1)
	p.Ended = ""
	s.Note(p)
	waitFor(t, "the call", func() bool { return len(find(t, path, "")) == 1 })
	// As another softphone does that finds it damaged.
	for _, suffix := range []string{"-wal", "-shm", ""} {
		if err := os.Rename(path+suffix, path+".damaged"+suffix); err != nil {
			t.Fatal(err)
		}
	}
	p.Ended = "hung up"
	s.Note(p)
	end()
	keep(t, path, past(2))
	if calls := find(t, path, "hung up"); len(calls) != 2 {
		t.Errorf("%+v", calls)
	}
	if said := l.said(); len(said) != 0 {
		t.Errorf("said %q", said)
	}
}

func TestAFolderThatCannotBeMadeCostsTheHistoryOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file", "history.db")
	write(t, filepath.Dir(path), []byte("no folder"))
	s, l, end := begin(t, history.Config{Path: path, Before: []string{"tone"}})
	s.Note(past(1))
	s.Dialed("echo")
	end()
	said := l.said()
	if len(said) != 2 || !strings.HasPrefix(said[0], "The history of calls cannot be written, and is tried again: mkdir ") ||
		said[1] != "1 call is not in the history, since it could not be written." {
		t.Errorf("said %q", said)
	}
	if r := s.Recent(); len(r) != 2 || r[0] != "echo" {
		t.Errorf("recent %v", r)
	}
}

// FuzzOpen opens any content: a new history begins, or the old one goes on, and
// what was no use is kept.
func FuzzOpen(f *testing.F) {
	f.Add([]byte(""))
	f.Add([]byte("SQLite format 3\x00"))
	f.Add([]byte("garbage"))
	f.Add(bytes.Repeat([]byte{0}, 4096))
	seed := filepath.Join(f.TempDir(), "history.db")
	keep(f, seed, past(3))
	whole, err := os.ReadFile(seed)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)-4096])
	f.Fuzz(func(t *testing.T, content []byte) {
		path := file(t)
		write(t, path, content)
		_, _, _ = history.Find(t.Context(), path, "echo", 10)
		said := keep(t, path, past(1))
		if len(said) > 1 {
			t.Errorf("said %q", said)
		}
		// What is written may meet damage that nothing had to do with before.
		again := keep(t, path, past(2))
		if calls := find(t, path, "hung"); len(again) > 1 || len(calls) < 2-len(again) {
			t.Errorf("and then %q, with %+v", again, calls)
		}
		if kept, err := os.ReadFile(path + ".damaged"); len(said) == 1 && (err != nil || !bytes.Equal(kept, content)) {
			t.Errorf("kept %d bytes of %d, %v", len(kept), len(content), err)
		}
	})
}
