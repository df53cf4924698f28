package callcenter

import (
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"callcenter/server/internal/admission"
)

func TestAConnectionWaitsForItsTurnAndLetsGoWhenItIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lis := newListener(nil, admission.New(admission.Limits{Connections: 1000, ConnectionsPerAddress: 1000}))
		for i := range 200 {
			ours, theirs := net.Pipe()
			defer theirs.Close() //nolint:errcheck // of the test
			c := &conn{Conn: ours, lis: lis, gone: make(chan struct{})}
			var err error
			if c.place, err = lis.gate.Connect(&net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 1}, time.Now(), c.cut); err != nil {
				t.Fatal(err)
			}
			defer c.cut()
			wait := time.Until(c.place.Turn())
			switch i {
			case 100: // no other takes time
				began := time.Now()
				if err := c.await(); err != nil || time.Since(began) != wait || wait <= 0 {
					t.Errorf("it waited %v of %v: %v", time.Since(began), wait, err)
				}
			case 199:
				c.cut()
				if err := c.await(); !errors.Is(err, net.ErrClosed) || wait <= 0 {
					t.Errorf("one that was cut is let in after %v: %v", wait, err)
				}
			}
		}
	})
}
