//go:build !race

package call_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"callcenter/audio"
	"callcenter/softphone/internal/callstate"
)

// TestAGoodCallIsNeverAccused has two phones in a call of ten minutes whose
// network jitters and whose sound cards drift apart, with pauses, muting and hold. A
// third comes to the room for a while: only then the server mixes, and holds back
// what it sends.
func TestAGoodCallIsNeverAccused(t *testing.T) {
	for _, destination := range []string{"echo", "room/x"} {
		t.Run(destination, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t, audio.NewClock(), nil)
				n.serve(hostA)
				n.jitter.Store(int64(10 * time.Millisecond))
				d, other, third := newDesk(t, n), newDesk(t, n.beside()), newDesk(t, n.beside())
				defer d.end()
				other.net.jitter.Store(int64(10 * time.Millisecond))
				d.ppm, other.ppm = 200, -200
				d.talks.Store(true)
				third.talks.Store(true)
				other.call(t, destination)
				d.call(t, destination)
				for minute := range 10 {
					other.talks.Store(minute%2 == 0)
					if minute == 3 {
						third.Dial(destination)
					}
					if minute == 6 {
						third.HangUp()
					}
					for part, toggle := range []func(){func() {}, d.ToggleMute, d.ToggleHold} {
						toggle()
						var theirs account
						var watching sync.WaitGroup
						watching.Go(func() { theirs = other.watch(20 * time.Second) })
						a := d.watch(20 * time.Second)
						watching.Wait()
						if len(a.named)+len(theirs.named) > 0 {
							t.Errorf("minute %d, part %d: %v; at the other end %v", minute, part, a, theirs)
						}
						if v := d.Snapshot().Verdict; v.Heard != (part == 0) {
							t.Errorf("minute %d, part %d: %+v", minute, part, v)
						}
						toggle()
					}
				}
				s := d.Snapshot()
				if s.Warnings != 0 || len(s.Timeline) != callstate.TimelineSeconds {
					t.Errorf("warnings %b, a timeline of %d s", s.Warnings, len(s.Timeline))
				}
				t.Logf("%.1f %% concealed, jitter %v, server %v, %s", s.Traffic.ConcealedPct, s.Delay.Jitter, s.Health.ServerTime, s.Verdict.Good)
				for _, p := range []*desk{other, third} {
					p.leave()
					p.net.running.Wait()
				}
			})
		})
	}
}
