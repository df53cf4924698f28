package admission

import (
	"container/list"
	"net"
	"time"
)

// Connections that carry no RPC make room for new ones, so that none can be kept
// out by what does nothing: first those that never carried one, of these the
// oldest, then those that have carried none for the longest.
const (
	fresh  = iota // no RPC came yet
	spent         // none is left
	unuses        // how many ways there are of being unused
	inUse  = unuses
)

const (
	// freshLimit is how long a connection may be open without an RPC.
	freshLimit = 30 * time.Second
	// An address may open as many connections at once as it may have, which is
	// what a call centre behind one address does when its server is back, and then
	// a share of them each second.
	connectShare = 0.05
	connectLeast = 10 // a second
	// Beginning a connection costs the server more than carrying a call for a
	// second. So those of an address that has just opened calmBurst, and calmRate a
	// second, wait for each other and for those of all such addresses: one each
	// turnEvery. Who would wait longer than turnLimit is refused.
	calmBurst = 20
	calmRate  = 5
	turnEvery = 1500 * time.Microsecond
	turnLimit = 2500 * time.Millisecond
	// A connection may open twice as many streams at once as it may have, and then
	// openRate a second; all that an address has, twice as many as it may have
	// connections or calls, and then a share of them.
	openRate  = 20
	openShare = 0.05
	openLeast = 50 // a second
	// A connection that does not heed refusals is closed: it may have refusedBurst at
	// once, and then refusedRate a second. Its address pays for it with floodCost
	// connections.
	refusedRate  = 2
	refusedBurst = 20
	floodCost    = 20
	// strangerCost is how many streams one without a valid token counts beside
	// itself: to find out costs more than to ask.
	strangerCost = 10
	// watches are streams without a call, which may stay as long as they like.
	watchesPerConn    = 16
	watchesPerAddress = 200
)

// Conn is a connection that was let in. Its methods are safe for concurrent use.
type Conn struct {
	gate    *Gate
	account *account
	cut     func()
	turn    time.Time

	// Under the gate's lock.
	gone             bool
	use              int // fresh, spent or inUse
	since            time.Time
	inAll, ofAddress *list.Element // of the gate's and the account's unused
	streams, watches int
	opening, refused bucket // streams
}

func (l *Limits) connectRate() float64 {
	return max(connectLeast, connectShare*float64(l.ConnectionsPerAddress))
}

// openRate returns how many streams an address may open a second, and at once.
func (l *Limits) openRate() (perSecond, burst float64) {
	burst = 2 * float64(max(l.ConnectionsPerAddress, l.CallsPerAddress))
	return max(openLeast, openShare*burst), burst
}

// Connect lets a connection in, or returns a *RefusalError. cut closes it: the gate
// calls it without a lock and from any goroutine, where it makes room for another
// one or has misbehaved.
func (g *Gate) Connect(peer net.Addr, now time.Time, cut func()) (*Conn, error) {
	c, victims, err := g.connect(peer, now, cut)
	for _, v := range victims {
		v.cut()
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (g *Gate) connect(peer net.Addr, now time.Time, cut func()) (c *Conn, victims []*Conn, _ error) {
	l := g.Limits()
	g.mu.Lock()
	defer g.mu.Unlock()
	a := g.account(Address(peer))
	if most := float64(l.ConnectionsPerAddress); most > 0 && !a.connecting.take(now, l.connectRate(), most) {
		return nil, nil, g.refuse(a, ConnectionRate, retryStream, "this address opens connections too fast")
	}
	wait := g.wait(a, now, &l)
	if wait > turnLimit {
		return nil, nil, g.refuse(a, ConnectionRate, retryStream, "the server is busy with new connections")
	}
	if full(a.conns, l.ConnectionsPerAddress) {
		v := oldest(&a.unused)
		if v == nil {
			return nil, nil, g.refuse(a, ConnectionsPerAddress, retryStream, "this address has %d connections", a.conns)
		}
		victims = append(victims, g.evict(v, MadeRoom))
	}
	if full(g.conns, l.Connections) {
		v := oldest(&g.unused)
		if v == nil {
			return nil, victims, g.refuse(a, Connections, retryStream, "the server has %d connections", g.conns)
		}
		victims = append(victims, g.evict(v, MadeRoom))
	} else if half := l.Connections / 2; half > 0 && g.unused[fresh].Len() >= half {
		victims = append(victims, g.evict(g.unused[fresh].Front().Value.(*Conn), MadeRoom))
	}
	c = &Conn{gate: g, account: a, cut: cut, since: now, turn: now.Add(wait)}
	if wait > 0 {
		g.turn = c.turn
	}
	g.conns++
	a.conns++
	c.settle(fresh)
	return c, victims, nil
}

// wait returns how long another connection of the address has to wait for its turn.
func (g *Gate) wait(a *account, now time.Time, l *Limits) time.Duration {
	if l.ConnectionsPerAddress == 0 || a.calm.take(now, calmRate, calmBurst) {
		return 0
	}
	return max(turnEvery, g.turn.Sub(now)+turnEvery)
}

// Turn returns when the connection may begin to talk.
func (c *Conn) Turn() time.Time { return c.turn }

// oldest returns the connection that makes room first, nil if all are in use.
func oldest(unused *[unuses]list.List) *Conn {
	for i := range unused {
		if e := unused[i].Front(); e != nil {
			return e.Value.(*Conn)
		}
	}
	return nil
}

// evict takes a connection out that is to be cut.
func (g *Gate) evict(c *Conn, why Reason) *Conn {
	g.count(c.account, why)
	c.leave()
	return c
}

// settle moves the connection to where those of its use are.
func (c *Conn) settle(use int) {
	if c.inAll != nil {
		c.gate.unused[c.use].Remove(c.inAll)
		c.account.unused[c.use].Remove(c.ofAddress)
		c.inAll, c.ofAddress = nil, nil
	}
	c.use = use
	if use != inUse {
		c.inAll = c.gate.unused[use].PushBack(c)
		c.ofAddress = c.account.unused[use].PushBack(c)
	}
}

// leave gives the connection's place back, once.
func (c *Conn) leave() {
	if c.gone {
		return
	}
	c.gone = true
	c.settle(inUse)
	c.gate.conns--
	c.account.conns--
}

// Close tells that the connection is closed. It may come again.
func (c *Conn) Close() {
	c.gate.mu.Lock()
	defer c.gate.mu.Unlock()
	c.leave()
}

// Open lets the connection open another stream, or returns a *RefusalError. It is
// asked before anything is done for the stream; Begin follows if it is an RPC.
func (c *Conn) Open(now time.Time) error {
	flood, err := c.open(now)
	if flood {
		c.cut()
	}
	return err
}

// open is Open, and reports whether the connection is to be cut.
func (c *Conn) open(now time.Time) (flood bool, err error) {
	g, a := c.gate, c.account
	l := g.Limits()
	g.mu.Lock()
	defer g.mu.Unlock()
	burst := 2 * float64(l.StreamsPerConnection)
	rate, ofAddress := l.openRate()
	switch {
	case !c.opening.take(now, openRate, burst):
		err = g.refuse(a, StreamRate, retryStream, "this connection opens streams too fast")
	case ofAddress > 0 && !a.opening.take(now, rate, ofAddress):
		err = g.refuse(a, StreamRate, retryStream, "this address opens streams too fast")
	default:
		return false, nil
	}
	if c.gone || c.refused.take(now, refusedRate, refusedBurst) {
		return false, err
	}
	g.count(a, StreamFlood)
	a.connecting.spend(now, l.connectRate(), float64(l.ConnectionsPerAddress), floodCost)
	c.leave()
	return true, err
}

// Stranger tells that a stream had no valid token: that counts as many streams.
func (c *Conn) Stranger(now time.Time) {
	l := c.gate.Limits()
	c.gate.mu.Lock()
	defer c.gate.mu.Unlock()
	rate, burst := l.openRate()
	c.account.opening.spend(now, rate, burst, strangerCost)
	c.opening.spend(now, openRate, 2*float64(l.StreamsPerConnection), strangerCost)
}

// Begin lets an RPC begin on the connection, or returns a *RefusalError. One that
// watches carries no call. End must follow.
func (c *Conn) Begin(watches bool) error {
	g, a := c.gate, c.account
	l := g.Limits()
	g.mu.Lock()
	defer g.mu.Unlock()
	ofAddress := max(l.ConnectionsPerAddress, l.CallsPerAddress) > 0
	switch {
	case c.streams >= l.StreamsPerConnection:
		return g.refuse(a, Streams, retryStream, "this connection has %d streams", c.streams)
	case watches && c.watches >= watchesPerConn:
		return g.refuse(a, Streams, retryStream, "this connection has %d streams without a call", c.watches)
	case watches && ofAddress && a.watches >= watchesPerAddress:
		return g.refuse(a, Streams, retryStream, "this address has %d streams without a call", a.watches)
	case !watches && full(a.streams, 2*l.CallsPerAddress):
		return g.refuse(a, Streams, retryCall, "this address has %d streams for %d calls", a.streams, l.CallsPerAddress)
	}
	c.streams++
	if watches {
		c.watches++
		a.watches++
	} else {
		a.streams++
	}
	if !c.gone {
		c.settle(inUse)
	}
	return nil
}

// End tells that an RPC that Begin let in is over.
func (c *Conn) End(watches bool, now time.Time) {
	g := c.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	c.streams--
	if watches {
		c.watches--
		c.account.watches--
	} else {
		c.account.streams--
	}
	if c.streams == 0 && !c.gone {
		c.since = now
		c.settle(spent)
	}
}
