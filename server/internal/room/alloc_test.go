//go:build !race

package room

import (
	"testing"
	"time"

	"callcenter/audio"
)

func TestATickAllocatesNothing(t *testing.T) {
	tick := talkingRoom(t, 3)
	for range 2*512 + 100 { // the jitter buffers' slots grow
		tick()
	}
	if n := testing.AllocsPerRun(500, tick); n != 0 {
		t.Fatalf("%v allocations a tick", n)
	}
}

func TestATickOfASilentRoomAllocatesNothing(t *testing.T) {
	d := directory()
	c := newConference("room/x", 0, d.cfg.Speakers, d.cfg.Clock)
	for _, name := range []string{"a", "b"} {
		l, err := newConferenceLeg(d, member(name), &nowhere{})
		if err != nil {
			t.Fatal(err)
		}
		c.join(l)
	}
	now := time.Duration(0)
	tick := func() { now += audio.Period; c.tick(now, false) }
	if n := testing.AllocsPerRun(200, tick); n != 0 {
		t.Fatalf("%v allocations a tick", n)
	}
}
