// Package proxy stands between a client and a server and makes trouble: it can
// pause, cut and reset each direction of their TCP connections by itself. Tests
// of the call's link and of its faults use it, on loopback only; there is no
// code in it for the product.
//
// A paused direction is not read: what the sender goes on to send waits in
// kernel buffers, which are as small here as the kernel lets them be, and then
// in the sender. Nothing is lost or swallowed by a pause, and the proxy holds
// one buffer of BufferSize bytes for each direction of a connection.
//
// All methods are safe for concurrent use. Times are readings of time.Now.
package proxy

import (
	"context"
	"errors"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	// BufferSize is the most that the proxy holds of one direction of a
	// connection, in bytes.
	BufferSize = 2 << 10
	// kernelBuffer is asked of the kernel for each of its own buffers, in bytes.
	// It doubles this for its book-keeping.
	kernelBuffer = 4 << 10

	dialLimit = 5 * time.Second
)

// Direction is one way through the proxy.
type Direction int

// The directions.
const (
	Up   Direction = iota // from the client to the server
	Down                  // from the server to the client
)

func (d Direction) String() string {
	if d == Up {
		return "up"
	}
	return "down"
}

// Proxy relays every connection that it accepts to one server. Use Start.
type Proxy struct {
	// Addr is where clients connect to, "127.0.0.1:PORT".
	Addr string

	lis     net.Listener
	connect func() (net.Conn, error) // to the server
	closing context.CancelFunc
	closed  <-chan struct{}
	relays  sync.WaitGroup

	mu    sync.Mutex
	conns map[*pair]struct{}
	ways  [2]way
}

// way is the state of one direction, of all connections.
type way struct {
	paused chan struct{} // nil: it flows; closed by Resume
	passed uint64
	first  time.Time
}

// pair is a client's connection and the one to the server that belongs to it.
type pair struct {
	ends [2]*net.TCPConn // by the direction that is read from it

	// Under the proxy's mutex.
	over   [2]chan struct{} // by direction, closed when it was cut or an end reset
	cut    [2]bool
	broken bool // an end was reset
}

func (c *pair) from(d Direction) *net.TCPConn { return c.ends[d] }
func (c *pair) to(d Direction) *net.TCPConn   { return c.ends[1-d] }

// Options are how a proxy makes its sockets. Listen and Dial are where: each runs a
// function on a thread of its own, such as one in another network namespace. nil:
// where it is called.
type Options struct {
	Listen, Dial func(func())
	// Roomy leaves the kernel's buffers as large as they are. Where many
	// connections share a machine, small ones run
	// full without any pause, and then stand still for the kernel's timers.
	Roomy bool
}

// Start relays connections to a server on loopback until the test ends.
func Start(tb testing.TB, server string) *Proxy {
	tb.Helper()
	return StartAcross(tb, server, Options{})
}

// StartAcross is Start with sockets made as o says.
func StartAcross(tb testing.TB, server string, o Options) *Proxy {
	tb.Helper()
	here := func(do func()) { do() }
	if o.Listen == nil {
		o.Listen = here
	}
	if o.Dial == nil {
		o.Dial = here
	}
	ctx, cancel := context.WithCancel(context.Background())
	control := shrink
	if o.Roomy {
		control = nil
	}
	lc := net.ListenConfig{Control: control}
	var lis net.Listener
	var err error
	o.Listen(func() { lis, err = lc.Listen(ctx, "tcp", "127.0.0.1:0") })
	if err != nil {
		cancel()
		tb.Fatalf("listen for the proxy: %v", err)
	}
	p := &Proxy{
		Addr: lis.Addr().String(), lis: lis, closing: cancel, closed: ctx.Done(),
		conns: make(map[*pair]struct{}),
	}
	p.connect = func() (conn net.Conn, err error) {
		dialer := net.Dialer{Control: control, Timeout: dialLimit}
		o.Dial(func() { conn, err = dialer.DialContext(ctx, "tcp", server) })
		return conn, err
	}
	p.relays.Go(p.accept)
	tb.Cleanup(p.Close)
	return p
}

// shrink makes a socket's buffers small. Connections inherit them from the
// socket that accepts.
func shrink(_, _ string, raw syscall.RawConn) error {
	var err error
	set := func(fd uintptr) {
		err = errors.Join(
			syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, kernelBuffer),
			syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_SNDBUF, kernelBuffer),
		)
	}
	return errors.Join(raw.Control(set), err)
}

// Close ends all connections and waits until nothing of the proxy is left.
func (p *Proxy) Close() {
	p.closing()
	_ = p.lis.Close() // it may be closed already
	p.each(func(c *pair) {
		for _, end := range c.ends {
			_ = end.Close()
		}
	})
	p.relays.Wait()
}

// Pause stops a direction of all connections, also of those that come later.
func (p *Proxy) Pause(directions ...Direction) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range directions {
		if w := &p.ways[d]; w.paused == nil {
			w.paused = make(chan struct{})
		}
		for c := range p.conns {
			_ = c.from(d).SetReadDeadline(time.Unix(1, 0)) // ends a read under way
		}
	}
}

// Resume lets a direction flow on.
func (p *Proxy) Resume(directions ...Direction) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range directions {
		w := &p.ways[d]
		if w.paused == nil {
			continue
		}
		for c := range p.conns {
			if !c.cut[d] && !c.broken {
				_ = c.from(d).SetReadDeadline(time.Time{}) // it may be closed already
			}
		}
		close(w.paused)
		w.paused, w.first = nil, time.Time{}
	}
}

// Cut ends a direction of the connections there are, in an orderly way: whoever
// receives there sees the end of the stream. Whoever sends there is not read any
// more and is not told.
func (p *Proxy) Cut(d Direction) {
	p.each(func(c *pair) {
		c.cut[d] = true
		c.end(d)
		_ = c.to(d).CloseWrite()
	})
}

// end stops the relay of a direction. The caller holds the proxy's mutex.
func (c *pair) end(d Direction) {
	select {
	case <-c.over[d]:
	default:
		close(c.over[d])
	}
	_ = c.from(d).SetReadDeadline(time.Unix(1, 0)) // it may be closed already
}

// Reset breaks a direction of the connections there are: whoever receives there
// sees a connection that was reset, and so can send nothing either. The other
// end is not read any more and is not told, until it is reset too or the proxy
// is closed.
func (p *Proxy) Reset(d Direction) {
	p.each(func(c *pair) {
		c.broken = true
		_ = c.to(d).SetLinger(0)
		_ = c.to(d).Close()
		c.end(Up)
		c.end(Down)
	})
}

// Abort resets the connections there are at both ends and forgets them.
func (p *Proxy) Abort() {
	p.each(func(c *pair) {
		c.cut = [2]bool{Up: true, Down: true}
		for _, d := range []Direction{Up, Down} {
			_ = c.to(d).SetLinger(0) // it may be closed already
			_ = c.to(d).Close()
			c.end(d)
		}
	})
}

// Watch forgets the first byte that passed in a direction, as Resume does.
func (p *Proxy) Watch(directions ...Direction) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range directions {
		p.ways[d].first = time.Time{}
	}
}

// FirstByte returns when the first byte passed since the last Resume or Watch of
// that direction, and false before.
func (p *Proxy) FirstByte(d Direction) (time.Time, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := &p.ways[d]
	return w.first, !w.first.IsZero()
}

// Passed returns how many bytes passed in that direction so far.
func (p *Proxy) Passed(d Direction) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ways[d].passed
}

// Connections returns how many there are.
func (p *Proxy) Connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.conns)
}

func (p *Proxy) each(do func(*pair)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		do(c)
	}
}
