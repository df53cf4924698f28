package admission

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestCallsAreBoundedInAllByAddressAndByIdentity(t *testing.T) {
	for name, tc := range map[string]struct {
		limits        Limits
		first, second [2]string // address and subject of the calls that fill it, and of the next
		why           Reason
		says          string
		elsewhere     [2]string // still comes in
	}{
		"in all": {
			limits: Limits{Calls: 2, CallsPerAddress: 9, CallsPerIdentity: 9},
			first:  [2]string{"10.0.0.1", "a"}, second: [2]string{"10.0.0.2", "b"}, why: Calls, says: "2 calls",
		},
		"of an address": {
			limits: Limits{Calls: 9, CallsPerAddress: 2, CallsPerIdentity: 9},
			first:  [2]string{"10.0.0.1", "a"}, second: [2]string{"10.0.0.1", "b"}, why: CallsPerAddress, says: "address has 2 calls",
			elsewhere: [2]string{"10.0.0.2", "a"},
		},
		"of a network of IPv6": {
			limits: Limits{CallsPerAddress: 2},
			first:  [2]string{"2001:db8::1", ""}, second: [2]string{"2001:db8::ffff:1", ""}, why: CallsPerAddress, says: "address",
			elsewhere: [2]string{"2001:db8:0:1::1", ""},
		},
		"of an identity": {
			limits: Limits{Calls: 9, CallsPerAddress: 9, CallsPerIdentity: 2},
			first:  [2]string{"10.0.0.1", "a"}, second: [2]string{"10.0.0.2", "a"}, why: CallsPerIdentity, says: "bearer has 2 calls",
			elsewhere: [2]string{"10.0.0.1", "b"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := New(tc.limits)
			now := at(0)
			call := func(who [2]string) (*Place, error) {
				now = now.Add(time.Second)
				return g.Call(tcp(who[0]), who[1], now)
			}
			var places []*Place
			for range 2 {
				p, err := call(tc.first)
				if err != nil {
					t.Fatal(err)
				}
				places = append(places, p)
			}
			_, err := call(tc.second)
			refused(t, err, tc.why)
			if err != nil && (!strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), ":")) {
				t.Errorf("it says %q", err)
			}
			if tc.elsewhere[0] != "" {
				if _, err := call(tc.elsewhere); err != nil {
					t.Errorf("another: %v", err)
				}
			}
			places[0].Leave()
			places[0].Leave()
			if _, err := call(tc.second); err != nil {
				t.Errorf("when one has ended: %v", err)
			}
			_, err = call(tc.second)
			refused(t, err, tc.why)
		})
	}
}

func TestWhereNobodyIsAskedNobodyHasAnIdentity(t *testing.T) {
	g := New(Limits{CallsPerIdentity: 1})
	for range 3 {
		if _, err := g.Call(tcp("10.0.0.1"), "", at(0)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLimitsChangeForThoseWhoComeNext(t *testing.T) {
	g := New(Limits{Calls: 2})
	a, err := g.Call(tcp("10.0.0.1"), "", at(0))
	if err != nil {
		t.Fatal(err)
	}
	if _, err = g.Call(tcp("10.0.0.1"), "", at(0)); err != nil {
		t.Fatal(err)
	}
	g.Set(Limits{Calls: 1})
	_, err = g.Call(tcp("10.0.0.1"), "", at(0))
	refused(t, err, Calls)
	a.Leave()
	_, err = g.Call(tcp("10.0.0.1"), "", at(0))
	refused(t, err, Calls)
	g.Set(Limits{Calls: 3})
	if _, err = g.Call(tcp("10.0.0.1"), "", at(0)); err != nil {
		t.Error(err)
	}
	if l := g.Limits(); l.StreamsPerConnection != DefaultStreamsPerConnection {
		t.Errorf("%d streams", l.StreamsPerConnection)
	}
}

func TestAnAddressBeginsCallsNoFasterThanItsRate(t *testing.T) {
	g := New(Limits{Calls: 1000, CallsPerAddress: 500})
	try := func(now time.Duration, n int) (in int) {
		for range n {
			if p, err := g.Call(tcp("10.0.0.1"), "", at(now)); err == nil {
				p.Leave()
				in++
			}
		}
		return in
	}
	if in := try(0, 600); in != 500 {
		t.Errorf("%d at once, want 500", in)
	}
	if in := try(time.Second, 100); in != 25 {
		t.Errorf("%d a second later, want 25", in)
	}
	if n := g.Refused(CallRate); n != 175 {
		t.Errorf("%d refusals are counted", n)
	}
	if _, err := g.Call(tcp("10.0.0.2"), "", at(time.Second)); err != nil {
		t.Error(err)
	}
}

// plain is an address of no network.
type plain string

func (plain) Network() string  { return "memory" }
func (p plain) String() string { return string(p) }

func TestAnAddressIsThatOfASubscriber(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.7:1":              "192.0.2.7",
		"[::ffff:192.0.2.7]:1":     "192.0.2.7",
		"[2001:db8:1:2:3:4:5:6]:1": "2001:db8:1:2::",
		"[fe80::1:2%eth0]:1":       "fe80::",
		"[::1]:1":                  "::",
		"bufconn":                  "",
		"@":                        "",
		"192.0.2.7":                "",
	} {
		var wanted netip.Addr
		if want != "" {
			wanted = netip.MustParseAddr(want)
		}
		if got := Address(plain(text)); got != wanted {
			t.Errorf("%s counts as %v, want %v", text, got, wanted)
		}
		if port, err := netip.ParseAddrPort(text); err == nil {
			if got := Address(net.TCPAddrFromAddrPort(port)); got != wanted {
				t.Errorf("%s over TCP counts as %v, want %v", text, got, wanted)
			}
		}
	}
	if Address(nil).IsValid() {
		t.Error("nobody has an address")
	}
}
