// Package callcenter is the gRPC service: it takes calls, checks what comes off
// the wire, connects each call to its destination in package room, and says
// with a status how the call ended. Run is the whole server around it, with
// health, reflection and an orderly end; package cli and servertest call it.
//
// Before an RPC has a handler, package admission says whether there may be
// another one (gate.go) and package auth whose it is (guard.go), and the log has
// who was let in or refused (audit.go).
//
// Every stream has a handler, which decides when it is over; a receive loop, the
// only caller of RecvMsg; and a send loop, the only caller of SendMsg except that
// while it has nothing to do a receive loop sends what is passed on as it came
// (answer.go). Neither loop allocates per chunk, or waits for another call. A call
// of a caller that sent a resume token outlives its stream: it waits in its room
// for the next, which takes it over (resume.go). Times are readings of one audio.Clock,
// but those of admission and auth, which go by the wall clock.
package callcenter

import (
	"container/list"
	"errors"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/audio"
	"callcenter/codec"
	"callcenter/server/internal/admission"
	"callcenter/server/internal/auth"
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
	// Log takes one line when a call starts, one when it ends, those of its streams
	// that break and take over, faults, who was let in or refused, and what the gate
	// held back. Required.
	Log *slog.Logger
	// Clock is read for all timing; nil: a new one.
	Clock audio.Clock
	// Destination is that of calls that name none; "": room.Echo.
	Destination string
	// Speakers is how many are heard at a time in a room; 0: room.DefaultSpeakers.
	Speakers int
	// LevelControl brings all who are heard in a room to the same loudness.
	LevelControl bool
	// DrainTimeout is how long Run lets calls go on after its context ended.
	DrainTimeout time.Duration
	// Credentials secure the connections; nil: plain text.
	Credentials credentials.TransportCredentials
	// Authority says who may call; nil: nobody is asked.
	Authority *auth.Authority
	// Gate bounds connections, streams and calls; nil: one that allows
	// DefaultMaxCalls, from anywhere.
	Gate *admission.Gate
	// Pulse is how Run's server can be asked whether it lives; nil: nobody asks.
	Pulse *Pulse
	// Version is what callers are told that the server was built from; it may be
	// empty.
	Version string
}

// Service implements api.CallCenterServer. It is safe for concurrent use. Use
// New.
type Service struct {
	api.UnsafeCallCenterServer // a new method of the contract must not compile here unserved

	cfg   Config
	gate  *admission.Gate
	rooms *room.Directory
	loops sync.WaitGroup

	mint  *mint
	audit *audit

	mu       sync.Mutex
	streams  map[*stream]struct{} // all there are
	nameless list.List            // those that have not said their call, oldest first
	calls    map[string]*call     // by call_id, with a stream or waiting for one
	draining bool
	closing  bool          // the streams are about to be cut
	empty    chan struct{} // closed when draining and the last stream and call are gone
}

// New returns a service without calls.
func New(cfg Config) *Service {
	if cfg.Clock == nil {
		cfg.Clock = audio.NewClock()
	}
	cfg.Version = wire.Clean(cfg.Version)
	if cfg.Gate == nil {
		cfg.Gate = admission.New(admission.Limits{Calls: DefaultMaxCalls})
	}
	return &Service{
		cfg:  cfg,
		gate: cfg.Gate,
		rooms: room.New(room.Config{
			Codecs:       cfg.Codecs,
			Clock:        cfg.Clock,
			Default:      cfg.Destination,
			Speakers:     cfg.Speakers,
			LevelControl: cfg.LevelControl,
			Log:          cfg.Log,
		}),
		mint:    newMint(),
		audit:   newAudit(cfg.Log, cfg.Clock),
		streams: make(map[*stream]struct{}),
		calls:   make(map[string]*call),
		empty:   make(chan struct{}),
	}
}

// LiveCall is one stream of a call, from its first chunk to its status. gRPC
// calls it, on a goroutine for each stream.
func (s *Service) LiveCall(rpc grpc.BidiStreamingServer[api.AudioChunk, api.AudioChunk]) error {
	st := newStream(s, rpc)
	if err := s.admit(st); err != nil {
		return toStatus(err)
	}
	defer s.dismiss(st)
	err := st.guard(st.handle)
	if c := st.call; errors.Is(err, errFault) && c != nil && c.current.Load() == st {
		c.guard(func() { c.abandon(err) }) // no more than was done already, unless the handler panicked
	}
	return toStatus(err)
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
	s.endNamelessLocked()
	for _, c := range s.calls {
		c.events.put(drainingEvent())
	}
	s.checkEmptyLocked()
}

func drainingEvent() *api.Event {
	return &api.Event{Kind: api.Event_KIND_DRAINING, Reason: errDraining.Error()}
}

// endNamelessLocked ends the streams that have not said their call yet.
func (s *Service) endNamelessLocked() {
	for st := range s.streams {
		if st.call == nil {
			st.end(errDraining)
		}
	}
}

// EndAll ends every call with an event and a status.
func (s *Service) EndAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endNamelessLocked()
	for _, c := range s.calls {
		c.end(errDraining)
	}
}

// Close ends the calls that wait for a stream, and lets no more wait: the streams
// are about to be cut off.
func (s *Service) Close() {
	s.Drain()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = true
	for _, c := range s.calls {
		if c.current.Load() == nil {
			c.end(errDraining)
		}
	}
}

// Empty is closed when the service is draining and its last call is gone.
func (s *Service) Empty() <-chan struct{} { return s.empty }

// Wait returns when the loops of all calls have ended. The gRPC server must
// have been stopped, and Close called: that is what frees a loop from a peer that
// does not read, and from the wait for another stream.
func (s *Service) Wait() { s.loops.Wait() }

// admit takes a stream in, before it says which call it is.
func (s *Service) admit(st *stream) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining && !s.resumableLocked() {
		return errDraining
	}
	if most := s.gate.Limits().Calls; most > 0 && s.nameless.Len() >= most {
		// It had longer than whoever comes now to say what takes a moment.
		oldest := s.nameless.Front().Value.(*stream)
		s.nameLocked(oldest)
		oldest.end(s.gate.Crowded(oldest.peer))
	}
	s.streams[st] = struct{}{}
	st.nameless = s.nameless.PushBack(st)
	return nil
}

// nameLocked notes that the stream has said its call, or will not.
func (s *Service) nameLocked(st *stream) {
	if st.nameless != nil {
		s.nameless.Remove(st.nameless)
		st.nameless = nil
	}
}

// resumableLocked reports that a stream may find its call here although the
// server drains.
func (s *Service) resumableLocked() bool {
	if s.closing {
		return false
	}
	for _, c := range s.calls {
		if c.resumable && !c.ended {
			return true
		}
	}
	return false
}

func (s *Service) dismiss(st *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.streams, st)
	s.nameLocked(st)
	s.checkEmptyLocked()
}

func (s *Service) checkEmptyLocked() {
	if !s.draining {
		return
	}
	if !s.resumableLocked() {
		s.endNamelessLocked() // they have no call to come back to
	}
	if len(s.calls) > 0 || len(s.streams) > 0 {
		return
	}
	select {
	case <-s.empty:
	default:
		close(s.empty)
	}
}

// opened notes that the call is connected to its destination, or is not.
func (s *Service) opened(c *call, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.unregisterLocked(c)
		return
	}
	c.opened = true
}

func (s *Service) unregister(c *call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unregisterLocked(c)
}

func (s *Service) unregisterLocked(c *call) {
	if s.calls[c.opening.CallID] == c {
		delete(s.calls, c.opening.CallID)
	}
	c.place.Leave()
	s.checkEmptyLocked()
}

// fault logs a recovered panic and returns what the call ends with.
func (s *Service) fault(callID string, value any, stack []byte) error {
	if stack == nil {
		stack = debug.Stack()
	}
	s.cfg.Log.Error("fault in a call", "call_id", wire.Clean(callID), "panic", value, "stack", string(stack))
	return errFault
}
