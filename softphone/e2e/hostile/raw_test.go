package hostile

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"callcenter/api"
	"callcenter/audio"
)

const (
	liveCall    = "/callcenter.CallCenter/LiveCall"
	healthCheck = "/grpc.health.v1.Health/Check"

	mostFrame  = 16 << 10 // bytes of an HTTP/2 frame, unless a peer allows more
	mostWindow = 1<<31 - 1
	window     = 65535 // of a stream or a connection of which nothing else was said
)

// raw is an HTTP/2 connection that says what it is told to, also what gRPC's
// client would not. Its methods are safe for concurrent use, but for read, which
// one goroutine calls.
type raw struct {
	a    *attacker
	conn net.Conn

	mu      sync.Mutex // of all below
	changed *sync.Cond // credits or streams did
	out     bytes.Buffer
	to      *http2.Framer // out
	fields  bytes.Buffer
	encoder *hpack.Encoder
	last    uint32           // stream
	credit  map[uint32]int64 // that the server gave: of the connection, 0, and of streams there are
	initial int64            // of a new stream

	closed  atomic.Bool   // by us
	settled chan struct{} // closed when the server's first words were answered
}

func newRaw(a *attacker, conn net.Conn) *raw {
	r := &raw{a: a, conn: conn, credit: map[uint32]int64{0: window}, initial: window, settled: make(chan struct{})}
	r.changed = sync.NewCond(&r.mu)
	r.to = http2.NewFramer(&r.out, nil)
	r.to.AllowIllegalWrites = true
	r.encoder = hpack.NewEncoder(&r.fields)
	return r
}

// preface is what a connection begins with: how much the server may send on each
// stream, before it is asked to go on.
func preface(streamWindow uint32) []byte {
	var b bytes.Buffer
	b.WriteString(http2.ClientPreface)
	to := http2.NewFramer(&b, nil)
	_ = to.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: streamWindow}) // into memory
	_ = to.WriteWindowUpdate(0, mostWindow-window)
	return b.Bytes()
}

// begin sends the preface.
func (r *raw) begin(streamWindow uint32) error {
	_, err := r.conn.Write(preface(streamWindow))
	return err
}

// write sends what fill puts into the framer.
func (r *raw) write(fill func(to *http2.Framer) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.writeLocked(fill)
}

func (r *raw) writeLocked(fill func(to *http2.Framer) error) error {
	if err := fill(r.to); err != nil {
		return err
	}
	_, err := r.conn.Write(r.out.Bytes())
	r.out.Reset()
	return err
}

// headersLocked puts the headers of a new stream into the framer.
func (r *raw) headersLocked(path string, end bool) (stream uint32, err error) {
	r.fields.Reset()
	all := []hpack.HeaderField{
		{Name: ":method", Value: "POST"},
		{Name: ":scheme", Value: "http"},
		{Name: ":path", Value: path},
		{Name: ":authority", Value: "server"},
		{Name: "content-type", Value: "application/grpc"},
		{Name: "te", Value: "trailers"},
	}
	if r.a.token != "" {
		all = append(all, hpack.HeaderField{Name: "authorization", Value: "Bearer " + r.a.token, Sensitive: true})
	}
	for _, f := range all {
		if err := r.encoder.WriteField(f); err != nil {
			return 0, err
		}
	}
	r.next()
	r.credit[r.last] = r.initial
	return r.last, r.to.WriteHeaders(http2.HeadersFrameParam{StreamID: r.last, BlockFragment: r.fields.Bytes(), EndHeaders: true, EndStream: end})
}

// next numbers a stream.
func (r *raw) next() uint32 {
	if r.last == 0 {
		r.last = 1
	} else {
		r.last += 2
	}
	return r.last
}

// open begins a stream, with a message if there is one.
func (r *raw) open(path string, end bool, message []byte) (stream uint32, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return stream, r.writeLocked(func(to *http2.Framer) error {
		if stream, err = r.headersLocked(path, end && message == nil); err != nil || message == nil {
			return err
		}
		r.credit[0] -= int64(len(message))
		r.credit[stream] -= int64(len(message))
		return to.WriteData(stream, end, message)
	})
}

var errStreamOver = errors.New("the server ended the stream")

// send sends data as the windows allow, and waits for them. It fails when the
// stream or the connection is over.
func (r *raw) send(stream uint32, data []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(data) > 0 {
		credit, there := r.credit[stream]
		switch n := min(int64(len(data)), mostFrame, credit, r.credit[0]); {
		case r.closed.Load():
			return net.ErrClosed
		case !there:
			return errStreamOver
		case n <= 0:
			r.changed.Wait()
		default:
			r.credit[0] -= n
			r.credit[stream] -= n
			if err := r.writeLocked(func(to *http2.Framer) error { return to.WriteData(stream, false, data[:n]) }); err != nil {
				return err
			}
			data = data[n:]
		}
	}
	return nil
}

// streams is how many there are.
func (r *raw) streams() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.credit) - 1
}

// close ends the connection and all that waits for it.
func (r *raw) close() {
	r.closed.Store(true)
	_ = r.conn.Close() // it may be closed already
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changed.Broadcast()
}

// read does what a client does with what comes, and counts what the server
// refuses, until the connection ends. Then it closes it.
func (r *raw) read() {
	defer r.close()
	from := http2.NewFramer(nil, r.conn)
	from.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	for {
		frame, err := from.ReadFrame()
		if err != nil {
			r.over()
			return
		}
		r.mu.Lock()
		err = r.takeLocked(frame)
		r.changed.Broadcast()
		r.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// over counts a connection that the server ended.
func (r *raw) over() {
	if !r.closed.Load() {
		r.a.heard("closed")
	}
}

func (r *raw) takeLocked(frame http2.Frame) error {
	switch f := frame.(type) {
	case *http2.SettingsFrame:
		if f.IsAck() {
			return nil
		}
		if v, ok := f.Value(http2.SettingInitialWindowSize); ok {
			r.initial = int64(v)
		}
		select {
		case <-r.settled:
		default:
			defer close(r.settled)
		}
		return r.writeLocked(func(to *http2.Framer) error { return to.WriteSettingsAck() })
	case *http2.PingFrame:
		if f.IsAck() {
			return nil
		}
		return r.writeLocked(func(to *http2.Framer) error { return to.WritePing(true, f.Data) })
	case *http2.WindowUpdateFrame:
		if _, there := r.credit[f.StreamID]; there {
			r.credit[f.StreamID] += int64(f.Increment)
		}
	case *http2.MetaHeadersFrame:
		if f.StreamEnded() {
			r.a.heard(status(f))
			delete(r.credit, f.StreamID)
		}
	case *http2.RSTStreamFrame:
		r.a.heard(f.ErrCode.String())
		delete(r.credit, f.StreamID)
	case *http2.GoAwayFrame:
		r.a.heard(fmt.Sprintf("GOAWAY %v %.40s", f.ErrCode, f.DebugData()))
	}
	return nil
}

// status is what gRPC says in a trailer.
func status(f *http2.MetaHeadersFrame) string {
	for _, field := range f.Fields {
		var code codes.Code
		if field.Name == "grpc-status" && code.UnmarshalJSON([]byte(field.Value)) == nil {
			return code.String()
		}
	}
	return "a trailer without a status"
}

// message is a chunk as gRPC sends it: the length goes before.
func message(c *api.AudioChunk) []byte {
	data, err := proto.MarshalOptions{}.MarshalAppend(make([]byte, 5), c)
	if err != nil {
		panic(err) // a chunk of ours has nothing that cannot be sent
	}
	binary.BigEndian.PutUint32(data[1:], uint32(len(data)-5))
	return data
}

// opening begins a call to a destination.
func (a *attacker) opening(destination, codec string) []byte {
	who := newIdentity()
	c := &api.AudioChunk{
		CallId: who.id, SampleRate: audio.Rate, Channels: 1, Codec: codec, SentAt: 1,
		Setup: &api.Setup{Destination: destination, DisplayName: "hostile", Codecs: []string{codec}},
	}
	if a.resumable {
		c.Setup.ResumeToken = who.token
	}
	return message(c)
}

// until closes the connection when ctx ends.
func (r *raw) until(ctx context.Context) (stop func() bool) { return context.AfterFunc(ctx, r.close) }
