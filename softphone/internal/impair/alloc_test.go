//go:build !race

package impair_test

import (
	"testing"
	"time"

	"callcenter/audio/jitter"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/impair"
)

func TestNothingIsAllocatedPerPacket(t *testing.T) {
	for name, training := range map[string]callstate.Training{
		"off": {},
		"on":  {Delay: 100 * time.Millisecond, Jitter: 50 * time.Millisecond, LossPct: 3},
	} {
		line := impair.New()
		line.Set(training, 0)
		p := jitter.Packet{Data: make([]byte, 120)}
		var now time.Duration
		push := func(jitter.Packet, time.Duration) {}
		step := func() {
			now += 20 * time.Millisecond
			p.Sequence++
			line.Turn(now)
			line.Take(p, now)
			line.Release(now, push)
		}
		for range 1000 {
			step()
		}
		if n := testing.AllocsPerRun(1000, step); n != 0 {
			t.Errorf("%s: %v allocations a packet", name, n)
		}
	}
}
