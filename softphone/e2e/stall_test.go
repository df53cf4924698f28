//go:build !race

package e2e

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/server/servertest"
	"callcenter/softphone/e2e/proxy"
	"callcenter/softphone/internal/call"
)

const (
	stall     = 2 * time.Second
	settled   = 2 * time.Second     // of talk before a stall
	aftermath = 3 * time.Second / 2 // judged after it
	// liveAgain is how soon after the first byte the delay must be what it was,
	// within closeEnough.
	liveAgain = 500 * time.Millisecond
	// closeEnough is 40 ms, as audio/playout counts it, and a period, which is how
	// finely an ear here can tell.
	closeEnough = 40*time.Millisecond + audio.Period
	// unusual is how many samples may be made up of a voice that nobody stalled,
	// for a machine that is busy.
	unusual = audio.Rate / 10
	// flat is how many bytes the heap may grow in a stall, with three rooms at
	// a time whose buffers still grow to their full size.
	flat = 8 << 20
)

// pass lets time go by, on the clock that the voices live by.
func pass(d time.Duration) { <-time.NewTimer(d).C }

// timeToLive is how long after first the delay was what it had been, and stayed
// so until the end of heard: no period plays old audio, and in every 200 ms of
// it most is the voice itself.
func timeToLive(heard []heardPeriod, first, before time.Duration) (time.Duration, bool) {
	const stretch = 20 // periods
	live := first
	for i, h := range heard {
		if h.ok && h.delay > before+closeEnough {
			live = h.at
			continue
		}
		if i+stretch <= len(heard) {
			if _, share := delay(heard[i : i+stretch]); share < 0.5 {
				live = h.at
			}
		}
	}
	if len(heard) == 0 || live >= heard[len(heard)-1].at-stretch*audio.Period {
		return 0, false
	}
	return live - first, true
}

// pauses are the directions that are paused together.
func pauses() [][]proxy.Direction {
	return [][]proxy.Direction{{proxy.Up}, {proxy.Down}, {proxy.Up, proxy.Down}}
}

// paused stalls a proxy's directions and returns the clock's reading when the
// first byte was through them all again.
func paused(t *testing.T, p *proxy.Proxy, clock audio.Clock, directions []proxy.Direction) (begin, first time.Duration) {
	t.Helper()
	p.Pause(directions...)
	begin = clock()
	pass(stall)
	p.Resume(directions...)
	for _, d := range directions {
		first = max(first, firstByte(t, p, clock, d))
	}
	return begin, first
}

// firstByte waits for the first byte to pass and returns when it did.
func firstByte(t *testing.T, p *proxy.Proxy, clock audio.Clock, d proxy.Direction) time.Duration {
	t.Helper()
	for limit := time.Now().Add(patience); time.Now().Before(limit); pass(time.Millisecond) {
		if at, ok := p.FirstByte(d); ok {
			return clock() - time.Since(at)
		}
	}
	t.Fatalf("nothing goes %v after the stall", d)
	return 0
}

func TestAnEchoIsLiveAgainAfterAStall(t *testing.T) {
	for _, directions := range pauses() {
		t.Run(fmt.Sprint(directions), func(t *testing.T) {
			t.Parallel()
			calmly(t, func(t *testing.T) ([]string, bool) {
				t.Helper()
				clock := audio.NewClock()
				p := proxy.Start(t, servertest.Start(t, servertest.Options{}).Addr)
				o := operate(t, clock, p.Addr, "echo", stamped, nil)
				defer o.stop()
				pass(settled)
				begin, first := paused(t, p, clock, directions)
				pass(aftermath)
				calm := o.ear.calm(begin-time.Second, first+aftermath)
				return returns("the loop", o.ear, begin, first).check(t, true), calm
			})
		})
	}
}

// TestEveryWordIsSentAfterAStall stalls both directions of an echo call. For a
// listener who wants to be live, both senders drop what is old; for one who wants
// every word neither drops any.
func TestEveryWordIsSentAfterAStall(t *testing.T) {
	for _, complete := range []bool{false, true} {
		t.Run(fmt.Sprint("complete ", complete), func(t *testing.T) {
			t.Parallel()
			clock := audio.NewClock()
			p := proxy.Start(t, servertest.Start(t, servertest.Options{}).Addr)
			o := operate(t, clock, p.Addr, "echo", stamped, nil, func(c *call.Config) { c.Complete = complete })
			pass(settled)
			paused(t, p, clock, []proxy.Direction{proxy.Up, proxy.Down})
			pass(aftermath)
			o.stop()
			r := o.call.Report()
			t.Logf("%d frames sent, %d came back, %d were dropped by the senders", r.Sent, r.Received, r.Dropped)
			if r.Lost != 0 || complete != (r.Dropped == 0) {
				t.Errorf("%d were dropped, %d lost", r.Dropped, r.Lost)
			}
		})
	}
}

// TestARoomIsLiveAgainAndOnlyTheStalledLegNoticed stalls one of three in a room,
// who all talk. The third voice has no stamps, so that those of the others stay
// whole where it is added to them.
func TestARoomIsLiveAgainAndOnlyTheStalledLegNoticed(t *testing.T) {
	for _, directions := range pauses() {
		t.Run(fmt.Sprint(directions), func(t *testing.T) {
			t.Parallel()
			calmly(t, func(t *testing.T) ([]string, bool) {
				t.Helper()
				return stallInRoom(t, directions)
			})
		})
	}
}

func stallInRoom(t *testing.T, directions []proxy.Direction) (wrong []string, calm bool) {
	t.Helper()
	clock := audio.NewClock()
	var log legLog
	s := servertest.Start(t, servertest.Options{Log: slog.New(&log)})
	p := proxy.Start(t, s.Addr)
	ann := operate(t, clock, p.Addr, "room/x", stamped, nil) // is stalled
	defer ann.stop()
	bob := operate(t, clock, s.Addr, "room/x", stamped, ann.said)
	defer bob.stop()
	ann.ear.listenTo(bob.said)
	eve := operate(t, clock, s.Addr, "room/x", plain, nil)
	defer eve.stop()
	pass(settled)
	heap := heapInUse()
	made := [2]uint64{concealed(bob), concealed(eve)}
	begin, first := paused(t, p, clock, directions)
	grown := int64(heapInUse()) - int64(heap)
	pass(aftermath)
	calm = true
	for _, o := range []*operator{ann, bob, eve} {
		calm = calm && o.ear.calm(begin-time.Second, first+aftermath)
	}

	up, down := slices.Contains(directions, proxy.Up), slices.Contains(directions, proxy.Down)
	wrong = append(wrong, returns("bob hears ann", bob.ear, begin, first).check(t, up)...)
	wrong = append(wrong, returns("ann hears bob", ann.ear, begin, first).check(t, down)...)
	for i, o := range []*operator{bob, eve} {
		made[i] = concealed(o) - made[i]
	}
	for _, o := range []*operator{ann, bob, eve} {
		o.stop()
	}
	t.Logf("heap grew by %d KiB; made up at bob's ear %d samples, at eve's %d; in the room of ann %d, bob %d, eve %d", grown>>10,
		made[0], made[1], log.concealed(ann), log.concealed(bob), log.concealed(eve))
	for i, o := range []*operator{bob, eve} {
		if n := made[i] + log.concealed(o); n > unusual {
			wrong = append(wrong, fmt.Sprintf("of the voices of those who were not stalled %d samples were made up", n))
		}
	}
	if grown > flat {
		wrong = append(wrong, fmt.Sprintf("the heap grew by %d KiB in the stall", grown>>10))
	}
	return wrong, calm
}

// recovery is what an ear heard around a stall.
type recovery struct {
	what          string
	before, after time.Duration // medians of the delay
	took          time.Duration // from the first byte until live
	live          bool
	heard, hole   float64         // shares of the voice before the stall and in it
	course        []time.Duration // medians of the delay in each 100 ms after the first byte
}

func returns(what string, e *ear, begin, first time.Duration) recovery {
	r := recovery{what: what}
	r.before, r.heard = delay(e.between(begin-time.Second, begin))
	_, r.hole = delay(e.between(begin+stall/2, begin+stall))
	for at := first; at < first+aftermath; at += 100 * time.Millisecond {
		d, _ := delay(e.between(at, at+100*time.Millisecond))
		r.course = append(r.course, d.Round(time.Millisecond))
	}
	r.after, _ = delay(e.between(first+liveAgain, first+aftermath))
	r.took, r.live = timeToLive(e.between(first, first+aftermath), first, r.before)
	return r
}

// check says what is wrong. Where the voice's own way was stalled there must have
// been a hole. The other way stalls too, once the acknowledgements that cannot
// come back close its sender's window.
func (r recovery) check(t *testing.T, stalled bool) (wrong []string) {
	t.Helper()
	t.Logf("%s: delay %v before the stall, %v after; live %v after the first byte", r.what,
		r.before.Round(time.Millisecond), r.after.Round(time.Millisecond), r.took.Round(time.Millisecond))
	if r.heard < 0.9 {
		wrong = append(wrong, fmt.Sprintf("%s: %.0f %% of the voice before the stall", r.what, 100*r.heard))
	}
	if stalled && r.hole > 0.1 {
		wrong = append(wrong, fmt.Sprintf("%s: %.0f %% of the voice in the stall, so there was none", r.what, 100*r.hole))
	}
	if !r.live || r.took > liveAgain {
		wrong = append(wrong, fmt.Sprintf("%s: live again %v, after %v; want %v at most; the delay was %v", r.what, r.live, r.took, liveAgain, r.course))
	}
	return wrong
}

// concealed is how much a call's own ear made up so far, in samples.
func concealed(o *operator) uint64 { return o.call.Report().Stats.ConcealedSamples }

// heapInUse is what the process holds, the server in it, after a collection.
func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// legLog keeps how much the server made up of each call, from its log.
type legLog struct {
	mu    sync.Mutex
	calls map[string]uint64
}

// Enabled implements slog.Handler.
func (l *legLog) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (l *legLog) Handle(_ context.Context, r slog.Record) error {
	var id string
	var made uint64
	found := false
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "call_id":
			id = a.Value.String()
		case "concealed":
			made, found = a.Value.Uint64(), true
		}
		return true
	})
	if found {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.calls == nil {
			l.calls = make(map[string]uint64)
		}
		l.calls[id] = made
	}
	return nil
}

// WithAttrs implements slog.Handler.
func (l *legLog) WithAttrs([]slog.Attr) slog.Handler { return l }

// WithGroup implements slog.Handler.
func (l *legLog) WithGroup(string) slog.Handler { return l }

// concealed returns what the server made up of a call that ended, in samples.
func (l *legLog) concealed(o *operator) uint64 {
	for limit := time.Now().Add(patience); time.Now().Before(limit); pass(time.Millisecond) {
		l.mu.Lock()
		n, ok := l.calls[o.id]
		l.mu.Unlock()
		if ok {
			return n
		}
	}
	return math.MaxUint64
}
