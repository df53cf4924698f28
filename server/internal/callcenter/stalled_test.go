package callcenter

import (
	"encoding/binary"
	"fmt"
	"net"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"callcenter/api"
)

// http2 is a frame of HTTP/2.
func http2(kind, flags byte, stream uint32, payload []byte) []byte {
	n := len(payload)
	f := []byte{byte(n >> 16), byte(n >> 8), byte(n), kind, flags}
	return append(binary.BigEndian.AppendUint32(f, stream), payload...)
}

// liveCall is what a client says that opens a call and then nothing more: hello,
// a header block without compression, and the first chunk.
func liveCall(tb testing.TB, c *api.AudioChunk) []byte {
	tb.Helper()
	var block []byte
	for _, s := range []string{
		":method", "POST", ":scheme", "http", ":path", api.CallCenter_LiveCall_FullMethodName,
		":authority", "x", "content-type", "application/grpc", "te", "trailers",
	} {
		if s == ":method" || s == ":scheme" || s == ":path" || s == ":authority" || s == "content-type" || s == "te" {
			block = append(block, 0) // literal, not indexed
		}
		block = append(append(block, byte(len(s))), s...)
	}
	msg, err := proto.Marshal(c)
	if err != nil {
		tb.Fatal(err)
	}
	data := append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(msg))), msg...)
	return append(append([]byte(hello), http2(1, 4, 1, block)...), http2(0, 0, 1, data)...)
}

func BenchmarkStalledReader(b *testing.B) {
	for _, codec := range []string{"opus", "pcm"} {
		b.Run(codec, func(b *testing.B) { stalledReaders(b, codec) })
	}
}

// stalledReaders opens b.N calls to a tone whose callers never read, and
// reports what each costs once the server sends none of them any more.
func stalledReaders(b *testing.B, codec string) {
	b.Helper()
	accepting, address := socketServer(b, testConfig())
	var conns []net.Conn
	defer func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}()
	memory := held()
	for i := range b.N {
		c, err := net.Dial("tcp", address)
		if err != nil {
			b.Fatal(err)
		}
		conns = append(conns, c)
		opening := extendedOpening("tone")
		opening.CallId, opening.Codec = fmt.Sprint("stalled ", i), codec
		if _, err := c.Write(liveCall(b, opening)); err != nil {
			b.Fatal(err)
		}
	}
	<-time.After(2 * time.Second) // far longer than it takes to fill all there is
	calls := accepting.gate.Streams()
	if calls == 0 { // the kernel gives them up after keepaliveTimeout
		b.Fatal("it took too long to open them")
	}
	b.ReportMetric(float64(held()-memory)/float64(calls), "B/call")
}
