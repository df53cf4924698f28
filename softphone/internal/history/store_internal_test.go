package history

import (
	"bytes"
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

	"callcenter/softphone/internal/callstate"
)

func opened(t *testing.T, path string) *database {
	t.Helper()
	d, err := open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func fill(t *testing.T, d *database, from, to int) {
	t.Helper()
	var b batch
	for n := from; n < to; n++ {
		b.calls = append(b.calls, callstate.Past{
			CallID: fmt.Sprint("call", n), Start: time.UnixMilli(int64(n) * 1000), Destination: "room/support",
			Name: "Support", Server: "127.0.0.1:50051", Length: time.Minute, Ended: "hung up",
		})
	}
	if err := d.write(b); err != nil {
		t.Fatal(err)
	}
}

func TestTheNewestCallsAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	d := opened(t, path)
	fill(t, d, 0, Most+5)
	if err := d.close(); err != nil {
		t.Fatal(err)
	}
	calls, more, err := Find(t.Context(), path, "", Most+10)
	if err != nil || more || len(calls) != Most || calls[0].CallID != fmt.Sprint("call", Most+4) || calls[Most-1].CallID != "call5" {
		t.Errorf("%d calls, more %v, %v", len(calls), more, err)
	}
}

func TestWhatAnotherKeepsFromBeingWrittenIsWrittenLater(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	synctest.Test(t, func(t *testing.T) {
		other := opened(t, path)
		s := New(Config{Path: path})
		var said []string
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = s.Run(ctx, func(n callstate.Notice) { said = append(said, n.Text) }) })
		synctest.Wait()
		keeps, err := other.sql.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		for n := range 3 {
			s.Note(callstate.Past{CallID: fmt.Sprint("call", n), Start: time.Now(), Ended: "hung up"})
		}
		synctest.Wait() // SQLite waits by a clock of its own
		if len(said) != 1 || !strings.Contains(said[0], "cannot be written, and is tried again: ") || !strings.Contains(said[0], "locked") {
			t.Errorf("said %q", said)
		}
		if err := keeps.Rollback(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * retryAfter)
		synctest.Wait()
		calls, _, err := Find(t.Context(), path, "", 100)
		if err != nil || len(calls) != 3 {
			t.Errorf("%d calls, %v", len(calls), err)
		}
		cancel()
		running.Wait()
		if err := other.close(); err != nil || len(said) != 1 {
			t.Errorf("said %q, %v", said, err)
		}
	})
}

// A page that was whole when it was looked at.
func TestDamageThatShowsWhileItIsWrittenIsPutAsideThen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	d := opened(t, path)
	fill(t, d, 0, 2000)
	if err := d.close(); err != nil {
		t.Fatal(err)
	}
	var said []string
	s := New(Config{Path: path})
	s.say = func(n callstate.Notice) { said = append(said, n.Text) }
	if err := s.work(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(bytes.Repeat([]byte{0xff}, int(info.Size())-4096), 4096); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	s.Note(callstate.Past{CallID: "new", Start: time.Now(), Ended: "hung up"})
	if err := s.work(); err != nil {
		t.Error(err)
	}
	s.leave()
	if len(said) != 1 || !strings.Contains(said[0], "is damaged: it is kept as history.db.damaged") {
		t.Errorf("said %q", said)
	}
	calls, _, err := Find(t.Context(), path, "", 10)
	if err != nil || len(calls) != 1 || calls[0].CallID != "new" {
		t.Errorf("%+v, %v", calls, err)
	}
}

func TestWhatWaitsIsBoundedAndWhatIsDroppedIsCounted(t *testing.T) {
	s := New(Config{Path: "nowhere"})
	for round := range 3 { // of each call the newest state counts
		for n := range mostWaiting + 10 {
			s.Note(callstate.Past{CallID: fmt.Sprint(n), Length: time.Duration(round)})
		}
	}
	for n := range 2 * mostRecent {
		s.Dialed(fmt.Sprint(n))
	}
	b := s.take()
	if len(b.calls) != mostWaiting || len(b.dialed) != mostRecent || s.Dropped() == 0 {
		t.Errorf("%d calls and %d destinations wait, %d were dropped", len(b.calls), len(b.dialed), s.Dropped())
	}
	if slices.ContainsFunc(b.calls, func(p callstate.Past) bool { return p.Length != 2 }) {
		t.Error("an old state waits")
	}
	s.Note(callstate.Past{CallID: b.calls[0].CallID, Length: 9})
	s.giveBack(b)
	if again := s.take(); len(again.calls) != mostWaiting || again.calls[0].Length != 9 {
		t.Errorf("after a failure %d wait, the first is %+v", len(again.calls), again.calls[0])
	}
}

func BenchmarkSearchOfAFullHistory(b *testing.B) {
	path := filepath.Join(b.TempDir(), "history.db")
	d, err := open(path, nil)
	if err != nil {
		b.Fatal(err)
	}
	var all batch
	for n := range Most {
		all.calls = append(all.calls, callstate.Past{
			CallID: fmt.Sprint("call", n), Start: time.UnixMilli(int64(n) * 1000), Destination: "room/support", Name: "Support", Ended: "hung up",
		})
	}
	if err := d.write(all); err != nil {
		b.Fatal(err)
	}
	b.Run("search", func(b *testing.B) {
		for b.Loop() {
			if _, _, err := Find(b.Context(), path, "no such call", mostFound); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("list", func(b *testing.B) {
		for b.Loop() {
			if _, _, err := Find(b.Context(), path, "", mostFound); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("refresh", func(b *testing.B) {
		going := all.calls[Most-1]
		going.Ended = ""
		for b.Loop() {
			if err := d.write(batch{calls: []callstate.Past{going}}); err != nil {
				b.Fatal(err)
			}
		}
	})
	if err := d.close(); err != nil {
		b.Fatal(err)
	}
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			d, err := open(path, nil)
			if err != nil {
				b.Fatal(err)
			}
			if err := d.close(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
