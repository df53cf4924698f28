// Package trust is how a softphone knows its servers, so that nobody in between
// can pass for one. Package phone asks it for each connection that is to be
// encrypted; the command line shows and changes what it remembers.
//
// A server is known, in this order,
//
//  1. by those who signed its certificate, where --ca names them, and by nothing
//     else then;
//  2. by its key, where the file of known servers has one for its address: the
//     certificate around the key may be self-signed, renewed or out of date;
//  3. by the system's authorities, which is remembered, so that it cannot pass
//     for a stranger later;
//  4. at first sight otherwise: its key is remembered, and the operator is told
//     its fingerprint to compare it with what the server printed.
//
// A key is remembered only when the server has proved that it holds it, which in
// TLS 1.3 is after its certificate was looked at. So a connection has two steps:
// the configuration of Meet lets in whoever may be the server, and Met says who it
// was once the handshake is done.
//
// A Trust is safe for concurrent use. It reads and writes a small file and waits
// for nothing but its lock.
package trust

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"time"

	"callcenter/api/fingerprint"
)

// How is what a server is known by.
type How int

// The ways to know a server.
const (
	ByCA     How = iota + 1 // --ca
	BySystem                // the system's authorities
	ByKey                   // the key is the one that is remembered
	ByFirst                 // it was met just now, and its key is remembered
)

// Identity is who a server proved to be.
type Identity struct {
	How         How
	Fingerprint string // of its key
	Since       time.Time
	// Note says what happened to the file of known servers; "" is nothing.
	Note string
}

// Config is what a Trust is made of.
type Config struct {
	// Known is the file of known servers. It is not used with CA.
	Known *Known
	// CA are the authorities of --ca, and CAFile is where they are from; nil:
	// nobody named any.
	CA     *x509.CertPool
	CAFile string
	// Roots are the system's authorities; nil: those of the system.
	Roots *x509.CertPool
	// CertFile and KeyFile are who this softphone is, "" for nobody. They are read
	// anew for each connection.
	CertFile, KeyFile string
	// Now is the wall clock; nil: time.Now.
	Now func() time.Time
}

// Trust knows servers. Use New.
type Trust struct{ cfg Config }

// New returns a Trust.
func New(cfg Config) *Trust {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Trust{cfg: cfg}
}

// Loopback reports that the server at an address, HOST:PORT, is on this computer.
func Loopback(address string) bool {
	host := hostOf(address)
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// hostOf is the host of HOST:PORT.
func hostOf(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return address
}

// Meet returns the TLS configuration for one connection to an address, HOST:PORT.
// It lets in who may be the server: what Met says counts.
func (t *Trust) Meet(address string) *tls.Config {
	cfg := &tls.Config{
		MinVersion: tls.VersionTLS13,
		ServerName: hostOf(address),
		NextProtos: []string{"h2"},
		// Go's own check knows no keys; VerifyConnection makes it where it counts.
		InsecureSkipVerify: true, //nolint:gosec // see VerifyConnection
		VerifyConnection: func(s tls.ConnectionState) error {
			_, err := t.identify(address, s)
			return err
		},
	}
	if t.cfg.CertFile != "" {
		cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return LoadCertificate(t.cfg.CertFile, t.cfg.KeyFile)
		}
	}
	return cfg
}

// Met says who the server at an address is, after a handshake with the
// configuration of Meet, and remembers it where it was not known. Its error is a
// *Error.
func (t *Trust) Met(address string, s tls.ConnectionState) (Identity, error) {
	id, err := t.identify(address, s)
	if err != nil || id.How == ByCA || !id.Since.IsZero() {
		return id, err
	}
	mark := id.Fingerprint
	if id.How == BySystem {
		mark = authorities
	}
	// Another softphone may have met it meanwhile, or somebody else in its place.
	now := t.cfg.Now()
	first, note, err := t.cfg.Known.meet(Server{Address: address, Mark: mark, Since: now})
	id.Note = note
	switch {
	case err == nil && id.How == ByFirst && !first:
		id.How, id.Since = ByKey, now
	case err == nil:
	case id.How == BySystem && !errors.Is(err, errOther):
		id.Note = err.Error() // who vouches for it will do so again
	default:
		return id, &Error{Final: errors.Is(err, errOther), text: "server " + address + " was not called, as its key cannot be remembered: " + err.Error()}
	}
	return id, nil
}

// identify says who a server is by its certificate. Since is zero where it is not
// remembered.
func (t *Trust) identify(address string, s tls.ConnectionState) (Identity, error) {
	if len(s.PeerCertificates) == 0 {
		return Identity{}, &Error{Final: true, text: "server " + address + " showed no certificate: ask its administrator"}
	}
	leaf := s.PeerCertificates[0]
	id := Identity{Fingerprint: fingerprint.Of(leaf)}
	if t.cfg.CA != nil {
		id.How = ByCA
		return id, t.explainCA(address, leaf, t.verify(address, s, t.cfg.CA))
	}
	known, found, err := t.cfg.Known.find(address)
	switch {
	case err != nil:
		return id, &Error{text: "server " + address + " was not called: " + err.Error()}
	case found && known.Mark != authorities:
		id.How, id.Since = ByKey, known.Since
		if !fingerprint.Same(known.Mark, id.Fingerprint) {
			return id, changed(address, known.Mark, id.Fingerprint)
		}
		return id, nil
	}
	err = t.verify(address, s, t.cfg.Roots)
	switch {
	case err == nil:
		id.How, id.Since = BySystem, known.Since
		return id, nil
	case found:
		return id, t.stranger(address, leaf, err, id.Fingerprint)
	case t.signed(s):
		return id, t.fault(address, leaf, err)
	}
	id.How = ByFirst
	return id, nil
}

// verify is whether one of the roots signed for the server at an address, by its
// name, now; nil roots are the system's. The name of the connection's state is none
// for a server that is called by its number.
func (t *Trust) verify(address string, s tls.ConnectionState, roots *x509.CertPool) error {
	name, _, _ := strings.Cut(hostOf(address), "%") // an interface is in no certificate
	if name == "" {
		return x509.HostnameError{Certificate: s.PeerCertificates[0], Host: address}
	}
	return verify(s, x509.VerifyOptions{Roots: roots, DNSName: name, CurrentTime: t.cfg.Now()})
}

// signed reports that a system's authority signed the certificate, although it is
// of another name or time: whoever has such a one is no stranger.
func (t *Trust) signed(s tls.ConnectionState) bool {
	leaf := s.PeerCertificates[0]
	return verify(s, x509.VerifyOptions{Roots: t.cfg.Roots, CurrentTime: leaf.NotBefore.Add(leaf.NotAfter.Sub(leaf.NotBefore) / 2)}) == nil
}

func verify(s tls.ConnectionState, o x509.VerifyOptions) error {
	o.Intermediates = x509.NewCertPool()
	for _, c := range s.PeerCertificates[1:] {
		o.Intermediates.AddCert(c)
	}
	_, err := s.PeerCertificates[0].Verify(o)
	return err
}
