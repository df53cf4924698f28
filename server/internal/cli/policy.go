package cli

import (
	"errors"
	"fmt"
	"net"

	"callcenter/server/internal/config"
)

// transport is how a server speaks.
type transport int

const (
	plainLoopback transport = iota // to this machine alone, where nobody is in between
	plainInsecure                  // to the network, because somebody said so
	tlsGiven                       // with the certificate that was given
	tlsSelfSigned                  // with one that the server makes itself
	transports                     // how many there are
)

// decision is who may come in, and how.
type decision struct {
	transport    transport
	loopback     bool // nobody but this machine can reach it
	asksClients  bool // for a certificate
	asksForToken bool
}

// decide says how a server with these settings speaks on the address that it is
// bound to, which counts rather than the name that was asked for, and whom it
// asks. Settings that exclude each other package config has refused by then. keys:
// there are keys that tokens can be signed with. The error is a usageError: one
// sentence that says what these settings may not be, and what to do.
func decide(cfg *config.Config, addr net.Addr, keys bool) (decision, error) {
	d := decision{loopback: isLoopback(addr), asksClients: cfg.ClientCA != "", asksForToken: cfg.TokenKeys != ""}
	switch {
	case cfg.TLSCert != "":
		d.transport = tlsGiven
	case d.loopback && d.asksClients:
		return decision{}, usageError{errors.New("--client-ca needs TLS, which this machine alone is not spoken to with: give a certificate with --tls-cert and --tls-key")}
	case d.loopback:
		d.transport = plainLoopback
	case cfg.Insecure:
		d.transport = plainInsecure
	default:
		d.transport = tlsSelfSigned
	}
	switch {
	case d.asksForToken && !keys:
		return decision{}, usageError{fmt.Errorf("--token-keys %s has no key in it, so nobody could come in: make one with `server token create`", cfg.TokenKeys)}
	case !d.loopback && !cfg.NoAuth && !keys:
		return decision{}, usageError{fmt.Errorf("%s can be reached from the network and nobody would be asked who they are: name a folder of keys with --token-keys (`server token create` makes them), or let everybody in with --no-auth", addr)}
	}
	return d, nil
}

// isLoopback reports whether an address can be reached from this machine alone.
// One that it does not know can be reached from anywhere.
func isLoopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// secure reports whether it is TLS.
func (d decision) secure() bool { return d.transport == tlsGiven || d.transport == tlsSelfSigned }

// auth is what callers are asked for, as the log says it.
func (d decision) auth() string {
	switch {
	case d.asksForToken && d.asksClients:
		return "token and certificate"
	case d.asksForToken:
		return "token"
	case d.asksClients:
		return "certificate"
	}
	return "none"
}

// cautions are what is unwise about it, one sentence each.
func (d decision) cautions() []string {
	var c []string
	if d.transport == plainInsecure {
		c = append(c, "plain text to the network (--insecure): whoever is in between hears every call")
		if d.asksForToken {
			c = append(c, "tokens go over the network in plain text (--insecure): whoever reads one can call with it")
		}
	}
	if !d.loopback && !d.asksForToken && !d.asksClients {
		c = append(c, "nobody is asked who they are (--no-auth): whoever reaches the address can call and listen")
	}
	return c
}
