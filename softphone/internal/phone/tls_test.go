package phone_test

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"callcenter/api"
	"callcenter/server/servertest"
)

// strange is a certificate with a new key, of an authority that nobody knows.
func strange(t *testing.T) tls.Certificate {
	t.Helper()
	return servertest.NewCA(t).Issue(t, servertest.Leaf{Names: []string{"desk"}})
}

// front is an encrypted way to a plain server, whose certificate can change, and
// whose connections can be cut.
type front struct {
	addr string

	mu    sync.Mutex
	cert  tls.Certificate
	ask   tls.ClientAuthType
	conns []net.Conn
	met   int // handshakes begun
}

// newFront serves until the test ends.
func newFront(t *testing.T, server string) *front {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &front{addr: lis.Addr().String(), cert: strange(t)}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := lis.Accept()
			if err != nil {
				return
			}
			running.Go(func() { f.carry(c, server) })
		}
	})
	t.Cleanup(func() {
		_ = lis.Close()
		f.cut()
		running.Wait()
	})
	return f
}

func (f *front) carry(raw net.Conn, server string) {
	f.mu.Lock()
	f.met++
	f.conns = append(f.conns, raw)
	cfg := &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{"h2"}, Certificates: []tls.Certificate{f.cert}, ClientAuth: f.ask}
	f.mu.Unlock()
	near := tls.Server(raw, cfg)
	defer func() { _ = near.Close() }()
	if near.Handshake() != nil {
		return
	}
	far, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	var up sync.WaitGroup
	up.Go(func() { _, _ = io.Copy(far, near); _ = far.Close() })
	_, _ = io.Copy(near, far)
	_ = near.Close()
	up.Wait()
}

// become makes new connections see another certificate.
func (f *front) become(cert tls.Certificate) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cert = cert
}

func (f *front) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.conns {
		_ = c.Close()
	}
	f.conns = nil
}

func (f *front) handshakes() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.met
}

// encrypted is a real server behind a front.
func encrypted(t *testing.T) *front {
	t.Helper()
	return newFront(t, servertest.Start(t, servertest.Options{}).Addr)
}

// doorman is a server that looks at tokens alone. It takes a call as long as it
// likes the token.
type doorman struct {
	api.UnimplementedCallCenterServer
	likes  func(token string) error
	answer *api.Event
	// goodbye is said before a call is ended; nil: nothing is.
	goodbye *api.Event

	mu    sync.Mutex
	seen  []string
	ended chan error // ends the calls with it
}

func (d *doorman) LiveCall(stream grpc.BidiStreamingServer[api.AudioChunk, api.AudioChunk]) error {
	md, _ := metadata.FromIncomingContext(stream.Context())
	token := ""
	if v := md.Get("authorization"); len(v) > 0 {
		token = v[0]
	}
	d.mu.Lock()
	d.seen = append(d.seen, token)
	likes := d.likes
	d.mu.Unlock()
	if likes != nil {
		if err := likes(token); err != nil {
			return err
		}
	}
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	if err := stream.Send(&api.AudioChunk{CallId: first.GetCallId(), Codec: first.GetCodec(), SampleRate: first.GetSampleRate(), Channels: 1, Event: d.answer}); err != nil {
		return err
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for {
			if _, err := stream.Recv(); err != nil {
				return
			}
		}
	}()
	alive := time.NewTicker(100 * time.Millisecond)
	defer alive.Stop()
	for {
		select {
		case <-gone:
			return nil
		case err := <-d.ended:
			if d.goodbye != nil {
				_ = stream.Send(&api.AudioChunk{Event: d.goodbye})
			}
			return err
		case <-alive.C:
			if err := stream.Send(&api.AudioChunk{}); err != nil {
				return err
			}
		}
	}
}

func (d *doorman) tokens() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string{}, d.seen...)
}

// serve starts it, in plain text, until the test ends.
func (d *doorman) serve(t *testing.T) string {
	t.Helper()
	d.ended = make(chan error, 1)
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	api.RegisterCallCenterServer(s, d)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(lis)
	}()
	t.Cleanup(func() { s.Stop(); <-done })
	return lis.Addr().String()
}

// refuses is a doorman's word.
func refuses(code codes.Code, text string) func(string) error {
	return func(string) error { return status.Error(code, text) }
}

// signed is a token of that form that nobody signed.
func signed(expires time.Time) string {
	part := base64.RawURLEncoding.EncodeToString
	return part([]byte(`{"alg":"EdDSA"}`)) + "." + part(fmt.Appendf(nil, `{"sub":"ada","exp":%d}`, expires.Unix())) + "." + part([]byte("canary-of-a-signature"))
}

// within waits for a condition.
func within(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("not within 20 s: %s", what)
		case <-tick.C:
		}
	}
}
