package admission

import (
	"container/list"
	"net"
	"net/netip"
	"time"
)

// maxAccounts is how many addresses are remembered at most of which nothing is
// left but how fast they came. Beyond that they are forgotten early.
const maxAccounts = 1 << 16

// account is what one address has. All of it is under the gate's lock.
type account struct {
	address                        netip.Addr
	conns, streams, watches, calls int
	unused                         [unuses]list.List
	connecting, opening, calling   bucket
	calm                           bucket // connections that need not wait
	refused                        uint64 // since the last line of the log
}

// idle reports that nothing of the address is here.
func (a *account) idle() bool {
	return a.conns == 0 && a.streams == 0 && a.watches == 0 && a.calls == 0
}

// account returns that of an address.
func (g *Gate) account(address netip.Addr) *account {
	a := g.accounts[address]
	if a == nil {
		if len(g.accounts) >= maxAccounts {
			g.forget(func(*account) bool { return true })
		}
		a = &account{address: address}
		g.accounts[address] = a
	}
	return a
}

// forget drops the accounts that are idle, and of which that is right.
func (g *Gate) forget(right func(*account) bool) {
	grown := len(g.accounts) > 0
	for address, a := range g.accounts {
		if a.idle() && right(a) {
			delete(g.accounts, address)
		}
	}
	if grown && len(g.accounts) == 0 {
		g.accounts = make(map[netip.Addr]*account) // a map keeps its room
	}
}

// Address returns the address that a peer counts as: IPv4, or the first 64 bits
// of IPv6. What is neither, a connection within the process, counts as the zero
// Addr.
func Address(peer net.Addr) netip.Addr {
	if peer == nil {
		return netip.Addr{}
	}
	var address netip.Addr
	if tcp, ok := peer.(*net.TCPAddr); ok {
		address = tcp.AddrPort().Addr()
	} else if port, err := netip.ParseAddrPort(peer.String()); err == nil {
		address = port.Addr()
	}
	address = address.Unmap().WithZone("")
	if !address.Is6() {
		return address
	}
	prefix, err := address.Prefix(64)
	if err != nil {
		return address
	}
	return prefix.Addr()
}

// bucket lets through a number of things at once, and then so many a second. The
// zero value is full.
type bucket struct {
	used float64 // of the burst
	at   time.Time
}

// take reports whether another one goes through.
func (b *bucket) take(now time.Time, perSecond, burst float64) bool {
	b.settle(now, perSecond)
	if b.used+1 > burst {
		return false
	}
	b.used++
	return true
}

// spend takes more out, as far as there is any.
func (b *bucket) spend(now time.Time, perSecond, burst, n float64) {
	b.settle(now, perSecond)
	b.used = max(b.used, min(b.used+n, burst))
}

// settle brings the bucket up to now, and reports whether it is full again.
func (b *bucket) settle(now time.Time, perSecond float64) bool {
	if passed := now.Sub(b.at); passed > 0 {
		b.used = max(0, b.used-passed.Seconds()*perSecond)
		b.at = now
	}
	return b.used == 0
}
