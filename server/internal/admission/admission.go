// Package admission bounds what a server takes on, so that nobody's use of it
// hurts another's: connections, streams and calls, in all, for each address and
// for each identity. Package callcenter asks a Gate wherever one of these begins
// and tells it where one ends; package cli sets its Limits, also while it serves.
//
// An address is an IPv4 address, or the first 64 bits of one of IPv6, which is
// what one subscriber is given. A Gate is safe for concurrent use, never waits
// for anything but its own short lock, and counts what it refuses.
package admission

import (
	"sync/atomic"
	"time"
)

// Limits are the bounds. In each, 0 is no bound.
type Limits struct {
	// Calls is how many calls there may be at a time, CallsPerAddress how many of
	// one address, CallsPerIdentity how many of one token's subject.
	Calls, CallsPerAddress, CallsPerIdentity int
	// Connections is how many connections there may be at a time, of which
	// ConnectionsPerAddress of one address.
	Connections, ConnectionsPerAddress int
	// CallDuration is how long a call may last.
	CallDuration time.Duration
}

// Gate is where a server's limits are kept. Use New.
type Gate struct {
	limits atomic.Pointer[Limits]
}

// New returns a gate with these limits.
func New(l Limits) *Gate {
	g := &Gate{}
	g.Set(l)
	return g
}

// Set changes the limits. What was let in before stays.
func (g *Gate) Set(l Limits) { g.limits.Store(&l) }

// Limits returns those in force.
func (g *Gate) Limits() Limits { return *g.limits.Load() }
