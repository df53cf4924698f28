package history_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/history"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(victimEnv); path != "" {
		callForEver(path)
		return
	}
	goleak.VerifyTestMain(m)
}

// patience is how long a condition may take; test machines are busy at times.
const patience = 30 * time.Second

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s", patience, what)
		}
	}
}

// told keeps what was said.
type told struct {
	mu   sync.Mutex
	text []string
}

func (l *told) say(n callstate.Notice) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, n.Text)
}

func (l *told) said() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.text)
}

// begin runs a store until end, or the end of the test.
func begin(t testing.TB, c history.Config) (s *history.Store, l *told, end func()) {
	t.Helper()
	s, l = history.New(c), &told{}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := s.Run(ctx, l.say); err != nil {
			t.Errorf("the store ended with %v", err)
		}
	})
	end = func() {
		cancel()
		running.Wait()
	}
	t.Cleanup(end)
	return s, l, end
}

// keep writes calls and returns what was said.
func keep(t testing.TB, path string, calls ...callstate.Past) []string {
	t.Helper()
	s, l, end := begin(t, history.Config{Path: path})
	for _, p := range calls {
		s.Note(p)
	}
	end()
	return l.said()
}

func file(t *testing.T) string { return filepath.Join(t.TempDir(), "softphone", "history.db") }

// find looks for calls and wants no error.
func find(t *testing.T, path, text string) []callstate.Past {
	t.Helper()
	calls, more, err := history.Find(t.Context(), path, text, history.Most)
	if err != nil || more {
		t.Fatalf("search %.40q: %v, more %v", text, err, more)
	}
	return calls
}

// noon is the time of the first call of a test.
func noon() time.Time { return time.Date(2026, 11, 26, 12, 0, 0, 0, time.Local) }

func past(n int) callstate.Past {
	return callstate.Past{
		CallID: fmt.Sprintf("call%d", n), Start: noon().Add(time.Duration(n) * time.Minute), Length: 42 * time.Second,
		Destination: "echo", Server: "127.0.0.1:50051", Ended: "hung up",
	}
}

func TestACallIsThereOnceItIsDialedAndUntilItsEnd(t *testing.T) {
	path := file(t)
	s, l, end := begin(t, history.Config{Path: path})
	p := callstate.Past{CallID: "a", Start: noon(), Destination: "room/desk", Name: "Desk", Server: "127.0.0.1:1"}
	s.Note(p)
	is := func(what string) callstate.Past {
		t.Helper()
		want := p
		if want.Ended == "" {
			want.Ended = callstate.PastGoesOn
		}
		waitFor(t, what, func() bool {
			calls := find(t, path, "")
			return len(calls) == 1 && calls[0] == want
		})
		return want
	}
	is("the call that is dialed")
	p.Length, p.MOS, p.WorstMOS, p.ConcealedPct = 3*time.Second, 4.25, 3.5, 0.5
	p.Gaps, p.Gap, p.Server = 2, 1500*time.Millisecond, "127.0.0.1:2"
	s.Note(p)
	is("the call that goes on")
	p.Length, p.Ended, p.Err = 65*time.Second, "failed", "the server is gone"
	s.Note(p)
	end()
	is("the call that ended")
	if said := l.said(); len(said) != 0 {
		t.Errorf("said %q", said)
	}
}

func TestTheHistoryIsForItsOwnerOnly(t *testing.T) {
	path := file(t)
	s, _, end := begin(t, history.Config{Path: path})
	s.Note(past(1))
	waitFor(t, "the call", func() bool { return len(find(t, path, "")) == 1 })
	look := func(least int) {
		t.Helper()
		files, err := filepath.Glob(path + "*")
		if err != nil || len(files) < least {
			t.Errorf("files %q, %v", files, err)
		}
		for _, f := range append(files, filepath.Dir(path)) {
			want := os.FileMode(0o600)
			if f == filepath.Dir(path) {
				want = 0o700
			}
			if info, err := os.Stat(f); err != nil || info.Mode().Perm() != want {
				t.Errorf("%s is %v, %v", f, info.Mode(), err)
			}
		}
	}
	look(4) // with its log, its index and the sign of life
	end()
	if err := os.Chmod(path, 0o644); err != nil { // as a copy may be
		t.Fatal(err)
	}
	keep(t, path, past(2))
	look(1)
	if files, _ := filepath.Glob(path + ".writer-*"); len(files) != 0 {
		t.Errorf("%q are left", files)
	}
}

func TestReadingCreatesNothing(t *testing.T) {
	path := file(t)
	if calls := find(t, path, "x"); len(calls) != 0 {
		t.Errorf("%v", calls)
	}
	if _, err := os.Stat(filepath.Dir(path)); !os.IsNotExist(err) {
		t.Errorf("reading made a folder: %v", err)
	}
	keep(t, path, past(1))
	before, _ := filepath.Glob(path + "*")
	if calls := find(t, path, ""); len(calls) != 1 {
		t.Errorf("%v", calls)
	}
	if after, _ := filepath.Glob(path + "*"); !slices.Equal(before, after) {
		t.Errorf("%q became %q", before, after)
	}
}

func TestAHistoryThatIsOffTouchesNoFile(t *testing.T) {
	s, l, end := begin(t, history.Config{Before: []string{"tone"}})
	s.Note(past(1))
	s.Dialed("echo")
	end()
	if r := s.Recent(); !slices.Equal(r, []string{"echo", "tone"}) || len(l.said()) != 0 || s.Dropped() != 0 {
		t.Errorf("recent %v, said %q, dropped %d", r, l.said(), s.Dropped())
	}
}

func TestWhatWasDialedIsKnownInTheNextRun(t *testing.T) {
	path := file(t)
	s, _, end := begin(t, history.Config{Path: path})
	for n := range 60 {
		s.Dialed(fmt.Sprintf("room/r%d", n))
	}
	s.Dialed("room/r30")
	end()
	changed := make(chan struct{}, 1)
	s, l, _ := begin(t, history.Config{Path: path, Changed: func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}})
	<-changed
	r := s.Recent()
	if len(r) != 50 || r[0] != "room/r30" || slices.Contains(r[1:], "room/r30") {
		t.Errorf("recent %v", r)
	}
	if said := l.said(); len(said) != 0 {
		t.Errorf("said %q", said)
	}
}

func TestWhatWasDialedBeforeThereWasAHistoryIsTakenOver(t *testing.T) {
	path := file(t)
	imported := 0
	old := history.Config{Path: path, Before: []string{"room/b", "echo", "room/a"}, Imported: func() { imported++ }}
	s, _, end := begin(t, old)
	s.Dialed("echo")
	end()
	if want := []string{"echo", "room/b", "room/a"}; imported != 1 || !slices.Equal(s.Recent(), want) {
		t.Errorf("imported %d times, recent %v", imported, s.Recent())
	}
	// Once more, as by a softphone that could not drop it: nothing moves up.
	s, _, end = begin(t, old)
	end()
	if want := []string{"echo", "room/b", "room/a"}; imported != 2 || !slices.Equal(s.Recent(), want) {
		t.Errorf("imported %d times, recent %v", imported, s.Recent())
	}
}

func TestTwoSoftphonesAtOnceLoseNoCallAndCutNone(t *testing.T) {
	path := file(t)
	const each = 10
	var running sync.WaitGroup
	for phone := range 2 {
		s, l, end := begin(t, history.Config{Path: path})
		running.Go(func() {
			for n := range each {
				p := past(1000*phone + n)
				p.Ended = ""
				s.Note(p)
				waitFor(t, "the call of another", func() bool {
					calls := find(t, path, "")
					for i := range calls {
						if calls[i].Ended == callstate.PastCut {
							t.Errorf("%s is cut", calls[i].CallID)
						}
					}
					return slices.ContainsFunc(calls, func(o callstate.Past) bool { return o.CallID == p.CallID })
				})
				p.Ended = "hung up"
				s.Note(p)
				s.Dialed(fmt.Sprintf("room/r%d", phone))
				if n == each/2 { // a third comes, which marks what is cut
					keep(t, path)
				}
			}
			end()
			if said := l.said(); len(said) != 0 {
				t.Errorf("said %q", said)
			}
		})
	}
	running.Wait()
	if calls := find(t, path, "hung"); len(calls) != 2*each {
		t.Errorf("%d of %d calls are there", len(calls), 2*each)
	}
}

func TestASearchWantsEveryWord(t *testing.T) {
	path := file(t)
	calls := []callstate.Past{past(1), past(2), past(3), past(4)}
	calls[0].Destination, calls[0].Name = "room/support", "Ärztin Müller"
	calls[1].Destination, calls[1].Name, calls[1].Ended = "room/100%_o'clock", `"quoted" \ name`, "failed"
	calls[2].Start = noon().AddDate(0, 1, 0)
	calls[3].Name = "a\x00b"
	if said := keep(t, path, calls...); len(said) != 0 {
		t.Fatalf("said %q", said)
	}
	for text, want := range map[string]string{
		"":                               "call3 call4 call2 call1",
		"  SUPPORT ":                     "call1",
		"ärztin":                         "call1",
		"MÜLLER support":                 "call1",
		"support echo":                   "",
		"2026-11-26":                     "call4 call2 call1",
		"thursday november":              "call4 call2 call1",
		"december":                       "call3",
		"2026-12 echo hung":              "call3",
		"failed":                         "call2",
		"%":                              "call2",
		"_":                              "call2",
		"%%":                             "",
		"'":                              "call2",
		`"`:                              "call2",
		`\`:                              "call2",
		"' OR 1=1 --":                    "",
		"'; DROP TABLE calls; --":        "",
		"o'clock":                        "call2",
		"\x00":                           "call4",
		"a\x00b":                         "call4",
		"\xff\xfe":                       "",
		"\x1b[2J":                        "",
		"?":                              "",
		strings.Repeat("echo ", 1<<16):   "call3 call4",
		strings.Repeat("%", 1<<20):       "",
		"echo" + strings.Repeat("\t", 9): "call3 call4",
	} {
		var got []string
		for _, p := range find(t, path, text) {
			got = append(got, p.CallID)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%.40q finds %v, want %s", text, got, want)
		}
	}
	if calls, more, err := history.Find(t.Context(), path, "echo", 1); err != nil || !more || len(calls) != 1 || calls[0].CallID != "call3" {
		t.Errorf("one of them: %v, more %v, %v", calls, more, err)
	}
}

func TestAFinderShowsTheNewestSearch(t *testing.T) {
	path := file(t)
	keep(t, path, past(1), past(2))
	f := history.NewFinder(path, nil)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = f.Run(ctx) })
	defer running.Wait()
	defer cancel()
	if s := f.State(); s.Busy || len(s.Calls) != 0 {
		t.Errorf("at first: %+v", s)
	}
	for n := range 50 {
		f.Find(fmt.Sprintf("no such call %d", n))
	}
	f.Find("ECHO")
	if s := f.State(); !s.Busy && s.Find != "ECHO" {
		t.Errorf("right after: %+v", s)
	}
	waitFor(t, "what was found", func() bool { return !f.State().Busy })
	if s := f.State(); s.Find != "ECHO" || len(s.Calls) != 2 || s.More || s.Err != "" || s.Calls[0].CallID != "call2" {
		t.Errorf("found %+v", s)
	}
	if err := os.WriteFile(path, []byte("garbage, and no database at all"), 0o600); err != nil {
		t.Fatal(err)
	}
	f.Find("")
	waitFor(t, "the next outcome", func() bool { return !f.State().Busy })
	if s := f.State(); len(s.Calls) != 0 || !strings.Contains(s.Err, path+", cannot be read") || !strings.HasSuffix(s.Err, "when it starts.") {
		t.Errorf("of garbage: %+v", s)
	}
}

// What a Finder waits for a Store counts only where both have nothing else to do:
// how long a disk takes is no matter.
func TestAFinderFindsTheCallThatJustEnded(t *testing.T) {
	path := file(t)
	synctest.Test(t, func(t *testing.T) {
		s, _, _ := begin(t, history.Config{Path: path})
		f := history.NewFinder(path, s)
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = f.Run(ctx) })
		defer running.Wait()
		defer cancel()
		for n := range 20 {
			s.Note(past(n))
			f.Find("")
			synctest.Wait()
			if found := f.State(); found.Busy || len(found.Calls) != n+1 {
				t.Fatalf("right after call %d there are %d, busy %v", n, len(found.Calls), found.Busy)
			}
		}
	})
}

func TestWhatIsNoTextAndNoNumberIsKeptAsFarAsItCanBe(t *testing.T) {
	path := file(t)
	p := past(1)
	p.Destination, p.Err = strings.Repeat("ä", 5000)+"\xff", "a\xffb\x1b[2J"
	zero := 0.0
	p.MOS, p.WorstMOS, p.ConcealedPct, p.Gaps = zero/zero, 1/zero, -1/zero, 1<<63
	if said := keep(t, path, p); len(said) != 0 {
		t.Fatalf("said %q", said)
	}
	got := find(t, path, "")
	if len(got) != 1 || len([]rune(got[0].Destination)) != 512 || got[0].Err != "a\uFFFDb\x1b[2J" || got[0].MOS+got[0].WorstMOS+got[0].ConcealedPct != 0 {
		t.Errorf("%.300v", got)
	}
}

func TestTodayIsADayToSearchFor(t *testing.T) {
	path := file(t)
	calls := []callstate.Past{past(1), past(2)}
	calls[0].Destination = "room/today"
	calls[1].Start = time.Now()
	if said := keep(t, path, calls...); len(said) != 0 {
		t.Fatalf("said %q", said)
	}
	found := make(map[string]bool)
	for _, day := range []string{"today", "Yesterday"} { // midnight may be now
		for _, p := range find(t, path, day) {
			found[p.CallID] = true
		}
	}
	if !found["call1"] || !found["call2"] {
		t.Errorf("found %v", found)
	}
}
