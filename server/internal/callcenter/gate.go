package callcenter

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/tap"

	"callcenter/api"
	"callcenter/server/internal/admission"
)

// What stands between a connection and a call, cheapest first:
//
//  1. the listener: connections, and how fast they come
//  2. openStream, in the loop that reads the connection: how fast streams come,
//     before anything is started for one
//  3. the interceptors: how many RPCs there are
//  4. admit: streams that have not said their call
//  5. connectNewLocked: calls

// openStream implements tap.ServerInHandle.
func openStream(ctx context.Context, _ *tap.Info) (context.Context, error) {
	c := connOf(ctx)
	if c == nil {
		return ctx, nil
	}
	err := c.Open(time.Now())
	if err == nil {
		return ctx, nil
	}
	if _, timed := ctx.Deadline(); timed {
		// gRPC would keep the deadline's timer, however late that is.
		return context.WithValue(ctx, refusedKey{}, err), nil
	}
	return nil, toStatus(err)
}

type refusedKey struct{}

// begin lets an RPC begin on its connection, or returns why not.
func begin(ctx context.Context, c *admission.Conn, watches bool) error {
	if err, ok := ctx.Value(refusedKey{}).(error); ok {
		return toStatus(err)
	}
	if err := c.Begin(watches); err != nil {
		return toStatus(err)
	}
	return nil
}

// boundStream is the interceptor that bounds how many streams there are.
func boundStream(srv any, rpc grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
	c := connOf(rpc.Context())
	if c == nil {
		return handle(srv, rpc)
	}
	watches := info.FullMethod != api.CallCenter_LiveCall_FullMethodName
	if err := begin(rpc.Context(), c, watches); err != nil {
		return err
	}
	defer func() { c.End(watches, time.Now()) }()
	return handle(srv, rpc)
}

// boundUnary is boundStream for RPCs of one message.
func boundUnary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	c := connOf(ctx)
	if c == nil {
		return handle(ctx, req)
	}
	if err := begin(ctx, c, true); err != nil {
		return nil, err
	}
	defer func() { c.End(true, time.Now()) }()
	return handle(ctx, req)
}
