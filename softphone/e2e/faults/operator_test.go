//go:build linux && !race

package faults

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/pace"
	"callcenter/audio/port"
	"callcenter/audio/tone"
	"callcenter/codec"
	"callcenter/codec/pcm"
	"callcenter/softphone/internal/call"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/phone"
)

// loud is the level of every tone here, in dBFS of its peak.
const loud = -20

type snapshot = callstate.Snapshot

// operator is a softphone in a call: a tone for its microphone, and an ear of
// the test's.
type operator struct {
	name   string
	hz     int
	ear    audio.Sink
	phone  *phone.Phone
	cancel context.CancelFunc
	done   chan struct{} // closed at the call's end

	report call.Report // after done
	err    error       // after done
}

// line is what a call is placed with.
type line struct {
	server, destination, name string
	hz                        int // 0: silence
	ear                       audio.Sink
	codec                     codec.Codec // nil: PCM
}

// dial places a call and returns at once.
func dial(l line) *operator {
	o := &operator{name: l.name, hz: l.hz, ear: l.ear, done: make(chan struct{})}
	cfg := phone.Config{
		Servers: []string{l.server}, DisplayName: l.name, Codec: l.codec,
		Options:     codec.Options{FrameSamples: 960, Bitrate: 32000},
		Unprotected: true, Sound: o, Connect: phone.Connect, Log: slog.New(slog.DiscardHandler),
	}
	if cfg.Codec == nil {
		cfg.Codec = pcm.Codec{}
	}
	o.phone = phone.New(cfg)
	var ctx context.Context
	ctx, o.cancel = context.WithCancel(context.Background())
	go func() {
		defer close(o.done)
		o.report, o.err = o.phone.Place(ctx, phone.Order{Destination: l.destination})
	}()
	return o
}

// operate is dial in a test that the call ends with; it returns when the call
// was answered.
func operate(t *testing.T, l line) *operator {
	t.Helper()
	o := dial(l)
	t.Cleanup(o.stop)
	if !eventually(func() bool { return o.over() || o.snapshot().State == callstate.Live }) || o.over() {
		o.stop()
		t.Fatalf("%s's call was not answered: %v", l.name, o.err)
	}
	return o
}

// stop hangs up and waits.
func (o *operator) stop() {
	o.cancel()
	<-o.done
}

func (o *operator) over() bool {
	select {
	case <-o.done:
		return true
	default:
		return false
	}
}

func (o *operator) snapshot() snapshot { return o.phone.Snapshot() }

// OpenCapture implements phone.Sound.
func (o *operator) OpenCapture(_ context.Context, p *port.Capture) (phone.Stream, error) {
	src := audio.Source(silence{})
	if o.hz > 0 {
		var err error
		if src, err = tone.New(float64(o.hz), loud); err != nil {
			return nil, err
		}
	}
	return &stream{run: func(ctx context.Context) error { return pace.RunCapture(ctx, src, p) }}, nil
}

// OpenPlayback implements phone.Sound.
func (o *operator) OpenPlayback(_ context.Context, p *port.Playback) (phone.Stream, error) {
	return &stream{run: func(ctx context.Context) error { return pace.RunPlayback(ctx, o.ear, p) }}, nil
}

// stream is one end of a call, clocked by a pacer.
type stream struct {
	run    func(context.Context) error
	cancel context.CancelFunc
	pacer  sync.WaitGroup
}

func (s *stream) Endpoint() audio.Endpoint {
	return audio.Endpoint{Name: "test", Backend: "test", Rate: audio.Rate, Channels: 1, Period: audio.Period}
}

func (s *stream) Start() error {
	var ctx context.Context
	ctx, s.cancel = context.WithCancel(context.Background())
	s.pacer.Go(func() { _ = s.run(ctx) })
	return nil
}

func (s *stream) Changed() <-chan callstate.Notice { return nil }
func (s *stream) Lost() <-chan struct{}            { return nil }
func (s *stream) Err() error                       { return nil }

func (s *stream) Close() error {
	if s.cancel != nil {
		s.cancel()
		s.pacer.Wait()
	}
	return nil
}

// silence is an audio.Source with nothing to say, and a sink that keeps
// nothing.
type silence struct{}

func (silence) Fill(dst []int16)    { clear(dst) }
func (silence) Write([]int16) error { return nil }
func (silence) Close() error        { return nil }

// period is 10 ms that an ear heard.
type period struct {
	at  time.Time
	pcm [audio.PeriodSamples]int16
}

// recorder is an ear that keeps what it heard since it was told to forget. It
// is safe for concurrent use.
type recorder struct {
	mu    sync.Mutex
	heard []period
}

// Write implements audio.Sink.
func (r *recorder) Write(pcm []int16) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := period{at: time.Now()}
	copy(p.pcm[:], pcm)
	r.heard = append(r.heard, p)
	return nil
}

// Close implements audio.Sink.
func (r *recorder) Close() error { return nil }

// forget drops all but the newest periods.
func (r *recorder) forget(but int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	keep := r.heard[max(0, len(r.heard)-but):]
	r.heard = r.heard[:copy(r.heard, keep)]
}

// all returns what was heard since forget.
func (r *recorder) all() []period {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]period(nil), r.heard...)
}

// newest returns the last n periods, or fewer.
func (r *recorder) newest(n int) []period {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]period(nil), r.heard[max(0, len(r.heard)-n):]...)
}
