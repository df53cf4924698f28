package call_test

import (
	"testing"
	"testing/synctest"
	"time"

	"callcenter/softphone/internal/callstate"
)

// TestAfterAStallTheDelayIsWhatItWas holds back an echo call's directions for two
// seconds and wants the delay back half a second after the first byte, for good.
func TestAfterAStallTheDelayIsWhatItWas(t *testing.T) {
	for name, c := range map[string]struct{ up, down bool }{
		"up": {up: true}, "down": {down: true}, "both": {true, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { stallFor(t, c.up, c.down) })
		})
	}
}

func stallFor(t *testing.T, up, down bool) {
	const (
		stall  = 2 * time.Second
		limit  = 500 * time.Millisecond
		slack  = 20 * time.Millisecond
		dozing = 20 * time.Second
	)
	v := dialVirtual(t, virtualOptions{destination: "echo"})
	upGate, downGate := v.net.up, v.net.down
	defer v.end(t)
	delay := func() callstate.Delay {
		var s callstate.Snapshot
		v.Snapshot(&s)
		return s.Delay
	}
	time.Sleep(dozing)
	before := delay()
	upGate.Set(up)
	downGate.Set(down)
	time.Sleep(stall)
	upGate.Set(false)
	downGate.Set(false)
	time.Sleep(limit)
	for range 500 {
		d := delay()
		if d.Buffer > before.Buffer+slack || d.Loop > before.Loop+slack {
			t.Fatalf("buffer %v, loop %v; before the stall they were %v and %v", d.Buffer, d.Loop, before.Buffer, before.Loop)
		}
		time.Sleep(10 * time.Millisecond)
	}
	var s callstate.Snapshot
	v.Snapshot(&s)
	if s.Traffic.Lost != 0 || s.Traffic.Dropped == 0 || s.Counts.BackToLive > limit {
		t.Errorf("%d frames lost, %d dropped, live again after %v", s.Traffic.Lost, s.Traffic.Dropped, s.Counts.BackToLive)
	}
	t.Logf("live again %v after the first byte; %d frames dropped", s.Counts.BackToLive, s.Traffic.Dropped)
}

// TestEveryWordComesAfterAStallAndTheDelayIsCaughtUp is the same for a listener
// who wants every word.
func TestEveryWordComesAfterAStallAndTheDelayIsCaughtUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const stall = 2 * time.Second
		v := dialVirtual(t, virtualOptions{destination: "echo", complete: true})
		up, down := v.net.up, v.net.down
		defer v.end(t)
		time.Sleep(10 * time.Second)
		var before, after, s callstate.Snapshot
		v.Snapshot(&before)
		up.Set(true)
		down.Set(true)
		time.Sleep(stall)
		up.Set(false)
		down.Set(false)
		time.Sleep(time.Second)
		v.Snapshot(&after)
		if late := after.Delay.Buffer - before.Delay.Buffer; late < stall/2 {
			t.Errorf("a second after the stall the delay is only %v more: what was said is not being played", late)
		}
		caughtUp := time.Second
		for ; caughtUp < time.Minute; caughtUp += 100 * time.Millisecond {
			v.Snapshot(&s)
			if s.Delay.Buffer < before.Delay.Buffer+40*time.Millisecond {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		if s.Traffic.Dropped+s.Traffic.Lost+s.Traffic.Late+s.Counts.Skipped != 0 {
			t.Errorf("not every word: %+v, %d samples skipped", s.Traffic, s.Counts.Skipped)
		}
		if caughtUp > 15*time.Second {
			t.Errorf("caught up only after %v", caughtUp)
		}
		t.Logf("caught up %v after the stall", caughtUp)
	})
}
