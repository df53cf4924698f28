package proxy

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// accept takes clients until the proxy is closed.
func (p *Proxy) accept() {
	for {
		conn, err := p.lis.Accept()
		if err != nil {
			return // closed
		}
		p.relays.Go(func() { p.serve(conn.(*net.TCPConn)) })
	}
}

// serve relays one client's connection to its end.
func (p *Proxy) serve(client *net.TCPConn) {
	defer func() { _ = client.Close() }()
	conn, err := p.connect()
	if err != nil {
		_ = client.SetLinger(0) // the client sees that nobody is there
		return
	}
	server := conn.(*net.TCPConn)
	defer func() { _ = server.Close() }()
	c := &pair{
		ends: [2]*net.TCPConn{Up: client, Down: server},
		over: [2]chan struct{}{make(chan struct{}), make(chan struct{})},
	}
	if !p.add(c) {
		return
	}
	var both sync.WaitGroup
	for _, d := range []Direction{Up, Down} {
		both.Go(func() { p.relay(c, d) })
	}
	both.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

// add takes a connection in, unless the proxy is closing.
func (p *Proxy) add(c *pair) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.isClosed() {
		return false
	}
	p.conns[c] = struct{}{}
	return true
}

// relay moves bytes in one direction until its end, and passes that on.
func (p *Proxy) relay(c *pair, d Direction) {
	buf := make([]byte, BufferSize)
	for p.flows(c, d) {
		n, err := c.from(d).Read(buf)
		if n > 0 {
			// It may have been paused since; then these bytes wait here.
			if !p.flows(c, d) {
				return
			}
			p.count(d, n) // before whoever reads them can ask
			if _, werr := c.to(d).Write(buf[:n]); werr != nil {
				err = werr
			}
		}
		switch {
		case err == nil, errors.Is(err, os.ErrDeadlineExceeded):
		case !p.flows(c, d):
			return
		case errors.Is(err, io.EOF):
			_ = c.to(d).CloseWrite() // nobody is left to tell
			return
		default:
			for _, end := range c.ends {
				_ = end.SetLinger(0)
				_ = end.Close()
			}
			return
		}
	}
}

// flows waits while the direction is paused and reports whether it goes on. Of a
// connection with a broken end it keeps the other one open.
func (p *Proxy) flows(c *pair, d Direction) bool {
	for {
		p.mu.Lock()
		paused, broken, cut := p.ways[d].paused, c.broken, c.cut[d]
		p.mu.Unlock()
		switch {
		case broken:
			<-p.closed
			return false
		case cut || p.isClosed():
			return false
		case paused == nil:
			return true
		}
		select {
		case <-paused:
		case <-p.closed:
		case <-c.over[d]:
		}
	}
}

func (p *Proxy) isClosed() bool {
	select {
	case <-p.closed:
		return true
	default:
		return false
	}
}

// count notes bytes that pass.
func (p *Proxy) count(d Direction, n int) {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	w := &p.ways[d]
	w.passed += uint64(n)
	if w.first.IsZero() {
		w.first = now
	}
}
