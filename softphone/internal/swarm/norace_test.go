//go:build !race

package swarm

import (
	"testing"
	"time"

	"callcenter/api"
)

// deafStream takes what is sent and keeps nothing.
type deafStream struct{ callStream }

func (deafStream) Send(*api.AudioChunk) error { return nil }

func TestATurnAndAChunkAllocateNothing(t *testing.T) {
	s := stage(t, func(c *Config) { c.Destination = "echo" })
	l := s.legs[0]
	now := time.Duration(0)
	s.clock = func() time.Duration { return now }
	l.stream = deafStream{}
	l.held.Store(true)
	slot, chunk := int64(0), &api.AudioChunk{}
	step := func() {
		i := slot % int64(len(l.score.packets))
		l.turn(slot, now)
		chunk.AudioData, chunk.Marks = l.score.packets[i], l.score.marks[i]
		chunk.Sequence, chunk.Ack, chunk.Epoch = uint64(slot+1), uint64(slot+1), 1
		chunk.MediaTime = uint64(slot*960 + 1)
		l.take(chunk, now)
		slot, now = slot+1, now+20*time.Millisecond
	}
	for range 200 {
		step()
	}
	if n := testing.AllocsPerRun(500, step); n != 0 {
		t.Errorf("a frame costs %v allocations", n)
	}
	if s.tally.failures.Load() != 0 || l.sent.Load() != uint64(slot) {
		t.Errorf("sent %d of %d, %q", l.sent.Load(), slot, s.tally.wrong)
	}
}

func TestAnEarAllocatesNothing(t *testing.T) {
	s := stage(t, nil)
	packet, now := make([]byte, 1920), time.Duration(0)
	for i := range 960 {
		v := int16(3000 * ((i/24)%2*2 - 1))
		packet[2*i], packet[2*i+1] = byte(v), byte(uint16(v)>>8)
	}
	e := s.legs[3].ledger.ear
	s.tally.failures.Store(examples) // further ones are only counted
	if n := testing.AllocsPerRun(200, func() {
		e.hear(packet, now)
		now += 20 * time.Millisecond
	}); n > 0.5 { // a failure's arguments, once a second
		t.Errorf("a frame costs %v allocations", n)
	}
}
