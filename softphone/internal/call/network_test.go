package call_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/test/bufconn"

	"callcenter/audio"
	"callcenter/server/servertest"
)

// network is where the servers of a test are, by their addresses, within a
// synctest bubble. What is sent over a connection that is held back arrives
// later, and so does its end, as with TCP.
type network struct {
	t        *testing.T
	clock    audio.Clock
	log      slog.Handler
	up, down *servertest.Gate // of every connection
	dials    atomic.Int64
	jitter   atomic.Int64 // the most that a piece of any direction is held up, a time.Duration

	mu      *sync.Mutex // of all ways to the same servers
	hosts   map[string]*host
	wires   map[*wirePair]bool
	running sync.WaitGroup
}

type host struct {
	lis    *bufconn.Listener
	server *servertest.Server
}

func newNetwork(t *testing.T, clock audio.Clock, log slog.Handler) *network {
	return &network{
		t: t, clock: clock, log: log, up: servertest.NewGate(), down: servertest.NewGate(),
		mu: &sync.Mutex{}, hosts: make(map[string]*host), wires: make(map[*wirePair]bool),
	}
}

// beside is another way to the same servers, with faults of its own.
func (n *network) beside() *network {
	m := newNetwork(n.t, n.clock, n.log)
	m.mu, m.hosts = n.mu, n.hosts
	return m
}

// listen makes an address known whose server is the test's own.
func (n *network) listen(address string) net.Listener {
	lis := bufconn.Listen(64 << 10)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hosts[address] = &host{lis: lis}
	return lis
}

// serve starts a server at an address.
func (n *network) serve(address string, change ...func(*servertest.Options)) *servertest.Server {
	lis := bufconn.Listen(64 << 10)
	o := servertest.Options{Listener: lis, Clock: n.clock}
	if n.log != nil {
		o.Log = slog.New(n.log)
	}
	for _, c := range change {
		c(&o)
	}
	h := &host{lis: lis, server: servertest.Start(n.t, o)}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hosts[address] = h
	return h.server
}

// kill ends the server at an address, as the death of its process does: its
// connections are reset, and nobody listens there.
func (n *network) kill(address string) {
	n.mu.Lock()
	h := n.hosts[address]
	delete(n.hosts, address)
	n.mu.Unlock()
	n.cut(address)
	h.server.Kill()
}

// lose makes the server at an address unreachable, and returns what brings it
// back.
func (n *network) lose(address string) (back func()) {
	n.mu.Lock()
	h := n.hosts[address]
	delete(n.hosts, address)
	n.mu.Unlock()
	n.cut(address)
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.hosts[address] = h
	}
}

// cut breaks the connections to an address, "" for all.
func (n *network) cut(address string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for w := range n.wires {
		if address == "" || w.address == address {
			w.snap()
		}
	}
}

// hole holds back everything, or lets it through again.
func (n *network) hole(on bool) {
	n.up.Set(on)
	n.down.Set(on)
}

// dial connects to an address.
func (n *network) dial(ctx context.Context, address string) (net.Conn, error) {
	n.dials.Add(1)
	if !n.up.Pass(ctx.Done()) || !n.down.Pass(ctx.Done()) {
		return nil, ctx.Err()
	}
	n.mu.Lock()
	h := n.hosts[address]
	n.mu.Unlock()
	if h == nil {
		return nil, errors.New("connection refused")
	}
	far, err := h.lis.DialContext(ctx)
	if err != nil {
		return nil, err
	}
	near, mine := net.Pipe()
	w := &wirePair{address: address, near: mine, far: far, broken: make(chan struct{})}
	n.mu.Lock()
	n.wires[w] = true
	n.mu.Unlock()
	n.running.Go(func() { w.carry(mine, n.late(far), n.up); _ = far.Close() })
	n.running.Go(func() {
		w.carry(far, n.late(mine), n.down)
		_ = mine.Close()
		n.mu.Lock()
		delete(n.wires, w)
		n.mu.Unlock()
	})
	return near, nil
}

// late is a way that holds up what goes along it by the network's jitter.
func (n *network) late(to io.Writer) io.Writer { return lateWriter{to, n} }

type lateWriter struct {
	io.Writer
	n *network
}

func (w lateWriter) Write(b []byte) (int, error) {
	if most := w.n.jitter.Load(); most > 0 {
		time.Sleep(time.Duration(rand.Int64N(most)))
	}
	return w.Writer.Write(b)
}

// close ends the network and every server in it.
func (n *network) close() {
	n.hole(false)
	n.mu.Lock()
	hosts := n.hosts
	n.hosts = nil
	n.mu.Unlock()
	for _, h := range hosts {
		if h.server != nil {
			h.server.Kill()
		}
	}
	n.running.Wait()
}

// wirePair joins a phone's end of a connection with a server's.
type wirePair struct {
	address   string
	near, far net.Conn
	once      sync.Once
	broken    chan struct{}
}

func (w *wirePair) snap() {
	w.once.Do(func() {
		close(w.broken)
		_ = w.near.Close()
		_ = w.far.Close()
	})
}

// carry copies one direction through its gate.
func (w *wirePair) carry(from io.Reader, to io.Writer, g *servertest.Gate) {
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		if !g.Pass(w.broken) {
			return
		}
		if n > 0 {
			if _, werr := to.Write(b[:n]); werr != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// after is how long it takes until ok, looked at each 10 ms.
func after(t *testing.T, limit time.Duration, ok func() bool) time.Duration {
	t.Helper()
	const step = 10 * time.Millisecond
	for d := time.Duration(0); d < limit; d += step {
		if ok() {
			return d
		}
		time.Sleep(step)
	}
	t.Fatalf("not within %v", limit)
	return 0
}
