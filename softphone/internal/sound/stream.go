package sound

import (
	"context"
	"errors"
	"sync"
	"time"

	"callcenter/audio"
	"callcenter/audio/pace"
	"callcenter/audio/port"
	"callcenter/softphone/internal/callstate"
)

var errClosed = errors.New("start: the stream is closed")

// pacedStream is a source or a sink that a pacer clocks.
type pacedStream struct {
	endpoint audio.Endpoint
	run      func(context.Context) error // moves sound until the context ends
	release  func() error                // closes the source or sink

	mu      sync.Mutex
	cancel  context.CancelFunc // set by Start
	closed  bool
	outcome error
	running sync.WaitGroup

	lostOnce sync.Once
	lost     chan struct{}
	err      error // written before lost is closed, as is
	lostAt   time.Time
}

func newCapture(source audio.Source, end audio.Endpoint, p *port.Capture) *pacedStream {
	s := &pacedStream{endpoint: end, release: source.Close, lost: make(chan struct{})}
	s.run = func(ctx context.Context) error {
		return pace.RunCapture(ctx, watch(source, s.lose), p)
	}
	return s
}

func newPlayback(sink audio.Sink, end audio.Endpoint, p *port.Playback) *pacedStream {
	s := &pacedStream{endpoint: end, release: sink.Close, lost: make(chan struct{})}
	s.run = func(ctx context.Context) error {
		return pace.RunPlayback(ctx, sink, p)
	}
	return s
}

func (s *pacedStream) Endpoint() audio.Endpoint { return s.endpoint }

// Start starts the pacer. It runs until Close.
func (s *pacedStream) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	if s.cancel != nil {
		return nil
	}
	var ctx context.Context
	ctx, s.cancel = context.WithCancel(context.Background())
	s.running.Go(func() {
		if err := s.run(ctx); err != nil {
			s.lose(err)
		}
	})
	return nil
}

func (s *pacedStream) lose(err error) {
	s.lostOnce.Do(func() {
		s.err, s.lostAt = err, time.Now()
		close(s.lost)
	})
}

// Health says whether the file failed.
func (s *pacedStream) Health() callstate.End {
	select {
	case <-s.lost:
		return callstate.End{State: callstate.EndGone, Since: time.Since(s.lostAt)}
	default:
		return callstate.End{}
	}
}

func (s *pacedStream) Lost() <-chan struct{} { return s.lost }

func (s *pacedStream) Err() error {
	select {
	case <-s.lost:
		return s.err
	default:
		return nil
	}
}

// halt ends the pacer and waits for it: the port is not used any more.
func (s *pacedStream) halt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cancel != nil {
		s.cancel()
	}
	s.running.Wait()
}

// Close ends the pacer, waits for it, and closes the source or sink.
func (s *pacedStream) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return s.outcome
	}
	s.closed = true
	if s.cancel != nil {
		s.cancel()
	}
	s.running.Wait()
	s.outcome = s.release()
	return s.outcome
}

// broken is a source that can fail half way; it gives silence from then on.
type broken interface {
	audio.Source
	Ended() bool
	Err() error
}

// watch returns source; if it can fail, lose is called once it did.
func watch(source audio.Source, lose func(error)) audio.Source {
	if b, ok := source.(broken); ok {
		return &watched{broken: b, lose: lose}
	}
	return source
}

type watched struct {
	broken
	lose func(error)
	over bool
}

func (w *watched) Fill(dst []int16) {
	w.broken.Fill(dst)
	if !w.over && w.Ended() {
		w.over = true
		if err := w.Err(); err != nil {
			w.lose(err)
		}
	}
}
