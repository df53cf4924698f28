package phone

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"callcenter/api/socket"
	"callcenter/softphone/internal/bearer"
	"callcenter/softphone/internal/call"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/trust"
)

// Encryption is when connections are encrypted.
type Encryption int

// The choices. The zero value encrypts all but what stays on this computer.
const (
	EncryptAuto Encryption = iota
	EncryptAlways
	EncryptNever
)

// Access is how this phone gets into its servers: encrypted or not, how it knows
// them, and who it is. Nothing of it is kept from one connection to the next: files
// that were replaced count from then on. The zero value speaks plain text to
// servers on this computer, and no token. It is safe for concurrent use.
type Access struct {
	Encrypt Encryption
	Trust   *trust.Trust // needed where a connection is encrypted
	Token   bearer.Source
	// Say takes what the operator should know of a server; nil: nobody does. It
	// must not wait.
	Say func(callstate.Notice)
	// Dial makes sockets; nil: socket.Dial, which goes through no proxy.
	Dial func(ctx context.Context, address string) (net.Conn, error)

	trusted bool // the network is: plain text is nothing to be said
}

// Connect returns a connection for one stream to a server, HOST:PORT. It connects
// when first used. The errors of its streams that tell of access are sentences;
// those after which another attempt would end alike are call.ErrBarred.
func (a *Access) Connect(server string) (call.Conn, error) {
	c := &connection{dial: a.Dial, access: a, server: server}
	if c.dial == nil {
		c.dial = socket.Dial
	}
	local := trust.Loopback(server)
	secure := a.Encrypt == EncryptAlways || a.Encrypt == EncryptAuto && !local
	c.security.Store(&callstate.Security{Known: !a.trusted, Local: local})
	h := &handshake{TransportCredentials: insecure.NewCredentials(), c: c, stays: a.Encrypt == EncryptAuto}
	if secure {
		if a.Trust == nil {
			return nil, errors.New("no way to know servers is set")
		}
		h.TransportCredentials, h.stays = credentials.NewTLS(a.Trust.Meet(server)), false
	}
	return c.open(h, &badge{c: c, secure: secure})
}

// badge shows the token with each stream. It reads it anew each time.
type badge struct {
	c      *connection
	secure bool
}

// GetRequestMetadata implements credentials.PerRPCCredentials. That a token cannot
// be read may be over at the next attempt: somebody is replacing it.
func (b *badge) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	token, err := b.c.access.Token.Read()
	switch {
	case err != nil:
		b.c.note(&accessError{text: err.Error()})
		return nil, status.Error(codes.Unavailable, err.Error())
	case token == "":
		return nil, nil
	}
	return map[string]string{"authorization": "Bearer " + token}, nil
}

// RequireTransportSecurity implements credentials.PerRPCCredentials. In plain text
// a token goes only where the settings allow that: to this computer, or anywhere by
// --tls off.
func (b *badge) RequireTransportSecurity() bool { return b.secure }

// handshake takes note of what a handshake finds out, which gRPC would turn into
// text.
type handshake struct {
	credentials.TransportCredentials
	c     *connection
	stays bool // it is plain text as it does not leave this computer
}

// ClientHandshake implements credentials.TransportCredentials.
func (h *handshake) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	h.c.note(nil)
	if err := h.leaves(raw); err != nil {
		h.c.note(err)
		return nil, nil, err
	}
	conn, info, err := h.TransportCredentials.ClientHandshake(ctx, authority, raw)
	if err != nil {
		h.c.noteTLS(err)
		return nil, nil, err
	}
	if of, ok := info.(credentials.TLSInfo); ok {
		if err := h.met(of.State); err != nil {
			_ = conn.Close()
			h.c.noteTLS(err)
			return nil, nil, err
		}
		return &firstWords{Conn: conn, c: h.c, encrypted: true}, info, nil
	}
	if h.c.access.trusted { // gRPC shares its read buffers among bare sockets
		return conn, info, nil
	}
	return &firstWords{Conn: conn, c: h.c}, info, nil
}

// leaves is that a connection in plain text, which was to stay on this computer,
// does not: a name server may say anything of localhost.
func (h *handshake) leaves(raw net.Conn) *accessError {
	to, ok := raw.RemoteAddr().(*net.TCPAddr)
	if !h.stays || !ok || to.IP.IsLoopback() {
		return nil
	}
	return &accessError{final: true, text: fmt.Sprintf(
		"server %s was not called: its name leads to %s, which is not this computer, and it would have been in plain text; use --tls on, or have the name looked into", h.c.server, to)}
}

// met notes who the server is.
func (h *handshake) met(state tls.ConnectionState) error {
	c, a := h.c, h.c.access
	id, err := a.Trust.Met(c.server, state)
	if err != nil {
		return err
	}
	s := *c.security.Load()
	s.Encrypted, s.Fingerprint, s.First = true, id.Fingerprint, id.How == trust.ByFirst
	switch id.How {
	case trust.ByCA:
		s.KnownBy = "those in --ca signed its certificate"
	case trust.BySystem:
		s.KnownBy = "this system's authorities vouch for it"
	case trust.ByKey:
		s.KnownBy = "its key is the one of " + id.Since.Local().Format(time.DateOnly)
	case trust.ByFirst:
		s.KnownBy = "its key was met just now"
		c.say(callstate.Notice{Severity: callstate.Warning, Text: fmt.Sprintf(
			"Met server %s for the first time: its key %s is remembered. Compare it with what the server printed.", c.server, id.Fingerprint)})
	}
	c.security.Store(&s)
	if id.Note != "" {
		c.say(callstate.Notice{Severity: callstate.Warning, Text: callstate.Sentence(errors.New(id.Note))})
	}
	return nil
}

// Clone implements credentials.TransportCredentials.
func (h *handshake) Clone() credentials.TransportCredentials {
	return &handshake{TransportCredentials: h.TransportCredentials.Clone(), c: h.c, stays: h.stays}
}

// firstWords is a connection whose first bytes tell who is there. With TLS 1.3 a
// server refuses this softphone's certificate only after the handshake; a server
// that wants TLS says so, or just hangs up, when plain text arrives.
type firstWords struct {
	net.Conn
	c         *connection
	encrypted bool
	heard     atomic.Bool
}

// alertRecord is the first byte with which TLS refuses.
const alertRecord = 0x15

// Read implements net.Conn.
func (f *firstWords) Read(b []byte) (int, error) {
	n, err := f.Conn.Read(b)
	if f.heard.Load() {
		return n, err
	}
	switch {
	case f.encrypted && err != nil:
		f.c.noteTLS(err)
	case n > 0 && !f.encrypted && b[0] == alertRecord:
		f.c.note(&accessError{final: true, text: fmt.Sprintf("server %s wants encrypted connections: use --tls on", f.c.server)})
	case n == 0 && !f.encrypted && hungUp(err):
		f.noteHangUp()
	}
	f.heard.Store(n > 0)
	return n, err
}

// Write implements net.Conn. A server that refused may be gone by the first write;
// why is still to be read.
func (f *firstWords) Write(b []byte) (int, error) {
	n, err := f.Conn.Write(b)
	switch {
	case err == nil || f.heard.Load():
	case f.encrypted:
		if _, why := f.Conn.Read(make([]byte, 1)); why != nil {
			f.c.noteTLS(why)
		}
	case hungUp(err):
		f.noteHangUp()
	}
	return n, err
}

// noteHangUp notes that a server ended a connection in plain text before it said
// anything, unless it did say why.
func (f *firstWords) noteHangUp() {
	f.c.found.CompareAndSwap(nil, &accessError{text: fmt.Sprintf("server %s hung up at once: if it wants encrypted connections, use --tls on", f.c.server)})
}

// hungUp is that the other end closed the connection. It is a reset where something
// it had not read yet was on its way.
func hungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// noteTLS notes why TLS failed, if that tells who is there.
func (c *connection) noteTLS(err error) {
	var of *trust.Error
	if errors.As(c.access.Trust.Explain(c.server, err), &of) {
		c.note(&accessError{final: of.Final, text: of.Error()})
	}
}

// note keeps what this connection found out last; nil is nothing.
func (c *connection) note(e *accessError) { c.found.Store(e) }

func (c *connection) say(n callstate.Notice) {
	if c.access.Say != nil {
		c.access.Say(n)
	}
}

// Security says how the connection is secured, once a stream is there.
func (c *connection) Security() callstate.Security { return *c.security.Load() }

// NewStream implements grpc.ClientConnInterface.
func (c *connection) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	s, err := c.ClientConn.NewStream(ctx, desc, method, opts...)
	if found := c.found.Load(); err != nil && found != nil && ctx.Err() == nil {
		return nil, &accessError{text: found.text, final: found.final, cause: err}
	}
	return s, err
}

// accessError is why this phone and a server do not speak, as a sentence.
type accessError struct {
	text  string
	final bool
	cause error
}

func (e *accessError) Error() string { return e.text }

func (e *accessError) Unwrap() error { return e.cause }

// Is says that a server is not to be asked again.
func (e *accessError) Is(target error) bool { return e.final && target == call.ErrBarred }

// findings are what a connection found out.
type findings struct {
	found    atomic.Pointer[accessError]
	security atomic.Pointer[callstate.Security]
}
