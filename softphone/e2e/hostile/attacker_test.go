package hostile

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// strength is how hard an attack is.
type strength struct {
	conns int     // connections that it keeps, each opened anew when it ends
	rate  float64 // of what it does a second, on all connections together
	dials float64 // connections a second, at most
}

// attack is one way to use connections against a server.
type attack struct {
	name string
	// run goes on until ctx ends; an error is that it could not attack.
	run         func(a *attacker, ctx context.Context) error
	full, quick strength
	spread      int // over so many addresses, where the system has them: not the others'

	secure bool // of a server that speaks TLS and asks who calls
	bare   bool // below its TLS
}

// attacker makes one attack. Its methods are safe for concurrent use.
type attacker struct {
	site
	strength
	spread int
	bare   bool // below TLS
	// resumable makes its calls such that the server keeps them for a while when
	// they are cut off.
	resumable bool

	dialled, did atomic.Uint64 // connections that came up, what was done
	held, most   atomic.Int64  // connections there are, and were at a time
	mu           sync.Mutex
	got          map[string]uint64 // what the server refused
}

// mostAnswers is how many different words of a server are told apart.
const mostAnswers = 50

// heard counts what the server answers.
func (a *attacker) heard(what string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.got == nil {
		a.got = make(map[string]uint64)
	}
	if _, known := a.got[what]; !known && len(a.got) >= mostAnswers {
		what = "something else"
	}
	a.got[what]++
}

// assault is what came of an attack.
type assault struct {
	Dialled uint64            `json:"connected"`
	Most    int64             `json:"connections_at_a_time"`
	Did     uint64            `json:"did"`
	Got     map[string]uint64 `json:"answers,omitempty"`
	Seconds float64           `json:"seconds"`
	Cores   float64           `json:"attackers_cores,omitempty"`
	Error   string            `json:"error,omitempty"`
}

func (a *attacker) outcome(took time.Duration, err error) assault {
	a.mu.Lock()
	defer a.mu.Unlock()
	o := assault{Dialled: a.dialled.Load(), Most: a.most.Load(), Did: a.did.Load(), Got: a.got, Seconds: took.Seconds()}
	if err != nil {
		o.Error = err.Error()
	}
	return o
}

// dial opens a connection, from one of 127.0.1.1 and following if attackers are
// many. It ends at once when it is closed: nothing of it lingers.
func (a *attacker) dial(ctx context.Context, number int) (net.Conn, error) {
	dialer := net.Dialer{Timeout: 5 * time.Second}
	if a.spread > 0 {
		dialer.LocalAddr = &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(1+number%a.spread))}
	}
	conn, err := dialer.DialContext(ctx, "tcp", a.address)
	if err != nil {
		return nil, err
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // without it the end takes longer
	}
	return conn, nil
}

// each keeps connections up and does one thing on each, again when that or the
// connection ended, until ctx ends. It fails if none ever came up.
func (a *attacker) each(ctx context.Context, one func(ctx context.Context, number int, r *raw) error) error {
	pace := rate.NewLimiter(rate.Limit(a.dials), max(1, int(a.dials/20)))
	var all sync.WaitGroup
	var failed atomic.Pointer[error]
	for number := range a.conns {
		all.Go(func() {
			for pace.Wait(ctx) == nil {
				if err := a.once(ctx, number, one); err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	all.Wait()
	if err := failed.Load(); err != nil && a.dialled.Load() == 0 {
		return fmt.Errorf("no connection came up: %w", *err)
	}
	return nil
}

// once is one connection, to its end. The error is that it did not come up.
func (a *attacker) once(ctx context.Context, number int, one func(ctx context.Context, number int, r *raw) error) error {
	conn, err := a.dial(ctx, number)
	if err != nil {
		if ctx.Err() == nil {
			a.heard("not connected")
		}
		return err
	}
	if conn = a.secure(ctx, conn); conn == nil {
		return nil
	}
	r := newRaw(a, conn)
	stop := r.until(ctx)
	defer stop()
	defer r.close()
	held := a.held.Add(1)
	defer a.held.Add(-1)
	for most := a.most.Load(); held > most && !a.most.CompareAndSwap(most, held); most = a.most.Load() {
	}
	_ = one(ctx, number, r) // what the server did to it is counted
	return nil
}

// secure does the TLS handshake of a connection, if it is to have one, and returns
// nil if the server wants none.
func (a *attacker) secure(ctx context.Context, conn net.Conn) net.Conn {
	a.dialled.Add(1)
	if a.tls == nil || a.bare {
		return conn
	}
	client := tls.Client(conn, a.tls)
	if err := client.HandshakeContext(ctx); err != nil {
		_ = conn.Close() // it failed already
		if ctx.Err() == nil {
			a.heard("no TLS")
		}
		return nil
	}
	return client
}

// reading runs do while what comes is read, as a client does that is right in
// this.
func (r *raw) reading(do func() error) error {
	var reader sync.WaitGroup
	reader.Go(r.read)
	defer reader.Wait()
	defer r.close()
	return do()
}

// paced calls do with how many things are due, often, so that all connections
// together do as many as the attack's rate says.
func (a *attacker) paced(ctx context.Context, do func(n int) error) error {
	const interval = 5 * time.Millisecond
	perConn := a.rate / float64(a.conns)
	due := 0.0
	return at(ctx, max(interval, time.Duration(float64(time.Second)/perConn)), func() error {
		due += perConn * max(interval.Seconds(), 1/perConn)
		n := int(due)
		due -= float64(n)
		if n == 0 {
			return nil
		}
		a.did.Add(uint64(n)) // or tried to: the server may end it halfway
		return do(n)
	})
}
