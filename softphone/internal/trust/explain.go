package trust

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// Error is why a server is not spoken to, or does not speak with this softphone,
// as a sentence: what, and what to do. It names no secret.
type Error struct {
	// Final is set where another attempt would end like this one.
	Final bool
	text  string
	cause error // as it came; it may be nil
}

func (e *Error) Error() string { return e.text }

func (e *Error) Unwrap() error { return e.cause }

// changed is that a server has another key.
func changed(address, known, now string) *Error {
	return &Error{Final: true, text: fmt.Sprintf("server %s was refused, somebody may be in between: its key was %s and is %s; if its administrator confirms this: softphone trust forget %s", address, known, now, address)}
}

// stranger is that a server which an authority vouched for has nobody who does.
func (t *Trust) stranger(address string, leaf *x509.Certificate, err error, now string) *Error {
	return &Error{Final: true, cause: err, text: fmt.Sprintf("server %s was refused: this system's authorities vouched for it before and do not now (%s; its key is %s); somebody may be in between, so call its administrator, and only if the server has a certificate of its own now run: softphone trust forget %s",
		address, t.reason(leaf, err), now, address)}
}

// explainCA is what is wrong with a certificate by --ca.
func (t *Trust) explainCA(address string, leaf *x509.Certificate, err error) error {
	var unknown x509.UnknownAuthorityError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &unknown):
		return &Error{Final: true, cause: err, text: fmt.Sprintf("server %s was refused: nobody in %s signed its certificate; somebody may be in between, or --ca names the wrong file: ask its administrator", address, t.cfg.CAFile)}
	}
	return t.fault(address, leaf, err)
}

// fault is what is wrong with a certificate that was signed by somebody known.
func (t *Trust) fault(address string, leaf *x509.Certificate, err error) *Error {
	do := "ask its administrator for a new one"
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &name):
		do = "name it in --server as its certificate does"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		do += ", and look at this computer's clock"
	}
	return &Error{Final: true, cause: err, text: fmt.Sprintf("server %s was refused, as its certificate is no good: %s; %s", address, t.reason(leaf, err), do)}
}

// reason is what is wrong with a certificate in a few words.
func (t *Trust) reason(leaf *x509.Certificate, err error) string {
	var (
		name    x509.HostnameError
		unknown x509.UnknownAuthorityError
		invalid x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &name):
		return fmt.Sprintf("it is for %s and not for %s", names(leaf), name.Host)
	case errors.As(err, &unknown):
		return "no authority signed its certificate"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && t.cfg.Now().Before(leaf.NotBefore):
		return "it is valid from " + leaf.NotBefore.Local().Format(time.DateTime)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "it expired on " + leaf.NotAfter.Local().Format(time.DateTime)
	}
	return clean(err.Error())
}

// mostNames is how many names of a certificate a sentence has.
const mostNames = 3

// names are whom a certificate is for.
func names(leaf *x509.Certificate) string {
	list := make([]string, 0, len(leaf.DNSNames)+len(leaf.IPAddresses))
	for _, n := range leaf.DNSNames {
		list = append(list, clean(n))
	}
	for _, ip := range leaf.IPAddresses {
		list = append(list, ip.String())
	}
	switch n := len(list); {
	case n == 0:
		return "nobody"
	case n > mostNames:
		return fmt.Sprintf("%s and %d more", strings.Join(list[:mostNames], ", "), n-mostNames)
	}
	return strings.Join(list, ", ")
}

// clean is a text of somebody else's for a sentence: printable, and short.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
	const most = 200
	if len(s) > most {
		s = s[:most] + "..."
	}
	return s
}

// Explain makes a sentence of what ended a handshake with the server at an
// address, or what was read first after it. An error that says nothing of who is
// there, such as one of the network, it returns as it is.
func (t *Trust) Explain(address string, err error) error {
	var (
		ours   *Error
		header tls.RecordHeaderError
		op     *net.OpError
		own    *CertificateError
	)
	switch {
	case err == nil, errors.As(err, &ours):
		return err
	case errors.As(err, &own):
		return &Error{cause: err, text: fmt.Sprintf("server %s was not called: %v", address, own)}
	case errors.As(err, &header):
		return &Error{Final: true, cause: err, text: fmt.Sprintf("server %s does not speak TLS, so it was not called: ask its administrator, or use --tls off if nobody can be in between", address)}
	case errors.As(err, &op) && op.Op == "remote error":
		if text := t.alert(address, op.Err.Error()); text != "" {
			return &Error{Final: true, cause: err, text: text}
		}
	case strings.Contains(err.Error(), "missing selected ALPN"), strings.Contains(err.Error(), "unadvertised ALPN"):
		return &Error{Final: true, cause: err, text: fmt.Sprintf("what answers at %s speaks TLS and is no call centre server: name another with --server", address)}
	case strings.Contains(err.Error(), "server selected unsupported protocol version"):
		return &Error{Final: true, cause: err, text: tooOld(address)}
	}
	return err
}

func tooOld(address string) string {
	return fmt.Sprintf("server %s does not speak TLS 1.3, so it was not called: ask its administrator", address)
}

// alert is what a server says of this softphone; "" is nothing final. Its texts
// are those of package crypto/tls, which has no other form for them.
func (t *Trust) alert(address, text string) string {
	mine := t.cfg.CertFile
	switch strings.TrimPrefix(text, "tls: ") {
	case "certificate required":
		return fmt.Sprintf("server %s asks for a certificate of this softphone: name yours with --tls-cert and --tls-key, or ask its administrator for one", address)
	case "bad certificate", "unknown certificate authority", "unsupported certificate", "unknown certificate", "access denied":
		if mine == "" {
			return fmt.Sprintf("server %s does not accept this connection (%s): ask its administrator", address, clean(text))
		}
		return fmt.Sprintf("server %s does not accept the certificate in %s (%s): ask its administrator for another", address, mine, clean(text))
	case "expired certificate", "revoked certificate":
		return fmt.Sprintf("server %s does not accept the certificate in %s any more (%s): ask its administrator for a new one", address, mine, clean(text))
	case "protocol version not supported":
		return tooOld(address)
	case "no application protocol":
		return fmt.Sprintf("what answers at %s speaks TLS and is no call centre server: name another with --server", address)
	case "handshake failure":
		return fmt.Sprintf("server %s and this softphone agree on no encryption: ask its administrator", address)
	}
	return ""
}
