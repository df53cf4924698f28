// Package admission bounds what a server takes on, so that nobody's use of it
// hurts another's: connections, streams and calls, in all, for each address and
// for each identity. Package callcenter asks a Gate wherever one of these begins
// and tells it where one ends; package cli sets its Limits, also while it serves.
//
// An address is an IPv4 address, or the first 64 bits of one of IPv6, which is
// what one subscriber is given. A Gate is safe for concurrent use, never waits
// for anything but its own short lock, and counts what it refuses. It keeps
// nothing of an address that is gone for a while, and nothing at all when it is
// idle. Nothing here is asked for each message but a Meter, which has no lock.
package admission

import (
	"container/list"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// DefaultStreamsPerConnection is how many RPCs a connection carries at a time
// unless Limits say otherwise.
const DefaultStreamsPerConnection = 100

// Limits are the bounds. In each, 0 is no bound, but in StreamsPerConnection.
type Limits struct {
	// Calls is how many calls there may be at a time, CallsPerAddress how many of
	// one address, CallsPerIdentity how many of one token's subject.
	Calls, CallsPerAddress, CallsPerIdentity int
	// Connections is how many connections there may be at a time, of which
	// ConnectionsPerAddress of one address.
	Connections, ConnectionsPerAddress int
	// StreamsPerConnection is how many RPCs a connection may carry at a time;
	// 0: DefaultStreamsPerConnection. What clients are told of it stays as it was
	// when the server began.
	StreamsPerConnection int
	// CallDuration is how long a call may last.
	CallDuration time.Duration
}

// Gate is where a server's limits are kept. Use New.
type Gate struct {
	limits atomic.Pointer[Limits]

	mu         sync.Mutex
	conns      int
	calls      int
	accounts   map[netip.Addr]*account
	identities map[string]int // calls
	unused     [unuses]list.List
	turn       time.Time // of the last connection that has to wait for it
	since      tally     // refused since the last line of the log
	total      tally     // refused
}

// New returns a gate with these limits.
func New(l Limits) *Gate {
	g := &Gate{accounts: make(map[netip.Addr]*account), identities: make(map[string]int)}
	g.Set(l)
	return g
}

// Set changes the limits. What was let in before stays.
func (g *Gate) Set(l Limits) {
	if l.StreamsPerConnection == 0 {
		l.StreamsPerConnection = DefaultStreamsPerConnection
	}
	g.limits.Store(&l)
}

// Limits returns those in force.
func (g *Gate) Limits() Limits { return *g.limits.Load() }

// full reports that another one is more than a limit allows.
func full(n, limit int) bool { return limit > 0 && n >= limit }
