package callcenter_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"callcenter/server/servertest"
)

// plainType is AudioChunk as published: five fields, from a descriptor of its
// own that no registry knows.
func plainType(tb testing.TB) protoreflect.MessageDescriptor {
	tb.Helper()
	field := func(name string, n int32, t descriptorpb.FieldDescriptorProto_Type) *descriptorpb.FieldDescriptorProto {
		return &descriptorpb.FieldDescriptorProto{
			Name: proto.String(name), Number: proto.Int32(n), Type: t.Enum(),
			Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
		}
	}
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("plain.proto"), Package: proto.String("callcenter"), Syntax: proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{{
			Name: proto.String("AudioChunk"),
			Field: []*descriptorpb.FieldDescriptorProto{
				field("audio_data", 1, descriptorpb.FieldDescriptorProto_TYPE_BYTES),
				field("call_id", 2, descriptorpb.FieldDescriptorProto_TYPE_STRING),
				field("sample_rate", 3, descriptorpb.FieldDescriptorProto_TYPE_INT32),
				field("channels", 4, descriptorpb.FieldDescriptorProto_TYPE_INT32),
				field("codec", 5, descriptorpb.FieldDescriptorProto_TYPE_STRING),
			},
		}},
	}, nil)
	if err != nil {
		tb.Fatalf("describe the five fields: %v", err)
	}
	return file.Messages().Get(0)
}

// plain is a caller that knows only the five fields.
type plain struct {
	tb     testing.TB
	stream grpc.ClientStream
	typ    protoreflect.MessageDescriptor
	id     string
}

func dialPlain(tb testing.TB, s *servertest.Server, id string) *plain {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	tb.Cleanup(cancel)
	desc := &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}
	stream, err := s.Dial(tb).NewStream(ctx, desc, "/callcenter.CallCenter/LiveCall")
	if err != nil {
		tb.Fatalf("open a stream: %v", err)
	}
	return &plain{tb, stream, plainType(tb), id}
}

// chunk returns a chunk with all five fields, or the audio alone.
func (p *plain) chunk(data []byte, bare bool) proto.Message {
	m := dynamicpb.NewMessage(p.typ)
	set := func(name string, v any) {
		m.Set(p.typ.Fields().ByName(protoreflect.Name(name)), protoreflect.ValueOf(v))
	}
	set("audio_data", data)
	if !bare {
		set("call_id", p.id)
		set("sample_rate", int32(44100))
		set("channels", int32(2))
		set("codec", "pcm")
	}
	return m
}

func (p *plain) send(m proto.Message) {
	p.tb.Helper()
	if err := p.stream.SendMsg(m); err != nil {
		p.tb.Fatalf("send: %v", err)
	}
}

// expect receives a chunk and compares it, unknown fields included.
func (p *plain) expect(want proto.Message) {
	p.tb.Helper()
	got := dynamicpb.NewMessage(p.typ)
	if err := p.stream.RecvMsg(got); err != nil {
		p.tb.Fatalf("receive: %v", err)
	}
	if !proto.Equal(got, want) {
		p.tb.Fatalf("a chunk came back changed:\n got %v\nwant %v", got, want)
	}
}

func (p *plain) expectEnd() {
	p.tb.Helper()
	if err := p.stream.RecvMsg(dynamicpb.NewMessage(p.typ)); !errors.Is(err, io.EOF) {
		p.tb.Fatalf("the stream ended with %v, want OK and no chunk more", err)
	}
}

func TestPlainClientGetsEveryChunkBack(t *testing.T) {
	t.Parallel()
	p := dialPlain(t, servertest.Start(t, servertest.Options{}), "plain")
	for i, size := range []int{1, 3, 0, 1919, 3840, 7, 2} {
		m := p.chunk(bytes.Repeat([]byte{byte(i + 1)}, size), i > 3)
		p.send(m)
		p.expect(m)
	}
	if err := p.stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	p.expectEnd()
}

func TestPlainClientMayBlast500Chunks(t *testing.T) {
	t.Parallel()
	p := dialPlain(t, servertest.Start(t, servertest.Options{}), "blast")
	chunks := make([]proto.Message, 500)
	for i := range chunks {
		chunks[i] = p.chunk(bytes.Repeat([]byte{byte(i), byte(i >> 8)}, 1+i%1000), false)
	}
	sent := make(chan error, 1)
	go func() {
		for _, m := range chunks {
			if err := p.stream.SendMsg(m); err != nil {
				sent <- err
				return
			}
		}
		sent <- p.stream.CloseSend()
	}()
	for _, m := range chunks {
		p.expect(m)
	}
	p.expectEnd()
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
}

func TestPlainClientHangingUpAtOnceGetsItsChunk(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{})
	for i := range 20 {
		p := dialPlain(t, s, name(i))
		m := p.chunk([]byte("odd"), false)
		p.send(m)
		if err := p.stream.CloseSend(); err != nil {
			t.Fatal(err)
		}
		p.expect(m)
		p.expectEnd()
	}
}
