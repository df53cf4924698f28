package phone_test

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/pace"
	"callcenter/audio/port"
	"callcenter/audio/tone"
	"callcenter/codec"
	"callcenter/codec/opus"
	"callcenter/server/servertest"
	"callcenter/softphone/e2e/proxy"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/phone"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = time.Minute

// fakeSound is a tone as the microphone and an earpiece that keeps what it
// plays.
type fakeSound struct {
	captureErr, playbackErr error
	source                  audio.Source                  // nil: a tone
	asleep                  func() (time.Duration, error) // nil: that of this computer

	mu     sync.Mutex
	heard  []int16
	opened int // streams open now
	mic    *fakeStream
}

type fakeStream struct {
	sound  *fakeSound
	run    func(context.Context) error
	cancel context.CancelFunc
	done   chan struct{}
	lost   chan struct{}

	changed  chan callstate.Notice
	period   atomic.Int64 // 0: 10 ms
	switched atomic.Pointer[string]
	health   atomic.Pointer[callstate.End]
}

func (s *fakeStream) Endpoint() audio.Endpoint {
	period := audio.Period
	if p := s.period.Load(); p > 0 {
		period = time.Duration(p)
	}
	return audio.Endpoint{Name: "fake", Backend: "test", Rate: audio.Rate, Channels: 1, Period: period}
}

func (s *fakeStream) Start() error {
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	go func() {
		defer close(s.done)
		_ = s.run(ctx)
	}()
	return nil
}

func (s *fakeStream) Health() callstate.End {
	if h := s.health.Load(); h != nil {
		return *h
	}
	return callstate.End{}
}

func (s *fakeStream) Changed() <-chan callstate.Notice { return s.changed }

func (s *fakeStream) Switch(id string) {
	s.switched.Store(&id)
	s.changed <- callstate.Notice{Text: "switched to " + id}
}

func (s *fakeStream) Lost() <-chan struct{} { return s.lost }
func (s *fakeStream) Err() error            { return nil }

func (s *fakeStream) Close() error {
	if s.cancel != nil {
		s.cancel()
		<-s.done
	}
	s.sound.mu.Lock()
	defer s.sound.mu.Unlock()
	s.sound.opened--
	return nil
}

func (f *fakeSound) stream(run func(context.Context) error) *fakeStream {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.opened++
	return &fakeStream{sound: f, run: run, done: make(chan struct{}), lost: make(chan struct{}), changed: make(chan callstate.Notice, 1)}
}

func (f *fakeSound) OpenCapture(_ context.Context, p *port.Capture) (phone.Stream, error) {
	if f.captureErr != nil {
		return nil, f.captureErr
	}
	source := f.source
	if source == nil {
		var err error
		if source, err = tone.New(440, -20); err != nil {
			return nil, err
		}
	}
	s := f.stream(func(ctx context.Context) error { return pace.RunCapture(ctx, source, p) })
	f.mu.Lock()
	f.mic = s
	f.mu.Unlock()
	return s, nil
}

func (f *fakeSound) OpenPlayback(_ context.Context, p *port.Playback) (phone.Stream, error) {
	if f.playbackErr != nil {
		return nil, f.playbackErr
	}
	return f.stream(func(ctx context.Context) error { return pace.RunPlayback(ctx, f, p) }), nil
}

func (f *fakeSound) Write(pcm []int16) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.heard = append(f.heard, pcm...)
	return nil
}

func (f *fakeSound) Close() error { return nil }

// level is the RMS of the last half second that was played, in dBFS.
func (f *fakeSound) level() float64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.heard) < audio.Rate/2 {
		return -96
	}
	var sum float64
	for _, s := range f.heard[len(f.heard)-audio.Rate/2:] {
		sum += float64(s) * float64(s)
	}
	return 10 * math.Log10(sum/(audio.Rate/2)/32768/32768+1e-10)
}

// peak is the greatest magnitude that was heard.
func (f *fakeSound) peak() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return audiotest.Peak(f.heard)
}

// forget throws away what was heard.
func (f *fakeSound) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.heard = nil
}

func (f *fakeSound) open() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.opened
}

// startPhone runs a phone on a server until the test ends, with its settings as
// change leaves them.
func startPhone(t *testing.T, server string, sound *fakeSound, change ...func(*phone.Config)) *phone.Phone {
	t.Helper()
	cfg := phone.Config{
		Servers: strings.Split(server, ","), Destination: "echo", Codec: opus.Codec{},
		Options: codec.Options{Bitrate: 32000, Complexity: 5, FrameSamples: 960},
		Sound:   sound, Connect: phone.Connect, Log: slog.New(slog.DiscardHandler),
		Asleep: sound.asleep,
	}
	for _, f := range change {
		f(&cfg)
	}
	p := phone.New(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the phone ended with %v", err)
		}
		if n := sound.open(); n != 0 {
			t.Errorf("%d streams are still open", n)
		}
	})
	return p
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s", patience, what)
		}
	}
}

func waitState(t *testing.T, p *phone.Phone, want callstate.State) {
	t.Helper()
	waitFor(t, "state "+want.String(), func() bool { return p.Snapshot().State == want })
}

// notice waits for a sentence with that text in it.
func notice(t *testing.T, p *phone.Phone, text string) callstate.Notice {
	t.Helper()
	limit := time.After(patience)
	for {
		select {
		case n := <-p.Notices():
			if strings.Contains(n.Text, text) {
				return n
			}
		case <-limit:
			t.Fatalf("no sentence with %q", text)
		}
	}
}

func TestACallIsHeardMutedAndHungUp(t *testing.T) {
	s := servertest.Start(t, servertest.Options{})
	sound := &fakeSound{}
	p := startPhone(t, s.Addr, sound)
	p.Dial("")
	waitState(t, p, callstate.Live)
	waitFor(t, "the tone in the ear", func() bool { return sound.level() > -26 })
	waitFor(t, "figures", func() bool {
		d := p.Snapshot().Delay
		return d.RTTKnown && d.LoopKnown && d.Loop > 0 && d.MouthToEarEst > 0
	})
	if s := p.Snapshot(); s.MicrophoneOpen == nil || s.EarpieceOpen == nil || s.Microphone.RMS < -30 || s.Earpiece.RMS < -30 {
		t.Errorf("the screen does not show what is open and heard: %+v", s)
	}

	p.ToggleMute()
	waitFor(t, "silence in the ear", func() bool { return sound.level() < -80 })
	waitFor(t, "the meter of a muted microphone", func() bool { return p.Snapshot().Microphone.RMS > -30 })
	if s := p.Snapshot(); !s.Muted || s.TalkingWhileMuted { // a tone is no talk
		t.Errorf("muted: %+v", s)
	}
	waitFor(t, "little made up", func() bool { return p.Snapshot().Traffic.ConcealedPct < 5 }) // also after a late second
	p.ToggleMute()
	waitFor(t, "the tone again", func() bool { return sound.level() > -26 })

	p.HangUp()
	waitState(t, p, callstate.Idle)
	notice(t, p, "Call to echo ended")
	if s := p.Snapshot(); s.MicrophoneOpen != nil || s.Traffic.Lost != 0 || s.Traffic.Received == 0 {
		t.Errorf("after the call: %+v", s)
	}
}

func TestAPhoneCallsAgainAfterACall(t *testing.T) {
	s := servertest.Start(t, servertest.Options{})
	p := startPhone(t, s.Addr, &fakeSound{})
	ids := map[string]bool{}
	for range 3 {
		p.Dial("tone")
		waitState(t, p, callstate.Live)
		waitFor(t, "a call id", func() bool { return p.Snapshot().CallID != "" })
		ids[p.Snapshot().CallID] = true
		p.Dial("echo")
		notice(t, p, "hang up first")
		p.HangUp()
		waitState(t, p, callstate.Idle)
	}
	if len(ids) != 3 {
		t.Errorf("three calls had the ids %v", ids)
	}
}

func TestWhatGoesWrongIsASentence(t *testing.T) {
	s := servertest.Start(t, servertest.Options{})
	tests := []struct {
		name, server, dest string
		sound              *fakeSound
		want               string
	}{
		{"a server that is down", "127.0.0.1:1", "echo", &fakeSound{}, "cannot be reached (connection refused)"},
		{"an unknown destination", s.Addr, "room/No", &fakeSound{}, "room/"},
		{"no microphone", s.Addr, "echo", &fakeSound{captureErr: errors.New("no microphone: plug one in")}, "plug one in"},
		{"no earpiece", s.Addr, "echo", &fakeSound{playbackErr: errors.New("no earpiece: plug one in")}, "plug one in"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := startPhone(t, tt.server, tt.sound)
			p.Dial(tt.dest)
			if n := notice(t, p, tt.want); n.Severity != callstate.Failure {
				t.Errorf("severity %v of %q", n.Severity, n.Text)
			}
			waitState(t, p, callstate.Idle)
		})
	}
}

func TestACallWhoseServerDiesIsKeptUntilItIsHungUp(t *testing.T) {
	s := servertest.Start(t, servertest.Options{})
	p := startPhone(t, s.Addr, &fakeSound{})
	p.Dial("echo")
	waitState(t, p, callstate.Live)
	s.Kill()
	notice(t, p, "Connection lost, trying "+s.Addr+" again.")
	waitState(t, p, callstate.Reconnecting)
	p.HangUp()
	waitState(t, p, callstate.Idle)
}

func TestTheSecondServerOfTheListTakesTheCall(t *testing.T) {
	s := servertest.Start(t, servertest.Options{})
	p := startPhone(t, "127.0.0.1:1,"+s.Addr, &fakeSound{})
	p.Dial("echo")
	waitState(t, p, callstate.Live)
	if got := p.Snapshot().Server; got != s.Addr {
		t.Errorf("the screen shows server %s, the call is on %s", got, s.Addr)
	}
}

func TestACallThatIsCutComesBackUnderItsID(t *testing.T) {
	s := servertest.Start(t, servertest.Options{})
	link := proxy.Start(t, s.Addr)
	sound := &fakeSound{}
	p := startPhone(t, link.Addr, sound)
	p.Dial("echo")
	waitState(t, p, callstate.Live)
	id := p.Snapshot().CallID
	link.Reset(proxy.Down)
	notice(t, p, "Connection lost")
	notice(t, p, "Back after")
	waitState(t, p, callstate.Live)
	waitFor(t, "the tone in the ear", func() bool { return sound.level() > -26 })
	if got := p.Snapshot(); got.CallID != id || got.Link.Resumes != 1 {
		t.Errorf("call %s became %s, link %+v", id, got.CallID, got.Link)
	}
}

func TestACallConnectsAnewAfterASleep(t *testing.T) {
	s := servertest.Start(t, servertest.Options{})
	p := startPhone(t, s.Addr, &fakeSound{})
	p.Woke(time.Minute) // without a call it is nothing
	p.Dial("echo")
	waitState(t, p, callstate.Live)
	p.Woke(time.Minute)
	notice(t, p, "Back after 6")
	waitFor(t, "another connection", func() bool { return p.Snapshot().Link.Resumes == 1 })
}

func TestAServerThatDrainsSaysSo(t *testing.T) {
	s := servertest.Start(t, servertest.Options{DrainTimeout: 200 * time.Millisecond})
	p := startPhone(t, s.Addr, &fakeSound{})
	p.Dial("echo")
	waitState(t, p, callstate.Live)
	s.Drain()
	notice(t, p, s.Addr+" is shutting down and ends this call soon")
	notice(t, p, "Connection lost")
	p.HangUp()
	waitState(t, p, callstate.Idle)
}

func TestALostMicrophoneIsNamedAndTheCallGoesOn(t *testing.T) {
	s := servertest.Start(t, servertest.Options{})
	sound := &fakeSound{}
	p := startPhone(t, s.Addr, sound)
	p.Dial("tone")
	waitState(t, p, callstate.Live)
	sound.mu.Lock()
	close(sound.mic.lost)
	sound.mu.Unlock()
	notice(t, p, "microphone \"fake\" is gone")
	waitFor(t, "the far end to be heard on", func() bool { return sound.level() > -26 })
	if p.Snapshot().State != callstate.Live {
		t.Error("the call ended with its microphone")
	}
}

func TestALimitedCallHearsEverythingThatWasSaid(t *testing.T) {
	s := servertest.Start(t, servertest.Options{})
	sound := &fakeSound{}
	p := phone.New(phone.Config{
		Servers: []string{s.Addr}, Destination: "echo", Codec: opus.Codec{},
		Options: codec.Options{Bitrate: 32000, Complexity: 5, FrameSamples: 480},
		Sound:   sound, Connect: phone.Connect, Log: slog.New(slog.DiscardHandler),
	})
	r, err := p.Place(t.Context(), phone.Order{Limit: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if r.Ended != "duration" || r.FrameMS != 10 || r.Lost != 0 || r.Received < r.Sent-1 || r.Sent < 90 {
		t.Errorf("report %+v", r)
	}
	if sound.open() != 0 {
		t.Error("a stream is still open")
	}
}

func TestADeviceOpenedAnewIsSaidAndShown(t *testing.T) {
	s := servertest.Start(t, servertest.Options{})
	sound := &fakeSound{}
	p := startPhone(t, s.Addr, sound)
	p.Dial("")
	waitState(t, p, callstate.Live)
	sound.mu.Lock()
	mic := sound.mic
	sound.mu.Unlock()
	mic.period.Store(int64(20 * time.Millisecond))
	mic.changed <- callstate.Notice{Text: "The period is another."}
	notice(t, p, "period is another")
	if open := p.Snapshot().MicrophoneOpen; open == nil || open.Period != 20*time.Millisecond {
		t.Errorf("the screen shows %+v", open)
	}
	var stage time.Duration
	for _, s := range p.Snapshot().Delay.Stages {
		if s.Name == "microphone period" {
			stage = s.Delay
		}
	}
	if stage != 20*time.Millisecond {
		t.Errorf("the sum of the delay counts %v for the microphone", stage)
	}
}

func TestAnEndThatIsGoneIsShownAndItsReopeningsCounted(t *testing.T) {
	s := servertest.Start(t, servertest.Options{})
	sound := &fakeSound{}
	p := phone.New(phone.Config{
		Servers: []string{s.Addr}, Destination: "echo", Codec: opus.Codec{},
		Options: codec.Options{Bitrate: 32000, Complexity: 5, FrameSamples: 960},
		Sound:   sound, Connect: phone.Connect, Log: slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithCancel(t.Context())
	var ended sync.WaitGroup
	ended.Go(func() {
		r, err := p.Place(ctx, phone.Order{})
		if err != nil || r.Stats.DeviceReopens != 3 {
			t.Errorf("%d devices opened again, %v", r.Stats.DeviceReopens, err)
		}
	})
	waitState(t, p, callstate.Live)
	sound.mu.Lock()
	mic := sound.mic
	sound.mu.Unlock()
	mic.health.Store(&callstate.End{State: callstate.EndGone, Since: time.Second, Reopens: 3})
	mic.changed <- callstate.Notice{Text: "It is gone.", Severity: callstate.Failure}
	notice(t, p, "It is gone.")
	if s := p.Snapshot(); s.MicrophoneEnd.State != callstate.EndGone || s.EarpieceEnd.State != callstate.EndOpen {
		t.Errorf("the screen shows %+v and %+v", s.MicrophoneEnd, s.EarpieceEnd)
	}
	cancel()
	ended.Wait()
	if s := p.Snapshot(); s.MicrophoneEnd.State != callstate.EndOpen {
		t.Errorf("after the call the screen shows %+v", s.MicrophoneEnd)
	}
}
