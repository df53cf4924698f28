package certs

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/credentials"
)

const (
	// refusalsLogged is how many handshakes that came to nothing the log tells of
	// in refusalWindow; the others are counted.
	refusalsLogged = 10
	refusalWindow  = time.Minute

	// Until this limit, and so much, a refused peer may still send: closing with
	// something unread would reset the connection, and the peer would not read why.
	lingerTime  = time.Second
	lingerBytes = 64 << 10

	// reasonLength bounds a line of the log: names in a peer's certificate are in it.
	reasonLength = 300
)

// Credentials are what gRPC serves with.
func (s *Store) Credentials() credentials.TransportCredentials {
	return &handshakes{TransportCredentials: credentials.NewTLS(s.TLS()), refusals: &refusals{log: s.log}}
}

// handshakes are gRPC's own, with a peer that is refused told why, and the log.
type handshakes struct {
	credentials.TransportCredentials
	refusals *refusals
}

func (h *handshakes) Clone() credentials.TransportCredentials {
	return &handshakes{h.TransportCredentials.Clone(), h.refusals}
}

// ServerHandshake lasts as long as gRPC's limit for it, which is the connection's
// deadline.
func (h *handshakes) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	held := &heldConn{Conn: conn}
	secured, info, err := h.TransportCredentials.ServerHandshake(held)
	held.free.Store(true)
	if err != nil {
		h.refusals.add(conn.RemoteAddr().String(), err, time.Now())
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			linger(conn)
		}
		_ = conn.Close() // the peer may have
		return nil, nil, err
	}
	return secured, info, nil
}

// heldConn stays open until it is free: a handshake that fails closes at once.
type heldConn struct {
	net.Conn
	free atomic.Bool
}

func (c *heldConn) Close() error {
	if !c.free.Load() {
		return nil
	}
	return c.Conn.Close()
}

// linger waits until what was sent last has arrived.
func linger(conn net.Conn) {
	if half, ok := conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		_ = conn.SetReadDeadline(time.Now().Add(lingerTime))          // if it cannot be set, it is closed
		_, _ = io.Copy(io.Discard, io.LimitReader(conn, lingerBytes)) // whatever it is
	}
}

// refusals bounds what the log tells of handshakes.
type refusals struct {
	log *slog.Logger

	mu      sync.Mutex
	began   time.Time // of the window
	logged  int
	leftOut int
}

func (r *refusals) add(peer string, reason error, now time.Time) {
	if errors.Is(reason, io.EOF) {
		r.log.Debug("handshake", "peer", peer, "reason", "it went away") // a probe of the port, for instance
		return
	}
	r.mu.Lock()
	if now.Sub(r.began) >= refusalWindow {
		r.began, r.logged = now, 0
	}
	if r.logged == refusalsLogged {
		r.leftOut++
		r.mu.Unlock()
		return
	}
	leftOut := r.leftOut
	r.leftOut = 0
	r.logged++
	r.mu.Unlock()
	args := []any{"peer", peer, "reason", fmt.Sprintf("%.*s", reasonLength, reason.Error())}
	if leftOut > 0 {
		args = append(args, "left_out", leftOut)
	}
	r.log.Warn("handshake refused", args...)
}
