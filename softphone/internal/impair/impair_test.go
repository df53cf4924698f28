package impair_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"callcenter/audio/jitter"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/impair"
)

const (
	ms    = time.Millisecond
	frame = 20 * ms
)

// way is a line with a packet every 20 ms, looked at every 5.
type way struct {
	line    *impair.Line
	now     time.Duration
	sent    uint64
	arrived map[uint64]time.Duration // when each came in
	out     []arrival
	turns   int
	direct  int // not taken by the line
}

type arrival struct {
	sequence uint64
	due      time.Duration
	held     time.Duration
}

func newWay() *way { return &way{line: impair.New(), arrived: make(map[uint64]time.Duration)} }

func (w *way) run(d time.Duration) {
	data := make([]byte, 80)
	for end := w.now + d; w.now < end; w.now += 5 * ms {
		if w.now%frame == 0 {
			if w.line.Turn(w.now) {
				w.turns++
			}
			w.sent++
			w.arrived[w.sent] = w.now
			data[0] = byte(w.sent)
			if !w.line.Take(jitter.Packet{Sequence: w.sent, Samples: 960, Data: data}, w.now) {
				w.direct++
				w.out = append(w.out, arrival{w.sent, w.now, 0})
			}
		}
		w.line.Release(w.now, w.push)
	}
}

func (w *way) push(p jitter.Packet, due time.Duration) {
	if p.Data[0] != byte(p.Sequence) {
		panic("the data is another packet's")
	}
	w.out = append(w.out, arrival{p.Sequence, due, due - w.arrived[p.Sequence]})
}

func (w *way) set(t callstate.Training) { w.line.Set(t, w.now) }

func TestNothingIsTouchedUntilSomethingIsAdded(t *testing.T) {
	w := newWay()
	w.run(time.Second)
	if w.direct != 50 || w.turns != 0 || w.line.Stats(w.now) != (impair.Stats{}) {
		t.Errorf("%d of 50 packets went by, %d turns, %+v", w.direct, w.turns, w.line.Stats(w.now))
	}
}

func TestEveryPacketIsHeldForTheDelay(t *testing.T) {
	w := newWay()
	w.set(callstate.Training{Delay: 200 * ms})
	w.run(2 * time.Second)
	if len(w.out) != 90 || w.turns != 1 {
		t.Fatalf("%d packets came out in 2 s, want 90, after %d turns", len(w.out), w.turns)
	}
	for _, a := range w.out {
		if a.held != 200*ms {
			t.Fatalf("packet %d was held for %v", a.sequence, a.held)
		}
	}
	if got := w.line.Mean(); got != 200*ms {
		t.Errorf("mean %v, want 200ms", got)
	}
}

func TestJitterHoldsBackInOrder(t *testing.T) {
	w := newWay()
	w.set(callstate.Training{Jitter: 100 * ms})
	w.run(60 * time.Second)
	var held []time.Duration
	for i, a := range w.out {
		if i > 0 && (a.sequence != w.out[i-1].sequence+1 || a.due < w.out[i-1].due) {
			t.Fatalf("packet %d at %v after %d at %v", a.sequence, a.due, w.out[i-1].sequence, w.out[i-1].due)
		}
		held = append(held, a.held)
	}
	if most := slices.Max(held); most >= 100*ms || most < 95*ms {
		t.Errorf("held for %v at most, want nearly 100ms", most)
	}
	if least := slices.Min(held); least > 10*ms {
		t.Errorf("held for %v at least", least)
	}
	if got := w.line.Mean(); got < 40*ms || got > 90*ms {
		t.Errorf("mean %v", got)
	}
}

func TestSoManyAreLost(t *testing.T) {
	w := newWay()
	w.set(callstate.Training{LossPct: 5})
	w.run(200 * time.Second)
	lost := w.line.Stats(w.now).Lost
	if pct := float64(lost) / float64(w.sent) * 100; math.Abs(pct-5) > 0.6 {
		t.Errorf("%.1f %% are lost, want 5", pct)
	}
	if uint64(len(w.out))+lost != w.sent {
		t.Errorf("%d went in, %d came out, %d are lost", w.sent, len(w.out), lost)
	}
}

func TestMarksAreNeverLost(t *testing.T) {
	line := impair.New()
	line.Set(callstate.Training{LossPct: 30}, 0)
	came := 0
	for i := range 1000 {
		now := time.Duration(i) * frame
		line.Take(jitter.Packet{Sequence: uint64(i + 1), DTX: true}, now)
		line.Release(now, func(jitter.Packet, time.Duration) { came++ })
	}
	if came != 1000 {
		t.Errorf("%d of 1000 marks came through", came)
	}
}

func TestLessDelayBringsWhatIsHeldAtOnceAndNoneAgainNothing(t *testing.T) {
	w := newWay()
	w.set(callstate.Training{Delay: 500 * ms})
	w.run(2 * time.Second)
	w.set(callstate.Training{})
	w.run(frame)
	if uint64(len(w.out)) != w.sent || !w.line.Empty() {
		t.Fatalf("%d of %d packets came out, empty: %v", len(w.out), w.sent, w.line.Empty())
	}
	before := w.direct
	w.run(time.Second)
	if w.direct != before+50 || w.turns != 2 {
		t.Errorf("%d of 50 packets go by after %d turns", w.direct-before, w.turns)
	}
}

func TestAKeyThatIsHeldDownTurnsSeldom(t *testing.T) {
	w := newWay()
	for i := range 30 { // a key repeats 30 times a second
		w.set(callstate.Training{Delay: time.Duration(i) * 10 * ms})
		w.run(35 * ms)
	}
	w.run(time.Second)
	if w.turns > 4 {
		t.Errorf("%d turns", w.turns)
	}
	w.out = nil
	w.run(time.Second)
	if got := w.out[len(w.out)-1].held; got != 290*ms {
		t.Errorf("held for %v in the end, want 290ms", got)
	}
}

func TestWhatIsHeldIsBounded(t *testing.T) {
	line := impair.New()
	line.Set(callstate.Training{Delay: time.Hour}, 0)
	if got := line.Training().Delay; got != callstate.MaxTrainingDelay {
		t.Errorf("delay %v", got)
	}
	for i := range 1000 {
		line.Turn(0)
		line.Take(jitter.Packet{Sequence: uint64(i + 1), Data: make([]byte, 3840)}, 0)
	}
	if s := line.Stats(0); s.Refused != 1000-512 {
		t.Errorf("%d were refused", s.Refused)
	}
	came := 0
	line.Release(time.Minute, func(jitter.Packet, time.Duration) { came++ })
	if came != 512 {
		t.Errorf("%d came out", came)
	}
}

func TestGarbageIsNoTraining(t *testing.T) {
	for _, got := range []callstate.Training{
		callstate.Training{Delay: -1, Jitter: -1, LossPct: -1}.Bounded(),
		callstate.Training{LossPct: math.NaN()}.Bounded(),
	} {
		if got.On() {
			t.Errorf("%+v", got)
		}
	}
	most := callstate.Training{Delay: time.Hour, Jitter: time.Hour, LossPct: math.Inf(1)}.Bounded()
	if most != (callstate.Training{Delay: time.Second, Jitter: 200 * ms, LossPct: 30}) {
		t.Errorf("%+v", most)
	}
}

func TestAFlushForgetsWhatIsHeld(t *testing.T) {
	w := newWay()
	w.set(callstate.Training{Delay: time.Second})
	w.run(time.Second)
	w.line.Flush()
	if !w.line.Empty() {
		t.Error("it is not empty")
	}
	w.run(2 * time.Second)
	if first := w.out[0].sequence; first != 51 {
		t.Errorf("packet %d comes first after the flush, want 51", first)
	}
}

func TestTheTimeAndWhatWasAddedLastAreKept(t *testing.T) {
	w := newWay()
	w.set(callstate.Training{Delay: 100 * ms})
	w.run(time.Second)
	last := callstate.Training{Delay: 100 * ms, LossPct: 1}
	w.set(last)
	w.run(time.Second)
	w.set(callstate.Training{})
	w.run(time.Second)
	if s := w.line.Stats(w.now); s.On != 2*time.Second || s.Last != last {
		t.Errorf("on for %v, last %+v", s.On, s.Last)
	}
}
