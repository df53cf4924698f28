//go:build linux && !race

package faults

import (
	"context"
	"log/slog"
	"math"
	"sync"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/pace"
	"callcenter/audio/port"
	"callcenter/codec"
	"callcenter/codec/pcm"
	"callcenter/softphone/internal/call"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/phone"
)

// The level of every tone here: dBFS of its peak, and that peak.
const (
	loud      = -20
	amplitude = math.MaxInt16 / 10.
)

type snapshot = callstate.Snapshot

// operator is a softphone in a call: a tone for its microphone, and an ear of
// the test's.
type operator struct {
	line

	phone  *phone.Phone
	cancel context.CancelFunc
	done   chan struct{} // closed at the call's end

	report call.Report // after done
	err    error       // after done
}

// line is what a call is placed with.
type line struct {
	server, destination, name string
	hz                        int // 0: silence, announced
	ear                       audio.Sink
	codec                     codec.Codec   // nil: PCM
	period                    time.Duration // of both devices; 0: 10 ms
}

// dial places a call and returns at once.
func dial(l line) *operator {
	if l.codec == nil {
		l.codec = pcm.Codec{}
	}
	if l.period == 0 {
		l.period = audio.Period
	}
	o := &operator{line: l, done: make(chan struct{})}
	o.phone = phone.New(phone.Config{
		Servers: []string{l.server}, DisplayName: l.name, Codec: l.codec, DTX: l.hz == 0,
		Options:     codec.Options{FrameSamples: 960, Bitrate: 32000},
		Unprotected: true, Sound: o, Connect: phone.Connect, Log: slog.New(slog.DiscardHandler),
	})
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
	t := tone{}
	for i := range t.cycle {
		t.cycle[i] = int16(math.Round(amplitude * math.Sin(2*math.Pi*float64(o.hz*i)/audio.Rate)))
	}
	if o.period == audio.Period {
		return &stream{period: o.period, run: func(ctx context.Context) error { return pace.RunCapture(ctx, &t, p) }}, nil
	}
	pcm := make([]int16, audio.Samples(o.period))
	t.Fill(pcm)
	return &stream{period: o.period, run: func(ctx context.Context) error {
		return each(ctx, o.period, func() { p.Deliver(pcm) })
	}}, nil
}

// OpenPlayback implements phone.Sound.
func (o *operator) OpenPlayback(_ context.Context, p *port.Playback) (phone.Stream, error) {
	if o.period == audio.Period {
		return &stream{period: o.period, run: func(ctx context.Context) error { return pace.RunPlayback(ctx, o.ear, p) }}, nil
	}
	pcm := make([]int16, audio.Samples(o.period))
	return &stream{period: o.period, run: func(ctx context.Context) error {
		return each(ctx, o.period, func() { p.Take(pcm); _ = o.ear.Write(pcm) })
	}}, nil
}

// each does something once for every period that passes. A machine that is late
// for more than a second leaves out what it missed.
func each(ctx context.Context, period time.Duration, do func()) error {
	timer := time.NewTimer(period)
	defer timer.Stop()
	for due := time.Now().Add(period); ; {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		do()
		due = due.Add(period)
		if late := time.Since(due); late > time.Second {
			due = due.Add(late)
		}
		timer.Reset(max(time.Until(due), time.Millisecond))
	}
}

// tone is an endless sine of a multiple of 100 Hz, which fits into 10 ms.
type tone struct {
	cycle [audio.PeriodSamples]int16
	next  int
}

// Fill implements audio.Source.
func (t *tone) Fill(dst []int16) {
	for len(dst) > 0 {
		n := copy(dst, t.cycle[t.next:])
		t.next, dst = (t.next+n)%len(t.cycle), dst[n:]
	}
}

// Close implements audio.Source.
func (t *tone) Close() error { return nil }

// stream is one end of a call, clocked by run.
type stream struct {
	period time.Duration
	run    func(context.Context) error
	cancel context.CancelFunc
	pacer  sync.WaitGroup
}

func (s *stream) Endpoint() audio.Endpoint {
	return audio.Endpoint{Name: "test", Backend: "test", Rate: audio.Rate, Channels: 1, Period: s.period}
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
func (s *stream) Health() callstate.End            { return callstate.End{} }
func (s *stream) Switch(string)                    {}

func (s *stream) Close() error {
	if s.cancel != nil {
		s.cancel()
		s.pacer.Wait()
	}
	return nil
}

// silence is an ear that keeps nothing.
type silence struct{}

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
