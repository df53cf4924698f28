//go:build !race

package playout_test

import (
	"testing"
	"time"

	"callcenter/audio"
)

func TestAFrameInAndOutAllocatesNothing(t *testing.T) {
	p, _ := newPlayout()
	arrivals := clean(speech(60*audio.Rate, 1), frame, 1)
	var out [audio.PeriodSamples]int16
	next, now := 0, time.Duration(0)
	step := func() {
		for range 2 {
			now += audio.Period
			for next < len(arrivals) && arrivals[next].At <= now {
				p.Push(arrivals[next].Packet, arrivals[next].At)
				next++
			}
			p.Pull(out[:], now)
		}
		p.Stats()
	}
	for range 700 { // each slot grows once
		step()
	}
	if n := testing.AllocsPerRun(2000, step); n != 0 {
		t.Errorf("20 ms cost %v allocations", n)
	}
	if n := testing.AllocsPerRun(200, func() { // a stall
		now += audio.Period
		p.Pull(out[:], now)
	}); n != 0 {
		t.Errorf("concealing 10 ms costs %v allocations", n)
	}
}
