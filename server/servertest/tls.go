package servertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"callcenter/api/fingerprint"
	"callcenter/server/internal/certs"
)

// TLS is how a test's server proves itself. The zero value is a self-signed
// certificate in a folder of the test's own.
type TLS struct {
	// CertFile and KeyFile are PEM files, which are read again when they change;
	// see CA.Files.
	CertFile, KeyFile string
	// StateDir is where a self-signed certificate is kept; a server that is started
	// with the same folder has the same key. Empty: a folder of the test's own.
	StateDir string
	// ClientCA is a PEM file of those who sign clients' certificates; empty: clients
	// need none.
	ClientCA string
}

// open opens what the server proves itself with.
func (o *TLS) open(tb testing.TB, options *Options) *certs.Store {
	tb.Helper()
	s := certs.Settings{
		CertFile: o.CertFile, KeyFile: o.KeyFile, ClientCA: o.ClientCA, StateDir: o.StateDir,
		Names: []string{"127.0.0.1", "localhost"}, Log: options.Log,
	}
	if s.CertFile == "" && s.StateDir == "" {
		s.StateDir = tb.TempDir()
	}
	store, err := certs.Open(s)
	if err != nil {
		tb.Fatalf("test server: %v", err)
	}
	return store
}

// Fingerprint is that of the server's key, "" of one that speaks plain text.
func (s *Server) Fingerprint() string {
	if s.store == nil {
		return ""
	}
	return s.store.Fingerprint()
}

// Reload makes the server read the files of TLS now, and says what changed.
func (s *Server) Reload() ([]string, error) { return s.store.Reload() }

// ClientTLS is a configuration that trusts the key that the server has at each
// handshake, whatever its certificate says, and shows the certificates given.
func (s *Server) ClientTLS(own ...tls.Certificate) *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS13,
		Certificates:       own,
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection compares the key
		VerifyConnection: func(c tls.ConnectionState) error {
			if got, want := fingerprint.Of(c.PeerCertificates[0]), s.Fingerprint(); got != want {
				return fmt.Errorf("the server's key is %s and not the test server's, %s", got, want)
			}
			return nil
		},
	}
}

// CA signs certificates for tests.
type CA struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// Leaf is what a CA is asked to sign.
type Leaf struct {
	// Names are hosts and addresses; none: 127.0.0.1 and localhost.
	Names []string
	// Client makes it a client's, who is called Names[0].
	Client bool
	// NotBefore and NotAfter bound its life; zero: from an hour ago, and for 60 days.
	NotBefore, NotAfter time.Time
}

// NewCA makes an authority that lives for ten years.
func NewCA(tb testing.TB) *CA {
	tb.Helper()
	ca := &CA{key: newKey(tb)}
	now := time.Now()
	ca.cert = ca.sign(tb, &x509.Certificate{
		Subject: pkix.Name{CommonName: "test authority"}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, ca.key)
	return ca
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

// sign signs a certificate for a key; without a parent it is the authority's own.
func (ca *CA) sign(tb testing.TB, template, parent *x509.Certificate, key *ecdsa.PrivateKey) *x509.Certificate {
	tb.Helper()
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, ca.key)
	if err != nil {
		tb.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return cert
}

// Issue makes a key and signs a certificate for it.
func (ca *CA) Issue(tb testing.TB, l Leaf) tls.Certificate {
	tb.Helper()
	if len(l.Names) == 0 {
		l.Names = []string{"127.0.0.1", "localhost"}
	}
	if l.NotBefore.IsZero() {
		l.NotBefore = time.Now().Add(-time.Hour)
	}
	if l.NotAfter.IsZero() {
		l.NotAfter = time.Now().AddDate(0, 0, 60)
	}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: l.Names[0]}, NotBefore: l.NotBefore, NotAfter: l.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if l.Client {
		template.ExtKeyUsage[0] = x509.ExtKeyUsageClientAuth
	}
	for _, name := range l.Names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	key := newKey(tb)
	leaf := ca.sign(tb, template, ca.cert, key)
	return tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}
}

// Pool is the authority for those who verify with it alone.
func (ca *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	return pool
}

// File writes the authority's certificate into a folder and returns the file.
func (ca *CA) File(tb testing.TB, dir string) string {
	tb.Helper()
	path := filepath.Join(dir, "ca.pem")
	writePEM(tb, path, "CERTIFICATE", ca.cert.Raw)
	return path
}

// Files issues a certificate and writes it and its key into a folder, over those
// that are there.
func (ca *CA) Files(tb testing.TB, dir string, l Leaf) (certFile, keyFile string) {
	tb.Helper()
	return WriteCertificate(tb, dir, ca.Issue(tb, l))
}

// WriteCertificate writes a certificate and its key into a folder, as cert.pem and
// key.pem.
func WriteCertificate(tb testing.TB, dir string, cert tls.Certificate) (certFile, keyFile string) {
	tb.Helper()
	secret, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		tb.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writePEM(tb, certFile, "CERTIFICATE", cert.Certificate[0])
	writePEM(tb, keyFile, "PRIVATE KEY", secret)
	return certFile, keyFile
}

func writePEM(tb testing.TB, path, typ string, der []byte) {
	tb.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der}), 0o600); err != nil {
		tb.Fatal(err)
	}
}
