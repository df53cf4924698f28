package callcenter

import (
	"context"
	"encoding/binary"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/codec"
)

// FuzzChunks sends arbitrary chunks through a whole call: each is packed with
// its length before it, as two bytes. Time passes only where the call waits.
func FuzzChunks(f *testing.F) {
	for _, seed := range [][]*api.AudioChunk{
		{extendedOpening("echo"), {AudioData: []byte{1, 2, 3}, Sequence: 1}, {Ack: 1, Sequence: 1 << 63, DroppedBefore: 1 << 31}},
		{extendedOpening("room/a"), {AudioData: []byte{0x78, 1, 2, 3}, Sequence: 1, MediaTime: 1 << 63}, {Marks: wire.MarkDTX, Sequence: 5}},
		{extendedOpening("tone"), {Report: &api.Report{BufferTargetUs: 1 << 31}, SentAt: 5, EchoSentAt: 1}},
		{extendedOpening("room/a"), {Event: &api.Event{Kind: api.Event_KIND_HOLD}, AudioData: []byte{1, 2}, Sequence: 1}, {Event: &api.Event{Kind: api.Event_KIND_DTMF, Digit: "5"}}},
		{resumableOpening(), {Sequence: 1, EchoSentAt: 1 << 62, Ack: 1}, {EchoSentAt: 1}, {CallId: "y"}},
		{plainOpening(), {AudioData: []byte{1}}, {}, {CallId: "y"}},
		{{CallId: "p", SampleRate: 8000, Channels: 2, Codec: "pcm", Setup: &api.Setup{Destination: "room/b"}}, {AudioData: make([]byte, 3840), Sequence: 2}},
		{{}},
	} {
		f.Add(pack(seed))
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		synctest.Test(t, func(t *testing.T) { playScript(t, unpack(script)) })
	})
}

func playScript(t *testing.T, chunks []*api.AudioChunk) {
	s := New(testConfig())
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var sequence uint64
	err := s.LiveCall(&fakeStream{ctx: ctx, script: chunks, sent: func(o *api.AudioChunk) {
		if len(o.AudioData) > codec.MaxPacket || proto.Size(o) > wire.MaxMessage {
			t.Errorf("a chunk of %d bytes with %d of audio", proto.Size(o), len(o.AudioData))
		}
		if o.Sequence != 0 && o.Sequence <= sequence {
			t.Errorf("sequence %d after %d", o.Sequence, sequence)
		}
		sequence = max(sequence, o.Sequence)
	}})
	if code := codeName(err); code == "Internal" || code == "Unknown" {
		t.Errorf("the call ended with %v", err)
	}
	cancel()
	s.Wait()
	if len(s.streams) > 0 || len(s.calls) > 0 || s.rooms.Rooms() > 0 {
		t.Error("something of the call is left")
	}
}

func pack(chunks []*api.AudioChunk) []byte {
	var script []byte
	for _, c := range chunks {
		b, err := proto.Marshal(c)
		if err != nil {
			panic(err)
		}
		script = append(binary.BigEndian.AppendUint16(script, uint16(len(b))), b...)
	}
	return script
}

// unpack leaves out what gRPC would not hand on.
func unpack(script []byte) (chunks []*api.AudioChunk) {
	for len(script) >= 2 && len(chunks) < 64 {
		n := min(int(binary.BigEndian.Uint16(script)), len(script)-2)
		c := &api.AudioChunk{}
		if n <= wire.MaxMessage && proto.Unmarshal(script[2:2+n], c) == nil {
			chunks = append(chunks, c)
		}
		script = script[2+n:]
	}
	return chunks
}
