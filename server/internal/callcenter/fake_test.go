package callcenter

import (
	"context"
	"io"
	"log/slog"

	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"callcenter/api"
	"callcenter/codec"
	"callcenter/codec/opus"
	"callcenter/codec/pcm"
)

// fakeStream is a stream without gRPC: it gives the chunks of a script and then
// half-closes, and shows what is sent to a function.
type fakeStream struct {
	ctx    context.Context //nolint:containedctx // a stream has one
	script []*api.AudioChunk
	sent   func(*api.AudioChunk)
}

func (f *fakeStream) Context() context.Context     { return f.ctx }
func (f *fakeStream) SetHeader(metadata.MD) error  { return nil }
func (f *fakeStream) SendHeader(metadata.MD) error { return nil }
func (f *fakeStream) SetTrailer(metadata.MD)       {}

func (f *fakeStream) SendMsg(m any) error {
	if f.sent != nil {
		f.sent(m.(*api.AudioChunk))
	}
	return f.ctx.Err()
}

func (f *fakeStream) RecvMsg(m any) error {
	if f.ctx.Err() != nil {
		return f.ctx.Err()
	}
	if len(f.script) == 0 {
		return io.EOF
	}
	in := m.(proto.Message)
	proto.Reset(in)
	proto.Merge(in, f.script[0])
	f.script = f.script[1:]
	return nil
}

func (f *fakeStream) Send(c *api.AudioChunk) error { return f.SendMsg(c) }

func (f *fakeStream) Recv() (*api.AudioChunk, error) {
	c := &api.AudioChunk{}
	return c, f.RecvMsg(c)
}

func testConfig() Config {
	return Config{
		Codecs: codec.NewRegistry(opus.Codec{}, pcm.Codec{}),
		Log:    slog.New(slog.DiscardHandler),
	}
}

// openCall returns a stream that carries an open call, without its loops.
func openCall(s *Service, rpc *fakeStream, opening *api.AudioChunk) (*stream, error) {
	st := newStream(s, rpc)
	proto.Merge(&st.in, opening)
	return st, st.open(rpc.ctx)
}

func extendedOpening(destination string) *api.AudioChunk {
	return &api.AudioChunk{
		CallId: "x", SampleRate: 48000, Channels: 1, Codec: "opus",
		Setup: &api.Setup{Destination: destination},
	}
}

func resumableOpening() *api.AudioChunk {
	c := extendedOpening("room/x")
	c.Setup.ResumeToken = "mine"
	return c
}
