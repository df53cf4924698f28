package admission

import (
	"net"
	"time"
)

// An address may begin as many calls at once as it may have, and then a share of
// them each second: many times what people do who call.
const (
	callShare = 0.05
	callLeast = 10 // a second
)

// Place is a call's. It lasts as long as the call, whatever streams carry it.
type Place struct {
	gate    *Gate
	account *account
	subject string
	left    bool // under the gate's lock
}

func (l *Limits) callRate() float64 { return max(callLeast, callShare*float64(l.CallsPerAddress)) }

// Call lets a call of that peer begin, or returns a *RefusalError. subject is who its
// token is of, "" where nobody is asked.
func (g *Gate) Call(peer net.Addr, subject string, now time.Time) (*Place, error) {
	l := g.Limits()
	g.mu.Lock()
	defer g.mu.Unlock()
	a := g.account(Address(peer))
	switch {
	case full(g.calls, l.Calls):
		return nil, g.refuse(a, Calls, retryCall, "the server is full with %d calls at a time, call again later", l.Calls)
	case full(a.calls, l.CallsPerAddress):
		return nil, g.refuse(a, CallsPerAddress, retryCall,
			"this address has %d calls, the most that the server takes from one, call again when one has ended", l.CallsPerAddress)
	case subject != "" && full(g.identities[subject], l.CallsPerIdentity):
		return nil, g.refuse(a, CallsPerIdentity, retryCall,
			"this token's bearer has %d calls, the most that it may have, call again when one has ended", l.CallsPerIdentity)
	case l.CallsPerAddress > 0 && !a.calling.take(now, l.callRate(), float64(l.CallsPerAddress)):
		return nil, g.refuse(a, CallRate, retryStream, "this address begins calls too fast, call again in a moment")
	}
	g.calls++
	a.calls++
	if subject != "" {
		g.identities[subject]++
	}
	return &Place{gate: g, account: a, subject: subject}, nil
}

// Leave gives the place back. It may come again, and to nil.
func (p *Place) Leave() {
	if p == nil {
		return
	}
	g := p.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if p.left {
		return
	}
	p.left = true
	g.calls--
	p.account.calls--
	if p.subject == "" {
		return
	}
	if g.identities[p.subject]--; g.identities[p.subject] == 0 {
		delete(g.identities, p.subject)
	}
	if len(g.identities) == 0 {
		g.identities = make(map[string]int) // a map keeps its room
	}
}

// Ended counts a call that was ended for a reason that the gate does not see
// itself.
func (g *Gate) Ended(p *Place, why Reason) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.count(p.account, why)
}

// Crowded counts a stream that had not said its call when too many others came,
// and returns the *RefusalError that ends it.
func (g *Gate) Crowded(peer net.Addr) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refuse(g.account(Address(peer)), Streams, retryCall, "the server has too many streams that say no call, call again")
}
