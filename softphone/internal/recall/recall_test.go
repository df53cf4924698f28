package recall_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/recall"
)

// victimEnv holds the file that a test process is to write until it is killed.
const victimEnv = "RECALL_VICTIM"

func TestMain(m *testing.M) {
	if path := os.Getenv(victimEnv); path != "" {
		writeForEver(path)
		return
	}
	goleak.VerifyTestMain(m)
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

// run opens a store, does what is to be done with it and ends it in order. It
// returns what was said.
func run(t *testing.T, path string, do func(*recall.Store)) []string {
	t.Helper()
	var l told
	s := recall.Open(path, nil)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = s.Run(ctx, l.say) })
	do(s)
	cancel()
	running.Wait()
	return l.text
}

func file(t *testing.T) string { return filepath.Join(t.TempDir(), "softphone", "recall.json") }

func device(n int) recall.Device {
	return recall.Device{ID: fmt.Sprintf("id%d", n), Name: fmt.Sprintf("Device %d", n)}
}

func TestWhatHappenedIsKnownInTheNextRun(t *testing.T) {
	path := file(t)
	said := run(t, path, func(s *recall.Store) {
		for n := range 10 {
			s.ChooseMicrophone(device(n))
			s.ChooseEarpiece(device(n % 3))
		}
		s.SetGains(callstate.Gains{Microphone: 3, Earpiece: -6})
	})
	said = append(said, run(t, path, func(s *recall.Store) {
		if m := s.Microphones(); len(m) != 8 || m[0] != device(9) || m[7] != device(2) {
			t.Errorf("microphones %v", m)
		}
		if e := s.Earpieces(); !slices.Equal(e, []recall.Device{device(0), device(2), device(1)}) {
			t.Errorf("earpieces %v", e)
		}
		if g := s.Gains(); g != (callstate.Gains{Microphone: 3, Earpiece: -6}) {
			t.Errorf("gains %v", g)
		}
	})...)
	if len(said) != 0 {
		t.Errorf("said %q", said)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("the file is %v, %v", info.Mode(), err)
	}
}

func TestAChangeIsWrittenSoonAndManyAreWrittenOnce(t *testing.T) {
	path := file(t)
	synctest.Test(t, func(t *testing.T) {
		s := recall.Open(path, nil)
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = s.Run(ctx, func(callstate.Notice) {}) })
		for n := range 40 {
			s.SetGains(callstate.Gains{Microphone: float64(n)})
			time.Sleep(10 * time.Millisecond)
		}
		if _, err := os.Stat(path); err == nil {
			t.Error("it was written at once")
		}
		time.Sleep(time.Second)
		if raw, err := os.ReadFile(path); err != nil || !strings.Contains(string(raw), `"microphone_gain_db": 39`) {
			t.Errorf("%s, %v", raw, err)
		}
		cancel()
		running.Wait()
	})
}

func TestWhatIsNoUseIsKeptAsideAndSaidOnce(t *testing.T) {
	for name, tt := range map[string]struct{ content, kept, why string }{
		"nothing":              {"", "recall.json.damaged", "is damaged"},
		"garbage":              {"\x00\x01{", "recall.json.damaged", "is damaged"},
		"half of it":           {`{"version": 1, "recent": ["ec`, "recall.json.damaged", "is damaged"},
		"something else":       {`{"version": 1, "recent": "echo"}`, "recall.json.damaged", "is damaged"},
		"no version":           {`{}`, "recall.json.damaged", "is damaged"},
		"too long":             {`{"version": 1, "recent": ["` + strings.Repeat("x", 300<<10) + `"]}`, "recall.json.damaged", "is damaged"},
		"of a newer softphone": {`{"version": 7, "recent": 3}`, "recall.json.version-7", "is of a newer softphone"},
	} {
		t.Run(name, func(t *testing.T) {
			path := file(t)
			write(t, path, tt.content)
			said := run(t, path, func(s *recall.Store) {
				s.ChooseEarpiece(device(1))
				if e := s.Earpieces(); len(e) != 1 {
					t.Errorf("earpieces %v", e)
				}
			})
			if len(said) != 1 || !strings.Contains(said[0], tt.why+"; it is kept as "+tt.kept) {
				t.Errorf("said %q", said)
			}
			if kept, err := os.ReadFile(filepath.Join(filepath.Dir(path), tt.kept)); err != nil || string(kept) != tt.content {
				t.Errorf("kept %d bytes, %v", len(kept), err)
			}
			if said := run(t, path, func(s *recall.Store) {
				if e := s.Earpieces(); !slices.Equal(e, []recall.Device{device(1)}) {
					t.Errorf("earpieces %v", e)
				}
			}); len(said) != 0 {
				t.Errorf("said %q again", said)
			}
		})
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWhatDoesNotBelongInTheFileIsNotTaken(t *testing.T) {
	path := file(t)
	write(t, path, `{"version": 1, "microphones": [{"id": "", "name": "x"}, {"id": "a\u001b[2J"}, {"id": "ok", "name": "Ok"}, {"id": "ok", "name": "Again"}],
		"recent": ["", "echo", "echo", "\u0007"], "microphone_gain_db": 1e300}`)
	said := run(t, path, func(s *recall.Store) {
		if m := s.Microphones(); len(m) != 1 || m[0].Name != "Ok" {
			t.Errorf("microphones %v", m)
		}
		if r := s.Recent(); !slices.Equal(r, []string{"echo"}) {
			t.Errorf("recent %q", r)
		}
		if g := s.Gains(); g.Microphone != 60 {
			t.Errorf("gains %v", g)
		}
	})
	if len(said) != 0 {
		t.Errorf("said %q", said)
	}
}

func TestAFileThatCannotBeWrittenIsASentence(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file", "recall.json")
	write(t, filepath.Dir(path), "no folder")
	said := run(t, path, func(s *recall.Store) {
		s.ChooseEarpiece(device(1))
		if e := s.Earpieces(); len(e) != 1 {
			t.Errorf("earpieces %v", e)
		}
	})
	// Reading says one thing and writing another, each once.
	if len(said) == 0 || len(said) > 2 || !strings.Contains(said[len(said)-1], "What this softphone remembers could not be written: ") {
		t.Errorf("said %q", said)
	}
}

func TestTwoSoftphonesAtOnceForgetNothing(t *testing.T) {
	path := file(t)
	const each = 4 // of eight that are kept
	var running sync.WaitGroup
	for phone := range 2 {
		running.Go(func() {
			for n := range each {
				run(t, path, func(s *recall.Store) { s.ChooseMicrophone(device(each*phone + n)) })
			}
		})
	}
	running.Wait()
	run(t, path, func(s *recall.Store) {
		if m := s.Microphones(); len(m) != 2*each {
			t.Errorf("%d of %d are remembered: %v", len(m), 2*each, m)
		}
	})
}

func TestTheLastChangeOfEachValueCounts(t *testing.T) {
	path := file(t)
	run(t, path, func(one *recall.Store) {
		run(t, path, func(other *recall.Store) {
			other.SetGains(callstate.Gains{Earpiece: 9})
			other.ChooseMicrophone(device(1))
		})
		one.SetGains(callstate.Gains{Microphone: 4})
		one.ChooseMicrophone(device(2))
	})
	run(t, path, func(s *recall.Store) {
		if g := s.Gains(); g != (callstate.Gains{Microphone: 4, Earpiece: 9}) {
			t.Errorf("gains %v", g)
		}
		if m := s.Microphones(); !slices.Equal(m, []recall.Device{device(2), device(1)}) {
			t.Errorf("microphones %v", m)
		}
	})
}

func TestWhatAnOlderSoftphoneDialedIsKeptUntilItIsForgotten(t *testing.T) {
	path := file(t)
	write(t, path, `{"version": 1, "recent": ["echo", "tone"], "ear_gain_db": 3}`)
	has := func(want ...string) func(*recall.Store) {
		return func(s *recall.Store) {
			t.Helper()
			if r := s.Recent(); !slices.Equal(r, want) {
				t.Errorf("recent %v, want %v", r, want)
			}
			s.SetGains(callstate.Gains{Microphone: s.Gains().Microphone + 1}) // which writes the file
		}
	}
	said := run(t, path, has("echo", "tone"))
	said = append(said, run(t, path, func(s *recall.Store) {
		has("echo", "tone")(s)
		s.ForgetRecent()
		has()(s)
	})...)
	if said = append(said, run(t, path, has())...); len(said) != 0 {
		t.Errorf("said %q", said)
	}
}

// writeForEver is the process that is killed.
func writeForEver(path string) {
	for n := 0; ; n++ {
		s := recall.Open(path, nil)
		s.ChooseMicrophone(device(n))
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = s.Run(ctx, func(callstate.Notice) { os.Exit(3) })
	}
}

func TestAFileSurvivesAKilledWriter(t *testing.T) {
	path := file(t)
	for round := range 8 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), victimEnv+"="+path)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Duration(60+17*round) * time.Millisecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed
		if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Exited() {
			t.Fatalf("the writer ended by itself with %d: the file was damaged", status.ExitStatus())
		}
		raw, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			continue // it was killed before the first was written
		}
		if err != nil || !json.Valid(raw) {
			t.Fatalf("round %d: %q, %v", round, raw, err)
		}
		if said := run(t, path, func(s *recall.Store) { s.ChooseEarpiece(device(1)) }); len(said) != 0 {
			t.Errorf("round %d: said %q", round, said)
		}
	}
}
