package callcenter

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"callcenter/api"
)

var errNoPulse = errors.New("the server does not run")

// Pulse is a server's way into itself, by which a watchdog finds out whether it
// lives: connections in memory, which no flood from outside can use up, and which
// neither TLS nor a limit on addresses concerns. Everything after that is what a
// call goes through. One Pulse is for one Run. Beat is safe for concurrent use.
type Pulse struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

// NewPulse returns a pulse for Config.Pulse.
func NewPulse() *Pulse {
	return &Pulse{conns: make(chan net.Conn), done: make(chan struct{})}
}

// Beat opens a connection to the server and asks for its health, which takes the
// locks that every call takes. Any answer will do. It fails once ctx ends, and
// when the server has ended.
func (p *Pulse) Beat(ctx context.Context) error {
	conn, err := grpc.NewClient("passthrough:///pulse", grpc.WithContextDialer(p.dial),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return fmt.Errorf("open a connection to itself: %w", err)
	}
	_, err = healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{Service: api.CallCenter_ServiceDesc.ServiceName})
	if cerr := conn.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("ask itself for its health: %w", err)
	}
	return nil
}

func (p *Pulse) dial(ctx context.Context, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- pulseConn{far}:
		return near, nil
	case <-p.done:
	case <-ctx.Done():
	}
	_, _ = near.Close(), far.Close() // pipes cannot fail to
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return nil, errNoPulse
}

// serve lets the pulse into a server until that is stopped; nil lets nothing in.
func (p *Pulse) serve(server *grpc.Server, until *sync.WaitGroup) {
	if p != nil {
		until.Go(func() { _ = server.Serve(p) }) // it ends with the server, of which Run tells
	}
}

// Accept makes it, with Close and Addr, a net.Listener for gRPC alone.
func (p *Pulse) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

// Close ends the way in.
func (p *Pulse) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

// Addr is that of no network.
func (p *Pulse) Addr() net.Addr { return pulseConn{}.LocalAddr() }

// pulseConn is a connection of a server to itself: only this process can have
// made it.
type pulseConn struct{ net.Conn }

type pulseAddr struct{}

func (pulseAddr) Network() string { return "pulse" }
func (pulseAddr) String() string  { return "pulse" }

func (pulseConn) LocalAddr() net.Addr  { return pulseAddr{} }
func (pulseConn) RemoteAddr() net.Addr { return pulseAddr{} }

// pulseCredentials are those of a server that asks itself for none.
type pulseCredentials struct {
	credentials.TransportCredentials
}

func (c pulseCredentials) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	if _, own := conn.(pulseConn); own {
		return insecure.NewCredentials().ServerHandshake(conn)
	}
	return c.TransportCredentials.ServerHandshake(conn)
}

func (c pulseCredentials) Clone() credentials.TransportCredentials {
	return pulseCredentials{c.TransportCredentials.Clone()}
}

// healthService is the standard service, except that its answer takes the locks
// that a call takes: a server whose calls stand still does not say that it is well.
type healthService struct {
	*health.Server
	svc *Service
}

func (h healthService) Check(ctx context.Context, req *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	h.svc.touch()
	return h.Server.Check(ctx, req)
}

// touch takes and gives back, one after the other, the locks that stand between a
// caller and a room.
func (s *Service) touch() {
	s.mu.Lock()
	s.mu.Unlock() //nolint:staticcheck // that it can be had is all there is to know
	s.rooms.Rooms()
}
