package callcenter_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/audio"
	"callcenter/server/internal/admission"
	"callcenter/server/servertest"
)

// street is a server with a gate in memory, on a clock that jumps, whose clients
// live at addresses.
type street struct {
	*bubble
	gate *admission.Gate
	lis  *addressed
}

// addressed is a listener whose connections come from where the test says.
type addressed struct {
	*bufconn.Listener
	from chan net.Addr
}

// located is a connection with an address.
type located struct {
	net.Conn
	peer net.Addr
}

func (l located) RemoteAddr() net.Addr { return l.peer }

func (a *addressed) Accept() (net.Conn, error) {
	conn, err := a.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return located{conn, <-a.from}, nil
}

// dialFrom connects from an address.
func (a *addressed) dialFrom(ctx context.Context, address string) (net.Conn, error) {
	a.from <- net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(address), 1))
	return a.DialContext(ctx)
}

func onStreet(t *testing.T, l admission.Limits, run func(s *street)) {
	t.Helper()
	onStreetWith(t, nil, l, run)
}

// onStreetWith is onStreet with keys, nil where nobody is asked.
func onStreetWith(t *testing.T, keys *servertest.Keys, l admission.Limits, run func(s *street)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &street{bubble: &bubble{T: t, logs: &logs{}, clock: audio.NewClock()}, gate: admission.New(l)}
		s.lis = &addressed{Listener: bufconn.Listen(64 << 10), from: make(chan net.Addr, 1)}
		s.server = servertest.Start(t, servertest.Options{Listener: s.lis, Clock: s.clock, Log: s.logger(), Gate: s.gate, Keys: keys})
		run(s)
	})
}

// conn returns a gRPC connection from an address.
func (s *street) conn(address string) *grpc.ClientConn {
	s.Helper()
	conn, err := grpc.NewClient("passthrough:"+address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(s.lis.dialFrom),
		grpc.WithStaticStreamWindowSize(65535), grpc.WithStaticConnWindowSize(1<<20))
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = conn.Close() }) // the test may have closed it
	return conn
}

// dialFrom sends a call's first chunk from an address.
func (s *street) dialFrom(address string, c *api.AudioChunk) *client {
	s.Helper()
	return s.dialOver(s.conn(address), c)
}

// dialOver sends a call's first chunk over a connection.
func (s *street) dialOver(conn *grpc.ClientConn, c *api.AudioChunk) *client {
	s.Helper()
	ctx, cancel := context.WithCancel(s.Context())
	s.Cleanup(cancel)
	stream, err := api.NewCallCenterClient(conn).LiveCall(ctx)
	if err != nil {
		s.Fatal(err)
	}
	cl := &client{tb: s.T, stream: stream, cancel: cancel, link: wire.NewLink(s.clock()), clock: s.clock}
	cl.send(c)
	return cl
}

// callFrom opens a call from an address and waits for its answer.
func (s *street) callFrom(address string, c *api.AudioChunk) *client {
	s.Helper()
	cl := s.dialFrom(address, c)
	if got := cl.recv(); got.GetEvent().GetKind() != api.Event_KIND_ANSWERED {
		s.Fatalf("the first chunk is %v, want an answer", got)
	}
	return cl
}

// raw is a client that says what no gRPC client would.
type raw struct {
	net.Conn
	ended chan struct{} // closed when the server has closed the connection
}

// The frames of HTTP/2 that the tests send.
const (
	frameData         = 0
	frameHeaders      = 1
	frameReset        = 3
	frameSettings     = 4
	framePing         = 6
	frameContinuation = 9

	endHeaders = 4
)

// rawFrom connects from an address, without a word.
func (s *street) rawFrom(address string) *raw {
	s.Helper()
	conn, err := s.lis.dialFrom(s.Context(), address)
	if err != nil {
		s.Fatal(err)
	}
	r := &raw{Conn: conn, ended: make(chan struct{})}
	go func() {
		defer close(r.ended)
		_, _ = io.Copy(io.Discard, conn) // until it is closed
	}()
	s.Cleanup(func() {
		_ = conn.Close()
		<-r.ended
	})
	return r
}

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// greet says what begins a connection.
func (r *raw) greet() *raw {
	_, _ = r.Write(append([]byte(preface), rawFrame(frameSettings, 0, 0, nil)...)) // ended says how that went
	return r
}

// isOpen reports that the server has not closed the connection.
func (r *raw) isOpen() bool {
	synctest.Wait()
	select {
	case <-r.ended:
		return false
	default:
		return true
	}
}

// flood sends frames until the connection ends, most at most, and returns how many.
func (r *raw) flood(most int, next func(i int) []byte) int {
	for i := range most {
		if _, err := r.Write(next(i)); err != nil {
			return i
		}
	}
	return most
}

func rawFrame(kind, flags byte, stream uint32, payload []byte) []byte {
	n := len(payload)
	f := []byte{byte(n >> 16), byte(n >> 8), byte(n), kind, flags}
	return append(binary.BigEndian.AppendUint32(f, stream), payload...)
}

// rawHeaders is the header block of an RPC, literal and not indexed (RFC 7541,
// section 6.2.2), with more fields.
func rawHeaders(path string, more ...string) (block []byte) {
	fields := append([]string{
		":method", "POST", ":scheme", "http", ":path", path, ":authority", "x",
		"content-type", "application/grpc", "te", "trailers",
	}, more...)
	for i, s := range fields {
		if i%2 == 0 {
			block = append(block, 0)
		}
		if len(s) < 127 {
			block = append(block, byte(len(s)))
		} else {
			block = append(block, 127)
			n := len(s) - 127
			for ; n >= 128; n >>= 7 {
				block = append(block, byte(n)|128)
			}
			block = append(block, byte(n))
		}
		block = append(block, s...)
	}
	return block
}

const liveCall = "/callcenter.CallCenter/LiveCall"

// retryAfter returns when a status says to try again, 0 if it does not.
func retryAfter(st *status.Status) time.Duration {
	for _, d := range st.Details() {
		if r, ok := d.(*errdetails.RetryInfo); ok {
			return r.GetRetryDelay().AsDuration()
		}
	}
	return 0
}
