package callcenter

import (
	"errors"
	"fmt"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"callcenter/api"
)

// Four kilobytes may say two thousand things: unpacked that is 180 kB in two thousand
// pieces, and hundreds of times the work of a chunk of Opus. So what a chunk says is
// counted before it is unpacked, unless it is small.

const (
	// smallMessage is the size of a chunk that is not looked at, in bytes: one of Opus
	// with a report.
	smallMessage = 512
	// maxFields is the most that a chunk may say, lists and messages in it included: four
	// times an opening with a report.
	maxFields = 256
	// firstMessage is the number of the first field of a chunk that is a message.
	firstMessage = 16
)

var (
	errUnreadable = errors.New("the chunk cannot be read")
	errTalkative  = fmt.Errorf("%w: it has more than %d fields", errUnreadable, maxFields)
)

// inbox is the one chunk that a stream receives into. That a chunk cannot be read is
// the fault of its sender: it is no error of the codec, of which gRPC makes one of the
// server and ends the stream with it.
type inbox struct {
	*api.AudioChunk
	fault error
}

// read receives the next chunk into st.in.
func (st *stream) read() error {
	if err := st.rpc.RecvMsg(&st.inbox); err != nil {
		return err
	}
	return st.inbox.fault
}

// frugal is gRPC's codec of messages, for a server.
type frugal struct{ encoding.CodecV2 }

func newFrugal() encoding.CodecV2 { return frugal{encoding.GetCodecV2("proto")} }

// Unmarshal implements encoding.CodecV2.
func (f frugal) Unmarshal(data mem.BufferSlice, v any) error {
	in, ok := v.(*inbox)
	if !ok {
		return f.CodecV2.Unmarshal(data, v)
	}
	buf := data.MaterializeToBuffer(mem.DefaultBufferPool())
	defer buf.Free()
	in.fault = nil
	if buf.Len() > smallMessage && count(buf.ReadOnlyData(), true) > maxFields {
		in.fault = errTalkative
		return nil
	}
	if err := proto.Unmarshal(buf.ReadOnlyData(), in.AudioChunk); err != nil {
		in.fault = fmt.Errorf("%w: %w", errUnreadable, err)
	}
	return nil
}

// count returns how many fields a packed message has, if wanted with those of the
// messages in it. It goes as far as it can read: where that is not the end proto refuses
// the message.
func count(b []byte, deep bool) (fields int) {
	for len(b) > 0 && fields <= maxFields {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			break
		}
		size := protowire.ConsumeFieldValue(number, kind, b[n:])
		if size < 0 {
			break
		}
		fields++
		if deep && kind == protowire.BytesType && number >= firstMessage {
			inside, _ := protowire.ConsumeBytes(b[n:])
			fields += count(inside, false)
		}
		b = b[n+size:]
	}
	return fields
}
