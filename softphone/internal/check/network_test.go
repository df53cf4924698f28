package check_test

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"

	"google.golang.org/grpc/test/bufconn"

	"callcenter/audio"
	"callcenter/server/servertest"
)

// network is the way to one server, within a synctest bubble.
type network struct {
	lis      *bufconn.Listener // nil: nobody listens
	server   *servertest.Server
	up, down *servertest.Gate
	ended    chan struct{}
	running  sync.WaitGroup
}

// newNetwork has a server unless it is down.
func newNetwork(t *testing.T, isDown bool) *network {
	t.Helper()
	n := &network{up: servertest.NewGate(), down: servertest.NewGate(), ended: make(chan struct{})}
	if isDown {
		return n
	}
	n.lis = bufconn.Listen(64 << 10)
	n.server = servertest.Start(t, servertest.Options{Listener: n.lis, Clock: audio.NewClock()})
	return n
}

func (n *network) dial(ctx context.Context, _ string) (net.Conn, error) {
	if n.lis == nil {
		return nil, errors.New("connection refused")
	}
	far, err := n.lis.DialContext(ctx)
	if err != nil {
		return nil, err
	}
	near, mine := net.Pipe()
	n.running.Go(func() { n.carry(mine, far, n.up); _ = far.Close() })
	n.running.Go(func() { n.carry(far, mine, n.down); _ = mine.Close() })
	return near, nil
}

// carry copies one direction through its gate.
func (n *network) carry(from io.Reader, to io.Writer, g *servertest.Gate) {
	b := make([]byte, 32<<10)
	for {
		k, err := from.Read(b)
		if !g.Pass(n.ended) {
			return
		}
		if k > 0 {
			if _, werr := to.Write(b[:k]); werr != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// close ends the network and its server.
func (n *network) close() {
	close(n.ended)
	if n.server != nil {
		n.server.Kill()
	}
	n.running.Wait()
}
