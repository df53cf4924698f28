package admission

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
	"time"
)

// crowd opens and closes at random, and keeps books of its own.
type crowd struct {
	*testing.T
	r     *rand.Rand
	g     *Gate
	now   time.Time
	conns map[*Conn]*[2]int // streams open on each: calls', and others
	place []*Place
}

func TestTheBooksAreNeverWrongAndEndEmpty(t *testing.T) {
	for seed := range uint64(10) {
		c := &crowd{
			T: t, r: rand.New(rand.NewPCG(seed, 1)), now: at(0), conns: make(map[*Conn]*[2]int),
			g: New(Limits{Calls: 20, CallsPerAddress: 8, CallsPerIdentity: 3, Connections: 12, ConnectionsPerAddress: 5, StreamsPerConnection: 4}),
		}
		for step := range 2000 {
			c.now = c.now.Add(time.Duration(c.r.IntN(100)) * time.Millisecond)
			c.step()
			c.check(fmt.Sprintf("seed %d, step %d", seed, step))
		}
		c.leave()
		c.now = c.now.Add(time.Hour)
		for range 2 {
			c.g.take()
			c.g.sweep(c.now)
		}
		if n := len(c.g.accounts) + len(c.g.identities) + c.g.conns + c.g.calls; n != 0 {
			t.Fatalf("seed %d: %d things are left", seed, n)
		}
	}
}

func (c *crowd) step() {
	switch c.r.IntN(12) {
	case 0, 1, 2:
		c.connect()
	case 3, 4, 5:
		c.begin()
	case 6, 7:
		c.end()
	case 8, 9:
		peer := c.address()
		if p, err := c.g.Call(peer, []string{"", "a", "b", "c"}[c.r.IntN(4)], c.now); err == nil {
			c.place = append(c.place, p)
		}
	case 10:
		if len(c.place) > 0 {
			c.place[c.r.IntN(len(c.place))].Leave() // again, too
		}
	case 11:
		for _, late := range c.g.sweep(c.now) {
			late.cut()
		}
	}
}

func (c *crowd) address() net.Addr { return tcp(fmt.Sprintf("10.0.0.%d", c.r.IntN(5))) }

func (c *crowd) connect() {
	var conn *Conn
	conn, err := c.g.Connect(c.address(), c.now, func() { c.close(conn) })
	if err == nil {
		c.conns[conn] = new([2]int)
	}
}

// close is what gRPC does when a connection ends: it closes it, and its RPCs end
// sooner or later.
func (c *crowd) close(conn *Conn) {
	conn.Close()
	for i := range c.conns[conn] {
		for range c.conns[conn][i] {
			conn.End(i == 1, c.now)
		}
	}
	delete(c.conns, conn)
}

func (c *crowd) begin() {
	for conn, open := range c.conns {
		if conn.Open(c.now) == nil {
			if i := c.r.IntN(2); conn.Begin(i == 1) == nil {
				open[i]++
			}
		}
		return
	}
}

func (c *crowd) end() {
	for conn, open := range c.conns {
		i := c.r.IntN(3)
		switch {
		case i == 2:
			c.close(conn)
			conn.Close()
		case open[i] > 0:
			open[i]--
			conn.End(i == 1, c.now)
		}
		return
	}
}

func (c *crowd) leave() {
	for conn := range c.conns {
		c.close(conn)
	}
	for _, p := range c.place {
		p.Leave()
	}
}

// check compares the gate's books with the crowd's.
func (c *crowd) check(when string) {
	c.Helper()
	g, l := c.g, c.g.Limits()
	calls := 0
	for _, p := range c.place {
		if !p.left {
			calls++
		}
	}
	if g.conns != len(c.conns) || g.calls != calls || g.conns > l.Connections || g.calls > l.Calls {
		c.Fatalf("%s: %d connections and %d calls, there are %d and %d", when, g.conns, g.calls, len(c.conns), calls)
	}
	conns, waiting := 0, 0
	for _, a := range g.accounts {
		if a.conns < 0 || a.streams < 0 || a.watches < 0 || a.calls < 0 || a.conns > l.ConnectionsPerAddress || a.calls > l.CallsPerAddress {
			c.Fatalf("%s: %+v", when, a)
		}
		conns += a.conns
		waiting += a.unused[fresh].Len() + a.unused[spent].Len()
	}
	if conns != g.conns || waiting != g.unused[fresh].Len()+g.unused[spent].Len() {
		c.Fatalf("%s: the addresses have %d connections of %d", when, conns, g.conns)
	}
	for who, n := range g.identities {
		if n < 1 || n > l.CallsPerIdentity {
			c.Fatalf("%s: %s has %d calls", when, who, n)
		}
	}
}
