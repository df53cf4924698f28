package admission

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Reason is why something was refused or ended.
type Reason int

// The reasons.
const (
	Connections           Reason = iota // all there may be are open
	ConnectionsPerAddress               // all there may be of the address
	ConnectionRate                      // the address opens them too fast
	MadeRoom                            // an unused connection was closed for a new one
	Unused                              // a connection on which no RPC came was closed
	Frames                              // a connection brought too many frames that carry nothing
	Streams                             // too many RPCs are open
	StreamRate                          // they are opened too fast
	StreamFlood                         // a connection went on opening them, and was closed
	Calls                               // all there may be are open
	CallsPerAddress                     // all there may be of the address
	CallsPerIdentity                    // all there may be of the token's subject
	CallRate                            // the address begins them too fast
	Messages                            // a call sent far too many chunks, and was ended
	reasons
)

// String returns the name that the log says.
func (r Reason) String() string {
	return [reasons]string{
		"connections", "connections_per_address", "connection_rate", "made_room", "unused_connections", "frames",
		"streams", "stream_rate", "stream_flood", "calls", "calls_per_address", "calls_per_identity", "call_rate", "messages",
	}[r]
}

// RefusalError is the error of what is more than a limit allows.
type RefusalError struct {
	Reason Reason
	// Retry is when to try again. It differs from one refusal to the next, so that
	// those who were refused together do not come back together.
	Retry time.Duration
	text  string
}

// Error says which bound was met, and what to do. It has no colon: what shows it
// may keep the part behind the last one.
func (r *RefusalError) Error() string { return r.text }

// When to try again, at the earliest; at the latest it is twice that.
const (
	retryCall   = 5 * time.Second
	retryStream = time.Second
)

// refuse counts a refusal of the account's and returns it.
func (g *Gate) refuse(a *account, why Reason, retry time.Duration, format string, args ...any) *RefusalError {
	g.count(a, why)
	later := rand.N(retry) //nolint:gosec // it spreads clients, and hides nothing from them
	return &RefusalError{Reason: why, Retry: retry + later, text: fmt.Sprintf(format, args...)}
}

func (g *Gate) count(a *account, why Reason) {
	g.since[why]++
	g.total[why]++
	a.refused++
}

// Count notes what was ended for a reason that the gate does not see itself.
func (g *Gate) Count(c *Conn, why Reason) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.count(c.account, why)
}

// tally counts refusals by reason.
type tally [reasons]uint64

func (t *tally) sum() (n uint64) {
	for _, c := range t {
		n += c
	}
	return n
}
