// Package callcenter is the gRPC service: it takes calls, checks what comes off
// the wire, connects each call to its destination in package room, and says
// with a status how the call ended. Run is the whole server around it, with
// health, reflection and an orderly end; package cli and servertest call it.
//
// Every stream has a handler, which decides when the call is over; a receive
// loop, the only caller of RecvMsg; and a send loop, the only caller of
// SendMsg. Neither loop allocates per chunk, or waits for another call. Times
// are readings of one audio.Clock.
package callcenter

import (
	"context"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"google.golang.org/grpc"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/audio"
	"callcenter/codec"
	"callcenter/server/internal/room"
)

const (
	// DefaultMaxCalls is how many calls a server takes at a time unless told
	// otherwise.
	DefaultMaxCalls = 1000
	// firstChunkLimit is how long a stream may be open without saying which
	// call it is.
	firstChunkLimit = 5 * time.Second
)

// Config are a server's settings and parts.
type Config struct {
	// Codecs are those that conferences and tones can use. Required.
	Codecs codec.Registry
	// Log takes one line when a call starts, one when it ends, and faults.
	// Required.
	Log *slog.Logger
	// Clock is read for all timing; nil: a new one.
	Clock audio.Clock
	// Destination is that of calls that name none; "": room.Echo.
	Destination string
	// MaxCalls is how many calls there may be at a time; 0: DefaultMaxCalls.
	MaxCalls int
	// DrainTimeout is how long Run lets calls go on after its context ended.
	DrainTimeout time.Duration
}

// Service implements api.CallCenterServer. It is safe for concurrent use. Use
// New.
type Service struct {
	api.UnsafeCallCenterServer // a new method of the contract must not compile here unserved

	cfg   Config
	rooms *room.Directory
	loops sync.WaitGroup

	mu       sync.Mutex
	streams  map[*call]struct{} // all there are
	calls    map[string]*call   // those that were opened, by call_id
	draining bool
	empty    chan struct{} // closed when draining and the last stream is gone
}

// New returns a service without calls.
func New(cfg Config) *Service {
	if cfg.Clock == nil {
		cfg.Clock = audio.NewClock()
	}
	if cfg.MaxCalls == 0 {
		cfg.MaxCalls = DefaultMaxCalls
	}
	return &Service{
		cfg:     cfg,
		rooms:   room.New(room.Config{Codecs: cfg.Codecs, Clock: cfg.Clock, Default: cfg.Destination}),
		streams: make(map[*call]struct{}),
		calls:   make(map[string]*call),
		empty:   make(chan struct{}),
	}
}

// LiveCall is one call, from its first chunk to its status. gRPC calls it, on a
// goroutine for each stream.
func (s *Service) LiveCall(stream grpc.BidiStreamingServer[api.AudioChunk, api.AudioChunk]) error {
	c := newCall(s, stream)
	if err := s.admit(c); err != nil {
		return toStatus(err)
	}
	defer s.dismiss(c)
	return toStatus(c.guard(func(ctx context.Context) error { return c.handle(ctx) }))
}

// Drain refuses new calls and tells the calls there are that the server is
// about to end. Streams that have not said their call yet end at once.
func (s *Service) Drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return
	}
	s.draining = true
	for c := range s.streams {
		if s.calls[c.opening.CallID] != c {
			c.end(errDraining)
			continue
		}
		c.events.put(&api.Event{Kind: api.Event_KIND_DRAINING, Reason: errDraining.Error()})
	}
	s.checkEmptyLocked()
}

// EndAll ends every call with an event and a status.
func (s *Service) EndAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.streams {
		c.end(errDraining)
	}
}

// Empty is closed when the service is draining and its last call is gone.
func (s *Service) Empty() <-chan struct{} { return s.empty }

// Wait returns when the loops of all calls have ended. The gRPC server must
// have been stopped: that is what frees a loop from a peer that does not read.
func (s *Service) Wait() { s.loops.Wait() }

// admit takes a stream in, before it says which call it is.
func (s *Service) admit(c *call) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.draining:
		return errDraining
	case len(s.streams) >= 2*s.cfg.MaxCalls:
		return errFull(s.cfg.MaxCalls)
	}
	s.streams[c] = struct{}{}
	return nil
}

func (s *Service) dismiss(c *call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.streams, c)
	s.checkEmptyLocked()
}

func (s *Service) checkEmptyLocked() {
	if !s.draining || len(s.streams) > 0 {
		return
	}
	select {
	case <-s.empty:
	default:
		close(s.empty)
	}
}

// register takes a call in under its id.
func (s *Service) register(c *call, o wire.Opening) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.draining:
		return errDraining
	case s.calls[o.CallID] != nil:
		return errInUse
	case len(s.calls) >= s.cfg.MaxCalls:
		return errFull(s.cfg.MaxCalls)
	}
	c.opening = o
	s.calls[o.CallID] = c
	return nil
}

func (s *Service) unregister(c *call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.calls, c.opening.CallID)
}

// fault logs a recovered panic and returns what the call ends with.
func (s *Service) fault(callID string, value any, stack []byte) error {
	if stack == nil {
		stack = debug.Stack()
	}
	s.cfg.Log.Error("fault in a call", "call_id", wire.Clean(callID), "panic", value, "stack", string(stack))
	return errFault
}
