package callcenter

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"callcenter/api/wire"
	"callcenter/audio"
	"callcenter/server/internal/admission"
	"callcenter/server/internal/auth"
)

const (
	// One address fills ten lines of the log at once and one in two seconds from
	// then on, all of them together a hundred and ten a second.
	refusalRate, refusalBurst       = 0.5, 10
	allRefusalsRate, allRefusalsMax = 10, 100
	// maxAddresses is how many addresses are told apart. When there are more, those
	// that were not refused for longest begin anew.
	maxAddresses = 4096
	// leftOutInterval is how long after the first refusal that is not in the log
	// their number is.
	leftOutInterval = 10 * time.Second
)

// audit writes who was let in and who was refused, a line for each. Who is refused
// again and again must not fill the log: what is left out of it is counted, and
// told in a line of its own. A token is in no line. It is safe for concurrent use.
type audit struct {
	log   *slog.Logger
	clock audio.Clock

	mu        sync.Mutex
	all       *rate.Limiter
	addresses map[netip.Addr]*rate.Limiter
	older     map[netip.Addr]*rate.Limiter // that was addresses before it was full
	leftOut   int
	full      chan struct{} // something was left out
}

// entry is what a line says of an RPC. The identity is nil of who was not asked, or
// showed nothing that a key of ours signed.
type entry struct {
	method              string
	peer                net.Addr // nil where it has none
	identity            *auth.Identity
	destination, callID string
}

func newAudit(log *slog.Logger, clock audio.Clock) *audit {
	return &audit{
		log: log, clock: clock,
		all:       rate.NewLimiter(allRefusalsRate, allRefusalsMax),
		addresses: make(map[netip.Addr]*rate.Limiter),
		full:      make(chan struct{}, 1),
	}
}

// letIn writes the line of one who was let in.
func (a *audit) letIn(ctx context.Context, e entry) {
	a.log.LogAttrs(ctx, slog.LevelInfo, "let in", e.attrs()...)
}

// refuse writes the line of one who is refused, and returns the error.
func (a *audit) refuse(ctx context.Context, e entry, err error) error {
	if a.mayTell(e.peer) {
		a.cutOff(ctx, e, err)
	}
	return err
}

// cutOff writes the line of one who was let in before.
func (a *audit) cutOff(ctx context.Context, e entry, err error) {
	a.log.LogAttrs(ctx, slog.LevelWarn, "refused", append(e.attrs(),
		slog.String("status", codeName(err)),
		slog.String("reason", auth.ReasonOf(err)))...)
}

func (e *entry) attrs() []slog.Attr {
	attrs := append(make([]slog.Attr, 0, 9), slog.String("peer", addrText(e.peer)), slog.String("method", wire.Clean(e.method)))
	attrs = append(attrs, identityAttrs(e.identity)...)
	if e.callID != "" {
		attrs = append(attrs, slog.String("destination", e.destination), slog.String("call_id", wire.Clean(e.callID)))
	}
	return attrs
}

// identityAttrs are what log lines say of who was asked.
func identityAttrs(id *auth.Identity) []slog.Attr {
	if id == nil {
		return nil
	}
	return []slog.Attr{slog.String("subject", id.Subject), slog.String("token_id", id.TokenID), slog.String("key_id", id.KeyID)}
}

// mayTell reports whether there may be another line about an address, and counts
// what there may not be.
func (a *audit) mayTell(peer net.Addr) bool {
	at := time.Time{}.Add(a.clock())
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.limiterLocked(admission.Address(peer)).AllowN(at, 1) && a.all.AllowN(at, 1) {
		return true
	}
	a.leftOut++
	select {
	case a.full <- struct{}{}:
	default:
	}
	return false
}

// limiterLocked returns an address's own limiter. Half of those that are remembered
// are given up at once, the older ones.
func (a *audit) limiterLocked(of netip.Addr) *rate.Limiter {
	l := a.addresses[of]
	if l != nil {
		return l
	}
	if l = a.older[of]; l == nil {
		l = rate.NewLimiter(refusalRate, refusalBurst)
	}
	if len(a.addresses) >= maxAddresses/2 {
		a.older, a.addresses = a.addresses, make(map[netip.Addr]*rate.Limiter)
	}
	a.addresses[of] = l
	return l
}

// run tells how much was left out, until ctx ends and then once more.
func (a *audit) run(ctx context.Context) {
	defer a.tellLeftOut()
	for {
		select {
		case <-a.full:
		case <-ctx.Done():
			return
		}
		wait := time.NewTimer(leftOutInterval)
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return
		}
		a.tellLeftOut()
	}
}

func (a *audit) tellLeftOut() {
	a.mu.Lock()
	n := a.leftOut
	a.leftOut = 0
	a.mu.Unlock()
	if n > 0 {
		a.log.LogAttrs(context.Background(), slog.LevelWarn, "refusals left out of the log", slog.Int("count", n))
	}
}
