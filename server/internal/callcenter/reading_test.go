package callcenter

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"callcenter/api"
	"callcenter/api/wire"
)

func packed(tb testing.TB, c *api.AudioChunk) []byte {
	tb.Helper()
	b, err := proto.Marshal(c)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// talkative are chunks of nearly four kilobytes that say as much as they can.
func talkative(tb testing.TB) map[string][]byte {
	tb.Helper()
	levels := &api.Levels{}
	for range 2000 {
		levels.Speakers = append(levels.Speakers, &api.ParticipantLevel{})
	}
	return map[string][]byte{
		"levels":         packed(tb, &api.AudioChunk{Levels: levels}),
		"codecs":         packed(tb, &api.AudioChunk{Setup: &api.Setup{Codecs: make([]string, 2000)}}),
		"setups":         bytes.Repeat([]byte{0x82, 0x01, 0x00}, 1300),
		"reports":        bytes.Repeat([]byte{0x92, 0x01, 0x00}, 1300),
		"unknown fields": bytes.Repeat([]byte{0xa0, 0x06, 0x01}, 1300),
	}
}

// full is as much as a good caller has to say at once.
func full() *api.AudioChunk {
	long := strings.Repeat("ä", 64)
	c := &api.AudioChunk{
		CallId: strings.Repeat("x", 128), SampleRate: 48000, Channels: 2, Codec: "pcm",
		AudioData: make([]byte, 1920), Sequence: 1 << 40, DroppedBefore: 1, Epoch: 1, MediaTime: 1 << 40, Marks: 1, Ack: 1, SentAt: 1, EchoSentAt: 1, EchoHeld: 1,
		Setup: &api.Setup{
			Destination: "room/" + long, DisplayName: long, Codecs: []string{"opus", "pcm"},
			FrameMs: []uint32{20, 10}, ResumeToken: strings.Repeat("t", maxToken),
		},
		Event:  &api.Event{Kind: api.Event_KIND_DTMF, Digit: "5"},
		Report: &api.Report{},
	}
	m := c.Report.ProtoReflect()
	for i := range m.Descriptor().Fields().Len() {
		switch f := m.Descriptor().Fields().Get(i); f.Kind() { //nolint:exhaustive // all that a report has
		case protoreflect.Uint64Kind:
			m.Set(f, protoreflect.ValueOfUint64(math.MaxUint64))
		case protoreflect.Uint32Kind:
			m.Set(f, protoreflect.ValueOfUint32(math.MaxUint32))
		case protoreflect.DoubleKind:
			m.Set(f, protoreflect.ValueOfFloat64(1))
		case protoreflect.BoolKind:
			m.Set(f, protoreflect.ValueOfBool(true))
		}
	}
	return c
}

func TestWhatCallersSayIsCountedBeforeItIsUnpacked(t *testing.T) {
	f, in := newFrugal(), &inbox{AudioChunk: &api.AudioChunk{}}
	unmarshal := func(b []byte) error {
		if err := f.Unmarshal(mem.BufferSlice{mem.SliceBuffer(b)}, in); err != nil {
			t.Fatal(err) // gRPC would blame the server
		}
		return in.fault
	}
	for name, b := range talkative(t) {
		if err := unmarshal(b); !errors.Is(err, errTalkative) || len(b) > wire.MaxMessage {
			t.Errorf("%s in %d bytes: %v", name, len(b), err)
		}
	}
	want := full()
	if err := unmarshal(packed(t, want)); err != nil || !proto.Equal(in.AudioChunk, want) {
		t.Errorf("as much as a caller may say: %v", err)
	}
	for name, b := range map[string][]byte{
		"an end in a field":   packed(t, want)[:1500],
		"no UTF-8":            append(packed(t, want), 0x12, 1, 0xff),
		"a field that is cut": append(packed(t, want), 0x82, 0x01, 0x7f),
	} {
		if err := unmarshal(b); !errors.Is(err, errUnreadable) || errors.Is(err, errTalkative) || codeOf(err) != codes.InvalidArgument || broken(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func BenchmarkUnpack(b *testing.B) {
	f := newFrugal()
	cases := talkative(b)
	cases["opus"] = packed(b, &api.AudioChunk{AudioData: make([]byte, 80), Sequence: 1, MediaTime: 961, Ack: 5, SentAt: 1000000, EchoSentAt: 1999, Marks: 300})
	cases["pcm"] = packed(b, &api.AudioChunk{AudioData: make([]byte, 1920), Sequence: 1, MediaTime: 961, Ack: 5, SentAt: 1000000, EchoSentAt: 1999, Marks: 300})
	for name, x := range cases {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			in, data := &inbox{AudioChunk: &api.AudioChunk{}}, mem.BufferSlice{mem.SliceBuffer(x)}
			for b.Loop() {
				_ = f.Unmarshal(data, in) // refused is what some are to be
			}
		})
	}
}
