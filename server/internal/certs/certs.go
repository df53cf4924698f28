// Package certs keeps what a server proves itself with: a certificate and its key,
// given in files or made by itself, and the authorities that softphones'
// certificates must come from. Package cli opens a Store, serves with its
// Credentials, and lets it look after the files while it serves.
//
// A certificate that is replaced is in force for the next handshake; connections
// that are there keep theirs. What cannot be used never replaces what can. Keys
// are secrets: nothing of one is in an error or a log line. A Store is safe for
// concurrent use. Times are those of the wall clock.
package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"callcenter/api/disk"
	"callcenter/api/fingerprint"
)

// Settings say what a Store is to keep.
type Settings struct {
	// CertFile and KeyFile are PEM files: a chain whose first certificate is the
	// server's, and its key. Without them the server makes a certificate itself.
	CertFile, KeyFile string
	// StateDir is the folder below which that one is kept.
	StateDir string
	// Names are the host names and addresses that it is made for.
	Names []string
	// ClientCA is a PEM file of those who sign softphones' certificates: who has
	// none of theirs is refused. Empty: nobody is asked for one.
	ClientCA string
	// Log takes what happens to the files, and who was refused; nil: nothing does.
	Log *slog.Logger
}

// Store keeps a server's certificate. Use Open.
type Store struct {
	settings   Settings
	log        *slog.Logger
	selfSigned bool
	made       bool
	current    atomic.Pointer[material]

	mu     sync.Mutex // of one reload at a time
	seen   disk.Seen  // the files as they were when they were last read
	failed error      // of the last reload
}

// material is what one reading of the files yielded. It does not change.
type material struct {
	config      *tls.Config
	leaf        *x509.Certificate
	fingerprint string
	clientCA    []byte // as it was in the file
	cautions    []string
}

// Open reads the files, or makes a certificate where none is given and none was
// made before. Errors are one line that says what to do.
func Open(s Settings) (*Store, error) {
	st := &Store{settings: s, log: s.Log}
	if st.log == nil {
		st.log = slog.New(slog.DiscardHandler)
	}
	if s.CertFile == "" && s.KeyFile == "" {
		st.selfSigned = true
		var err error
		if st.settings.CertFile, st.settings.KeyFile, st.made, err = ensureSelfSigned(s.StateDir, s.Names); err != nil {
			return nil, err
		}
	}
	st.seen = disk.Look(st.files()...)
	m, err := st.read()
	if err != nil {
		return nil, err
	}
	st.take(m)
	return st, nil
}

// TLS is the configuration to serve with: TLS 1.3 and HTTP/2 only, and in each
// handshake what is in force then.
//
// There are no session tickets. A softphone connects once and stays, so they would
// save next to nothing, and without them every connection shows its certificate to
// the authorities that are in force.
func (s *Store) TLS() *tls.Config {
	c := baseConfig()
	c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return s.current.Load().config, nil }
	return c
}

func baseConfig() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{"h2"}, SessionTicketsDisabled: true}
}

// Fingerprint is that of the key in force.
func (s *Store) Fingerprint() string { return s.current.Load().fingerprint }

// Ends is when the certificate in force does.
func (s *Store) Ends() time.Time { return s.current.Load().leaf.NotAfter }

// SelfSigned reports whether the certificate is one that the server made itself,
// and whether it did so just now.
func (s *Store) SelfSigned() (selfSigned, justNow bool) { return s.selfSigned, s.made }

// CertFile is where the certificate is, for those who are to trust it.
func (s *Store) CertFile() string { return s.settings.CertFile }

// Cautions are what is unwise about the files in force, one sentence each.
func (s *Store) Cautions() []string { return s.current.Load().cautions }

// Reload reads the files again and says what is different: "certificate", "key",
// "client CA"; nothing if nothing is. With an error what was in force stays so.
// The log tells of a change, not of an error.
func (s *Store) Reload() (changed []string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = disk.Look(s.files()...) // before they are read: what is written meanwhile is seen later
	m, err := s.read()
	old := s.current.Load()
	if now := time.Now(); err == nil && now.After(m.leaf.NotAfter) && !now.After(old.leaf.NotAfter) {
		err = fmt.Errorf("certificate %s ended on %s: put one there that is valid", s.settings.CertFile, day(m.leaf.NotAfter))
	}
	s.failed = err
	if err != nil {
		return nil, fmt.Errorf("%w (the one from before stays in force)", err)
	}
	if changed = m.differences(old); len(changed) == 0 {
		return nil, nil
	}
	s.take(m)
	s.log.Info("certificate reloaded", "changed", strings.Join(changed, ", "), "fingerprint", m.fingerprint, "ends", day(m.leaf.NotAfter))
	return changed, nil
}

// take puts what was read in force.
func (s *Store) take(m *material) {
	s.current.Store(m)
	for _, c := range m.cautions {
		s.log.Warn("certificate", "caution", c)
	}
}

func (m *material) differences(old *material) []string {
	var d []string
	if !slices.EqualFunc(m.config.Certificates[0].Certificate, old.config.Certificates[0].Certificate, slices.Equal) {
		d = append(d, "certificate")
	}
	if m.fingerprint != old.fingerprint {
		d = append(d, "key")
	}
	if !slices.Equal(m.clientCA, old.clientCA) {
		d = append(d, "client CA")
	}
	return d
}

// read reads all files, and puts nothing in force.
func (s *Store) read() (*material, error) {
	m := &material{config: baseConfig()}
	cert, cautions, err := readPair(s.settings.CertFile, s.settings.KeyFile)
	if err != nil {
		if s.selfSigned {
			err = fmt.Errorf("%w; %s", err, startAnew(s.settings.StateDir))
		}
		return nil, err
	}
	m.config.Certificates = []tls.Certificate{cert}
	m.leaf, m.cautions = cert.Leaf, cautions
	m.fingerprint = fingerprint.Of(cert.Leaf)
	if s.settings.ClientCA == "" {
		return m, nil
	}
	if m.clientCA, err = readFile("client CA", s.settings.ClientCA); err != nil {
		return nil, err
	}
	m.config.ClientCAs = x509.NewCertPool()
	m.config.ClientAuth = tls.RequireAndVerifyClientCert
	if !m.config.ClientCAs.AppendCertsFromPEM(m.clientCA) {
		return nil, errors.New("client CA " + s.settings.ClientCA + " has no certificate in it: name the PEM file of those who sign softphones' certificates")
	}
	return m, nil
}

func (s *Store) files() []string {
	files := []string{s.settings.CertFile, s.settings.KeyFile}
	if s.settings.ClientCA != "" {
		files = append(files, s.settings.ClientCA)
	}
	return files
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
