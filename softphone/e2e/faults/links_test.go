//go:build linux && !race

package faults

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"callcenter/softphone/e2e/proxy"
)

const (
	// backWithin is how soon after the link's return the audio must be back.
	backWithin = 2 * time.Second
	// blackHole, frozen and dead are how long those faults last.
	blackHole = 4 * time.Second
	frozen    = 3 * time.Second
	dead      = 500 * time.Millisecond

	// steady is how long everyone must be heard before a fault and after it.
	steady = 100 // periods
	// clickLimit is the largest step in shares of the tones' own, and
	// foreignLimit the loudest that what is no tone may be, dBFS: what is made up for
	// voices that are late is not made of their tones alone, and fades.
	clickLimit   = 1.1
	foreignLimit = loud - 3
	// unusual is how much of a voice that had no fault may be missing, for a
	// machine that is busy.
	unusual = 100 * time.Millisecond
	// spoiled is how many measurements of a fault may fail though the machine
	// seemed calm; it is not seen when it makes the server late.
	spoiled = 2
)

// fault is one way for a link to fail.
type fault struct {
	name string
	// strike does it and returns since when the link is back.
	strike func(*testing.T, *scene) time.Time
	// shared faults hit everybody's link.
	shared bool
	// moves says that the call must have gone over to another connection, and
	// restarts that it was to another process.
	moves, restarts bool
	// holeUp and holeDown are how long Ann is not heard, and hears nothing, at
	// least: otherwise the fault was none.
	holeUp, holeDown time.Duration
}

func faults() []fault {
	const most = blackHole - time.Second // buffers play on for a moment
	both := []proxy.Direction{proxy.Up, proxy.Down}
	return []fault{
		{name: "cut", strike: cut, moves: true},
		{name: "reset", strike: reset, moves: true},
		{name: "black hole", strike: swallow(both...), holeUp: most, holeDown: most},
		{name: "black hole upwards", strike: swallow(proxy.Up), holeUp: most},
		{name: "black hole downwards", strike: swallow(proxy.Down), holeDown: most},
		{name: "SIGSTOP", strike: freeze, shared: true, holeUp: frozen / 2, holeDown: frozen / 2},
		{name: "SIGKILL", strike: die(syscall.SIGKILL), shared: true, moves: true, restarts: true},
		{name: "SIGSEGV", strike: die(syscall.SIGSEGV), shared: true, moves: true, restarts: true},
		{name: "fault in C", strike: crash, shared: true, moves: true, restarts: true},
	}
}

func cut(_ *testing.T, s *scene) time.Time {
	now := time.Now()
	s.proxy.Cut(proxy.Up)
	s.proxy.Cut(proxy.Down)
	return now
}

func reset(_ *testing.T, s *scene) time.Time {
	now := time.Now()
	s.proxy.Abort()
	return now
}

// swallow lets nothing through for a while, neither on the connections there are
// nor on new ones.
func swallow(directions ...proxy.Direction) func(*testing.T, *scene) time.Time {
	return func(_ *testing.T, s *scene) time.Time {
		s.proxy.Pause(directions...)
		pass(blackHole)
		now := time.Now()
		s.proxy.Resume(directions...)
		return now
	}
}

func freeze(t *testing.T, s *scene) time.Time {
	t.Helper()
	s.server.signal(t, syscall.SIGSTOP)
	pass(frozen)
	now := time.Now()
	s.server.signal(t, syscall.SIGCONT)
	return now
}

// die ends the server by a signal and starts another.
func die(sig syscall.Signal) func(*testing.T, *scene) time.Time {
	return func(t *testing.T, s *scene) time.Time {
		t.Helper()
		s.server.kill(sig)
		return restart(t, s)
	}
}

func restart(t *testing.T, s *scene) time.Time {
	t.Helper()
	pass(dead)
	listening, err := s.server.start()
	if err != nil {
		t.Fatal(err)
	}
	return listening
}

// TestACallOutlivesItsLink does each fault again and again within one call.
func TestACallOutlivesItsLink(t *testing.T) {
	times := count(t)
	for _, f := range faults() {
		t.Run(f.name, func(t *testing.T) {
			goroutines, files := runtime.NumGoroutine(), descriptors(os.Getpid())
			t.Run("again and again", func(t *testing.T) { again(t, f, times) })
			returned := func() bool {
				return runtime.NumGoroutine() <= goroutines && descriptors(os.Getpid()) <= files
			}
			if !eventually(returned) {
				t.Errorf("after the calls %d goroutines and %d files, before them %d and %d\n%s", runtime.NumGoroutine(),
					descriptors(os.Getpid()), goroutines, files, stacks())
			}
		})
	}
}

// count is how often each fault comes.
func count(t *testing.T) int {
	t.Helper()
	text := os.Getenv("FAULTS")
	if text == "" {
		return 2
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("FAULTS=%s is no number of faults", text)
	}
	return n
}

// stacks are those of all goroutines.
func stacks() string {
	buf := make([]byte, 1<<20)
	return string(buf[:runtime.Stack(buf, true)])
}

// again does one fault times in a row and judges each, as long as the machine
// lets it.
func again(t *testing.T, f fault, times int) {
	t.Helper()
	s := assemble(t)
	files := s.server.descriptors()
	var up, down []time.Duration
	worst := heardWorst{foreign: math.Inf(-1)}
	failed, uncalm := 0, 0
	for len(up) < times {
		o := s.endure(t, f)
		worst = worst.or(o.worst)
		switch {
		case len(o.wrong) == 0:
			up, down = append(up, o.up), append(down, o.down)
			continue
		case o.calm:
			failed++
		default:
			uncalm++
		}
		t.Logf("fault %d, the machine was calm: %v: %s%s", len(up)+1, o.calm, strings.Join(o.wrong, "; "), o.state)
		if failed > spoiled || uncalm > times+10 {
			t.Fatalf("%d measurements failed on a calm machine and %d on another", failed, uncalm)
		}
	}
	t.Logf("%s: %d times; until Ann was heard again %s; until she heard again %s; the largest step %.2f of the tones' own, "+
		"the loudest foreign sound %.0f dBFS, the most missing of Eve %v; judged anew: %d on a calm machine, %d on another",
		f.name, times, spread(up), spread(down), worst.click, worst.foreign, worst.missing, failed, uncalm)
	if !eventually(func() bool { return s.server.descriptors() <= files }) {
		t.Errorf("the server has %d files open, before the faults %d", s.server.descriptors(), files)
	}
	if begun, want := s.begun(), 1+restarts(f, len(up)+failed+uncalm); begun != want {
		t.Errorf("the server began Ann's call %d times, want %d", begun, want)
	}
	for _, o := range s.all() {
		if o.stop(); o.err != nil {
			t.Errorf("%s's call ended: %v", o.name, o.err)
		}
	}
}

// restarts is how often so many faults begin a life of the server.
func restarts(f fault, faults int) int {
	if f.restarts {
		return faults
	}
	return 0
}

// spread says how some times are distributed.
func spread(of []time.Duration) string {
	of = slices.Sorted(slices.Values(of))
	at := func(q float64) time.Duration { return of[int(q*float64(len(of)-1))].Round(10 * time.Millisecond) }
	return fmt.Sprintf("%v (median), %v (95 %%), %v (most)", at(0.5), at(0.95), at(1))
}

// heardWorst is the worst that anybody heard.
type heardWorst struct {
	click   float64       // in shares of the tones' own step
	foreign float64       // dBFS
	missing time.Duration // of Eve, to Bob
}

func (w heardWorst) or(o heardWorst) heardWorst {
	return heardWorst{max(w.click, o.click), max(w.foreign, o.foreign), max(w.missing, o.missing)}
}

// outcome is what one fault did.
type outcome struct {
	up, down time.Duration // until Ann is heard again, and hears again
	worst    heardWorst
	wrong    []string // complaints that a busy machine may be to blame for
	calm     bool
	state    string // for a message about them
}

// endure lets a fault strike and judges what everybody heard.
func (s *scene) endure(t *testing.T, f fault) outcome {
	t.Helper()
	for _, o := range s.all() {
		o.ear.(*recorder).forget(stretch)
	}
	s.observer.forget()
	before, began := s.ann.snapshot(), time.Now()
	returned := f.strike(t, s)
	if !eventually(func() bool { return s.talks(returned) }) || !s.observer.sees("ann", "bob", "eve") {
		t.Fatalf("%s: not everybody is back: %s", f.name, s.state())
	}
	// What no machine excuses:
	wrong := append(s.observer.complaints(!f.shared), s.figures(f, before, time.Since(began))...)
	if s.ann.over() {
		wrong = append(wrong, "Ann's call is over")
	}
	if level := loudest(levels(s.bob.ear.(*recorder).all(), annHz)); level > loud+double {
		wrong = append(wrong, fmt.Sprintf("two legs of one call: Ann is heard at %.1f dBFS", level))
	}
	if len(wrong) > 0 {
		t.Fatalf("%s: %s: %s", f.name, strings.Join(wrong, "; "), s.state())
	}
	return s.judge(f, returned)
}

// figures says what is wrong with the call's own account of a fault.
func (s *scene) figures(f fault, before snapshot, took time.Duration) (wrong []string) {
	after := s.ann.snapshot()
	if after.CallID != before.CallID {
		wrong = append(wrong, fmt.Sprintf("the call %s is now %s", before.CallID, after.CallID))
	}
	if grown := after.Duration - before.Duration; grown < took-time.Second/2 || grown > took+time.Second/2 {
		wrong = append(wrong, fmt.Sprintf("the duration grew by %v in %v", grown, took))
	}
	if after.Traffic.Sent <= before.Traffic.Sent || after.Traffic.Received <= before.Traffic.Received {
		wrong = append(wrong, fmt.Sprintf("the traffic was %+v and is %+v", before.Traffic, after.Traffic))
	}
	if f.moves && after.Link.Resumes <= before.Link.Resumes {
		wrong = append(wrong, "the call did not go over to another connection")
	}
	return wrong
}

// judge measures how long it took and how it sounded.
func (s *scene) judge(f fault, returned time.Time) outcome {
	o := outcome{calm: true, state: s.state(), worst: heardWorst{foreign: math.Inf(-1)}}
	for _, listener := range s.all() {
		o.calm = o.calm && calm(listener.ear.(*recorder).all())
	}
	up, down := s.bob.ear.(*recorder).all(), s.ann.ear.(*recorder).all()
	annAtBob, bobAtAnn := levels(up, annHz), levels(down, bobHz)
	var wrong []string
	o.up, wrong = back("Ann is heard", up, annAtBob, returned, f.holeUp)
	o.wrong = append(o.wrong, wrong...)
	o.down, wrong = back("Ann hears", down, bobAtAnn, returned, f.holeDown)
	o.wrong = append(o.wrong, wrong...)
	for _, ear := range []struct {
		whose string
		heard []period
		tones []int
	}{{"Bob", up, []int{annHz, eveHz}}, {"Ann", down, []int{bobHz, eveHz}}} {
		w := heardWorst{click: click(ear.heard, ear.tones), foreign: foreign(ear.heard, ear.tones)}
		if w.click > clickLimit {
			o.wrong = append(o.wrong, fmt.Sprintf("%s hears a click of %.2f of the tones' own step", ear.whose, w.click))
		}
		if w.foreign > foreignLimit {
			o.wrong = append(o.wrong, fmt.Sprintf("%s hears a foreign sound of %.1f dBFS", ear.whose, w.foreign))
		}
		o.worst = o.worst.or(w)
	}
	o.worst.missing = gap(levels(up, eveHz))
	if !f.shared && o.worst.missing > unusual {
		o.wrong = append(o.wrong, fmt.Sprintf("Bob missed %v of Eve, who had no fault", o.worst.missing))
	}
	return o
}

// back is how long after the link's return a tone was there again, and what is
// wrong about that.
func back(what string, heard []period, levels []float64, returned time.Time, hole time.Duration) (took time.Duration, wrong []string) {
	at, ok := since(heard, levels)
	took = max(0, at.Sub(returned))
	if !ok || took > backWithin {
		wrong = append(wrong, fmt.Sprintf("%s again after %v, want %v at most", what, took, backWithin))
	}
	if missing := gap(levels); missing < hole {
		wrong = append(wrong, fmt.Sprintf("%s but for %v, so there was no fault", what, missing))
	}
	return took, wrong
}
