package callcenter

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/server/internal/auth"
)

// A call outlives the streams that carry it. What happens to one, in the order of
// the functions here:
//
//  1. a stream's first chunk opens a call, or names one there is with a token
//     that proves that it may be taken over
//  2. the older stream, if it still lives, is told to end; from then on neither
//     its frames nor its turns at the queue count
//  3. what the peer did not get is marked, and it is told again what it must know
//  4. a stream breaks: the call waits in its room for another one
//  5. none comes: the call ends as lost

const (
	// limboLimit is how long a call waits for a stream.
	limboLimit = 30 * time.Second
	// livelyLimit is how recently a caller was heard whose stream needs no
	// replacement on a server that drains.
	livelyLimit = time.Second
)

// connect gives the stream the call that its first chunk names, and reports
// whether that was there before:
//
//	call here   token                          outcome
//	no          none, or not of this process   a new call
//	no          of this process, this call's   it has ended
//	no          of this process, another's     no right
//	yes         none                           in use
//	yes         the newest, or the one it was  the stream takes it over
//	            last taken over with, until
//	            the newest was surely received
//	yes         any other                      no right
//
// With authentication a call is its subject's alone, whatever token comes: to all
// others it is another's, and they have no right.
//
// A server that drains opens no call. It lets a call that lost its stream come
// back, because that may have nowhere else to go and need not end before the
// drain does; one whose stream is well must go elsewhere, or it would never leave.
func (s *Service) connect(st *stream, o wire.Opening, destination, token string) (resumed bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nameLocked(st)
	c := s.calls[o.CallID]
	if c == nil {
		return false, s.connectNewLocked(st, o, destination, token)
	}
	return true, s.takeOverLocked(st, c, o, destination, token)
}

func (s *Service) connectNewLocked(st *stream, o wire.Opening, destination, token string) error {
	from := s.mint.origin(token, o.CallID)
	switch {
	case s.draining:
		return errDraining
	case from == ours:
		return errEnded
	case from == forged:
		return errNotYours
	}
	place, err := s.gate.Call(st.peer, st.identity.Name(), time.Now())
	if err != nil {
		return err
	}
	c := newCall(s, st.identity, o, destination)
	c.place = place
	if o.Extended && token != "" {
		c.resumable, c.events.keep = true, true
		c.former, c.token = token, s.mint.issue(o.CallID)
	}
	c.current.Store(st)
	st.call = c
	s.calls[o.CallID] = c
	return nil
}

func (s *Service) takeOverLocked(st *stream, c *call, o wire.Opening, destination, token string) error {
	switch {
	case !auth.SameSubject(c.identity.Load(), st.identity):
		return errAnothers
	case token == "":
		return errInUse
	case !same(token, c.token) && !same(token, c.former):
		return errNotYours
	case s.draining && (c.ended || c.lively()):
		return errDraining
	case c.ended:
		return errEnded
	case !c.opened:
		return errOpening
	}
	if err := c.agree(o, destination); err != nil {
		return err
	}
	c.former, c.token = token, s.mint.issue(o.CallID)
	c.identity.Store(st.identity)
	st.call = c
	old := c.current.Swap(st)
	if old != nil {
		old.end(errTakenOver)
	}
	if c.back != nil {
		close(c.back)
		c.back = nil
	}
	return nil
}

// lively reports that the caller is heard.
func (c *call) lively() bool {
	return c.current.Load() != nil && c.clock()-time.Duration(c.heard.Load()) < livelyLimit
}

// agree reports what the first chunk of another stream says differently, as a
// *wire.FieldError.
func (c *call) agree(o wire.Opening, destination string) error {
	was, is := c.opening.Format, o.Format
	field := ""
	switch {
	case is.Codec != was.Codec:
		field = "codec"
	case is.Rate != was.Rate:
		field = "sample_rate"
	case is.Channels != was.Channels:
		field = "channels"
	case destination != c.destination:
		field = "setup.destination"
	default:
		return nil
	}
	return &wire.FieldError{Field: field, Reason: "changed within the call"}
}

// prove notes that the caller has the token: the older one is of no use any more.
func (s *Service) prove(c *call, token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if same(token, c.token) {
		c.former = c.token
	}
}

// resume goes on with the call over this stream. ack is the newest sequence that
// the caller has.
func (st *stream) resume(ctx context.Context, ack uint64) error {
	c, s := st.call, st.svc
	// What our first chunk acknowledges tells the caller what the older stream
	// brought.
	st.link.Received(&api.AudioChunk{Sequence: c.newest.Load()}, st.clock())

	s.mu.Lock()
	token, draining := c.token, s.draining
	s.mu.Unlock()
	c.popping.Lock()
	defer c.popping.Unlock()
	if c.current.Load() != st {
		return errTakenOver
	}
	answer := s.answer(st.identity)
	c.queue.Restart(ack)
	c.events.rewind(ack,
		answer,
		&api.Event{Kind: api.Event_KIND_RESUME_TOKEN, ResumeToken: token},
	)
	if draining {
		c.events.put(drainingEvent())
	}
	c.leg.Restrict(answer.MayNotSpeak, answer.MayNotListen)
	c.leg.Resumed()
	c.resumes.Add(1)
	st.letIn(ctx)
	gap := st.clock() - time.Duration(c.heard.Load())
	s.cfg.Log.LogAttrs(ctx, slog.LevelInfo, "call resumed", append(c.attrs(),
		slog.String("peer", addrText(st.peer)), seconds("gap_s", gap))...)
	return nil
}

// fate is what becomes of a call whose stream ends.
type fate int

const (
	over      fate = iota // it ends with the stream
	waiting               // it waits for another one
	takenOver             // it goes on over another one already
)

// release takes the stream off its call.
func (s *Service) release(st *stream, err error) fate {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := st.call
	switch {
	case c.current.Load() != st:
		return takenOver
	case !c.resumable || s.closing || c.isOver() || !broken(err):
		c.ended = true
		return over
	}
	c.current.Store(nil)
	back := make(chan struct{})
	c.back = back
	s.loops.Go(func() { c.guard(func() { c.limbo(back) }) })
	return waiting
}

// broken reports an end of a stream that is none of its call's.
func broken(err error) bool {
	if errors.Is(err, errQuiet) || errors.Is(err, errDeaf) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	st, ok := status.FromError(err)
	if err == nil || !ok {
		return false
	}
	switch st.Code() {
	case codes.Canceled, codes.Unavailable, codes.DeadlineExceeded, codes.Internal, codes.Unknown:
		return true
	default: // what the caller did wrong
		return false
	}
}

// limbo waits in the room until back is closed, because another stream has taken
// over, or ends the call.
func (c *call) limbo(back <-chan struct{}) {
	err := c.waitFor(back)
	if err == nil {
		return
	}
	if !c.svc.expire(c, back) {
		return
	}
	if errors.Is(err, errLost) {
		c.svc.cfg.Log.LogAttrs(context.Background(), slog.LevelWarn, "call lost", append(c.attrs(),
			seconds("gap_s", c.clock()-time.Duration(c.heard.Load())))...)
	}
	c.leave()
	c.conclude(context.Background(), err)
}

// waitFor returns nil when back is closed, or else why the call ends.
func (c *call) waitFor(back <-chan struct{}) error {
	wait, tooLate := limboLimit, errLost
	if most := c.svc.gate.Limits().CallDuration; most > 0 && c.start+most-c.clock() < wait {
		wait, tooLate = c.start+most-c.clock(), errLongest(most)
	}
	limit := time.NewTimer(wait)
	defer limit.Stop()
	var look <-chan time.Time // where somebody is asked
	if c.svc.cfg.Authority != nil {
		tick := time.NewTicker(watchInterval)
		defer tick.Stop()
		look = tick.C
	}
	for {
		select {
		case <-back:
			return nil
		case <-limit.C:
			return tooLate
		case <-c.over:
			return c.cause
		case <-look:
			if c.svc.revoked(c.identity.Load()) {
				return auth.ErrRevoked
			}
		}
	}
}

// expire ends a call that still waits, and reports whether it did.
func (s *Service) expire(c *call, back <-chan struct{}) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.back != back {
		return false
	}
	c.back, c.ended = nil, true
	return true
}
