package callcenter

import (
	"net"
	"sync"
	"time"

	"callcenter/api/socket"
)

// listener remembers the connections that may still be in their handshake:
// gRPC waits for those when it stops, and one that never says a word would hold
// up the end of the server for the whole handshakeLimit.
type listener struct {
	net.Listener

	mu     sync.Mutex
	recent []accepted // oldest first, of the last handshakeLimit
}

type accepted struct {
	conn net.Conn
	at   time.Time
}

// Accept tunes connections and hands them on as they are: gRPC sets options on a
// *net.TCPConn.
func (l *listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	socket.Tune(conn)
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	old := 0
	for old < len(l.recent) && now.Sub(l.recent[old].at) > handshakeLimit {
		old++
	}
	l.recent = append(append(l.recent[:0], l.recent[old:]...), accepted{conn, now})
	return conn, nil
}

// cut closes the listener and the connections that it remembers.
func (l *listener) cut() {
	_ = l.Close() // it may be closed already
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.recent {
		_ = a.conn.Close() // so may this
	}
	l.recent = nil
}
