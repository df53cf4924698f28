package systemd

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// manager is the socket of a service manager.
type manager struct{ *net.UnixConn }

func listen(t *testing.T) manager {
	t.Helper()
	// The path of a socket is short; that of a test's folder need not be.
	dir, err := os.MkdirTemp("", "notify")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "s")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", "")
	t.Setenv("WATCHDOG_PID", "")
	return manager{conn}
}

// next waits for a message and returns its assignments.
func (m manager) next(t *testing.T) []string {
	t.Helper()
	_ = m.SetReadDeadline(time.Now().Add(10 * time.Second))
	b := make([]byte, 4096)
	n, err := m.Read(b)
	if err != nil {
		t.Fatalf("the manager is not told: %v", err)
	}
	return strings.Split(strings.TrimSuffix(string(b[:n]), "\n"), "\n")
}

func TestTheManagerIsToldEachState(t *testing.T) {
	m := listen(t)
	n := New(slog.New(slog.DiscardHandler))
	for _, tc := range []struct {
		tell func()
		want []string
	}{
		{func() { n.Ready("takes calls on\n127.0.0.1:1") }, []string{`^READY=1$`, `^STATUS=takes calls on 127\.0\.0\.1:1$`}},
		{n.Reloading, []string{`^RELOADING=1$`, `^MONOTONIC_USEC=\d+$`}},
		{func() { n.Stopping(90*time.Second, "drains") }, []string{`^STOPPING=1$`, `^EXTEND_TIMEOUT_USEC=90000000$`, `^STATUS=drains$`}},
	} {
		tc.tell()
		got := m.next(t)
		if len(got) != len(tc.want) {
			t.Errorf("the manager is told %q, want %q", got, tc.want)
			continue
		}
		for i, want := range tc.want {
			if !regexp.MustCompile(want).MatchString(got[i]) {
				t.Errorf("the manager is told %q, want %q", got, tc.want)
			}
		}
	}
}

func TestAServerThatEndsIsNotReadyAnyMore(t *testing.T) {
	m := listen(t)
	n := New(slog.New(slog.DiscardHandler))
	n.Stopping(time.Second, "drains")
	n.Ready("late")
	n.Reloading() // the next that is sent
	m.next(t)
	if got := m.next(t); got[0] != "RELOADING=1" {
		t.Errorf("after its end has begun the manager is told %q", got)
	}
}

// record keeps what is logged.
type record struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.String()
}

func TestTheWatchdogIsFedOnlyWhileTheProbeSucceeds(t *testing.T) {
	m := listen(t)
	t.Setenv("WATCHDOG_USEC", "20000")
	var rec record
	n := New(slog.New(slog.NewTextHandler(&rec, nil)))
	ctx, cancel := context.WithCancel(t.Context())
	// The 1st and the 3rd look fail, the 3rd by standing still; the manager hears
	// of the 2nd and the 4th.
	looks, heard := 0, make(chan int, 8)
	var done sync.WaitGroup
	done.Go(func() {
		n.Watch(ctx, func(ctx context.Context) error {
			looks++
			switch looks {
			case 1:
				return errors.New("nobody home")
			case 3:
				<-ctx.Done()
				return ctx.Err()
			case 2, 4:
				heard <- looks
				return nil
			default:
				return errors.New("enough")
			}
		})
	})
	for _, want := range []int{2, 4} {
		if got := m.next(t); len(got) != 1 || got[0] != "WATCHDOG=1" {
			t.Fatalf("the manager is told %q", got)
		}
		if got := <-heard; got != want {
			t.Fatalf("it is told after look %d, want %d", got, want)
		}
	}
	cancel()
	done.Wait()
	_ = m.SetReadDeadline(time.Now().Add(20 * time.Millisecond)) // it would be there by now
	if got, err := m.Read(make([]byte, 64)); err == nil {
		t.Errorf("a third sign of life, of %d bytes, though the probe fails", got)
	}
	for _, want := range []string{"nobody home", "deadline exceeded", "watchdog=20ms"} {
		if !strings.Contains(rec.String(), want) {
			t.Errorf("the log does not say %q:\n%s", want, &rec)
		}
	}
}

func TestWithoutAWatchdogNothingIsProbed(t *testing.T) {
	listen(t)
	for _, set := range []map[string]string{
		{},
		{"WATCHDOG_USEC": "20000", "WATCHDOG_PID": "1"}, // another's
		{"WATCHDOG_USEC": "soon"},
		{"WATCHDOG_USEC": "20000", "NOTIFY_SOCKET": ""},
	} {
		for name, value := range set {
			t.Setenv(name, value)
		}
		New(slog.New(slog.DiscardHandler)).Watch(t.Context(), func(context.Context) error {
			t.Errorf("%v: it is probed", set)
			return nil
		})
	}
}

func TestWithoutAManagerNothingHappens(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	var rec record
	n := New(slog.New(slog.NewTextHandler(&rec, nil)))
	n.Ready("")
	n.Reloading()
	n.Stopping(time.Second, "")
	if rec.String() != "" {
		t.Errorf("the log says %s", &rec)
	}
}

func TestAManagerThatIsGoneIsLogged(t *testing.T) {
	m := listen(t)
	_ = m.Close()
	var rec record
	New(slog.New(slog.NewTextHandler(&rec, nil))).Ready("")
	if !strings.Contains(rec.String(), "the service manager was not told") || !strings.Contains(rec.String(), "READY=1") {
		t.Errorf("the log says %s", &rec)
	}
}
