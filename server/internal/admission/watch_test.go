package admission

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// running runs a gate's Run in the bubble of a test, and returns what ends it and
// the lines that it has logged.
func running(t *testing.T, g *Gate) (end func(), lines func() []map[string]any) {
	t.Helper()
	var log bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx, slog.New(slog.NewJSONHandler(&log, nil))) }()
	end = func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	return end, func() (found []map[string]any) {
		synctest.Wait()
		for line := range bytes.Lines(log.Bytes()) {
			var m map[string]any
			if err := json.Unmarshal(line, &m); err != nil {
				t.Fatal(err)
			}
			found = append(found, m)
		}
		return found
	}
}

func TestAConnectionWithoutAnRPCIsClosedAfterHalfAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Limits{})
		end, _ := running(t, g)
		defer end()
		silent, used := connect(t, g, "10.0.0.1", time.Now()), busy(t, g, "10.0.0.1", time.Now())
		used.End(false, time.Now())
		time.Sleep(29 * time.Second)
		synctest.Wait()
		if silent.cuts.Load() != 0 {
			t.Error("it was closed early")
		}
		time.Sleep(6 * time.Second)
		synctest.Wait()
		if silent.cuts.Load() != 1 || used.cuts.Load() != 0 || g.Refused(Unused) != 1 {
			t.Errorf("cut %d and %d times, %d counted", silent.cuts.Load(), used.cuts.Load(), g.Refused(Unused))
		}
	})
}

func TestTheLogSaysWhatIsRefusedAtMostEachTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Limits{Calls: 1})
		end, lines := running(t, g)
		if _, err := g.Call(tcp("10.0.0.1"), "", at(0)); err != nil {
			t.Fatal(err)
		}
		for i := range 20 { // a second apart
			_, err := g.Call(tcp("10.0.0.2"), "", at(0))
			refused(t, err, Calls)
			_, err = g.Call(tcp([]string{"2001:db8::1", "10.0.0.2"}[i%2]), "", at(0))
			refused(t, err, Calls)
			time.Sleep(time.Second)
		}
		time.Sleep(time.Minute)
		end()
		got := lines()
		if len(got) != 4 {
			t.Fatalf("%d lines: %v", len(got), got)
		}
		calls := 0.0
		for _, line := range got[:3] {
			if line["level"] != "WARN" || line["worst"] != "10.0.0.2" || line["of_worst"].(float64) < 0.7*line["calls"].(float64) {
				t.Errorf("it says %v", line)
			}
			calls += line["calls"].(float64)
		}
		if last := got[3]; calls != 40 || last["calls"] != 40.0 || last["level"] != "INFO" {
			t.Errorf("%v calls refused, the last line says %v", calls, last)
		}
	})
}

func TestAGateThatRefusedNothingSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end, lines := running(t, New(Limits{Calls: 1}))
		time.Sleep(time.Hour)
		end()
		if got := lines(); len(got) != 0 {
			t.Errorf("it says %v", got)
		}
	})
}

func TestManyAddressesTakeNoMemoryWhenTheyAreGone(t *testing.T) {
	g := New(Limits{Connections: 4000, ConnectionsPerAddress: 1000})
	most := 0
	for i := range maxAccounts + 10 {
		from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 1)
		c, err := g.Connect(net.TCPAddrFromAddrPort(from), at(0), nil)
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		most = max(most, len(g.accounts))
	}
	if most > maxAccounts {
		t.Errorf("%d addresses were remembered", most)
	}
	g.sweep(at(time.Minute))
	if len(g.accounts) != 0 {
		t.Errorf("%d addresses are remembered", len(g.accounts))
	}
}

func TestEachReasonHasAName(t *testing.T) {
	seen := make(map[string]bool)
	for r := range reasons {
		if name := r.String(); name == "" || seen[name] {
			t.Errorf("reason %d is called %q", r, name)
		} else {
			seen[name] = true
		}
	}
}
