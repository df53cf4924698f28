//go:build linux && !race

package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"callcenter/softphone/e2e/proxy"
)

const (
	soakCalls = 100
	// soakLinks is how many proxies share the calls: a fault of one is that of
	// twenty calls at a time.
	soakLinks = 5
	// killEvery is how often the server dies, where the soak is that long.
	killEvery = 10 * time.Minute
	// wink is how long the server stands still, at times.
	wink = time.Second
	// leisure is how long a call may take to end and begin without a word of it.
	leisure = 3 * time.Second
	// flowing is how many chunks must come to each call at the end: 2 s of them.
	flowing = 100
)

// soak is one run.
type soak struct {
	lasts  time.Duration
	server *process
	load   *load
	gauge  *gauge
	counts map[string]int             // faults so far
	holed  map[*proxy.Proxy]time.Time // when a link was last a black hole
}

// TestManyCallsOutliveFaultsAndNothingGrows keeps a hundred calls up for SOAK,
// while some of them end and others begin, and faults strike all along. No call
// may end that nobody ended, and nothing may grow on either side.
//
// The server is a process of its own, as in production: only so can it be
// stopped and killed, and its memory told from that of the softphones. What it
// has of heap and goroutines Go's runtime says, asked by its environment.
func TestManyCallsOutliveFaultsAndNothingGrows(t *testing.T) {
	lasts := soakTime(t)
	goroutines, files := runtime.NumGoroutine(), descriptors(os.Getpid())
	t.Run("soak", func(t *testing.T) { runSoak(t, lasts) })
	if !eventually(func() bool { return runtime.NumGoroutine() <= goroutines && descriptors(os.Getpid()) <= files }) {
		t.Errorf("after the calls %d goroutines and %d files, before them %d and %d\n%s",
			runtime.NumGoroutine(), descriptors(os.Getpid()), goroutines, files, stacks())
	}
}

func soakTime(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("SOAK")
	if text == "" {
		return time.Minute
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 30*time.Second {
		t.Fatalf("SOAK=%s is no duration of 30s at least", text)
	}
	return d
}

func runSoak(t *testing.T, lasts time.Duration) {
	t.Helper()
	s := &soak{lasts: lasts, counts: make(map[string]int), holed: make(map[*proxy.Proxy]time.Time)}
	// Both sides collect garbage often, so that what they report is what lives.
	s.server = serve(t, tracing(max(5*time.Second, lasts/120)), "GOGC=50")
	usual := debug.SetGCPercent(25)
	t.Cleanup(func() { debug.SetGCPercent(usual) })
	idle := s.server.descriptors()
	s.load = &load{direct: s.server.address}
	for range soakLinks {
		s.load.links = append(s.load.links, proxy.StartAcross(t, s.server.address, proxy.Options{Roomy: true}))
	}
	t.Cleanup(s.load.stop)
	if err := s.load.fill(soakCalls); err != nil {
		t.Fatal(err)
	}
	s.warm(t)
	s.gauge = newGauge(s.server)
	s.live(t)
	phones, server := s.gauge.cores()
	t.Logf("%d calls for %v: %d were placed; faults: %v; %.2f cores for the softphones, %.2f for the server",
		soakCalls, s.lasts, s.load.begun, s.counts, phones, server)
	s.judgeGrowth(t)
	s.judgeFlow(t)
	s.load.stop()
	for _, p := range s.load.links {
		p.Close()
	}
	if !eventually(func() bool { return s.server.descriptors() <= idle }) {
		t.Errorf("the server has %d files open without calls, at first %d", s.server.descriptors(), idle)
	}
}

// warm does to every link what makes buffers grow to their full size.
func (s *soak) warm(t *testing.T) {
	t.Helper()
	for _, link := range s.load.links {
		link.Pause(proxy.Up, proxy.Down)
	}
	pass(blackHole)
	for _, link := range s.load.links {
		link.Resume(proxy.Up, proxy.Down)
		link.Abort()
	}
	s.wink(t)
	if !eventually(s.allUp) {
		t.Fatalf("not all links work again: %s", s.downs())
	}
}

// live lets the time go by, with all that happens in it.
func (s *soak) live(t *testing.T) {
	t.Helper()
	every := func(d time.Duration) *time.Ticker {
		ticker := time.NewTicker(d)
		t.Cleanup(ticker.Stop)
		return ticker
	}
	// One call in a hundred a minute; in a short soak one every few seconds.
	churn := every(min(time.Minute, s.lasts/20))
	faults := every(min(15*time.Second, s.lasts/12))
	looks, news := every(time.Second), every(max(15*time.Second, s.lasts/60))
	kill := every(killEvery)
	over := time.After(s.lasts)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for n := 0; ; {
		select {
		case <-over:
			return
		case <-churn.C:
			s.renew(t)
		case <-faults.C:
			s.strike(ctx, t, n)
			n++
		case <-kill.C:
			if s.lasts-time.Since(s.gauge.began) > killEvery/2 {
				s.killServer(t)
			}
		case <-looks.C:
			s.gauge.take()
			if wrong := s.load.complaints(); len(wrong) > 0 {
				t.Fatalf("calls ended that nobody ended: %s", strings.Join(wrong, "; "))
			}
		case <-news.C:
			t.Logf("%v%s; faults %v", time.Since(s.gauge.began).Round(time.Second), s.gauge.newest(), s.counts)
		}
	}
}

// renew ends a call and places another like it, on a link that works until it was
// answered: only a call that was survives a fault.
func (s *soak) renew(t *testing.T) {
	t.Helper()
	i := rand.IntN(len(s.load.calls))
	for time.Since(s.holed[s.load.link(i)]) < 2*blackHole {
		i = rand.IntN(len(s.load.calls))
	}
	state := s.load.calls[i].state()
	began := time.Now()
	s.load.calls[i].stop()
	hungUp := time.Since(began)
	if err := s.load.place(i); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > leisure {
		t.Logf("%v: call %d took %v to hang up and %v to be placed again; it was %s",
			time.Since(s.gauge.began).Round(time.Second), i, hungUp, took-hungUp, state)
	}
}

// strike lets the n-th fault happen to one of the links, or to the server.
func (s *soak) strike(ctx context.Context, t *testing.T, n int) {
	t.Helper()
	link := s.load.links[n%len(s.load.links)]
	holes := [][]proxy.Direction{{proxy.Up, proxy.Down}, {proxy.Up}, {proxy.Down}}
	hole := func(directions []proxy.Direction) {
		s.holed[link] = time.Now()
		link.Pause(directions...)
		s.after(ctx, t, blackHole, func() { link.Resume(directions...) })
	}
	strikes := []struct {
		name string
		do   func()
	}{
		{"cut", func() { link.Cut(proxy.Up); link.Cut(proxy.Down) }},
		{"black hole", func() { hole(holes[n/4%len(holes)]) }},
		{"reset", link.Abort},
		{"SIGSTOP", func() { s.wink(t) }},
	}
	f := strikes[n%len(strikes)]
	f.do()
	s.counts[f.name]++
}

// wink lets the server stand still for a moment, in which nothing else happens.
func (s *soak) wink(t *testing.T) {
	t.Helper()
	s.server.signal(t, syscall.SIGSTOP)
	pass(wink)
	s.server.signal(t, syscall.SIGCONT)
}

// after does something later, or when the soak is over.
func (s *soak) after(ctx context.Context, t *testing.T, d time.Duration, do func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer do()
		select {
		case <-ctx.Done():
		case <-time.After(d):
		}
	}()
	t.Cleanup(func() { <-done })
}

// killServer ends one life of the server, which must have been flat, and begins
// another. The calls of those who know five fields end with it.
func (s *soak) killServer(t *testing.T) {
	t.Helper()
	s.judgeGrowth(t)
	if wrong := s.load.complaints(); len(wrong) > 0 {
		t.Fatalf("calls ended that nobody ended: %s", strings.Join(wrong, "; "))
	}
	s.gauge.farewell()
	s.server.kill(syscall.SIGKILL)
	pass(dead)
	if _, err := s.server.start(); err != nil {
		t.Fatal(err)
	}
	for i, c := range s.load.calls {
		if _, ok := c.(*plain); !ok {
			continue
		}
		if err := s.load.renew(i); err != nil {
			t.Fatal(err)
		}
	}
	s.counts["SIGKILL"]++
	if !eventually(s.allUp) {
		t.Fatalf("not all calls are back after a SIGKILL: %s", s.downs())
	}
	s.warm(t)
	s.gauge.anew()
}

func (s *soak) allUp() bool {
	for _, c := range s.load.calls {
		if !c.isUp() {
			return false
		}
	}
	return true
}

// downs names the calls without a link that works.
func (s *soak) downs() string {
	wrong := s.load.complaints()
	for i, c := range s.load.calls {
		if !c.isUp() {
			wrong = append(wrong, fmt.Sprintf("call %d is not up", i))
		}
	}
	return strings.Join(wrong, "; ")
}

func (s *soak) judgeGrowth(t *testing.T) {
	t.Helper()
	account, wrong := s.gauge.flat()
	t.Log(account)
	for _, w := range wrong {
		t.Error(w)
	}
}

// judgeFlow asserts that audio comes to every call.
func (s *soak) judgeFlow(t *testing.T) {
	t.Helper()
	if !eventually(s.allUp) {
		t.Errorf("at the end not all links work: %s", s.downs())
	}
	before := make([]uint64, len(s.load.calls))
	for i, c := range s.load.calls {
		before[i] = c.received()
	}
	flows := func(i int) bool { return s.load.calls[i].received() >= before[i]+flowing }
	all := slices.Collect(func(yield func(int) bool) {
		for i := range before {
			if !yield(i) {
				return
			}
		}
	})
	if !eventually(func() bool { return !slices.ContainsFunc(all, func(i int) bool { return !flows(i) }) }) {
		for i := range before {
			if !flows(i) {
				t.Errorf("call %d: %d chunks came at the end", i, s.load.calls[i].received()-before[i])
			}
		}
	}
}
