package admission

import (
	"context"
	"log/slog"
	"net/netip"
	"time"
)

const (
	// sweepInterval is how often the gate looks for what nobody uses, and
	// logInterval how often it says what it refused, at most.
	sweepInterval = 5 * time.Second
	logInterval   = 10 * time.Second
)

// Run closes connections on which no RPC comes and forgets addresses that are
// gone. While it refuses something it writes a line to the log every logInterval,
// and a last one when ctx ends. It returns nil then.
func (g *Gate) Run(ctx context.Context, log *slog.Logger) error {
	tick := time.NewTicker(sweepInterval)
	defer tick.Stop()
	said := time.Now().Add(-logInterval)
	for {
		select {
		case <-ctx.Done():
			g.say(ctx, log)
			g.sum(ctx, log)
			return nil
		case now := <-tick.C:
			for _, c := range g.sweep(now) {
				c.cut()
			}
			if now.Sub(said) >= logInterval && g.say(ctx, log) {
				said = now
			}
		}
	}
}

// sweep returns the connections to close.
func (g *Gate) sweep(now time.Time) (late []*Conn) {
	l := g.Limits()
	g.mu.Lock()
	defer g.mu.Unlock()
	for e := g.unused[fresh].Front(); e != nil; e = g.unused[fresh].Front() {
		c := e.Value.(*Conn)
		if now.Sub(c.since) < freshLimit {
			break
		}
		late = append(late, g.evict(c, Unused))
	}
	rate, _ := l.openRate()
	g.forget(func(a *account) bool {
		connected, opened := a.connecting.settle(now, l.connectRate()), a.opening.settle(now, rate)
		called, calm := a.calling.settle(now, l.callRate()), a.calm.settle(now, calmRate)
		return called && calm && connected && opened && a.refused == 0
	})
	return late
}

// say logs what was refused since it last did, and reports whether that was
// anything.
func (g *Gate) say(ctx context.Context, log *slog.Logger) bool {
	since, worst, of := g.take()
	if since.sum() == 0 {
		return false
	}
	attrs := since.attrs()
	if worst.IsValid() {
		attrs = append(attrs, slog.String("worst", name(worst)), slog.Uint64("of_worst", of))
	}
	log.LogAttrs(ctx, slog.LevelWarn, "limits held", attrs...)
	return true
}

// name is an address as the log says it.
func name(address netip.Addr) string {
	if address.Is6() {
		return netip.PrefixFrom(address, 64).String()
	}
	return address.String()
}

// take returns what was refused since it last did, and the address of which most
// was.
func (g *Gate) take() (since tally, worst netip.Addr, of uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	since, g.since = g.since, tally{}
	for _, a := range g.accounts {
		if a.refused > of {
			worst, of = a.address, a.refused
		}
		a.refused = 0
	}
	return since, worst, of
}

// sum logs what was refused in all.
func (g *Gate) sum(ctx context.Context, log *slog.Logger) {
	g.mu.Lock()
	total := g.total
	g.mu.Unlock()
	if total.sum() > 0 {
		log.LogAttrs(ctx, slog.LevelInfo, "limits held in all", total.attrs()...)
	}
}

func (t *tally) attrs() (attrs []slog.Attr) {
	for r, n := range t {
		if n > 0 {
			attrs = append(attrs, slog.Uint64(Reason(r).String(), n))
		}
	}
	return attrs
}

// Refused returns how often something was refused for a reason.
func (g *Gate) Refused(why Reason) uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.total[why]
}

// Streams returns how many RPCs there are on the connections that were let in.
func (g *Gate) Streams() (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, a := range g.accounts {
		n += a.streams + a.watches
	}
	return n
}
