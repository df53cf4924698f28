package callcenter

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/peer"

	"callcenter/api/socket"
	"callcenter/server/internal/admission"
)

// listener lets connections in as the gate allows, and remembers them: gRPC waits
// for those in their handshake when it stops, and one that never says a word would
// hold up the end of the server for the whole handshakeLimit.
type listener struct {
	net.Listener
	gate *admission.Gate

	mu   sync.Mutex
	open map[*conn]struct{}
}

func newListener(lis net.Listener, gate *admission.Gate) *listener {
	return &listener{Listener: lis, gate: gate, open: make(map[*conn]struct{})}
}

// Accept returns the next connection that the gate lets in, and closes those that
// it does not.
func (l *listener) Accept() (net.Conn, error) {
	for {
		raw, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &conn{Conn: raw, lis: l, gone: make(chan struct{})}
		c.remote = &remote{Addr: raw.RemoteAddr(), conn: c}
		if c.place, err = l.gate.Connect(raw.RemoteAddr(), time.Now(), c.cut); err != nil {
			c.cut()
			continue
		}
		socket.Tune(raw)
		socket.GiveUp(raw, keepaliveTimeout)
		l.mu.Lock()
		l.open[c] = struct{}{}
		l.mu.Unlock()
		return c, nil
	}
}

// cut closes the listener and its connections.
func (l *listener) cut() {
	_ = l.Close() // it may be closed already
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.open {
		c.leave()
		_ = c.Conn.Close() // so may this
	}
}

// conn is a connection that the gate let in. gRPC closes it in all cases. It is no
// *net.TCPConn, on which gRPC would set the one option that Accept sets.
type conn struct {
	net.Conn
	lis    *listener
	remote *remote
	place  *admission.Conn
	once   sync.Once
	gone   chan struct{} // closed with it
}

// remote is a peer's address, by which an RPC finds its connection.
type remote struct {
	net.Addr
	conn *conn
}

// RemoteAddr returns an address from which connOf gets the connection.
func (c *conn) RemoteAddr() net.Addr { return c.remote }

// Close closes the connection and gives its place back.
func (c *conn) Close() error {
	c.leave()
	c.place.Close()
	c.lis.mu.Lock()
	delete(c.lis.open, c)
	c.lis.mu.Unlock()
	return c.Conn.Close()
}

// CloseWrite ends what is sent, for a last word that is read to its end.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Close()
}

// cut closes the connection without a goodbye that the kernel would have to keep.
func (c *conn) cut() {
	c.leave()
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // it is closed in any case
	}
	_ = c.Conn.Close() // it may be closed already
}

func (c *conn) leave() { c.once.Do(func() { close(c.gone) }) }

// await waits for the connection's turn to talk.
func (c *conn) await() error {
	wait := time.Until(c.place.Turn())
	if wait <= 0 {
		return nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-c.gone:
		return net.ErrClosed
	}
}

// connOf returns the place of the connection that carries an RPC, nil if it is not
// one of a listener here.
func connOf(ctx context.Context) *admission.Conn {
	if p, ok := peer.FromContext(ctx); ok {
		if r, ok := p.Addr.(*remote); ok {
			return r.conn.place
		}
	}
	return nil
}

var errFrames = errors.New("the peer sends too many frames without a message")

// metered are credentials whose connections are ended when they bring too many
// frames without a message.
type metered struct {
	credentials.TransportCredentials
	plain bool
}

// meteredBy returns credentials, which may be nil for plain text, with a meter.
func meteredBy(creds credentials.TransportCredentials) credentials.TransportCredentials {
	if creds == nil {
		return metered{TransportCredentials: insecure.NewCredentials(), plain: true}
	}
	return metered{TransportCredentials: creds}
}

// Clone implements credentials.TransportCredentials.
func (m metered) Clone() credentials.TransportCredentials {
	return metered{TransportCredentials: m.TransportCredentials.Clone(), plain: m.plain}
}

// ServerHandshake implements credentials.TransportCredentials.
func (m metered) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	secure, info := raw, credentials.AuthInfo(nil)
	c, ours := raw.(*conn)
	if ours {
		if err := c.await(); err != nil {
			return nil, nil, err
		}
	}
	if !m.plain {
		var err error
		if secure, info, err = m.TransportCredentials.ServerHandshake(raw); err != nil {
			return nil, nil, err
		}
	}
	if !ours {
		return secure, info, nil
	}
	streams := c.lis.gate.Limits().StreamsPerConnection
	counted := &meteredConn{Conn: secure, conn: c, meter: admission.NewMeter(time.Now(), streams)}
	if tcp, ok := c.Conn.(*net.TCPConn); ok && m.plain {
		return ready(counted, tcp), info, nil
	}
	return counted, info, nil
}

// meteredConn is what gRPC reads from.
type meteredConn struct {
	net.Conn
	conn  *conn
	meter *admission.Meter
}

// Read implements net.Conn.
func (m *meteredConn) Read(b []byte) (int, error) {
	n, err := m.Conn.Read(b)
	if cerr := m.count(b[:n]); cerr != nil {
		return 0, cerr
	}
	return n, err
}

// count looks at what was read, and returns an error if it is too much.
func (m *meteredConn) count(b []byte) error {
	if m.meter.Read(b, time.Now) {
		return nil
	}
	m.conn.lis.gate.Count(m.conn.place, admission.Frames)
	return errFrames
}
