package call_test

import (
	"context"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"callcenter/api"
	"callcenter/audio"
	"callcenter/codec"
	"callcenter/codec/opus"
	"callcenter/softphone/internal/call"
)

// garbageServer is a server that sends what a test wants each 20 ms, and takes all.
type garbageServer struct {
	next func(n int) *api.AudioChunk
}

func (garbageServer) Close() error { return nil }

func (garbageServer) Invoke(context.Context, string, any, any, ...grpc.CallOption) error {
	panic("there is nothing to invoke")
}

func (g garbageServer) NewStream(ctx context.Context, _ *grpc.StreamDesc, _ string, _ ...grpc.CallOption) (grpc.ClientStream, error) {
	return &garbageStream{ctx: ctx, next: g.next}, nil
}

type garbageStream struct {
	ctx  context.Context //nolint:containedctx // a stream has one
	next func(n int) *api.AudioChunk
	n    int
}

func (g *garbageStream) Header() (metadata.MD, error) { return nil, nil } //nolint:nilnil // none
func (g *garbageStream) Trailer() metadata.MD         { return nil }
func (g *garbageStream) CloseSend() error             { return nil }
func (g *garbageStream) Context() context.Context     { return g.ctx }
func (g *garbageStream) SendMsg(any) error            { return g.ctx.Err() }

func (g *garbageStream) RecvMsg(m any) error {
	select {
	case <-time.After(20 * time.Millisecond):
	case <-g.ctx.Done():
		return g.ctx.Err()
	}
	proto.Reset(m.(proto.Message))
	proto.Merge(m.(proto.Message), g.next(g.n))
	g.n++
	return nil
}

// garbage is what no server sends, of many kinds.
func garbage(n int) *api.AudioChunk {
	c := &api.AudioChunk{Sequence: uint64(n + 1), MediaTime: uint64(960*n + 1), Epoch: 1, SentAt: uint64(n + 1)}
	switch n % 16 {
	case 0:
		c.AudioData = []byte{0xff, 0xff, 1} // too long
	case 1:
		c.AudioData = make([]byte, 3900) // too large
	case 2:
		c.AudioData = []byte{0x0b} // no count
	case 3:
		c.AudioData = []byte(strings.Repeat("\x78\x5a", 40)) // passes, and is noise
	case 4:
		c.Sequence, c.DroppedBefore = math.MaxUint64, math.MaxUint32
	case 5:
		c.MediaTime, c.AudioData = math.MaxUint64, []byte{0x08, 1}
	case 6:
		c.Epoch, c.Marks = math.MaxUint32, math.MaxUint32
	case 7:
		c.Ack, c.EchoSentAt, c.SentAt, c.ServerTime = math.MaxUint64, math.MaxUint64, math.MaxUint64, math.MaxUint32
	case 8:
		c.Report = &api.Report{
			PacketsReceived: 1, TotalSamplesReceived: 1, ConcealedSamples: math.MaxUint64, BufferTargetUs: math.MaxUint32,
			JitterBufferDelay: math.NaN(), JitterBufferEmittedCount: 1, StallDuration: math.Inf(1), ClockDriftPpm: math.Inf(-1), MosEst: math.NaN(),
		}
	case 9:
		c.Event = &api.Event{Kind: api.Event_KIND_JOINED, Participant: &api.Participant{Id: strings.Repeat("x", n), DisplayName: "\x1b]0;"}}
	case 10:
		c.Event = &api.Event{Kind: api.Event_Kind(n), Digit: "\x00", Reason: "\x1b[2J", ResumeToken: strings.Repeat("t", 3000)}
	case 11:
		c.Levels = &api.Levels{}
		for range 300 {
			c.Levels.Speakers = append(c.Levels.Speakers, &api.ParticipantLevel{Id: "1", Level: math.MaxUint32})
		}
	case 12:
		c.Codec, c.SampleRate, c.Channels, c.CallId = "pcm", -1, 99, "another"
		c.AudioData = []byte{0x08, 2, 3}
	case 13:
		c.Sequence = 1
	case 14:
		c.Setup = &api.Setup{Destination: "x", Codecs: make([]string, 500)}
	default:
		c = &api.AudioChunk{}
	}
	return c
}

func TestACallOutlivesAServerThatSendsGarbage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const sane = 200 // chunks of garbage before it
		enc, err := opus.Codec{}.NewEncoder(codec.Format{Codec: codec.Opus, Rate: audio.Rate, Channels: 1}, codec.Options{FrameSamples: 960})
		if err != nil {
			t.Fatal(err)
		}
		pcm, buf := make([]int16, 960), make([]byte, codec.MaxPacket)
		for i := range pcm {
			pcm[i] = int16(8000 * math.Sin(2*math.Pi*float64(i)/96))
		}
		server := garbageServer{func(n int) *api.AudioChunk {
			switch {
			case n == 0:
				return &api.AudioChunk{Event: &api.Event{Kind: api.Event_KIND_ANSWERED, NewCall: true}}
			case n < sane:
				return garbage(n)
			}
			size, err := enc.Encode(buf, pcm)
			if err != nil {
				t.Error(err)
			}
			return &api.AudioChunk{AudioData: buf[:size], Sequence: uint64(n), MediaTime: uint64(960*n + 1), Epoch: 9}
		}}
		v := dialVirtual(t, virtualOptions{destination: "echo", change: func(cfg *call.Config) {
			cfg.Codec = opus.Codec{}
			cfg.Connect = func(string) (call.Conn, error) { return server, nil }
		}})
		time.Sleep(5 * time.Second)
		s, r := v.snapshot(), v.Report()
		if s.Health.Unplayable < 30 || r.Stats.MalformedPackets != s.Health.Unplayable {
			t.Errorf("%d frames cannot be played, the report says %d", s.Health.Unplayable, r.Stats.MalformedPackets)
		}
		if len(s.Roster) > 16 { // those whose ids are no longer than an id is
			t.Errorf("%d participants", len(s.Roster))
		}
		time.Sleep(3 * time.Second)
		if !v.heard.sounding() {
			t.Error("what is sane again is not heard")
		}
		v.end(t)
	})
}
