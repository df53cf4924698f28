package hostile

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"callcenter/server/servertest"
	"callcenter/softphone/internal/swarm"
)

const (
	// patience is how long a slow computer may take for what is judged.
	patience = 30 * time.Second
	// mostHeap is how much of this program's memory may come to be in use while its
	// server is attacked: ten messages that were announced would be more.
	mostHeap = 256 << 20
)

// marked names the goroutines of one server: those that it starts inherit it.
const marked = "attacked"

// startMarked starts a server whose goroutines can be counted.
func startMarked(t *testing.T, o servertest.Options) (s *servertest.Server) {
	t.Helper()
	pprof.Do(t.Context(), pprof.Labels(marked, t.Name()), func(context.Context) {
		s = servertest.Start(t, o)
	})
	return s
}

// goroutines is how many there are of a test's server.
func goroutines(t *testing.T) (n int) {
	t.Helper()
	var b bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&b, 1); err != nil {
		t.Fatal(err)
	}
	label := fmt.Sprintf("%q:%q", marked, t.Name())
	of := 0 // the record that the line is of
	for line := range strings.Lines(b.String()) {
		var count int
		if _, err := fmt.Sscanf(line, "%d @", &count); err == nil {
			of = count
		} else if strings.HasPrefix(line, "# labels:") && strings.Contains(line, label) {
			n += of
		}
	}
	return n
}

// probe makes an echo call until ctx ends and counts the frames that come back as
// they were sent.
func (c *caller) probe(ctx context.Context, verified *atomic.Uint64) error {
	l, err := c.dial(ctx, "opus", newIdentity())
	if err != nil {
		return err
	}
	var reading sync.WaitGroup
	defer reading.Wait()
	defer l.close()
	var wrong atomic.Bool
	reading.Go(func() {
		for {
			in, err := l.stream.Recv()
			if err != nil {
				return
			}
			l.take(in)
			if data := in.GetAudioData(); len(data) > 0 {
				slot := (in.GetMediaTime() - 1) / frameSamples
				if !bytes.Equal(data, c.packets[slot%uint64(len(c.packets))]) {
					wrong.Store(true)
				}
				verified.Add(1)
			}
		}
	})
	return at(ctx, frame, func() error {
		if wrong.Load() {
			return fmt.Errorf("the echo of slot %d or before is not what was sent", l.slot)
		}
		return l.say(l.packet())
	})
}

// TestCallsGoOnWhateverConnectionsDo makes each attack for a second while calls are
// held, and judges only what holds on a slow computer: none of them ends, what they
// hear is right and goes on, who calls is answered, and the server has as many
// goroutines again as before.
func TestCallsGoOnWhateverConnectionsDo(t *testing.T) {
	t.Parallel()
	s := startMarked(t, servertest.Options{})
	goOn(t, openSite(s.Addr), attacks())
}

// goOn holds calls to a marked server beside one attack after the other.
func goOn(t *testing.T, where site, all []attack) {
	t.Helper()
	probe := newCaller(t, where, "echo", 0)
	verified, hangUp := hold(t, probe)
	defer hangUp()
	calm := goroutines(t)
	if calm == 0 {
		t.Fatal("the server's goroutines are not to be told from others")
	}
	for _, k := range all {
		beAttacked(t, probe, k, verified)
		n := 0
		if !inTime(func() bool { n = goroutines(t); return n <= calm }) {
			t.Errorf("after it %s the server has %d goroutines, before the first attack %d", k.name, n, calm)
		}
	}
}

// hold makes a call with the probe and those of a room, and returns when they are
// up. hangUp ends them, and judges those in the room.
func hold(t *testing.T, probe *caller) (verified *atomic.Uint64, hangUp func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var calls sync.WaitGroup
	hangUp = func() {
		cancel()
		calls.Wait()
	}
	verified = new(atomic.Uint64)
	calls.Go(func() {
		if err := probe.probe(ctx, verified); err != nil {
			t.Errorf("a call beside attackers: %v", err)
		}
	})
	up := newHeld(members)
	calls.Go(func() {
		cfg := plan(probe.site, "room/calm", members, 1, talkers, 0)
		cfg.Progress = up
		r, err := swarm.Run(ctx, cfg)
		// Whether there was a window without a gap, a slow computer does not tell.
		if r.Held < r.Calls || r.Failures > 0 || r.Lost > 0 {
			t.Errorf("%d of %d were held, %d frames lost, %d failures, %d windows were right: %v", r.Held, r.Calls, r.Lost, r.Failures, r.Windows, err)
		}
	})
	if !inTime(func() bool {
		select {
		case <-up.yes:
			return verified.Load() > 0
		default:
			return false
		}
	}) {
		hangUp()
		t.Fatal("no call came up")
	}
	return verified, hangUp
}

// beAttacked attacks for a second, and longer until calls have gone on and another
// came meanwhile.
func beAttacked(t *testing.T, c *caller, k attack, verified *atomic.Uint64) {
	t.Helper()
	const heard = 20 // frames
	a := &attacker{site: c.site, strength: k.quick, bare: k.bare}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var err error
	var attacking sync.WaitGroup
	began, before := time.Now(), verified.Load()
	attacking.Go(func() { err = k.run(a, ctx) })
	_ = pause(ctx, time.Second/2)
	if _, err := c.visit(ctx, patience); err != nil {
		t.Errorf("who calls beside one who %s: %v", k.name, err)
	}
	_ = pause(ctx, time.Second/2)
	goesOn := inTime(func() bool { return verified.Load() >= before+heard && a.did.Load() > 0 })
	heap := inUse()
	cancel()
	attacking.Wait()
	o := a.outcome(time.Since(began), err)
	t.Logf("who %s: %+v; %d frames verified, %d MiB in use", k.name, o, verified.Load()-before, heap>>20)
	if !goesOn || err != nil || a.dialled.Load() == 0 {
		t.Errorf("beside who %s %d frames were heard, want %d; it did so %d times: %v", k.name, verified.Load()-before, heard, o.Did, err)
	}
	if heap > mostHeap {
		t.Errorf("beside who %s %d MiB are in use", k.name, heap>>20)
	}
}

// inUse is this program's heap.
func inUse() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}
