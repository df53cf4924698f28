package callcenter

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"callcenter/api"
	"callcenter/server/internal/admission"
)

// socketServer serves on a real socket until the test ends.
func socketServer(tb testing.TB, cfg Config) (*listener, string) {
	tb.Helper()
	lis, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	svc := New(cfg)
	accepting := newListener(lis, svc.gate)
	server := grpc.NewServer(serverOptions(&svc.cfg)...)
	api.RegisterCallCenterServer(server, svc)
	healthpb.RegisterHealthServer(server, health.NewServer())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(accepting) }()
	tb.Cleanup(func() {
		svc.Close()
		server.Stop()
		svc.Wait()
		<-ended //nolint:errcheck // it ended because it was stopped
	})
	return accepting, lis.Addr().String()
}

// until waits for what must come true.
func until(tb testing.TB, what string, so func() bool) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-ctx.Done():
			tb.Fatalf("never: %s", what)
		case <-tick.C:
		}
	}
}

func (l *listener) connections() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.open)
}

const hello = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"

func TestConnectionsBeyondAnAddressesShareAreClosedAtTheDoor(t *testing.T) {
	cfg := testConfig()
	cfg.Gate = admission.New(admission.Limits{Connections: 20, ConnectionsPerAddress: 8})
	accepting, address := socketServer(t, cfg)
	// A machine so slow that the rate lets more in has them make room.
	away := func() uint64 {
		return cfg.Gate.Refused(admission.ConnectionRate) + cfg.Gate.Refused(admission.MadeRoom)
	}
	var conns []net.Conn
	closeAll := func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}
	defer closeAll()
	for range 12 {
		c, err := net.Dial("tcp", address)
		if err != nil {
			if away() == 0 {
				t.Fatal(err)
			}
			continue // it was quicker
		}
		conns = append(conns, c)
	}
	until(t, "four are sent away and eight are there", func() bool { return away() == 4 && accepting.connections() == 8 })
	closeAll()
	until(t, "all are gone", func() bool { return accepting.connections() == 0 })
}

func TestAPeerThatIsGoneIsGivenUpByTheKernel(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepting := newListener(lis, admission.New(admission.Limits{}))
	defer accepting.cut()
	client, err := net.Dial("tcp", lis.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	c, err := accepting.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	raw, err := c.(*conn).Conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	got := 0
	if cerr := raw.Control(func(fd uintptr) { got, err = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT) }); cerr != nil || err != nil {
		t.Fatal(cerr, err)
	}
	if want := int(keepaliveTimeout / time.Millisecond); got != want {
		t.Errorf("the kernel gives up after %d ms, want %d", got, want)
	}
}

// selfSigned are credentials of TLS 1.3 for a server, and for its client.
func selfSigned(tb testing.TB) (server credentials.TransportCredentials, client *tls.Config) {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"x"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		tb.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	return credentials.NewTLS(&tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
	}), &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: roots, ServerName: "x", NextProtos: []string{"h2"}}
}

// TestFramesAreCountedInsideTLS floods a server over TLS, after a call that it takes.
func TestFramesAreCountedInsideTLS(t *testing.T) {
	cfg := testConfig()
	cfg.Gate = admission.New(admission.Limits{})
	var client *tls.Config
	cfg.Credentials, client = selfSigned(t)
	accepting, address := socketServer(t, cfg)
	conn, err := tls.Dial("tcp", address, client)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write(liveCall(t, extendedOpening("echo"))); err != nil {
		t.Fatal(err)
	}
	until(t, "the call is there", func() bool { return cfg.Gate.Streams() == 1 })
	for resets := bytes.Repeat(http2(3, 0, 99, make([]byte, 4)), 1000); err == nil; {
		_, err = conn.Write(resets)
	}
	until(t, "the connection is closed", func() bool { return accepting.connections() == 0 && cfg.Gate.Streams() == 0 })
	if n := cfg.Gate.Refused(admission.Frames); n != 1 {
		t.Errorf("%d connections are counted that brought too many frames", n)
	}
}

// BenchmarkIdleConnection opens b.N connections that say hello and no more, and
// reports what each costs. Over TLS that is with the client's half; a bare pair
// says how much that is.
func BenchmarkIdleConnection(b *testing.B) {
	secure, client := selfSigned(b)
	for _, bc := range []struct {
		name  string
		creds credentials.TransportCredentials
	}{{"plain", nil}, {"TLS", secure}} {
		b.Run(bc.name, func(b *testing.B) {
			cfg := testConfig()
			cfg.Credentials = bc.creds
			accepting, address := socketServer(b, cfg)
			var conns []net.Conn
			defer func() {
				for _, c := range conns {
					_ = c.Close()
				}
			}()
			memory, goroutines := held(), runtime.NumGoroutine()
			for range b.N {
				c, err := net.Dial("tcp", address)
				if err != nil {
					b.Fatal(err)
				}
				conns = append(conns, c)
				if bc.creds != nil {
					c = tls.Client(c, client)
					conns[len(conns)-1] = c
				}
				if _, err := c.Write([]byte(hello)); err != nil {
					b.Fatal(err)
				}
				var settings [9]byte
				if _, err := c.Read(settings[:]); err != nil {
					b.Fatal(err)
				}
			}
			until(b, "all are there", func() bool { return accepting.connections() == b.N })
			until(b, "all have their goroutines", func() bool { return runtime.NumGoroutine() >= goroutines+3*b.N })
			b.ReportMetric(float64(held()-memory)/float64(b.N), "B/conn")
			b.ReportMetric(float64(runtime.NumGoroutine()-goroutines)/float64(b.N), "goroutines/conn")
		})
	}
}

// held is what the process holds after a collection, with its stacks.
func held() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
