package check

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"callcenter/audio"
	"callcenter/audio/pace"
	"callcenter/audio/port"
	"callcenter/softphone/internal/call"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/phone"
	"callcenter/softphone/internal/replay"
)

const (
	// linkTime is how long the echo call is measured: it ends with the tones.
	linkTime = 15 * time.Second
	// linkEnd is what it may take besides: to be answered, or not, and to end.
	linkEnd = 8 * time.Second
	// lookEvery is how often the call is looked at.
	lookEvery = 50 * time.Millisecond
	// linkSettles is how long its figures are not taken: buffers fill.
	linkSettles = 3 * time.Second
	// voiceSeed is which voice it is.
	voiceSeed = 7
)

// link is an echo call, and what was seen of it. Its fields but over are those of
// the goroutine that runs the check.
type link struct {
	phone   *phone.Phone
	done    chan struct{} // closed at the end of the call
	began   time.Duration
	looked  time.Duration
	over    bool
	outcome atomic.Pointer[placed]

	answered time.Duration // when it was seen to be live; 0: it was not
	server   callstate.Link
	jitter   []float64     // ms, of each look
	late     time.Duration // the worst of this computer
	troubles map[callstate.Kind]*trouble
}

// placed is how the call ended.
type placed struct {
	report call.Report
	err    error
}

// trouble is what the call suffered of one kind.
type trouble struct {
	was, on bool          // live at the look before, and at this one
	times   int           // that it began
	longest time.Duration // that something stood still
	text    string        // the newest
}

// startLink places the call, which ends with ctx or after linkTime.
func startLink(ctx context.Context, cfg *Config) *link {
	l := &link{
		done: make(chan struct{}), began: cfg.Clock(), looked: -lookEvery,
		troubles: make(map[callstate.Kind]*trouble),
		phone: phone.New(phone.Config{
			Servers: cfg.Servers, Destination: "echo", DisplayName: "check",
			Codec: cfg.Codec, Options: cfg.Options, DTX: true,
			Sound: nobody{}, Connect: cfg.Connect, Token: cfg.Token, Log: slog.New(slog.DiscardHandler),
		}),
	}
	go func() {
		defer close(l.done)
		report, err := l.phone.Place(ctx, phone.Order{Limit: linkTime})
		l.outcome.Store(&placed{report, err})
	}()
	return l
}

// left is how long the call is still measured.
func (l *link) left(now time.Duration) time.Duration {
	if l.over {
		return 0
	}
	since := l.began
	if l.answered != 0 {
		since = l.answered
	}
	return since + linkTime - now
}

// look looks at the call.
func (l *link) look(now time.Duration) {
	if l.over || now-l.looked < lookEvery {
		return
	}
	if l.looked > l.began {
		l.late = max(l.late, now-l.looked-lookEvery)
	}
	l.looked = now
	select {
	case <-l.done:
		l.over = true
		return
	default:
	}
	s := l.phone.Snapshot()
	if s.State == callstate.Live && l.answered == 0 {
		l.answered = now
	}
	if s.Link.Server != "" {
		l.server = s.Link
	}
	if l.answered == 0 || s.State == callstate.Ending {
		return
	}
	if now-l.answered >= linkSettles {
		l.jitter = append(l.jitter, ms(s.Delay.Jitter))
		l.late = max(l.late, s.Health.MicrophoneLate, s.Health.EarpieceLate)
	}
	for _, t := range l.troubles {
		t.was, t.on = t.on, false
	}
	for _, found := range s.Verdict.Troubles {
		l.suffer(&s, found)
	}
}

// suffer takes note of a trouble.
func (l *link) suffer(s *callstate.Snapshot, found callstate.Trouble) {
	t := l.troubles[found.Kind]
	if t == nil {
		t = &trouble{}
		l.troubles[found.Kind] = t
	}
	if strings.HasPrefix(found.Effect, "over") { // it is kept to be read
		return
	}
	if !t.was && !t.on {
		t.times++
	}
	t.on, t.text = true, found.Text
	switch found.Kind { //nolint:exhaustive // the others have no length
	case callstate.KindUplink:
		t.longest = max(t.longest, s.Health.Unheard)
	case callstate.KindDownlink:
		t.longest = max(t.longest, s.Health.Quiet)
	case callstate.KindServerGone:
		t.longest = max(t.longest, s.Link.Quiet)
	}
}

// nobody are the two ends of the echo call: a voice that nothing but arithmetic
// makes, and no ear. A pacer clocks them.
type nobody struct{}

func (nobody) OpenCapture(_ context.Context, p *port.Capture) (phone.Stream, error) {
	return newPaced(func(ctx context.Context) { _ = pace.RunCapture(ctx, replay.NewVoice(voiceSeed), p) }), nil
}

func (nobody) OpenPlayback(_ context.Context, p *port.Playback) (phone.Stream, error) {
	return newPaced(func(ctx context.Context) { _ = pace.RunPlayback(ctx, nowhere{}, p) }), nil
}

// nowhere is an earpiece that nobody wears.
type nowhere struct{}

func (nowhere) Write([]int16) error { return nil }
func (nowhere) Close() error        { return nil }

// paced is an end of the echo call.
type paced struct {
	run     func(context.Context)
	mu      sync.Mutex
	cancel  context.CancelFunc
	closed  bool
	running sync.WaitGroup
}

func newPaced(run func(context.Context)) *paced { return &paced{run: run} }

func (*paced) Endpoint() audio.Endpoint {
	return audio.Endpoint{Name: "check", Backend: "null", Rate: audio.Rate, Channels: 1, Period: audio.Period, Periods: 1}
}

func (p *paced) Start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.cancel != nil {
		return nil
	}
	var ctx context.Context
	ctx, p.cancel = context.WithCancel(context.Background())
	p.running.Go(func() { p.run(ctx) })
	return nil
}

func (*paced) Changed() <-chan callstate.Notice { return nil }
func (*paced) Health() callstate.End            { return callstate.End{} }
func (*paced) Switch(string)                    {}
func (*paced) Lost() <-chan struct{}            { return nil }
func (*paced) Err() error                       { return nil }

func (p *paced) Close() error {
	p.mu.Lock()
	p.closed = true
	if p.cancel != nil {
		p.cancel()
	}
	p.mu.Unlock()
	p.running.Wait()
	return nil
}

// usualJitter is the middle of all looks, in ms.
func (l *link) usualJitter() (float64, bool) {
	return median(l.jitter), len(l.jitter) > 0
}

// has reports one of several kinds of trouble.
func (l *link) has(kinds ...callstate.Kind) bool {
	return slices.ContainsFunc(kinds, func(k callstate.Kind) bool { return l.troubles[k] != nil })
}
