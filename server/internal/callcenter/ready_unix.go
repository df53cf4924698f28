//go:build unix

package callcenter

import (
	"io"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc/mem"
)

// readyConn is a metered socket of plain text. gRPC lends it a buffer only when
// there is something to read, so that a connection on which nothing comes holds
// none: gRPC does so itself for a bare *net.TCPConn alone.
type readyConn struct {
	*meteredConn
	socket syscall.RawConn
	try    func(fd uintptr) bool // made once

	// Of the read under way.
	size int
	pool mem.BufferPool
	buf  *[]byte
	n    int
	err  error
}

// ready returns what gRPC reads a socket of plain text from.
func ready(m *meteredConn, tcp *net.TCPConn) net.Conn {
	socket, err := tcp.SyscallConn()
	if err != nil {
		return m
	}
	r := &readyConn{meteredConn: m, socket: socket}
	r.try = r.tryRead
	return r
}

// ReadOnReady waits until something is there, and reads it into a buffer of the
// pool, which the caller gives back. gRPC asks for it by this name.
func (r *readyConn) ReadOnReady(size int, pool mem.BufferPool) (*[]byte, int, error) {
	r.size, r.pool = size, pool
	err := r.socket.Read(r.try)
	buf, n := r.buf, r.n
	if err == nil {
		err = r.err
	}
	r.pool, r.buf, r.n, r.err = nil, nil, 0, nil
	switch {
	case err == nil && n == 0:
		err = io.EOF
	case err == nil:
		err = r.count((*buf)[:n])
	}
	if err != nil && buf != nil {
		pool.Put(buf)
		return nil, 0, err
	}
	return buf, n, err
}

// tryRead reports whether there was something to read, if only an error.
func (r *readyConn) tryRead(fd uintptr) bool {
	r.buf = r.pool.Get(r.size)
	for {
		r.n, r.err = unix.Read(int(fd), *r.buf)
		if r.err != unix.EINTR { //nolint:errorlint // the kernel's own
			break
		}
	}
	if r.err == nil {
		return true
	}
	r.n = 0
	r.pool.Put(r.buf)
	r.buf = nil
	return r.err != unix.EAGAIN //nolint:errorlint // the kernel's own
}
