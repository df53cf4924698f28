package certs_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"callcenter/server/servertest"
)

// ask asks a server how it is, over a connection of its own.
func ask(t *testing.T, s *servertest.Server, c credentials.TransportCredentials) error {
	t.Helper()
	conn := s.Dial(t, grpc.WithTransportCredentials(c))
	defer conn.Close() //nolint:errcheck // it was only asked
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, err := healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{})
	return err
}

func TestWhoComesInAndWhatTheOthersAreTold(t *testing.T) {
	ca, theirs := servertest.NewCA(t), servertest.NewCA(t)
	cert, key := ca.Files(t, t.TempDir(), servertest.Leaf{})
	open := servertest.Start(t, servertest.Options{TLS: &servertest.TLS{CertFile: cert, KeyFile: key}})
	var l log
	asking := servertest.Start(t, servertest.Options{Log: l.logger(), TLS: &servertest.TLS{CertFile: cert, KeyFile: key, ClientCA: ca.File(t, t.TempDir())}})
	verifying := func(ca *servertest.CA, least, most uint16) *tls.Config {
		return &tls.Config{RootCAs: ca.Pool(), MinVersion: least, MaxVersion: most}
	}
	old := servertest.Leaf{Client: true, NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour)}
	for _, tc := range []struct {
		name   string
		server *servertest.Server
		client credentials.TransportCredentials
		says   string // "": it comes in
	}{
		{"TLS 1.3", open, credentials.NewTLS(verifying(ca, tls.VersionTLS13, 0)), ""},
		{"TLS 1.2", open, credentials.NewTLS(verifying(ca, tls.VersionTLS12, tls.VersionTLS12)), "protocol version"},
		{"TLS 1.0", open, credentials.NewTLS(verifying(ca, tls.VersionTLS10, tls.VersionTLS11)), "protocol version"},
		{"plain text", open, insecure.NewCredentials(), "server preface"},
		{"who trusts another authority", open, credentials.NewTLS(verifying(theirs, tls.VersionTLS13, 0)), "unknown authority"},
		{"no certificate", asking, credentials.NewTLS(asking.ClientTLS()), "certificate required"},
		{"another authority's", asking, credentials.NewTLS(asking.ClientTLS(theirs.Issue(t, servertest.Leaf{Client: true}))), "unknown certificate authority"},
		{"one that has ended", asking, credentials.NewTLS(asking.ClientTLS(ca.Issue(t, old))), "expired certificate"},
		{"a server's", asking, credentials.NewTLS(asking.ClientTLS(ca.Issue(t, servertest.Leaf{}))), "bad certificate"},
		{"a client's", asking, credentials.NewTLS(asking.ClientTLS(ca.Issue(t, servertest.Leaf{Client: true}))), ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := ask(t, tc.server, tc.client)
			if tc.says == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%v, which does not say %q", err, tc.says)
			}
		})
	}
	// The peer is told before the log is.
	refused := func() int { return strings.Count(l.String(), "handshake refused") }
	for end := time.Now().Add(20 * time.Second); refused() < 4 && time.Now().Before(end); {
		<-time.After(5 * time.Millisecond)
	}
	if refused() != 4 {
		t.Errorf("%d refusals were logged: %s", refused(), &l)
	}
}

func TestOneWhoWasLetInIsRefusedOnceItsAuthorityIsNotTrusted(t *testing.T) {
	ca, dir := servertest.NewCA(t), t.TempDir()
	s := servertest.Start(t, servertest.Options{TLS: &servertest.TLS{ClientCA: ca.File(t, dir)}})
	config := s.ClientTLS(ca.Issue(t, servertest.Leaf{Client: true}))
	config.ClientSessionCache = tls.NewLRUClientSessionCache(4) // it would go on where it was
	if err := ask(t, s, credentials.NewTLS(config)); err != nil {
		t.Fatal(err)
	}
	servertest.NewCA(t).File(t, dir)
	if _, err := s.Reload(); err != nil {
		t.Fatal(err)
	}
	if err := ask(t, s, credentials.NewTLS(config)); status.Code(err) != codes.Unavailable {
		t.Errorf("it came in again: %v", err)
	}
}

// It is in a bubble: five seconds are five seconds.
func TestAHandshakeByteByByteIsCutOff(t *testing.T) {
	for _, tc := range []struct {
		name   string
		secure bool // once TLS is done
		drips  string
	}{
		{"TLS that never comes to an end", false, "\x16\x03\x01\x10\x00\x01\x00\x0f\xfc\x03\x03" + strings.Repeat("x", 60)},
		{"silence", false, ""},
		{"HTTP/2 that never begins", true, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + strings.Repeat("\x00", 60)},
		{"silence after TLS", true, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				lis := bufconn.Listen(64 << 10)
				s := servertest.Start(t, servertest.Options{Listener: lis, TLS: &servertest.TLS{}})
				conn, err := lis.DialContext(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				if tc.secure {
					config := s.ClientTLS()
					config.NextProtos = []string{"h2"}
					conn = tls.Client(conn, config)
				}
				drip(conn, tc.drips)
				if after := time.Since(began); after < 4*time.Second || after > 7*time.Second {
					t.Errorf("it was cut off after %v", after)
				}
			})
		})
	}
}

// drip sends a byte each second and returns when the other side closes.
func drip(conn net.Conn, text string) {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_, _ = io.Copy(io.Discard, conn) // however it ends
	}()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for text += " "; ; {
		select {
		case <-closed:
			_ = conn.Close() // the other side did
			return
		case <-tick.C:
		}
		if len(text) > 1 {
			_, _ = conn.Write([]byte{text[0]}) // whether it is closed the reader finds
			text = text[1:]
		}
	}
}
