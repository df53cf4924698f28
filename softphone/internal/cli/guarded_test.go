package cli_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"callcenter/api"
	"callcenter/api/fingerprint"
)

// guarded is a server that speaks TLS alone, wants a certificate and a token, and
// sends back what it hears.
type guarded struct {
	api.UnimplementedCallCenterServer
	addr, print string
	token       string // that it lets in
	resume      string // that it hands out
	answer      func(*api.Event)
}

// certificate makes a self-signed one, and its files.
func certificate(t *testing.T) (c tls.Certificate, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	certFile = secretFile(t, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})))
	keyFile = secretFile(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key, Leaf: leaf}, certFile, keyFile
}

func secretFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// aToken is a token of that form that nobody signed.
func aToken(expires time.Duration) string {
	part := base64.RawURLEncoding.EncodeToString
	return part([]byte(`{"alg":"EdDSA","kid":"k"}`)) + "." +
		part(fmt.Appendf(nil, `{"sub":"ada","jti":"canary-of-claims","exp":%d}`, time.Now().Add(expires).Unix())) + "." +
		part([]byte("canary-of-a-signature-"+rand.Text()))
}

// serveGuarded serves until the test ends.
func serveGuarded(t *testing.T, ask tls.ClientAuthType) *guarded {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cert, _, _ := certificate(t)
	g := &guarded{
		addr: lis.Addr().String(), print: fingerprint.Of(cert.Leaf), token: aToken(100 * time.Hour),
		resume: "canary-of-a-resume-token-" + rand.Text(),
	}
	s := grpc.NewServer(grpc.Creds(credentials.NewTLS(&tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{cert}, ClientAuth: ask,
	})))
	api.RegisterCallCenterServer(s, g)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(lis)
	}()
	t.Cleanup(func() { s.Stop(); <-done })
	return g
}

func (g *guarded) LiveCall(stream grpc.BidiStreamingServer[api.AudioChunk, api.AudioChunk]) error {
	md, _ := metadata.FromIncomingContext(stream.Context())
	if got := strings.Join(md.Get("authorization"), ","); got != "Bearer "+g.token {
		return status.Error(codes.Unauthenticated, "no token: this server asks who calls")
	}
	answered := false
	for {
		chunk, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil // the caller hung up
		}
		if err != nil {
			return err
		}
		chunk.Event = nil
		if !answered {
			answered = true
			chunk.Event = &api.Event{Kind: api.Event_KIND_ANSWERED, NewCall: true}
			if g.answer != nil {
				g.answer(chunk.GetEvent())
			}
			err = stream.Send(&api.AudioChunk{
				CallId: chunk.GetCallId(), Codec: chunk.GetCodec(), SampleRate: chunk.GetSampleRate(), Channels: chunk.GetChannels(),
				Event: &api.Event{Kind: api.Event_KIND_RESUME_TOKEN, ResumeToken: g.resume},
			})
		}
		if err == nil {
			chunk.Setup, chunk.Ack = nil, chunk.GetSequence()
			err = stream.Send(chunk)
		}
		if err != nil {
			return err
		}
	}
}
