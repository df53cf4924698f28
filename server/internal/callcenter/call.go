package callcenter

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/audio"
	"callcenter/audio/sendq"
	"callcenter/server/internal/admission"
	"callcenter/server/internal/auth"
	"callcenter/server/internal/room"
)

const (
	// A peer may send 250 chunks a second, and 600 at once after a stall: 10 ms
	// frames and their acknowledgements are half of that.
	chunkRate  = 250
	chunkBurst = 600
)

// call is one call: its place in a room, what waits to be sent, and what is
// counted. A stream carries it, or none while it waits for the next.
type call struct {
	svc   *Service
	clock audio.Clock
	began time.Time
	start time.Duration

	identity    atomic.Pointer[auth.Identity] // of who carries it, or did last; nil where nobody is asked
	opening     wire.Opening
	destination string
	resumable   bool
	place       *admission.Place
	leg         room.Leg // of the first stream's handler until opened
	left        sync.Once

	queue   *sendq.Queue
	events  *eventQueue
	levels  atomic.Pointer[api.Levels] // the newest that have not left
	limiter *rate.Limiter
	flood   flood // under pushing

	over    chan struct{} // closed by end
	endOnce sync.Once
	cause   error // why over; read after over is closed

	// The stream that carries the call; written under svc.mu. One that is not
	// it any more neither pushes nor pops.
	current atomic.Pointer[stream]
	pushing sync.Mutex // held while a chunk is taken
	popping sync.Mutex // held while the next thing to send is chosen

	// Under svc.mu.
	opened, ended bool
	token, former string        // the newest, and the one that came with the last stream
	back          chan struct{} // while it waits for a stream: closed when one comes

	sequence uint64 // of the newest frame that left, under popping

	packets *wire.Packets // under pushing
	newest  atomic.Uint64 // sequence taken
	heard   atomic.Int64  // when the last chunk came, a time.Duration

	caller callerEvents

	framesIn, framesOut, flooded, resumes atomic.Uint64
}

func newCall(s *Service, id *auth.Identity, o wire.Opening, destination string) *call {
	now := s.cfg.Clock()
	c := &call{
		svc:         s,
		clock:       s.cfg.Clock,
		began:       time.Now(),
		start:       now,
		opening:     o,
		destination: destination,
		queue:       sendq.New(),
		events:      newEventQueue(),
		limiter:     rate.NewLimiter(chunkRate, chunkBurst),
		flood:       newFlood(),
		over:        make(chan struct{}),
		packets:     wire.NewPackets(o.Format),
	}
	c.identity.Store(id)
	c.heard.Store(int64(now))
	c.queue.SetComplete(o.Complete)
	return c
}

// join connects the call to its destination.
func (c *call) join() (err error) {
	// Before all other events: it is what the caller waits for.
	answer := c.svc.answer(c.identity.Load())
	answer.NewCall = true
	c.events.put(answer)
	if c.resumable {
		c.events.put(&api.Event{Kind: api.Event_KIND_RESUME_TOKEN, ResumeToken: c.token})
	}
	o := &c.opening
	c.leg, err = c.svc.rooms.Join(c.destination, room.Member{
		CallID:   o.CallID,
		Name:     o.DisplayName,
		Format:   o.Format,
		FrameMS:  o.FrameMS,
		Extended: o.Extended,
		Complete: o.Complete,
		Unheard:  answer.MayNotSpeak,
		Deaf:     answer.MayNotListen,
	}, (*downlink)(c))
	c.svc.opened(c, err)
	return err
}

// end ends the call for a reason of the server's. Any goroutine may call it; the
// first reason counts.
func (c *call) end(cause error) {
	c.endOnce.Do(func() {
		c.cause = cause
		close(c.over)
	})
}

// endForNow ends the call for a reason that is none of the caller's, who may open
// it anew: the token that is told last is no server's, and so opens a call.
func (c *call) endForNow(cause error) {
	if c.resumable {
		c.events.put(&api.Event{Kind: api.Event_KIND_RESUME_TOKEN, ResumeToken: rand.Text()})
	}
	c.end(cause)
}

func (c *call) isOver() bool {
	select {
	case <-c.over:
		return true
	default:
		return false
	}
}

// leave takes the call out of its room.
func (c *call) leave() { c.left.Do(c.leg.Leave) }

// guard keeps a panic in what is done for the call from all others, and ends the
// call.
func (c *call) guard(do func()) {
	defer func() {
		if r := recover(); r != nil {
			c.abandon(c.svc.fault(c.opening.CallID, r, nil))
		}
	}()
	do()
}

// abandon ends a call whose end went wrong, or that nobody sees to any more.
func (c *call) abandon(err error) {
	c.end(err)
	c.svc.unregister(c)
	if c.leg != nil {
		c.leave()
	}
}

// conclude writes the call's last line and forgets it.
func (c *call) conclude(ctx context.Context, err error) {
	c.logEnd(err)
	if errors.Is(err, auth.ErrRevoked) {
		c.svc.audit.cutOff(ctx, c.entry(ctx), err)
	}
	c.svc.unregister(c)
}

func (c *call) logEnd(err error) {
	q, l := c.queue.Stats(), c.leg.Stats()
	reason := "caller hung up"
	if err != nil {
		reason = wire.Clean(toMessage(err))
	}
	c.svc.cfg.Log.LogAttrs(context.Background(), slog.LevelInfo, "call ended", append(c.attrs(),
		seconds("duration_s", c.clock()-c.start),
		slog.Uint64("frames_in", c.framesIn.Load()),
		slog.Uint64("frames_out", c.framesOut.Load()),
		slog.Uint64("dropped", q.Dropped()),
		slog.Int("unsent", q.Waiting),
		slog.Uint64("flooded", c.flooded.Load()),
		slog.Uint64("malformed", l.Malformed),
		slog.Uint64("hushed", l.Hushed),
		slog.Uint64("undecodable", l.Playout.DecodeErrors),
		slog.Uint64("lost", l.Lost),
		slog.Uint64("discarded", l.Discarded),
		slog.Uint64("concealed", l.ConcealedSamples),
		slog.Uint64("unheard", l.Playout.UnheardSamples),
		slog.Uint64("events_dropped", c.events.dropped()),
		slog.Uint64("digits_refused", c.caller.refused.Load()),
		slog.Uint64("resumes", c.resumes.Load()),
		slog.String("status", codeName(err)),
		slog.String("reason", reason),
	)...)
}

// attrs are what all log lines say of a call. Only texts that the contract's
// checks have not judged need cleaning.
func (c *call) attrs() []slog.Attr {
	o := &c.opening
	return append([]slog.Attr{
		slog.String("call_id", wire.Clean(o.CallID)),
		slog.String("destination", c.destination),
		slog.String("codec", o.Format.Codec),
		slog.Int("rate", o.Format.Rate),
		slog.Int("channels", o.Format.Channels),
		slog.Bool("extended", o.Extended),
	}, identityAttrs(c.identity.Load())...)
}

func seconds(key string, d time.Duration) slog.Attr {
	return slog.Float64(key, d.Round(time.Millisecond).Seconds())
}
