package room

import (
	"context"
	"fmt"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/jitter"
	"callcenter/audio/sendq"
	"callcenter/codec"
)

// nowhere takes frames and forgets them.
type nowhere struct{ frames int }

func (n *nowhere) Send(sendq.Frame)                      { n.frames++ }
func (n *nowhere) Skip()                                 {}
func (n *nowhere) SendWait(context.Context, sendq.Frame) {}
func (n *nowhere) Event(Event)                           {}
func (n *nowhere) Fail(error)                            {}

// talkingRoom returns a function that lets every member of an Opus conference
// say 10 ms and makes the tick that mixes them.
func talkingRoom(tb testing.TB, members int) (tick func()) {
	tb.Helper()
	d := directory()
	format := codec.Format{Codec: "opus", Rate: 48000, Channels: 1}
	c := newConference("room/x", 0, d.cfg.Speakers, d.cfg.Clock)
	legs := make([]*conferenceLeg, members)
	for i := range legs {
		l, err := newConferenceLeg(d, Member{Name: fmt.Sprint(i), Format: format, FrameMS: 20}, &nowhere{})
		if err != nil {
			tb.Fatal(err)
		}
		c.join(l)
		legs[i] = l
	}
	data := packet(tb, format)
	now, seq := time.Duration(0), uint64(0)
	return func() {
		if seq++; seq%2 == 1 { // 20 ms frames
			n := seq/2 + 1
			for _, l := range legs {
				l.Push(context.Background(), Uplink{
					Frame:    sendq.Frame{Sequence: n, Data: data, Made: now},
					Packet:   jitter.Packet{Sequence: n, Epoch: 1, Media: int64(n-1) * 960, Samples: 960, Data: data},
					Playable: true,
				})
			}
		}
		now += audio.Period
		c.tick(now, false)
	}
}

// packet returns 20 ms of a bright tone in Opus.
func packet(tb testing.TB, f codec.Format) []byte {
	tb.Helper()
	c, err := directory().cfg.Codecs.Lookup(f.Codec)
	if err != nil {
		tb.Fatal(err)
	}
	enc, err := c.NewEncoder(f, codec.Options{Complexity: complexity, FrameSamples: 960})
	if err != nil {
		tb.Fatal(err)
	}
	pcm, buf := make([]int16, 960), make([]byte, codec.MaxPacket)
	for j := range pcm {
		pcm[j] = int16(j * 170 % 8000)
	}
	n, err := enc.Encode(buf, pcm)
	if err != nil {
		tb.Fatal(err)
	}
	return buf[:n]
}

// BenchmarkConferenceTick is 10 ms of a conference in which all talk.
func BenchmarkConferenceTick(b *testing.B) {
	for _, members := range []int{2, 10} {
		b.Run(fmt.Sprint(members, " members"), func(b *testing.B) {
			tick := talkingRoom(b, members)
			b.ReportAllocs()
			for b.Loop() {
				tick()
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*members), "µs/leg-tick")
		})
	}
}
