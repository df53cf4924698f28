package call

import (
	"math"
	"testing"

	"google.golang.org/grpc"

	"callcenter/api"
	"callcenter/audio"
	"callcenter/audio/clean"
	"callcenter/audio/port"
	"callcenter/codec"
	"callcenter/codec/opus"
)

// sinkStream is a stream that takes everything at once.
type sinkStream struct {
	grpc.ClientStream
	sent int
}

func (s *sinkStream) Send(*api.AudioChunk) error { s.sent++; return nil }

func (s *sinkStream) Recv() (*api.AudioChunk, error) { return nil, nil }

func newTestCall(tb testing.TB, change ...func(*Config)) *Call {
	tb.Helper()
	clock := audio.NewClock()
	cfg := Config{
		Servers: []string{"test"}, CallID: "bench", Destination: "echo", Codec: opus.Codec{},
		Options: codec.Options{Bitrate: 32000, Complexity: 9, FrameSamples: 960},
		DTX:     true, CleanUp: clean.Options{HighPass: true, Denoise: true, Level: true},
		EarCeiling: -30, // so that the ear's limiter has to work
		Sounds:     true, JoinTones: true,
		Clock: clock, Capture: port.NewCapture(clock), Playback: port.NewPlayback(clock),
	}
	for _, f := range change {
		f(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.cleaner.Close)
	c.answer()
	return c
}

// adopted is a carrier that the call goes over.
func adopted(c *Call) *carrier {
	k := newCarrier(c, 1, "test", func(event) {})
	k.answered = true
	c.adopt(k)
	return k
}

func voice(n int) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		t := float64(i) / audio.Rate
		pcm[i] = int16(6000*math.Sin(2*math.Pi*150*t) + 3000*math.Sin(2*math.Pi*900*t))
	}
	return pcm
}

// upPath is one frame of pcm, 10 ms repeated, from the capture callback to the
// hand-over to gRPC.
func upPath(tb testing.TB, c *Call, pcm []int16) func() {
	tb.Helper()
	k := adopted(c)
	o := &outgoing{stream: &sinkStream{}, chunk: &api.AudioChunk{}}
	s := c.newUplink()
	return func() {
		c.cfg.Capture.Deliver(pcm)
		c.cfg.Capture.Deliver(pcm)
		pos, ok := c.cfg.Capture.Read(s.frame)
		if !ok {
			tb.Fatal("no frame in the capture port")
		}
		if err := c.sendFrame(s, pos); err != nil {
			tb.Fatal(err)
		}
		now := c.cfg.Clock()
		if !c.pop(k, &o.frame, now) {
			if !s.pause.on {
				tb.Fatal("no frame in the send queue")
			}
			return
		}
		if err := k.sendFrame(o, &o.frame, now); err != nil {
			tb.Fatal(err)
		}
	}
}

// downPath is one frame from gRPC to the playback callback.
func downPath(tb testing.TB, c *Call) func() {
	tb.Helper()
	enc, err := opus.Codec{}.NewEncoder(codec.Format{Codec: codec.Opus, Rate: audio.Rate, Channels: 1}, c.cfg.Options)
	if err != nil {
		tb.Fatal(err)
	}
	data := make([]byte, codec.MaxPacket)
	n, err := enc.Encode(data, voice(960))
	if err != nil {
		tb.Fatal(err)
	}
	k := adopted(c)
	chunk := &api.AudioChunk{AudioData: data[:n], Epoch: 1, MediaTime: 1}
	loop := &loopProbe{}
	pcm, out := make([]int16, 480), make([]int16, 480)
	c.roster.take(1, api.Event_KIND_JOINED, "1", "Ada", false, 0)
	return func() {
		k.sound(hasJoined, c.cfg.Clock())
		chunk.Sequence++
		chunk.SentAt += 20000
		chunk.EchoSentAt = uint64(c.cfg.Clock().Microseconds())
		k.take(chunk)
		chunk.MediaTime += 960
		for range 2 {
			c.cfg.Playback.Take(out)
			c.measureLoop(loop)
			c.fill(pcm, loop)
		}
	}
}

func BenchmarkCaptureToSend(b *testing.B) {
	step := upPath(b, newTestCall(b), voice(480))
	b.ReportAllocs()
	for b.Loop() {
		step()
	}
}

func BenchmarkReceiveToPlay(b *testing.B) {
	step := downPath(b, newTestCall(b))
	b.ReportAllocs()
	for b.Loop() {
		step()
	}
}
