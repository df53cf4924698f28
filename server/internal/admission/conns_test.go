package admission

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
	"sync/atomic"
	"testing"
	"time"
)

// at is a moment of a clock that tests move by hand.
func at(d time.Duration) time.Time { return time.Unix(1000, 0).Add(d) }

// tcp is a peer's address.
func tcp(address string) net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(address), 1))
}

// visitor is a connection that a test opened.
type visitor struct {
	*Conn
	cuts atomic.Int32
}

// connect opens a connection that must be let in.
func connect(t *testing.T, g *Gate, address string, now time.Time) *visitor {
	t.Helper()
	v := &visitor{}
	var err error
	if v.Conn, err = g.Connect(tcp(address), now, func() { v.cuts.Add(1) }); err != nil {
		t.Fatalf("%s: %v", address, err)
	}
	return v
}

// busy opens a connection that carries an RPC.
func busy(t *testing.T, g *Gate, address string, now time.Time) *visitor {
	t.Helper()
	v := connect(t, g, address, now)
	if err := errors.Join(v.Open(now), v.Begin(false)); err != nil {
		t.Fatal(err)
	}
	return v
}

// refused fails unless err refuses for that reason.
func refused(t *testing.T, err error, why Reason) {
	t.Helper()
	var r *RefusalError
	if !errors.As(err, &r) || r.Reason != why {
		t.Errorf("%v, want a refusal for %v", err, why)
	} else if r.Retry <= 0 || r.Retry > time.Minute || r.Error() == "" {
		t.Errorf("try again in %v, says %q", r.Retry, r.Error())
	}
}

func TestAnAddressHasItsConnectionsAndNoMore(t *testing.T) {
	g := New(Limits{Connections: 100, ConnectionsPerAddress: 3})
	all := []*visitor{busy(t, g, "10.0.0.1", at(0)), busy(t, g, "10.0.0.1", at(0)), busy(t, g, "10.0.0.1", at(0))}
	_, err := g.Connect(tcp("10.0.0.1"), at(time.Second), nil)
	refused(t, err, ConnectionsPerAddress)
	busy(t, g, "10.0.0.2", at(time.Second))
	all[1].Close()
	all[1].Close() // which gRPC may do
	busy(t, g, "10.0.0.1", at(time.Second))
	_, err = g.Connect(tcp("10.0.0.1"), at(2*time.Second), nil)
	refused(t, err, ConnectionsPerAddress)
	if n := g.Refused(ConnectionsPerAddress); n != 2 {
		t.Errorf("%d refusals are counted", n)
	}
}

func TestAFullServerTakesNoConnectionWhileAllAreInUse(t *testing.T) {
	g := New(Limits{Connections: 2})
	a := busy(t, g, "10.0.0.1", at(0))
	busy(t, g, "10.0.0.2", at(0))
	_, err := g.Connect(tcp("10.0.0.3"), at(0), nil)
	refused(t, err, Connections)
	a.Close()
	busy(t, g, "10.0.0.3", at(0))
}

func TestConnectionsThatDoNothingMakeRoomOldestFirst(t *testing.T) {
	g := New(Limits{Connections: 6})
	spentOne := busy(t, g, "10.0.0.9", at(0))
	spentOne.End(false, at(0))
	inUse := busy(t, g, "10.0.0.8", at(0))
	fresh := []*visitor{connect(t, g, "10.0.0.1", at(1)), connect(t, g, "10.0.0.2", at(2))}
	want := func(step string, of ...int32) {
		t.Helper()
		got := []int32{fresh[0].cuts.Load(), fresh[1].cuts.Load(), spentOne.cuts.Load(), inUse.cuts.Load()}
		for i := range of {
			if got[i] != of[i] {
				t.Fatalf("%s: cut %v, want %v", step, got, of)
			}
		}
	}
	busy(t, g, "10.0.0.3", at(3))
	busy(t, g, "10.0.0.4", at(4))
	want("six there are", 0, 0, 0, 0)
	busy(t, g, "10.0.0.5", at(5))
	want("a seventh", 1, 0, 0, 0)
	busy(t, g, "10.0.0.5", at(6))
	want("an eighth", 1, 1, 0, 0)
	busy(t, g, "10.0.0.5", at(7))
	want("a ninth", 1, 1, 1, 0)
	_, err := g.Connect(tcp("10.0.0.6"), at(8), nil)
	refused(t, err, Connections)
	fresh[0].Close() // late
	if g.conns != 6 || g.Refused(MadeRoom) != 3 {
		t.Errorf("%d connections, %d made room", g.conns, g.Refused(MadeRoom))
	}
}

func TestTenThousandIdleConnectionsKeepNobodyOut(t *testing.T) {
	g := New(Limits{Connections: 4000, ConnectionsPerAddress: 1000})
	addresses := []string{"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.0.7", "10.0.0.8", "10.0.0.9", "10.0.1.1"}
	for i := range 1000 {
		for _, a := range addresses {
			_, _ = g.Connect(tcp(a), at(time.Duration(i)*time.Millisecond), func() {}) // or they are too fast
		}
	}
	if n := g.unused[fresh].Len(); n != 2000 {
		t.Errorf("%d connections wait for an RPC, want half of all", n)
	}
	// Meanwhile others come in without waiting, and the idle ones' neighbours do
	// soon.
	for i := range calmBurst {
		v := busy(t, g, "10.9.9.9", at(time.Second+time.Duration(i)))
		if v.Turn().After(at(time.Second + time.Duration(i))) {
			t.Error("one waits behind those who are too fast")
		}
	}
	for i := range 50 {
		busy(t, g, "10.0.1.1", at(4*time.Second+time.Duration(i)))
	}
	for i := range 980 {
		busy(t, g, "10.9.9.9", at(10*time.Second+time.Duration(i)))
	}
}

func TestConnectionsOfAnAddressInAHurryTakeTurns(t *testing.T) {
	g := New(Limits{Connections: 4000, ConnectionsPerAddress: 1000})
	for i := range calmBurst + 4 {
		want := max(0, time.Duration(i+1-calmBurst)) * turnEvery
		if c := connect(t, g, "10.0.0.1", at(0)); c.Turn() != at(want) {
			t.Errorf("connection %d waits %v, want %v", i, c.Turn().Sub(at(0)), want)
		}
	}
	for i := range calmBurst {
		if c := connect(t, g, "10.0.0.2", at(time.Second)); c.Turn() != at(time.Second) {
			t.Fatalf("connection %d of another one waits", i)
		}
	}
	if c := connect(t, g, "10.0.0.2", at(time.Second)); c.Turn() != at(time.Second+turnEvery) {
		t.Errorf("turns that nobody took are waited for until %v", c.Turn())
	}
	var err error
	n := 0
	for ; err == nil && n < 5000; n++ {
		_, err = g.Connect(tcp("10.0.0."+strconv.Itoa(3+n%20)), at(2*time.Second), func() {})
	}
	refused(t, err, ConnectionRate)
	if most := 20*calmBurst + int(turnLimit/turnEvery) + 1; n < most-20 || n > most+20 {
		t.Errorf("%d connections were let in at once, want about %d", n, most)
	}
	free := New(Limits{Connections: 4000})
	for range 1000 {
		if c := connect(t, free, "10.0.0.1", at(0)); c.Turn() != at(0) {
			t.Fatal("one waits where addresses have no bound")
		}
	}
}

func TestAnAddressConnectsAllAtOnceAndThenNoFasterThanItsRate(t *testing.T) {
	g := New(Limits{Connections: 4000, ConnectionsPerAddress: 1000})
	try := func(now time.Duration, n int) (in int) {
		for range n {
			if c, err := g.Connect(tcp("10.0.0.1"), at(now), func() {}); err == nil {
				c.Close()
				in++
			}
		}
		return in
	}
	if in := try(0, 1500); in != 1000 {
		t.Errorf("%d came in at once, want 1000", in)
	}
	if in := try(time.Second, 1000); in != 50 {
		t.Errorf("%d came in a second later, want 50", in)
	}
	if in := try(time.Hour, 1001); in != 1000 {
		t.Errorf("%d came in an hour later, want 1000", in)
	}
	if n := g.Refused(ConnectionRate); n != 500+950+1 {
		t.Errorf("%d refusals are counted", n)
	}
}

func TestAConnectionCarriesItsStreamsAndNoMore(t *testing.T) {
	g := New(Limits{StreamsPerConnection: 2})
	c := busy(t, g, "10.0.0.1", at(0))
	if err := c.Begin(true); err != nil {
		t.Fatal(err)
	}
	refused(t, c.Begin(false), Streams)
	c.End(true, at(0))
	if err := c.Begin(false); err != nil {
		t.Error(err)
	}
}

func TestStreamsWithoutACallAreBounded(t *testing.T) {
	g := New(Limits{CallsPerAddress: 500, ConnectionsPerAddress: 1000})
	open := 0
	for range 14 {
		c := connect(t, g, "10.0.0.1", at(0))
		for c.Begin(true) == nil {
			open++
		}
	}
	if open != watchesPerAddress {
		t.Errorf("%d of one address, want %d", open, watchesPerAddress)
	}
	c, n := connect(t, g, "10.0.0.2", at(0)), 0
	for c.Begin(true) == nil {
		n++
	}
	if n != watchesPerConn {
		t.Errorf("%d of one connection, want %d", n, watchesPerConn)
	}
	if err := c.Begin(false); err != nil {
		t.Errorf("a call beside them: %v", err)
	}
}

func TestAnAddressOpensTwoStreamsForEachCall(t *testing.T) {
	g := New(Limits{CallsPerAddress: 2})
	for range 4 {
		busy(t, g, "10.0.0.1", at(0))
	}
	refused(t, connect(t, g, "10.0.0.1", at(0)).Begin(false), Streams)
	busy(t, g, "10.0.0.2", at(0))
}

func TestAConnectionThatGoesOnOpeningStreamsIsClosed(t *testing.T) {
	g := New(Limits{})
	c := connect(t, g, "10.0.0.1", at(0))
	for i := range 200 {
		if err := c.Open(at(0)); err != nil {
			t.Fatalf("stream %d: %v", i+1, err)
		}
	}
	for range 20 {
		refused(t, c.Open(at(0)), StreamRate)
	}
	for i := range 200 { // as fast as it may, with as many refusals as it may have
		now := at(time.Duration(i+1) * 500 * time.Millisecond)
		for range 10 {
			if err := c.Open(now); err != nil {
				t.Fatal(err)
			}
		}
		refused(t, c.Open(now), StreamRate)
	}
	if c.cuts.Load() != 0 {
		t.Fatal("it was closed early")
	}
	refused(t, c.Open(at(100*time.Second)), StreamRate)
	if c.cuts.Load() != 1 || g.Refused(StreamFlood) != 1 || g.conns != 0 {
		t.Errorf("cut %d times, %d counted, %d connections", c.cuts.Load(), g.Refused(StreamFlood), g.conns)
	}
	refused(t, c.Open(at(100*time.Second)), StreamRate) // the rest of what was under way
	if c.cuts.Load() != 1 {
		t.Error("cut again")
	}
}

func TestAnAddressOpensStreamsNoFasterThanItsRate(t *testing.T) {
	g := New(Limits{CallsPerAddress: 500, ConnectionsPerAddress: 1000})
	try := func(now time.Duration) (in int) {
		for range 30 {
			c := connect(t, g, "10.0.0.1", at(now))
			for range 199 {
				if c.Open(at(now)) == nil {
					in++
				}
			}
			c.Close()
		}
		return in
	}
	if in := try(0); in != 2000 {
		t.Errorf("%d at once, want 2000", in)
	}
	if in := try(time.Second); in != 100 {
		t.Errorf("%d a second later, want 100", in)
	}
}

func TestAnAddressThatFloodsConnectsMoreSlowly(t *testing.T) {
	g := New(Limits{Connections: 4000, ConnectionsPerAddress: 100, StreamsPerConnection: 10})
	conns := 0
	for conns < 100 {
		c, err := g.Connect(tcp("10.0.0.1"), at(0), func() {})
		if err != nil {
			refused(t, err, ConnectionRate)
			break
		}
		for conns++; !c.gone; {
			_ = c.Open(at(0)) // until the connection is closed
		}
	}
	if conns > 5 {
		t.Errorf("%d connections in a row were floods", conns)
	}
	connect(t, g, "10.0.0.1", at(time.Second))
	connect(t, g, "10.0.0.2", at(0))
}

func TestStreamsWithoutAValidTokenCountMore(t *testing.T) {
	g := New(Limits{CallsPerAddress: 500, ConnectionsPerAddress: 1000})
	tries, now := 0, at(0)
	try := func(n int) (in int) {
		for range n {
			c := connect(t, g, "10.0.0.1", now)
			for c.Open(now) == nil {
				c.Stranger(now)
				in++
			}
			c.Close()
		}
		return in
	}
	if tries = try(30); tries < 180 || tries > 185 {
		t.Errorf("%d tries at once, want 182", tries)
	}
	now = at(time.Second)
	if tries = try(30); tries < 9 || tries > 11 {
		t.Errorf("%d tries a second later, want 10", tries)
	}
}
