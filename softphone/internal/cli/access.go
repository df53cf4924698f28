package cli

import (
	"errors"
	"os"
	"slices"
	"strings"
	"time"

	"callcenter/softphone/internal/bearer"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/config"
	"callcenter/softphone/internal/phone"
	"callcenter/softphone/internal/trust"
)

// newAccess returns how the settings let the phone into its servers. What can only
// be a mistake is one of usage; that a token cannot be read now is for the operator
// to hear, see concern, since it may be put right while the softphone runs.
func (p *program) newAccess() (*phone.Access, error) {
	known, err := knownServers()
	if err != nil {
		known = nil // whoever is known otherwise, or on this computer, needs no file
	}
	cfg := trust.Config{Known: known, CAFile: p.cfg.CA, CertFile: p.cfg.TLSCert, KeyFile: p.cfg.TLSKey}
	if p.cfg.CA != "" {
		if cfg.CA, err = trust.LoadCA(p.cfg.CA); err != nil {
			return nil, usageError{err}
		}
	}
	if p.cfg.TLSCert != "" {
		if _, err := trust.LoadCertificate(p.cfg.TLSCert, p.cfg.TLSKey); err != nil {
			return nil, usageError{err}
		}
	}
	a := &phone.Access{Trust: trust.New(cfg), Token: p.cfg.Token()}
	switch p.cfg.TLS {
	case config.On:
		a.Encrypt = phone.EncryptAlways
	case config.Off:
		a.Encrypt = phone.EncryptNever
	}
	return a, nil
}

// knownServers is the file of known servers.
func knownServers() (*trust.Known, error) {
	dir, err := config.DataDir()
	if err != nil {
		return nil, err
	}
	return trust.NewKnown(dir), nil
}

// concerns are what the operator should hear of the token, and of who else can see
// the private key, before a call is refused for it.
func (p *program) concerns() []callstate.Notice {
	var list []callstate.Notice
	add := func(text string) {
		if text != "" {
			list = append(list, callstate.Notice{Severity: callstate.Warning, Text: callstate.Sentence(errors.New(text))})
		}
	}
	token := p.cfg.Token()
	add(token.Concern(time.Now()))
	if token.Given() && p.cfg.TLS == config.Off && !allLocal(p.cfg.Servers) {
		add("your token goes out unencrypted by --tls off: whoever is in between can call in your name")
	}
	if name := p.cfg.TLSKey; name != "" && isExposed(name) {
		add("others on this computer can read the private key " + name + " and call in your name: run chmod 600 on it")
	}
	return list
}

// allLocal reports that all servers are on this computer.
func allLocal(servers []string) bool {
	return !slices.ContainsFunc(servers, func(s string) bool { return !trust.Loopback(s) })
}

func isExposed(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Mode().Perm()&0o077 != 0
}

// withoutToken is an environment for a process that does not need the token.
func withoutToken(environ []string) []string {
	kept := make([]string, 0, len(environ))
	for _, e := range environ {
		if !strings.HasPrefix(e, bearer.Variable+"=") {
			kept = append(kept, e)
		}
	}
	return kept
}
