package callcenter

import (
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"callcenter/server/internal/admission"
)

func TestAConnectionThatWaitsForItsTurnLetsGoWhenItIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := admission.New(admission.Limits{Connections: 1000, ConnectionsPerAddress: 1000})
		lis := newListener(nil, gate)
		var last *conn
		for range 100 {
			ours, theirs := net.Pipe()
			defer theirs.Close() //nolint:errcheck // of the test
			last = &conn{Conn: ours, lis: lis, gone: make(chan struct{})}
			var err error
			if last.place, err = gate.Connect(&net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 1}, time.Now(), last.cut); err != nil {
				t.Fatal(err)
			}
			defer last.cut()
		}
		began := time.Now()
		if err := last.await(); err != nil || time.Since(began) < 100*time.Millisecond {
			t.Errorf("it waited %v: %v", time.Since(began), err)
		}
		began = time.Now()
		ours, theirs := net.Pipe()
		defer theirs.Close() //nolint:errcheck // of the test
		cut := &conn{Conn: ours, lis: lis, gone: make(chan struct{})}
		cut.place, _ = gate.Connect(&net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 1}, began.Add(-time.Hour).Add(time.Hour), cut.cut)
		cut.cut()
		if err := cut.await(); !errors.Is(err, net.ErrClosed) && time.Since(began) > 0 {
			t.Errorf("a connection that was cut waited %v: %v", time.Since(began), err)
		}
	})
}
