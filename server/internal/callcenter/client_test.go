package callcenter_test

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/audio"
	"callcenter/server/servertest"
)

func TestMain(m *testing.M) {
	// The tests wait for the clock, not for a processor.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// patience is how long a test waits for what must happen.
const patience = 10 * time.Second

// client is an extended caller that a test drives by hand.
type client struct {
	tb     testing.TB
	stream grpc.BidiStreamingClient[api.AudioChunk, api.AudioChunk]
	cancel context.CancelFunc
	link   *wire.Link
	clock  audio.Clock
	seq    uint64
}

func dial(tb testing.TB, s *servertest.Server) *client {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	tb.Cleanup(cancel)
	clock := audio.NewClock()
	return &client{tb: tb, stream: s.Call(ctx, tb), cancel: cancel, link: wire.NewLink(clock()), clock: clock}
}

// first returns a valid first chunk of an extended pcm call.
func first(id, destination string) *api.AudioChunk {
	return &api.AudioChunk{
		CallId: id, SampleRate: 48000, Channels: 1, Codec: "pcm",
		Setup: &api.Setup{Destination: destination, DisplayName: "caller " + id},
	}
}

// call opens an extended call and waits for its answer.
func call(tb testing.TB, s *servertest.Server, c *api.AudioChunk) *client {
	tb.Helper()
	cl := dial(tb, s)
	cl.send(c)
	if got := cl.recv(); got.GetEvent().GetKind() != api.Event_KIND_ANSWERED {
		tb.Fatalf("the first chunk is %v, want an answer", got)
	}
	return cl
}

func (c *client) send(chunk *api.AudioChunk) {
	c.tb.Helper()
	c.link.Stamp(chunk, c.clock())
	if err := c.stream.Send(chunk); err != nil && !errors.Is(err, io.EOF) {
		c.tb.Fatalf("send: %v", err)
	}
}

// frame sends the next frame with that audio.
func (c *client) frame(data []byte) *api.AudioChunk {
	c.tb.Helper()
	c.seq++
	chunk := &api.AudioChunk{
		AudioData: data,
		Sequence:  c.seq,
		Epoch:     1,
		MediaTime: 1 + 960*(c.seq-1),
	}
	c.send(chunk)
	return chunk
}

func (c *client) recv() *api.AudioChunk {
	c.tb.Helper()
	chunk, err := c.stream.Recv()
	if err != nil {
		c.tb.Fatalf("receive: %v", err)
	}
	c.link.Received(chunk, c.clock())
	return chunk
}

// recvAudio returns the next chunk with audio.
func (c *client) recvAudio() *api.AudioChunk {
	c.tb.Helper()
	for {
		if chunk := c.recv(); len(chunk.GetAudioData()) > 0 {
			return chunk
		}
	}
}

// recvEvent returns the next event.
func (c *client) recvEvent() *api.Event {
	c.tb.Helper()
	for {
		if chunk := c.recv(); chunk.GetEvent() != nil {
			return chunk.GetEvent()
		}
	}
}

// hangUp half-closes, receives the rest and returns the frames in it.
func (c *client) hangUp() (frames int) {
	c.tb.Helper()
	if err := c.stream.CloseSend(); err != nil {
		c.tb.Fatalf("close: %v", err)
	}
	for {
		chunk, err := c.stream.Recv()
		if errors.Is(err, io.EOF) {
			return frames
		}
		if err != nil {
			c.tb.Fatalf("the call ended with %v, want OK", err)
		}
		if len(chunk.GetAudioData()) > 0 {
			frames++
		}
	}
}

// end receives until the call ends and returns its status.
func (c *client) end() *status.Status {
	for {
		if _, err := c.stream.Recv(); err != nil {
			if errors.Is(err, io.EOF) {
				return status.New(codes.OK, "")
			}
			return status.Convert(err)
		}
	}
}

// sine returns n samples of a tone from sample at on, as pcm.
func sine(hz float64, at, n, rate int) []byte {
	b := make([]byte, 0, 2*n)
	for i := range n {
		v := 6000 * math.Sin(2*math.Pi*hz*float64(at+i)/float64(rate))
		b = binary.LittleEndian.AppendUint16(b, uint16(int16(v)))
	}
	return b
}

// power returns a tone's share in 48 kHz samples, as its amplitude (Goertzel).
func power(pcm []int16, hz float64) float64 {
	w := 2 * math.Pi * hz / audio.Rate
	var s1, s2 float64
	for _, x := range pcm {
		s1, s2 = float64(x)+2*math.Cos(w)*s1-s2, s1
	}
	p := s1*s1 + s2*s2 - 2*math.Cos(w)*s1*s2
	return 2 * math.Sqrt(max(0, p)) / float64(len(pcm))
}

func name(i int) string { return fmt.Sprintf("c%d", i) }
