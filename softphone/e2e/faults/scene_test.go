//go:build linux && !race

package faults

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"callcenter/softphone/e2e/proxy"
)

// The tones of those in the room.
const (
	annHz = 1000
	bobHz = 600
	eveHz = 300
)

// scene is a room with three softphones, of which Ann's link goes through the
// proxy, and somebody who watches.
type scene struct {
	server        *process
	proxy         *proxy.Proxy
	ann, bob, eve *operator
	observer      *observer
}

// assemble fills the room.
func assemble(t *testing.T) *scene {
	t.Helper()
	const room = "room/x"
	s := &scene{server: serve(t)}
	s.proxy = proxy.Start(t, s.server.address)
	s.observer = observe(t, s.server.address, room)
	join := func(server, name string, hz int) *operator {
		return operate(t, line{server: server, destination: room, name: name, hz: hz, ear: &recorder{}})
	}
	s.ann = join(s.proxy.Addr, "ann", annHz)
	s.bob = join(s.server.address, "bob", bobHz)
	s.eve = join(s.server.address, "eve", eveHz)
	if !s.observer.sees("ann", "bob", "eve") || !eventually(func() bool { return s.talks(time.Time{}) }) {
		t.Fatalf("the room does not come together: %s", s.state())
	}
	return s
}

func (s *scene) all() []*operator { return []*operator{s.ann, s.bob, s.eve} }

// talks reports that everyone was heard for a while, all of it later than that.
func (s *scene) talks(after time.Time) bool {
	for _, listener := range s.all() {
		heard := listener.ear.(*recorder).newest(steady)
		if len(heard) < steady || !heard[0].at.After(after) {
			return false
		}
		for _, speaker := range s.all() {
			if speaker != listener && share(levels(heard, speaker.hz)) < 0.9 {
				return false
			}
		}
	}
	return true
}

// state is what a message says of the room.
func (s *scene) state() string {
	var b strings.Builder
	for _, listener := range s.all() {
		heard := listener.ear.(*recorder).all()
		snap := listener.snapshot()
		fmt.Fprintf(&b, "\n%s: %v, link %+v, over %v", listener.name, snap.State, snap.Link, listener.over())
		for _, speaker := range s.all() {
			if speaker != listener {
				fmt.Fprintf(&b, "\n  hears %s: %s", speaker.name, course(levels(heard, speaker.hz)))
			}
		}
	}
	return b.String()
}

// begun is how often the server, in all its lives, began Ann's call anew rather
// than resume it.
func (s *scene) begun() (n int) {
	id := s.ann.snapshot().CallID
	for _, e := range s.server.entries("call started") {
		if e.CallID == id {
			n++
		}
	}
	return n
}
