package callcenter

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"

	"callcenter/api"
	"callcenter/api/wire"
)

const (
	// Static windows turn bandwidth estimation off: it costs a ping for every
	// chunk and buys nothing at these rates. The connection's is large, so that
	// one call that does not read holds up no other on its connection.
	streamWindow = 65535
	connWindow   = 1 << 20

	// readBuffer is what a connection reads into, in bytes: a message of any size, or
	// a frame of each of 30 calls. One with TLS keeps it while it is idle, and would
	// keep gRPC's own 32 KiB; what it reads at a time from the kernel is TLS's own.
	readBuffer = 4 << 10

	maxHeaderBytes = 16 << 10
	// handshakeLimit is how long a connection may take until it speaks HTTP/2: TLS,
	// the preface and the settings. The gate closes one that then says nothing.
	handshakeLimit = 5 * time.Second
	// idleLimit is how long a connection may stay after its last call.
	idleLimit = 2 * time.Minute

	// A peer that vanished is found within keepaliveTime and keepaliveTimeout.
	// Clients may ping as often as gRPC lets them, also without a call.
	keepaliveTime    = 10 * time.Second
	keepaliveTimeout = 5 * time.Second
	keepaliveMinTime = 5 * time.Second

	// farewellTime is how long before the end of a drain the calls that are
	// still there are ended, at most.
	farewellTime = time.Second
	// flushTime is how long connections may take to carry the last statuses, of
	// the drain's time, and leastFlushTime what they get in any case.
	flushTime      = 500 * time.Millisecond
	leastFlushTime = 50 * time.Millisecond
	// endTime is how long calls that were cut off may take to let go: one whose
	// codec does not return never will.
	endTime = 5 * time.Second
)

// ErrForced is Run's error when it ended before its calls did.
var ErrForced = errors.New("stopped at once: calls were cut off")

var errStuck = fmt.Errorf("calls had not let go %v after they were cut off: a codec does not return", endTime)

// Run serves calls on lis, with the standard health and reflection services,
// until ctx ends. Then it refuses new calls with Unavailable, tells the calls
// there are with an event, ends those that have not left by themselves within
// DrainTimeout with another event and a status, and returns nil, at once when
// the last call is gone. When forced is closed it cuts off what is left and
// returns ErrForced. It closes lis and waits for everything that it started.
func Run(ctx context.Context, lis net.Listener, cfg Config, forced <-chan struct{}) error {
	svc := New(cfg)
	accepting := newListener(lis, svc.gate)
	server := grpc.NewServer(append(serverOptions(&svc.cfg), guardOptions(svc, lis.Addr())...)...)
	status := health.NewServer()
	api.RegisterCallCenterServer(server, svc)
	healthpb.RegisterHealthServer(server, healthService{status, svc})
	reflection.Register(server)
	status.SetServingStatus(api.CallCenter_ServiceDesc.ServiceName, healthpb.HealthCheckResponse_SERVING)

	defer background(svc.audit.run)() // to the last refusal
	served := make(chan error, 1)
	go func() { served <- server.Serve(accepting) }()
	defer background(func(ctx context.Context) { _ = svc.gate.Run(ctx, svc.cfg.Log) })() // it ends with ctx alone
	var graceful sync.WaitGroup
	cfg.Pulse.serve(server, &graceful)
	var err error
	select {
	case err = <-served:
		err = fmt.Errorf("accept connections on %s: %w", lis.Addr(), err)
		served <- nil // there is nothing more to wait for
	case <-forced:
		err = ErrForced
	case <-ctx.Done():
		status.Shutdown() // NOT_SERVING, so that balancers look elsewhere
		end := time.Now().Add(cfg.DrainTimeout)
		if err = drain(svc, cfg.DrainTimeout, forced); err == nil {
			err = flush(server, &graceful, time.Until(end), forced)
		}
	}
	svc.Close()
	accepting.cut()
	if !within(endTime, func() {
		server.Stop() // ends a graceful end that still waits
		graceful.Wait()
		svc.Wait()
	}) {
		if err != nil {
			return fmt.Errorf("%w; %w", err, errStuck)
		}
		return errStuck
	}
	if serr := <-served; err == nil && !errors.Is(serr, grpc.ErrServerStopped) {
		err = serr
	}
	return err
}

func serverOptions(cfg *Config) []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ReadBufferSize(readBuffer),
		grpc.Creds(pulseCredentials{meteredBy(cfg.Credentials)}),
		grpc.InTapHandle(openStream),
		grpc.ChainStreamInterceptor(boundStream),
		grpc.ChainUnaryInterceptor(boundUnary),
		grpc.StaticStreamWindowSize(streamWindow),
		grpc.StaticConnWindowSize(connWindow),
		grpc.MaxRecvMsgSize(wire.MaxMessage),
		grpc.ForceServerCodecV2(newFrugal()),
		grpc.MaxConcurrentStreams(uint32(cfg.Gate.Limits().StreamsPerConnection)),
		grpc.MaxHeaderListSize(maxHeaderBytes),
		grpc.ConnectionTimeout(handshakeLimit),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			Time: keepaliveTime, Timeout: keepaliveTimeout, MaxConnectionIdle: idleLimit,
		}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: keepaliveMinTime, PermitWithoutStream: true}),
		grpc.WaitForHandlers(true),
	}
}

// background runs do until the function that it returns is called, which waits for
// it.
func background(do func(context.Context)) (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		do(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

// drain ends the calls within the limit. The listener stays open meanwhile, so
// that new calls are refused with a status.
func drain(svc *Service, limit time.Duration, forced <-chan struct{}) error {
	hard := time.NewTimer(limit - min(limit/4, flushTime))
	defer hard.Stop()
	soft := time.NewTimer(limit - min(limit/2, farewellTime))
	defer soft.Stop()

	svc.Drain()
	select {
	case <-svc.Empty():
	case <-soft.C:
	case <-forced:
		return ErrForced
	}
	svc.EndAll()
	select {
	case <-svc.Empty():
	case <-hard.C:
	case <-forced:
		return ErrForced
	}
	return nil
}

// flush closes the connections once they have carried the last statuses. A
// health watch never ends by itself and a stalled peer takes nothing, hence the
// limit. The graceful end goes on until the server is stopped.
func flush(server *grpc.Server, graceful *sync.WaitGroup, left time.Duration, forced <-chan struct{}) error {
	flushed := make(chan struct{})
	graceful.Go(func() {
		defer close(flushed)
		server.GracefulStop()
	})
	limit := time.NewTimer(max(leastFlushTime, min(flushTime, left)))
	defer limit.Stop()
	select {
	case <-flushed:
	case <-limit.C:
	case <-forced:
		return ErrForced
	}
	return nil
}

// within reports whether do returned in time. If not it is left behind.
func within(limit time.Duration, do func()) bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}
