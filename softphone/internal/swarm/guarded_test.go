package swarm

import (
	"strings"
	"testing"
	"time"

	"callcenter/codec/opus"
	"callcenter/server/servertest"
	"callcenter/softphone/internal/bearer"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/phone"
	"callcenter/softphone/internal/trust"
)

func TestASwarmGetsIntoAServerThatEncryptsAndAsksWhoCalls(t *testing.T) {
	t.Parallel()
	keys := servertest.NewKeys(t)
	s := servertest.Start(t, servertest.Options{TLS: &servertest.TLS{}, Keys: keys})
	said := make(chan string, 100)
	known := trust.NewKnown(t.TempDir())
	a := &phone.Access{
		Encrypt: phone.EncryptAlways, Trust: trust.New(trust.Config{Known: known}),
		Token: bearer.Value(keys.Token("swarm", servertest.Everything())),
		Say:   func(n callstate.Notice) { said <- n.Text },
	}
	run := func(a *phone.Access) (Report, error) {
		return Run(t.Context(), plan(func(c *Config) {
			c.Server, c.Connect, c.Destination, c.Calls, c.Streams = s.Addr, a.Connect, "echo", 8, 2
			c.Codec, c.Options.Complexity, c.Ramp, c.Duration = opus.Codec{}, 0, 0, 500*time.Millisecond
		}))
	}
	if r, err := run(a); err != nil || r.Held != 8 || r.Verified == 0 {
		t.Errorf("%+v: %v", r, err)
	}
	if n := len(said); n != 1 {
		t.Errorf("the server was met %d times", n)
	}
	if _, err := known.Add(s.Addr, "SHA256:"+strings.Repeat("A", 43), time.Now()); err != nil {
		t.Fatal(err)
	}
	if r, err := run(a); err == nil || r.Held != 0 || !strings.Contains(err.Error(), "softphone trust forget "+s.Addr) {
		t.Errorf("with another key: %+v: %v", r, err)
	}
}
