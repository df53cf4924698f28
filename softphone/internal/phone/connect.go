package phone

import (
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"callcenter/api/socket"
	"callcenter/api/wire"
)

const (
	// Static windows: estimating the bandwidth costs a ping for every chunk.
	streamWindow     = 65535
	connectionWindow = 1 << 20

	connectLimit     = 3 * time.Second
	keepaliveTime    = 10 * time.Second // the least that gRPC allows
	keepaliveTimeout = 5 * time.Second
)

// Connect returns a connection for one call to a server on a trusted network.
// It connects when first used.
func Connect(server string) (*grpc.ClientConn, error) {
	return grpc.NewClient(server,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(socket.Dial), // which goes through no proxy
		grpc.WithStaticStreamWindowSize(streamWindow),
		grpc.WithStaticConnWindowSize(connectionWindow),
		grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(wire.MaxMessage),
			grpc.MaxCallSendMsgSize(wire.MaxMessage),
		),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.DefaultConfig, MinConnectTimeout: connectLimit}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: keepaliveTime, Timeout: keepaliveTimeout}),
	)
}
