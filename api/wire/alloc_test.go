//go:build !race

package wire_test

import (
	"testing"
	"time"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/codec"
)

func TestNothingAllocatesPerChunk(t *testing.T) {
	l := wire.NewLink(0)
	r := wire.NewPackets(codec.Format{Codec: codec.Opus, Rate: 48000, Channels: 1})
	o, err := wire.Open(first())
	if err != nil {
		t.Fatal(err)
	}
	c := &api.AudioChunk{AudioData: []byte{0x78, 1, 2, 3}}
	now := time.Duration(0)
	if n := testing.AllocsPerRun(1000, func() {
		now += 20 * ms
		c.Sequence++
		l.Received(c, now)
		l.Due(now)
		l.RTT()
		l.Stamp(c, now)
		if o.Check(c) != nil {
			t.Fatal("refused")
		}
		if _, ok := r.Read(c); !ok {
			t.Fatal("no packet")
		}
	}); n != 0 {
		t.Errorf("a chunk costs %v allocations", n)
	}
}

func BenchmarkReceivedStamp(b *testing.B) {
	l := wire.NewLink(0)
	c := &api.AudioChunk{}
	now := time.Duration(0)
	b.ReportAllocs()
	for b.Loop() {
		now += 20 * ms
		c.Sequence++
		l.Received(c, now)
		l.Stamp(c, now)
	}
}

func BenchmarkRead(b *testing.B) {
	r := wire.NewPackets(codec.Format{Codec: codec.Opus, Rate: 48000, Channels: 1})
	c := &api.AudioChunk{AudioData: []byte{0x78, 1, 2, 3}}
	b.ReportAllocs()
	for b.Loop() {
		c.Sequence++
		r.Read(c)
	}
}
