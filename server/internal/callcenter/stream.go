package callcenter

import (
	"container/list"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/peer"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/audio"
	"callcenter/audio/sendq"
	"callcenter/server/internal/auth"
)

const (
	// flushLimit is how long the rest of a call may take to leave after the
	// caller hung up, and flushLimitPlain the same for callers of five fields,
	// who get every chunk back.
	flushLimit      = time.Second
	flushLimitPlain = 10 * time.Second
	// farewellLimit is how long the event that ends a call may take to leave.
	farewellLimit = time.Second
	// blameLimit is how long what the receive loop says of a stream's end may take. It
	// says so at once unless it is not the receiving that ended.
	blameLimit = 100 * time.Millisecond
)

// stream is one gRPC stream, which carries a call until either ends.
type stream struct {
	svc      *Service
	rpc      grpc.ServerStream
	identity *auth.Identity // nil where nobody is asked
	clock    audio.Clock
	link     *wire.Link
	peer     net.Addr // nil where there is none
	call     *call    // written once, under svc.mu, before live is closed

	nameless *list.Element // of svc's, under svc.mu, until there is a call

	first chan struct{} // the receive loop has the first chunk in in
	live  chan struct{} // closed by the handler: there is a call
	over  chan struct{} // closed by end
	stop  chan struct{} // closed by the handler: send what waits, and no more

	endOnce sync.Once
	cause   error // why over; read after over is closed

	// Of the handler.
	sent     <-chan error // nil once the send loop has ended
	farewell bool         // before it closes stop: an event says that it is over

	// Of the receive loop.
	in     api.AudioChunk
	inbox  inbox         // for in
	target time.Duration // the peer's, from its report

	// Of whoever sends, under sending: the send loop, or while that has nothing to do
	// the receive loop of whoever says what is passed on here.
	sending    sync.Mutex
	out        api.AudioChunk
	frame      sendq.Frame
	report     api.Report
	nextReport time.Duration
	named      bool // the first chunk has left
	way        way

	chunks atomic.Uint64 // received
	sends  atomic.Uint64 // SendMsg's begun and ended: odd while one is under way
}

func newStream(s *Service, rpc grpc.ServerStream) *stream {
	now := s.cfg.Clock()
	st := &stream{
		svc:        s,
		rpc:        rpc,
		identity:   auth.FromContext(rpc.Context()),
		clock:      s.cfg.Clock,
		link:       wire.NewLink(now),
		peer:       peerOf(rpc.Context()),
		first:      make(chan struct{}, 1),
		live:       make(chan struct{}),
		over:       make(chan struct{}),
		stop:       make(chan struct{}),
		nextReport: now + reportInterval,
	}
	st.inbox.AudioChunk = &st.in
	return st
}

// end ends the stream, and not its call, for a reason of the server's. Any
// goroutine may call it; the first reason counts.
func (st *stream) end(cause error) {
	st.endOnce.Do(func() {
		st.cause = cause
		close(st.over)
	})
}

// guard runs one of the stream's goroutines and keeps its panic from all others.
func (st *stream) guard(run func(context.Context) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			id := ""
			if st.call != nil {
				id = st.call.opening.CallID
			}
			err = st.svc.fault(id, r, nil)
		}
	}()
	return run(st.rpc.Context())
}

// spawn starts one of the stream's loops. The service waits for it, since only
// the end of the handler frees a loop that waits in gRPC.
func (st *stream) spawn(loop func(context.Context) error) <-chan error {
	ended := make(chan error, 1)
	st.svc.loops.Go(func() { ended <- st.guard(loop) })
	return ended
}

// handle sees the stream through and returns what it ends with, nil when the
// caller hung up.
func (st *stream) handle(ctx context.Context) error {
	received := st.spawn(st.recvLoop)
	if err := st.awaitFirst(ctx, received); err != nil {
		return err
	}
	if err := st.open(ctx); err != nil {
		return err
	}
	st.sent = st.spawn(st.sendLoop)
	close(st.live)
	return st.part(ctx, st.carry(ctx, received))
}

// awaitFirst waits for the first chunk.
func (st *stream) awaitFirst(ctx context.Context, received <-chan error) error {
	limit := time.NewTimer(firstChunkLimit)
	defer limit.Stop()
	select {
	case <-st.first:
		return nil
	case err := <-received:
		if errors.Is(err, io.EOF) {
			return &wire.FieldError{Field: "call_id", Reason: "is missing, the stream ended before its first chunk"}
		}
		return err
	case <-limit.C:
		return errNoChunk
	case <-st.over:
		return st.cause
	case <-ctx.Done():
		return ctx.Err()
	}
}

// open connects the call that the first chunk opens, or takes over.
func (st *stream) open(ctx context.Context) error {
	o, err := wire.Open(&st.in)
	if err != nil {
		return err
	}
	destination, err := st.svc.rooms.Resolve(o.Destination)
	if err != nil {
		return err
	}
	token := st.in.GetSetup().GetResumeToken()
	if len(token) > maxToken {
		return errLongToken
	}
	if err := st.allowed(destination); err != nil {
		return st.svc.refuseCall(ctx, st.identity, o.CallID, destination, err)
	}
	resumed, err := st.svc.connect(st, o, destination, token)
	switch {
	case err != nil:
		return st.svc.refuseCall(ctx, st.identity, o.CallID, destination, err)
	case resumed:
		return st.resume(ctx, st.in.GetAck())
	}
	if err := st.call.join(); err != nil {
		return err
	}
	st.letIn(ctx)
	st.svc.cfg.Log.LogAttrs(ctx, slog.LevelInfo, "call started",
		append(st.call.attrs(), slog.String("peer", addrText(st.peer)))...)
	return nil
}

// peerOf returns the address of who makes an RPC, nil if it has none.
func peerOf(ctx context.Context) net.Addr {
	if p, ok := peer.FromContext(ctx); ok {
		return p.Addr
	}
	return nil
}

// addrText says an address for the log, "" where there is none.
func addrText(a net.Addr) string {
	if a == nil {
		return ""
	}
	return a.String()
}

// carry waits for what ends the stream, and returns that.
func (st *stream) carry(ctx context.Context, received <-chan error) error {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	w := watch{stream: st}
	for {
		select {
		case err := <-received:
			return err
		case err := <-st.sent:
			st.sent = nil
			return blame(err, received)
		case <-st.over:
			return st.cause
		case <-st.call.over:
			return st.call.cause
		case <-ctx.Done():
			return blame(ctx.Err(), received)
		case <-tick.C:
			if err := w.look(); err != nil {
				return err
			}
		}
	}
}

// blame returns what the stream of that error ends with. Where a message cannot be
// received gRPC ends the stream by itself: its end may be seen before its reason, which
// is no link that broke, and neither is a hang-up after which the link went.
func blame(err error, received <-chan error) error {
	limit := time.NewTimer(blameLimit)
	defer limit.Stop()
	select {
	case why := <-received:
		if !broken(why) {
			return why
		}
	case <-limit.C:
	}
	return err
}

// part takes the stream off the call and ends that too, unless it goes on. It
// returns what the stream ends with.
func (st *stream) part(ctx context.Context, err error) error {
	c := st.call
	switch st.svc.release(st, err) {
	case takenOver:
		return errTakenOver
	case waiting:
		st.svc.cfg.Log.LogAttrs(ctx, slog.LevelInfo, "stream broken", append(c.attrs(),
			slog.String("status", codeName(err)),
			slog.String("reason", wire.Clean(toMessage(err))))...)
		return err
	case over:
	}
	c.leave()
	err = st.settle(ctx, err)
	c.conclude(ctx, err)
	return err
}

// settle lets what is still to be said leave, within bounds, and returns what
// the call ends with.
func (st *stream) settle(ctx context.Context, err error) error {
	hungUp := errors.Is(err, io.EOF)
	if hungUp {
		err = nil
	}
	if st.sent == nil || ctx.Err() != nil {
		if errors.Is(err, io.EOF) {
			return nil // hung up, and gone before all was said
		}
		return err
	}
	c := st.call
	limit := flushLimit
	switch {
	case hungUp:
		c.queue.Flush()
		if !c.opening.Extended {
			limit = flushLimitPlain
		}
	case errors.Is(err, errDraining), errors.Is(err, errFault), errors.Is(err, errStalled),
		errors.Is(err, errTooLong), errors.Is(err, auth.ErrRevoked):
		c.end(err) // the event says it, also where nothing ended the call but the stream
		st.farewell = true
		limit = farewellLimit
	default:
		return err
	}
	close(st.stop)
	timer := time.NewTimer(limit)
	defer timer.Stop()
	over := c.over
	if st.farewell {
		over = nil
	}
	select {
	case <-st.sent: //nolint:errcheck // a peer that leaves during the goodbye is no failure
	case <-timer.C:
	case <-over:
	case <-ctx.Done():
	}
	return err
}
