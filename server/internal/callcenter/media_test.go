package callcenter_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"

	"callcenter/api"
	"callcenter/server/servertest"
)

// malformed is no Opus packet: it has frames of 20 ms, and more of them than fit into 60.
var malformed = []byte{0xff, 0xff, 0x01}

// TestACallThatIsNoAudioEndsAlone also says why, in its status and in the log.
func TestACallThatIsNoAudioEndsAlone(t *testing.T) {
	t.Parallel()
	l := &logs{}
	s := servertest.Start(t, servertest.Options{Log: l.logger()})
	for _, destination := range []string{"room/x", "echo", "tone"} {
		opening := first(destination, destination)
		opening.Codec = "opus"
		bad := call(t, s, opening)
		for range 2 {
			for range 49 {
				bad.frame(malformed)
			}
			bad.frame([]byte{0x08, 1, 2, 3})
		}
		undisturbed(t, s, "good")
		for range 50 {
			bad.frame(malformed)
		}
		st := bad.end()
		if st.Code() != codes.InvalidArgument || !strings.HasPrefix(st.Message(), "audio_data: 50 frames in a row cannot be decoded as opus") {
			t.Errorf("%s: the call ends with %v", destination, st)
		}
		if line := l.ended(t, destination); line["status"] != "InvalidArgument" || line["malformed"].(float64) < 148 || line["reason"] == "" {
			t.Errorf("%s: the log says %v", destination, line)
		}
	}
}

// TestARowGoesOnOverAResume is so that nobody begins anew by calling again and again.
func TestARowGoesOnOverAResume(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{})
	opening := resumable("a", "room/x")
	opening.Codec = "opus"
	one, token := callWithToken(t, s, opening)
	for range 30 {
		one.frame(malformed)
	}
	for one.recv().Ack < 30 { // it has them all
	}
	two, token := callWithToken(t, s, with(opening, token))
	two.seq = one.seq
	for range 20 {
		two.frame(malformed)
	}
	if st := two.end(); st.Code() != codes.InvalidArgument {
		t.Fatalf("after 50 the call ends with %v", st)
	}
	if code := refused(t, s, with(opening, token)); code != codes.FailedPrecondition {
		t.Errorf("it may come back: %v", code)
	}
}

// TestBytesOfPCMMayBeAnyInAnEcho is the published contract, for all callers.
func TestBytesOfPCMMayBeAnyInAnEcho(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{})
	c := call(t, s, first("a", "echo"))
	p := dialPlain(t, s, "b")
	for i := range 60 {
		odd := bytes.Repeat([]byte{byte(i)}, 81)
		c.frame(odd)
		m := p.chunk(odd, false)
		p.send(m)
		if got := c.recvAudio(); !bytes.Equal(got.AudioData, odd) {
			t.Fatalf("%d came back as %v", i, got)
		}
		p.expect(m)
	}
}

// rawCodec sends bytes as they are, and reads chunks.
type rawCodec struct{ encoding.CodecV2 }

func (r rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	if b, ok := v.([]byte); ok {
		return mem.BufferSlice{mem.SliceBuffer(b)}, nil
	}
	return r.CodecV2.Marshal(v)
}

// TestHostileMessagesEndTheirOwnCall sends what gRPC hands on and is no chunk of a
// caller. Calls that could come back are over, too: nothing is wrong with the stream.
func TestHostileMessagesEndTheirOwnCall(t *testing.T) {
	t.Parallel()
	l := &logs{}
	s := servertest.Start(t, servertest.Options{Log: l.logger()})
	for name, c := range map[string]struct {
		message []byte
		code    codes.Code
		says    string
	}{
		"no-utf8":   {[]byte{0x12, 2, 0xff, 0xfe}, codes.InvalidArgument, "the chunk cannot be read: "},
		"cut-off":   {[]byte{0x0a, 100, 1}, codes.InvalidArgument, "the chunk cannot be read: "},
		"no-proto":  {[]byte("GET / HTTP/1.1\r\n\r\n"), codes.InvalidArgument, "the chunk cannot be read: "},
		"levels":    {slices.Concat([]byte{0x9a, 0x01, 0xe8, 0x07}, bytes.Repeat([]byte{0x0a, 0}, 500)), codes.InvalidArgument, "more than 256 fields"},
		"too-large": {make([]byte, 4097), codes.ResourceExhausted, "4096"},
		"unknown":   {bytes.Repeat([]byte{0xa0, 0x06, 0x01}, 150), codes.OK, ""},
		"setups":    {bytes.Repeat([]byte{0x82, 0x01, 0x03, 0x0a, 1, 'x'}, 80), codes.OK, ""},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		stream, err := s.Dial(t).NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true},
			api.CallCenter_LiveCall_FullMethodName, grpc.ForceCodecV2(rawCodec{encoding.GetCodecV2("proto")}))
		if err != nil {
			t.Fatal(err)
		}
		if err := stream.SendMsg(resumable(name, "echo")); err != nil {
			t.Fatal(err)
		}
		if err := stream.RecvMsg(&api.AudioChunk{}); err != nil {
			t.Fatal(err)
		}
		for range 200 {
			if stream.SendMsg(c.message) != nil {
				break
			}
		}
		_ = stream.CloseSend()
		for err == nil {
			err = stream.RecvMsg(&api.AudioChunk{})
		}
		st := status.Convert(err)
		if errors.Is(err, io.EOF) {
			st = nil
		}
		if st.Code() != c.code || !strings.Contains(st.Message(), c.says) {
			t.Errorf("%s: the call ends with %v", name, st)
		}
		if line := l.ended(t, name); line["status"] != c.code.String() || line["destination"] != "echo" {
			t.Errorf("%s: the log says %v", name, line)
		}
	}
	undisturbed(t, s, "good")
}
