//go:build !race

package room

import "testing"

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
