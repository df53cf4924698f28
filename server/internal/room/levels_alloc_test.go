//go:build !race

package room

import (
	"math"
	"testing"

	"callcenter/audio"
)

// Whoever is there, levels cost the room two allocations each time, and what they
// are made into for the wire as little as that takes.
func TestLevelsAreAllocatedOnceForTheWholeRoom(t *testing.T) {
	for _, members := range []int{3, 20} {
		p := newCompany(t)
		for i := range members {
			m := member(string(rune('a' + i)))
			p.join(m)
			p.legs[i].down = &nowhere{}
		}
		for i := range 3 {
			p.legs[i].speaking = true
		}
		formed := testing.AllocsPerRun(100, func() {
			p.c.metering.wait = 0
			p.c.tellLevelsLocked()
		})
		between := testing.AllocsPerRun(100, func() {
			p.c.metering.wait = 5
			p.c.tellLevelsLocked()
		})
		if formed > 2 || between != 0 {
			t.Errorf("%d members: %v allocations with levels, %v without", members, formed, between)
		}
	}
}

// 200 ms of a room in which three speak, with level control.
func TestTicksWithLevelsAllocateNoMoreThanTheLevels(t *testing.T) {
	p := newCompany(t)
	p.d.cfg.LevelControl = true
	for i := range 5 {
		p.join(member(string(rune('a' + i))))
		p.legs[i].down = &nowhere{}
	}
	tick := func() {
		for _, l := range p.legs[:3] {
			l.marked.Store(true)
			l.loud.Store(100)
			l.until.Store(math.MaxInt64)
		}
		p.now += audio.Period
		p.c.tick(p.now, false)
	}
	for range 100 {
		tick()
	}
	if n := testing.AllocsPerRun(50, func() {
		for range 20 {
			tick()
		}
	}); n != 2 {
		t.Errorf("%v allocations in 200 ms, want two", n)
	}
}
