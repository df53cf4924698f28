package callcenter

import (
	"context"
	"net"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/grpc/status"

	"callcenter/api"
	"callcenter/server/internal/auth"
)

// Who makes an RPC is asked once, before its handler runs; see admit:
//
//  1. health is for everybody
//  2. where somebody is asked, the token that came with the RPC must be valid
//  3. a call may begin: what it may do is settled with its first chunk
//  4. reflection is for administrators, or on this machine where nobody is asked
//  5. all else is refused
//
// A stream then carries the identity in its context. Nothing is done for a chunk.

// guard asks who makes an RPC.
type guard struct {
	svc    *Service
	remote bool // others than this machine's programs can connect
}

// guardOptions are those of a server on that address that let a guard see each RPC
// first.
func guardOptions(s *Service, on net.Addr) []grpc.ServerOption {
	g := &guard{svc: s, remote: isRemote(on)}
	options := []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(g.unary),
		grpc.ChainStreamInterceptor(g.stream),
	}
	if s.cfg.Authority != nil { // what there is not is not for everybody to know
		options = append(options, grpc.UnknownServiceHandler(func(any, grpc.ServerStream) error {
			return status.Error(codes.Unimplemented, "unknown method")
		}))
	}
	return options
}

// isRemote reports that an address is one that other machines can reach.
func isRemote(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && !tcp.IP.IsLoopback()
}

func (g *guard) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	id, err := g.admit(ctx, info.FullMethod)
	if err != nil {
		return nil, toStatus(err)
	}
	return handler(auth.NewContext(ctx, id), req)
}

func (g *guard) stream(srv any, rpc grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	id, err := g.admit(rpc.Context(), info.FullMethod)
	switch {
	case err != nil:
		return toStatus(err)
	case id == nil:
		return handler(srv, rpc)
	case isReflection(info.FullMethod):
		rpc = &reflecting{rpc, g.svc, entry{method: info.FullMethod, peer: peerOf(rpc.Context()), identity: id}}
	}
	return handler(srv, &identified{rpc, auth.NewContext(rpc.Context(), id)})
}

// reflecting is a stream of questions about the server. It ends with the first one
// that is asked after its token was revoked; a call is looked at, see watch.
type reflecting struct {
	grpc.ServerStream
	svc  *Service
	line entry
}

// RecvMsg implements grpc.ServerStream.
func (r *reflecting) RecvMsg(m any) error {
	if err := r.ServerStream.RecvMsg(m); err != nil {
		return err
	}
	if r.svc.revoked(r.line.identity) {
		r.svc.audit.cutOff(r.Context(), r.line, auth.ErrRevoked)
		return toStatus(auth.ErrRevoked)
	}
	return nil
}

// identified is a stream of somebody who was asked.
type identified struct {
	grpc.ServerStream
	ctx context.Context //nolint:containedctx // a stream has one
}

// Context implements grpc.ServerStream.
func (i *identified) Context() context.Context { return i.ctx }

// admit returns who makes an RPC, nil where nobody is asked, or why it is refused.
func (g *guard) admit(ctx context.Context, method string) (*auth.Identity, error) {
	if isOf(method, healthpb.Health_ServiceDesc.ServiceName) {
		return nil, nil
	}
	line := entry{method: method, peer: peerOf(ctx)}
	if g.svc.cfg.Authority != nil {
		var err error
		if line.identity, err = g.svc.cfg.Authority.Authenticate(bearer(ctx), time.Now()); err != nil {
			if c := connOf(ctx); c != nil {
				c.Stranger(time.Now())
			}
			return nil, g.svc.audit.refuse(ctx, line, err)
		}
	}
	switch {
	case method == api.CallCenter_LiveCall_FullMethodName:
		return line.identity, nil
	case isReflection(method):
		if err := g.mayReflect(line.identity); err != nil {
			return nil, g.svc.audit.refuse(ctx, line, err)
		}
		if line.identity != nil {
			g.svc.audit.letIn(ctx, line)
		}
		return line.identity, nil
	case line.identity == nil && !g.remote:
		return nil, nil
	default:
		return nil, g.svc.audit.refuse(ctx, line, errUnknownMethod)
	}
}

// bearer returns the token that came with an RPC, "" if none did. What is no bearer
// token, or more than one, is no token.
func bearer(ctx context.Context) string {
	all := metadata.ValueFromIncomingContext(ctx, "authorization")
	if len(all) != 1 {
		return ""
	}
	scheme, token, _ := strings.Cut(all[0], " ")
	if !strings.EqualFold(scheme, "bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

func isOf(method, service string) bool {
	rest, ok := strings.CutPrefix(method, "/"+service)
	return ok && strings.HasPrefix(rest, "/")
}

func isReflection(method string) bool {
	return isOf(method, grpc_reflection_v1.ServerReflection_ServiceDesc.ServiceName) ||
		isOf(method, grpc_reflection_v1alpha.ServerReflection_ServiceDesc.ServiceName)
}

// mayReflect returns nil if the server may be asked about itself.
func (g *guard) mayReflect(id *auth.Identity) error {
	switch {
	case id != nil:
		return id.Grants.MayAdminister()
	case g.remote:
		return errNoReflection
	}
	return nil
}

// allowed returns nil if the stream's bearer may call a destination. It was asked
// when the stream began, some time before its first chunk.
func (st *stream) allowed(destination string) error {
	switch {
	case st.identity == nil:
		return nil
	case st.svc.revoked(st.identity):
		return auth.ErrRevoked
	}
	return st.identity.Grants.MayCall(destination)
}

// answer begins what a stream is told: what its bearer may not do.
func (s *Service) answer(id *auth.Identity) *api.Event {
	e := &api.Event{Kind: api.Event_KIND_ANSWERED, Version: s.cfg.Version}
	if id != nil {
		e.MayNotSpeak, e.MayNotListen = !id.Grants.Speak, !id.Grants.Listen
	}
	return e
}

// revoked reports that a call of that bearer must end.
func (s *Service) revoked(id *auth.Identity) bool {
	return id != nil && s.cfg.Authority != nil && s.cfg.Authority.Revoked(id)
}

// refuseCall writes the audit line of a call that its bearer has no right to, and
// returns the error. What is wrong otherwise is none of the audit's.
func (s *Service) refuseCall(ctx context.Context, id *auth.Identity, callID, destination string, err error) error {
	if code := codeOf(err); id == nil || code != codes.PermissionDenied && code != codes.Unauthenticated {
		return err
	}
	return s.audit.refuse(ctx, entry{
		method: api.CallCenter_LiveCall_FullMethodName, peer: peerOf(ctx), identity: id,
		destination: destination, callID: callID,
	}, err)
}

// letIn writes the audit line of a stream that carries its call from now on.
func (st *stream) letIn(ctx context.Context) {
	if st.identity == nil {
		return
	}
	st.svc.audit.letIn(ctx, st.call.entry(ctx))
}

// entry is what the audit says of a call.
func (c *call) entry(ctx context.Context) entry {
	return entry{
		method: api.CallCenter_LiveCall_FullMethodName, peer: peerOf(ctx), identity: c.identity.Load(),
		destination: c.destination, callID: c.opening.CallID,
	}
}
