//go:build linux && !race

package capacity

import (
	"context"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/audio"
	"callcenter/codec"
	"callcenter/softphone/internal/phone"
)

// TestABareEchoSendsAsMuchAsOurs compares chunk by chunk what both send back: the
// bar of the echo is about messages of the same size.
func TestABareEchoSendsAsMuchAsOurs(t *testing.T) {
	ours, bare := echoed(t, startOurs(t)), echoed(t, startOther(t, roleBare))
	if d := ours - bare; d < -3 || d > 3 {
		t.Errorf("ours sends chunks of %.1f bytes, the bare echo of %.1f", ours, bare)
	}
}

// echoed says 50 frames to an echo as a phone does and returns the mean size of
// the chunks that bring them back, in bytes.
func echoed(t *testing.T, server *process) float64 {
	t.Helper()
	const count, size = 50, 80
	conn, err := phone.Connect(server.address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	stream, err := api.NewCallCenterClient(conn).LiveCall(ctx)
	if err != nil {
		t.Fatal(err)
	}
	clock := audio.NewClock()
	link := wire.NewLink(clock())
	say := func(chunk *api.AudioChunk) {
		link.Stamp(chunk, clock())
		if err := stream.Send(chunk); err != nil {
			t.Fatal(err)
		}
	}
	hear := func() *api.AudioChunk {
		chunk, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		link.Received(chunk, clock())
		return chunk
	}
	say(&api.AudioChunk{
		CallId: "x", SampleRate: audio.Rate, Channels: 1, Codec: codec.Opus, Setup: &api.Setup{Destination: "echo"},
	})
	hear() // the answer
	data := make([]byte, size)
	data[0] = 0x78 // 20 ms
	sum := 0
	for n := range uint64(count) {
		say(&api.AudioChunk{AudioData: data, Sequence: n + 1, Epoch: 1, MediaTime: n*frameSamples + 1, Marks: wire.LevelMarks(20, true)})
		back := hear()
		for len(back.GetAudioData()) == 0 {
			back = hear()
		}
		back.Report = nil // of which there is one a second
		sum += proto.Size(back)
		<-time.NewTimer(5 * time.Millisecond).C // like a microphone, but faster
	}
	return float64(sum) / count
}
