package callcenter

import (
	"context"
	"math"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"callcenter/api"
)

// echoChunk returns a function that takes one chunk through the service and its
// loopback room and back out, as both loops do between gRPC and gRPC.
func echoChunk(tb testing.TB, opening *api.AudioChunk) func() {
	tb.Helper()
	sent := 0
	st, err := openCall(New(testConfig()), &fakeStream{
		ctx:  context.Background(),
		sent: func(o *api.AudioChunk) { sent += len(o.AudioData) },
	}, opening)
	if err != nil {
		tb.Fatal(err)
	}
	unbounded(st.call)
	st.in.Reset()
	st.in.AudioData = make([]byte, 80)
	st.in.AudioData[0] = 0x78 // 20 ms
	st.in.Epoch = 1
	ctx := context.Background()
	for ok := true; ok; ok, err = st.sendNext(false) { // the answer
		if err != nil {
			tb.Fatal(err)
		}
	}
	want := 0
	return func() {
		if st.call.opening.Extended {
			st.in.Sequence++
			st.in.MediaTime += 960
			st.in.Ack = st.in.Sequence - 1
			st.in.SentAt += 20000
			st.in.EchoSentAt = st.out.SentAt
		}
		if err := st.take(ctx); err != nil {
			tb.Fatal(err)
		}
		if !st.call.opening.Extended {
			if ok, err := st.sendNext(false); !ok || err != nil {
				tb.Fatal("the chunk did not come back: ", err)
			}
		}
		if want += 80; sent != want {
			tb.Fatalf("%d bytes came back, want %d", sent, want)
		}
	}
}

// unbounded lets a call send as fast as it can.
func unbounded(c *call) {
	c.limiter.SetLimit(rate.Inf)
	c.flood.rate = math.Inf(1)
}

func plainOpening() *api.AudioChunk {
	return &api.AudioChunk{CallId: "x", SampleRate: 48000, Channels: 1, Codec: "pcm"}
}

// BenchmarkLoopbackChunk is the server's own work for a chunk of an echo call,
// without gRPC.
func BenchmarkLoopbackChunk(b *testing.B) {
	for _, bc := range []struct {
		name    string
		opening *api.AudioChunk
	}{{"extended", extendedOpening("echo")}, {"five fields", plainOpening()}} {
		b.Run(bc.name, func(b *testing.B) {
			echo := echoChunk(b, bc.opening)
			b.ReportAllocs()
			for b.Loop() {
				echo()
			}
		})
	}
}

// BenchmarkIdleChunk is a chunk of acknowledgement and liveness.
func BenchmarkIdleChunk(b *testing.B) {
	st, err := openCall(New(testConfig()), &fakeStream{ctx: context.Background()}, extendedOpening("echo"))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		st.nextReport = st.clock() - time.Second // with a report, too
		if err := st.send(nil, nil); err != nil {
			b.Fatal(err)
		}
	}
}
