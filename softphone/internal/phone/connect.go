package phone

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"

	"callcenter/api/wire"
	"callcenter/softphone/internal/call"
)

const (
	// Static windows: estimating the bandwidth costs a ping for every chunk.
	streamWindow     = 65535
	connectionWindow = 1 << 20
	// readBuffer holds dozens of chunks. gRPC's own, 32 KiB, is shared only by
	// sockets that nothing is wrapped around.
	readBuffer = 8 << 10

	connectLimit     = 3 * time.Second
	keepaliveTime    = 10 * time.Second // the least that gRPC allows
	keepaliveTimeout = 5 * time.Second
)

// Connect returns a connection for one stream to a server on a trusted network, in
// plain text. It connects when first used. Access connects elsewhere.
func Connect(server string) (call.Conn, error) {
	return ConnectVia(nil)(server)
}

// ConnectVia is Connect over sockets that dial makes; nil: those of Access.
func ConnectVia(dial func(ctx context.Context, address string) (net.Conn, error)) func(server string) (call.Conn, error) {
	return (&Access{Encrypt: EncryptNever, Dial: dial, trusted: true}).Connect
}

// connection is a gRPC connection that closes its sockets first: gRPC waits five
// seconds for a farewell to leave, which over a dead network none does.
type connection struct {
	*grpc.ClientConn
	findings
	access *Access
	server string
	dial   func(ctx context.Context, address string) (net.Conn, error)

	mu      sync.Mutex
	sockets []net.Conn
	closed  bool
}

// open makes the gRPC connection. A server is an address, whatever scheme of gRPC's
// it looks like.
func (c *connection) open(secure credentials.TransportCredentials, who credentials.PerRPCCredentials) (_ call.Conn, err error) {
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(secure),
		grpc.WithContextDialer(c.connect),
		grpc.WithStaticStreamWindowSize(streamWindow),
		grpc.WithStaticConnWindowSize(connectionWindow),
		grpc.WithReadBufferSize(readBuffer),
		grpc.WithDisableServiceConfig(), // whoever answers for a name does not decide how calls are made
		grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(wire.MaxMessage),
			grpc.MaxCallSendMsgSize(wire.MaxMessage),
		),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.DefaultConfig, MinConnectTimeout: connectLimit}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: keepaliveTime, Timeout: keepaliveTimeout}),
	}
	if c.access.Token.Given() {
		options = append(options, grpc.WithPerRPCCredentials(who))
	}
	if c.ClientConn, err = grpc.NewClient("dns:///"+c.server, options...); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *connection) connect(ctx context.Context, address string) (net.Conn, error) {
	socket, err := c.dial(ctx, address)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errors.Join(net.ErrClosed, socket.Close())
	}
	c.sockets = append(c.sockets, socket)
	return socket, nil
}

// Close ends the connection without a word.
func (c *connection) Close() error {
	c.mu.Lock()
	c.closed = true
	for _, s := range c.sockets {
		_ = s.Close() // gRPC finds it closed
	}
	c.mu.Unlock()
	return c.ClientConn.Close()
}
