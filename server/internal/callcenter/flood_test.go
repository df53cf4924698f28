package callcenter

import (
	"testing"
	"time"
)

func fresh() *flood { f := newFlood(); return &f }

// pace sends chunks at a rate for a while, and returns when that ended the call,
// 0 if it did not.
func (f *flood) pace(from, lasts time.Duration, perSecond int) (ended time.Duration) {
	every := time.Second / time.Duration(perSecond)
	for now := from; now < from+lasts; now += every {
		if f.arrived(now) {
			return now - from
		}
	}
	return 0
}

func TestTwiceTheRateForFiveSecondsEndsACall(t *testing.T) {
	for name, tc := range map[string]struct {
		perSecond   int
		least, most time.Duration // 0: never
	}{
		"what a softphone sends":   {150, 0, 0},
		"all that is let through":  {250, 0, 0},
		"just below twice as much": {499, 0, 0},
		"just above":               {506, 5 * time.Second, 6100 * time.Millisecond},
		"a flood":                  {1000, 5 * time.Second, 6100 * time.Millisecond},
		"all that a machine can":   {40000, 400 * time.Millisecond, 600 * time.Millisecond},
	} {
		if ended := fresh().pace(time.Hour, time.Minute, tc.perSecond); ended < tc.least || ended > tc.most {
			t.Errorf("%s, %d a second: ended after %v, want %v to %v", name, tc.perSecond, ended, tc.least, tc.most)
		}
	}
}

func TestAFloodThatPausesBeginsAnew(t *testing.T) {
	f := fresh()
	for i := range 10 {
		if ended := f.pace(time.Duration(i)*6*time.Second, 4*time.Second, 1000); ended != 0 {
			t.Fatalf("ended after %v of burst %d", ended, i)
		}
	}
}

// TestAStallIsNotHeldAgainstTheCaller lets nothing come for a while, and then what
// was held back: all of it at once, or as fast as a thin link lets it.
func TestAStallIsNotHeldAgainstTheCaller(t *testing.T) {
	const rate = 200
	for _, stall := range []time.Duration{time.Second, 5 * time.Second, 30 * time.Second} {
		for _, drain := range []int{20000, 2000, 700, 501} {
			f := fresh()
			f.pace(time.Hour, 10*time.Second, rate)
			now := time.Hour + 10*time.Second + stall
			backlog := int(stall.Seconds() * rate)
			lasts := time.Second * time.Duration(backlog) / time.Duration(drain-rate) // with what comes meanwhile
			if ended := f.pace(now, lasts, drain); ended != 0 {
				t.Errorf("%v stalled, then %d a second: ended after %v of %v", stall, drain, ended, lasts)
			}
			if ended := f.pace(now+lasts, 10*time.Second, rate); ended != 0 {
				t.Errorf("%v stalled, then %d a second: ended after it", stall, drain)
			}
		}
	}
}

func TestStallsAreNoLicenceToFlood(t *testing.T) {
	f := fresh()
	f.pace(time.Hour, time.Second, 100)
	if ended := f.pace(2*time.Hour, time.Minute, 1000); ended < 5*time.Second || ended > 22*time.Second {
		t.Errorf("after an hour of silence a flood ended after %v", ended)
	}
}

func BenchmarkFlood(b *testing.B) {
	f, now := fresh(), time.Hour
	for b.Loop() {
		now += 10 * time.Millisecond
		if f.arrived(now) {
			b.Fatal("ended")
		}
	}
}
