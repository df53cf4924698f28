package callcenter

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"callcenter/api"
)

// beat asks a pulse, within a limit that no server needs.
func beat(t *testing.T, p *Pulse, limit time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	return p.Beat(ctx)
}

func TestAServerThatRunsHasAPulseWhateverItsCredentials(t *testing.T) {
	for name, creds := range map[string]credentials.TransportCredentials{
		"plain text": nil,
		// Nobody outside gets through this handshake: there is no certificate.
		"TLS": credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS13}),
	} {
		t.Run(name, func(t *testing.T) {
			lis, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			cfg := testConfig()
			cfg.Credentials, cfg.Pulse = creds, NewPulse()
			ctx, end := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- Run(ctx, lis, cfg, nil) }()
			for range 3 {
				if err := beat(t, cfg.Pulse, 10*time.Second); err != nil {
					t.Error(err)
				}
			}
			end()
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
			if err := beat(t, cfg.Pulse, 10*time.Second); err == nil || status.Code(errors.Unwrap(err)) == codes.DeadlineExceeded {
				t.Errorf("a server that has ended says %v, want an error at once", err)
			}
		})
	}
}

func TestAServerWhoseCallsStandStillHasNoPulse(t *testing.T) {
	svc, status := New(testConfig()), health.NewServer()
	status.SetServingStatus(api.CallCenter_ServiceDesc.ServiceName, healthpb.HealthCheckResponse_SERVING)
	server := grpc.NewServer(append(serverOptions(&svc.cfg), guardOptions(svc, &net.TCPAddr{})...)...)
	healthpb.RegisterHealthServer(server, healthService{status, svc})
	var served sync.WaitGroup
	p := NewPulse()
	p.serve(server, &served)
	defer served.Wait()
	defer server.Stop()

	svc.mu.Lock()
	err := beat(t, p, 50*time.Millisecond)
	svc.mu.Unlock()
	if err == nil {
		t.Error("it answers although no call can get its lock")
	}
	if err := beat(t, p, 10*time.Second); err != nil {
		t.Errorf("it does not answer afterwards: %v", err)
	}
	status.Shutdown()
	if err := beat(t, p, 10*time.Second); err != nil {
		t.Errorf("it does not answer while it drains: %v", err)
	}
}
