package callcenter

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/peer"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/audio"
	"callcenter/audio/sendq"
	"callcenter/server/internal/room"
)

const (
	// A peer may send 250 chunks a second, and 600 at once after a stall: 10 ms
	// frames and their acknowledgements are half of that.
	chunkRate  = 250
	chunkBurst = 600

	// flushLimit is how long the rest of a call may take to leave after the
	// caller hung up, and flushLimitPlain the same for callers of five fields,
	// who get every chunk back.
	flushLimit      = time.Second
	flushLimitPlain = 10 * time.Second
	// farewellLimit is how long the event that ends a call may take to leave.
	farewellLimit = time.Second
)

// call is one stream.
type call struct {
	svc    *Service
	stream grpc.ServerStream
	clock  audio.Clock
	began  time.Time
	start  time.Duration

	opening     wire.Opening // written once, under svc.mu, before live is closed
	destination string
	leg         room.Leg

	link    *wire.Link
	queue   *sendq.Queue
	events  *eventQueue
	limiter *rate.Limiter

	first chan struct{} // the receive loop has the first chunk in in
	live  chan struct{} // closed by the handler: the call is open
	over  chan struct{} // closed by end
	stop  chan struct{} // closed by the handler: send what waits, and no more

	endOnce  sync.Once
	cause    error // why over; read after over is closed
	farewell bool  // of the handler, before it closes stop: an event says that it is over

	// Of the receive loop.
	in      api.AudioChunk
	packets *wire.Packets
	target  time.Duration // the peer's, from its report

	// Of the send loop.
	out        api.AudioChunk
	frame      sendq.Frame
	report     api.Report
	nextReport time.Duration
	named      bool // the first chunk has left

	framesIn, framesOut, flooded atomic.Uint64
}

func newCall(s *Service, stream grpc.ServerStream) *call {
	now := s.cfg.Clock()
	return &call{
		svc:        s,
		stream:     stream,
		clock:      s.cfg.Clock,
		began:      time.Now(),
		start:      now,
		link:       wire.NewLink(now),
		queue:      sendq.New(),
		events:     newEventQueue(),
		limiter:    rate.NewLimiter(chunkRate, chunkBurst),
		first:      make(chan struct{}, 1),
		live:       make(chan struct{}),
		over:       make(chan struct{}),
		stop:       make(chan struct{}),
		nextReport: now + reportInterval,
	}
}

// end ends the call for a reason of the server's. Any goroutine may call it; the
// first reason counts.
func (c *call) end(cause error) {
	c.endOnce.Do(func() {
		c.cause = cause
		close(c.over)
	})
}

// guard runs one of the call's goroutines and keeps its panic from all others.
func (c *call) guard(run func(context.Context) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = c.svc.fault(c.opening.CallID, r, nil)
		}
	}()
	return run(c.stream.Context())
}

// spawn starts one of the call's loops. The service waits for it, since only
// the end of the handler frees a loop that waits in gRPC.
func (c *call) spawn(loop func(context.Context) error) <-chan error {
	ended := make(chan error, 1)
	c.svc.loops.Go(func() { ended <- c.guard(loop) })
	return ended
}

// handle sees the call through and returns what it ends with, nil when the
// caller hung up.
func (c *call) handle(ctx context.Context) error {
	received := c.spawn(c.recvLoop)
	if err := c.awaitFirst(ctx, received); err != nil {
		return err
	}
	if err := c.open(); err != nil {
		return err
	}
	defer c.svc.unregister(c)
	c.logStart(ctx)
	sent := c.spawn(c.sendLoop)
	close(c.live)

	var err error
	select {
	case err = <-received:
	case err = <-sent:
		sent = nil
	case <-c.over:
		err = c.cause
	case <-ctx.Done():
		err = ctx.Err()
	}
	c.leg.Leave()
	err = c.settle(ctx, err, sent)
	c.logEnd(err)
	return err
}

// awaitFirst waits for the first chunk.
func (c *call) awaitFirst(ctx context.Context, received <-chan error) error {
	limit := time.NewTimer(firstChunkLimit)
	defer limit.Stop()
	select {
	case <-c.first:
		return nil
	case err := <-received:
		if errors.Is(err, io.EOF) {
			return &wire.FieldError{Field: "call_id", Reason: "is missing, the stream ended before its first chunk"}
		}
		return err
	case <-limit.C:
		return errNoChunk
	case <-c.over:
		return c.cause
	case <-ctx.Done():
		return ctx.Err()
	}
}

// open connects the call that the first chunk asks for.
func (c *call) open() error {
	o, err := wire.Open(&c.in)
	if err != nil {
		return err
	}
	if c.destination, err = c.svc.rooms.Resolve(o.Destination); err != nil {
		return err
	}
	// Before all other events: it is what the caller waits for.
	c.events.put(&api.Event{Kind: api.Event_KIND_ANSWERED})
	c.packets = wire.NewPackets(o.Format)
	if err := c.svc.register(c, o); err != nil {
		return err
	}
	c.queue.SetComplete(o.Complete)
	c.leg, err = c.svc.rooms.Join(c.destination, room.Member{
		CallID:   o.CallID,
		Name:     o.DisplayName,
		Format:   o.Format,
		FrameMS:  o.FrameMS,
		Extended: o.Extended,
		Complete: o.Complete,
	}, (*downlink)(c))
	if err != nil {
		c.svc.unregister(c)
	}
	return err
}

// settle lets what is still to be said leave, within bounds, and returns what
// the call ends with.
func (c *call) settle(ctx context.Context, err error, sent <-chan error) error {
	if sent == nil || ctx.Err() != nil {
		return err
	}
	limit := flushLimit
	switch {
	case errors.Is(err, io.EOF):
		err = nil // hung up
		c.queue.Flush()
		if !c.opening.Extended {
			limit = flushLimitPlain
		}
	case errors.Is(err, errDraining), errors.Is(err, errFault):
		c.end(err) // the cause, where it is a fault of our own
		c.farewell = true
		limit = farewellLimit
	default:
		return err
	}
	close(c.stop)
	timer := time.NewTimer(limit)
	defer timer.Stop()
	over := c.over
	if c.farewell {
		over = nil
	}
	select {
	case <-sent: //nolint:errcheck // a peer that leaves during the goodbye is no failure
	case <-timer.C:
	case <-over:
	case <-ctx.Done():
	}
	return err
}

func (c *call) logStart(ctx context.Context) {
	addr := ""
	if p, ok := peer.FromContext(ctx); ok && p.Addr != nil {
		addr = p.Addr.String()
	}
	c.svc.cfg.Log.LogAttrs(ctx, slog.LevelInfo, "call started", append(c.attrs(), slog.String("peer", addr))...)
}

func (c *call) logEnd(err error) {
	q, l := c.queue.Stats(), c.leg.Stats()
	reason := "caller hung up"
	if err != nil {
		reason = wire.Clean(toMessage(err))
	}
	c.svc.cfg.Log.LogAttrs(context.Background(), slog.LevelInfo, "call ended", append(c.attrs(),
		slog.Float64("duration_s", (c.clock()-c.start).Round(time.Millisecond).Seconds()),
		slog.Uint64("frames_in", c.framesIn.Load()),
		slog.Uint64("frames_out", c.framesOut.Load()),
		slog.Uint64("dropped", q.DroppedAge+q.DroppedFull),
		slog.Int("unsent", q.Waiting),
		slog.Uint64("flooded", c.flooded.Load()),
		slog.Uint64("malformed", l.Malformed),
		slog.Uint64("lost", l.Lost),
		slog.Uint64("discarded", l.Discarded),
		slog.Uint64("concealed", l.ConcealedSamples),
		slog.Uint64("events_dropped", c.events.dropped()),
		slog.String("status", codeName(err)),
		slog.String("reason", reason),
	)...)
}

// attrs are what both log lines say of a call. Only texts that the contract's
// checks have not judged need cleaning.
func (c *call) attrs() []slog.Attr {
	o := &c.opening
	return []slog.Attr{
		slog.String("call_id", wire.Clean(o.CallID)),
		slog.String("destination", c.destination),
		slog.String("codec", o.Format.Codec),
		slog.Int("rate", o.Format.Rate),
		slog.Int("channels", o.Format.Channels),
		slog.Bool("extended", o.Extended),
	}
}
