package callcenter

import (
	"time"

	"callcenter/server/internal/auth"
)

const (
	// watchInterval is how often a stream is looked at. Limits are counted in
	// looks rather than read off a clock, so that a process that was stopped for a
	// while does not blame its callers.
	watchInterval = 500 * time.Millisecond
	// quietLimit is how long a caller that can come back may be silent, though it
	// owes a chunk each 200 ms, and deafLimit how long it may take nothing. gRPC's
	// keepalive finds neither a process that stands still nor one that does not
	// read.
	quietLimit = 5 * time.Second
	deafLimit  = 5 * time.Second
	// slowLimit is deafLimit for callers that cannot come back: they may read
	// slowly on purpose, and what waits for them is bounded. They learn of it once
	// they read again.
	slowLimit = 60 * time.Second
	// silentLimit is quietLimit for callers that cannot come back, those of five
	// fields among them, who owe nothing.
	silentLimit = 60 * time.Second
)

// watch notices a stream on which nothing moves. One goroutine uses it.
type watch struct {
	stream        *stream
	chunks, sends uint64
	quiet, stuck  time.Duration
}

// look returns what is wrong, or nil. It is called each watchInterval.
func (w *watch) look() error {
	w.quiet += watchInterval
	if n := w.stream.chunks.Load(); n != w.chunks {
		w.chunks, w.quiet = n, 0
	}
	w.stuck += watchInterval
	if n := w.stream.sends.Load(); n != w.sends || n%2 == 0 {
		w.sends, w.stuck = n, 0
	}
	resumable := w.stream.call.resumable
	switch {
	case w.stream.svc.revoked(w.stream.identity):
		return auth.ErrRevoked
	case resumable && w.quiet >= quietLimit:
		return errQuiet
	case resumable && w.stuck >= deafLimit, w.stuck >= slowLimit:
		return errDeaf // before what it says, which may wait for what it takes
	case w.quiet >= silentLimit:
		return errSilent
	}
	return w.stream.call.tooLong()
}
