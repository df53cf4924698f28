package certs

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime"
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

	// turnLimit is how long a handshake may wait to compute.
	turnLimit = 5 * time.Second

	// Until this limit, and so much, a refused peer may still send: closing with
	// something unread would reset the connection, and the peer would not read why.
	lingerTime  = time.Second
	lingerBytes = 64 << 10

	// reasonLength bounds a line of the log: names in a peer's certificate are in it.
	reasonLength = 300
)

// Credentials are what gRPC serves with.
func (s *Store) Credentials() credentials.TransportCredentials {
	return &handshakes{
		TransportCredentials: credentials.NewTLS(s.TLS()),
		refusals:             &refusals{log: s.log},
		turns:                make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)),
	}
}

// handshakes are gRPC's own, of which only a few compute at a time, and of which a
// peer that is refused and the log are told why.
type handshakes struct {
	credentials.TransportCredentials
	refusals *refusals
	turns    chan struct{} // as many as there are in it compute
}

func (h *handshakes) Clone() credentials.TransportCredentials {
	return &handshakes{h.TransportCredentials.Clone(), h.refusals, h.turns}
}

// ServerHandshake lasts as long as gRPC's limit for it, which is the connection's
// deadline.
func (h *handshakes) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	held := &heldConn{Conn: conn, turns: h.turns}
	secured, info, err := h.TransportCredentials.ServerHandshake(held)
	held.endTurn()
	held.done.Store(true)
	if err == nil {
		return secured, info, nil
	}
	h.refusals.add(conn.RemoteAddr().String(), err, time.Now())
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		linger(conn)
	}
	_ = conn.Close() // the peer may have
	return nil, nil, err
}

// heldConn is a connection in its handshake. That has a turn from when something
// was read until it reads or writes again, which is when it computes: a thousand
// that begin at once, for half a millisecond each, do not come between the calls.
// And it stays open when the handshake fails, which closes it at once.
type heldConn struct {
	net.Conn
	done atomic.Bool // the handshake is; before, one goroutine has the connection

	turns chan struct{}
	turn  bool
}

func (c *heldConn) Read(b []byte) (int, error) {
	if c.done.Load() {
		return c.Conn.Read(b)
	}
	c.endTurn()
	n, err := c.Conn.Read(b)
	if err == nil {
		err = c.awaitTurn()
	}
	return n, err
}

func (c *heldConn) Write(b []byte) (int, error) {
	if !c.done.Load() {
		c.endTurn()
	}
	return c.Conn.Write(b)
}

func (c *heldConn) Close() error {
	if !c.done.Load() {
		return nil
	}
	return c.Conn.Close()
}

func (c *heldConn) awaitTurn() error {
	select {
	case c.turns <- struct{}{}:
		c.turn = true
		return nil
	default:
	}
	limit := time.NewTimer(turnLimit)
	defer limit.Stop()
	select {
	case c.turns <- struct{}{}:
		c.turn = true
		return nil
	case <-limit.C:
		return fmt.Errorf("too many handshakes at a time: %w", os.ErrDeadlineExceeded)
	}
}

func (c *heldConn) endTurn() {
	if c.turn {
		c.turn = false
		<-c.turns
	}
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
