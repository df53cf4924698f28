package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"google.golang.org/grpc/credentials"

	"callcenter/server/internal/certs"
	"callcenter/server/internal/config"
)

// stateFolder is the server's below the folder where programs keep such things.
const stateFolder = "callcenter"

// security is how a server speaks while it serves.
type security struct {
	decision
	store *certs.Store // nil: plain text
}

// secure settles how to speak on the address that was bound, and opens or makes
// what it takes. It is a usageError if the settings, or files that they name,
// cannot be.
func secure(cfg *config.Config, addr net.Addr, keys bool, log *slog.Logger) (*security, error) {
	d, err := decide(cfg, addr, keys)
	if err != nil {
		return nil, err
	}
	s := &security{decision: d}
	if !d.secure() {
		return s, nil
	}
	settings := certs.Settings{CertFile: cfg.TLSCert, KeyFile: cfg.TLSKey, ClientCA: cfg.ClientCA, Log: log}
	if d.transport == tlsSelfSigned {
		settings.Names = certificateNames(cfg.Listen, addr)
		if settings.StateDir, err = stateDir(cfg); err != nil {
			return nil, err
		}
	}
	if s.store, err = certs.Open(settings); err != nil && d.transport == tlsGiven {
		err = usageError{err}
	}
	return s, err
}

// credentials are what to serve with, nil for plain text.
func (s *security) credentials() credentials.TransportCredentials {
	if s.store == nil {
		return nil
	}
	return s.store.Credentials()
}

// announce logs that the server listens, with how it does and what is unwise about
// that.
func (s *security) announce(log *slog.Logger, attrs ...any) {
	how := "plain"
	if s.secure() {
		how = "tls"
	}
	attrs = append(attrs, "security", how, "auth", s.auth())
	if s.store != nil {
		attrs = append(attrs, "fingerprint", s.store.Fingerprint(), "ends", s.store.Ends().UTC().Format(time.DateOnly))
	}
	log.Info("listening", attrs...)
	for _, c := range s.cautions() {
		log.Warn("security", "caution", c)
	}
	if s.store == nil {
		return
	}
	if selfSigned, made := s.store.SelfSigned(); selfSigned {
		what := "the server goes on with the certificate that it made itself"
		if made {
			what = "the server made itself a certificate"
		}
		log.Info("self-signed", "fingerprint", s.store.Fingerprint(), "certificate", s.store.CertFile(),
			"note", what+": a softphone remembers its key when it first connects; compare the fingerprint that it shows, or give it the file with --ca")
	}
}

// reload reads the files of TLS again. What was in force stays so with an error.
func (s *security) reload() error {
	if s.store == nil {
		return nil
	}
	_, err := s.store.Reload() // it logs what changed
	return err
}

// run looks after those files until ctx ends, and returns nil.
func (s *security) run(ctx context.Context) error {
	if s.store == nil {
		<-ctx.Done()
		return nil
	}
	return s.store.Run(ctx)
}

// checkSecurity says in a few lines how a server with these settings would speak on
// an address, and what is unwise about it. It makes nothing: a certificate that the
// server has yet to make itself is said to be so.
func checkSecurity(cfg *config.Config, addr net.Addr, keys bool) ([]string, error) {
	d, err := decide(cfg, addr, keys)
	if err != nil {
		return nil, err
	}
	lines := []string{d.describe()}
	settings := certs.Settings{CertFile: cfg.TLSCert, KeyFile: cfg.TLSKey, ClientCA: cfg.ClientCA}
	if d.transport == tlsSelfSigned {
		if settings.StateDir, err = stateDir(cfg); err != nil {
			return nil, err
		}
		if !certs.Made(settings.StateDir) {
			return append(append(lines, "certificate: to be made at the first start, in "+settings.StateDir), d.cautions()...), nil
		}
	}
	if d.secure() {
		store, err := certs.Open(settings)
		if err != nil {
			return nil, usageError{err}
		}
		lines = append(lines, fmt.Sprintf("certificate: %s, ends %s, fingerprint %s",
			store.CertFile(), store.Ends().UTC().Format(time.DateOnly), store.Fingerprint()))
		lines = append(lines, store.Cautions()...)
	}
	return append(lines, d.cautions()...), nil
}

// describe says for people how the server speaks and whom it asks.
func (d decision) describe() string {
	how := [transports]string{
		plainLoopback: "plain text, to this machine alone",
		plainInsecure: "plain text to the network",
		tlsGiven:      "TLS 1.3 with the certificate given",
		tlsSelfSigned: "TLS 1.3 with a self-signed certificate",
	}[d.transport]
	return fmt.Sprintf("security: %s; callers are asked for: %s", how, d.auth())
}

// stateDir is the folder that the server keeps its own certificate in.
func stateDir(cfg *config.Config) (string, error) {
	if cfg.StateDir != "" {
		return cfg.StateDir, nil
	}
	if dirs := filepath.SplitList(os.Getenv("STATE_DIRECTORY")); len(dirs) > 0 { // a service manager's
		return dirs[0], nil
	}
	home, err := os.UserHomeDir()
	base := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(base) {
		base = filepath.Join(home, ".local", "state")
		if err != nil {
			return "", usageError{errors.New("there is no home folder to keep the server's certificate in: name one with --state-dir")}
		}
	}
	return filepath.Join(base, stateFolder), nil
}

// certificateNames are what softphones may call this machine: the host that it was
// told to listen on, the address that it is bound to, or all it has, and its name.
func certificateNames(listen string, addr net.Addr) []string {
	var names []string
	if host, _, err := net.SplitHostPort(listen); err == nil && host != "" && net.ParseIP(host) == nil {
		names = append(names, host)
	}
	if name, err := os.Hostname(); err == nil {
		names = append(names, name)
	}
	if tcp, ok := addr.(*net.TCPAddr); ok && !tcp.IP.IsUnspecified() {
		names = append(names, tcp.IP.String())
	} else if all, err := net.InterfaceAddrs(); err == nil {
		for _, a := range all {
			if ip, ok := a.(*net.IPNet); ok && !ip.IP.IsLinkLocalUnicast() {
				names = append(names, ip.IP.String())
			}
		}
	}
	names = append(names, "localhost")
	slices.SortFunc(names, cmp.Compare)
	return slices.Compact(names)
}
