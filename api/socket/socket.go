// Package socket makes the TCP connection of a call keep little in the kernel,
// where nobody can drop what has become old. The softphone connects with Dial, and
// its connections stay a *net.TCPConn, on which gRPC sets TCP_USER_TIMEOUT from its
// keepalive. The server hands accepted connections to Tune, and to GiveUp, since it
// wraps them. Small writes leave at once: TCP_NODELAY is Go's default.
//
// What it brings was measured as the frames of 80 bytes that gRPC's Send takes
// before it blocks, when the network stalls and the peer has small buffers: 1289
// (26 s of audio) without it, 942 with it. The rest is gRPC's own: 64 KiB of
// write quota and 64 KiB of HTTP/2 window for each stream, neither of which it
// lets become less. It is the acknowledgement window of audio/sendq that bounds
// a call to a fraction of a second; this bounds peers that do not acknowledge.
//
// Outside Linux all of them leave the kernel's settings as they are. They may
// be called from any goroutine.
package socket

import (
	"context"
	"net"
	"time"
)

const (
	// notSent is the most that waits in the kernel without having been sent, in
	// bytes, before a write waits (TCP_NOTSENT_LOWAT).
	notSent = 4 << 10
	// sendBuffer keeps the kernel from growing what is on its way to megabytes,
	// in bytes. It must not throttle: 48 kHz stereo PCM needs 58 KB in a round
	// trip of 300 ms.
	sendBuffer = 64 << 10
)

// Dial connects to an address, "HOST:PORT", for grpc.WithContextDialer.
func Dial(ctx context.Context, address string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	Tune(conn)
	return conn, nil
}

// Tune sets a connection's options, if it is one of TCP. Where the kernel
// refuses one, the call is no worse than without it.
func Tune(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		tune(tcp)
	}
}

// GiveUp makes the kernel end a connection whose peer has not acknowledged what was
// sent for that long (TCP_USER_TIMEOUT), if it is one of TCP.
func GiveUp(conn net.Conn, after time.Duration) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		giveUp(tcp, after)
	}
}
