package call_test

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"callcenter/api"
	"callcenter/audio"
	"callcenter/audio/pace"
	"callcenter/audio/port"
	"callcenter/audio/tone"
	"callcenter/codec"
	"callcenter/codec/pcm"
	"callcenter/server/servertest"
	"callcenter/softphone/internal/call"
)

// TestAQuietOperatorLosesNothingOfWhatHeHears listens for a minute, on a clock
// that jumps from one event to the next: what comes must be acknowledged also
// without anything to say, or the server would hold its audio back and drop it.
func TestAQuietOperatorLosesNothingOfWhatHeHears(t *testing.T) {
	for name, microphone := range map[string]struct{ mute, dead bool }{
		"muted":                         {mute: true},
		"with a microphone that is off": {dead: true},
		"talking":                       {},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { listenQuietly(t, microphone.mute, microphone.dead) })
		})
	}
}

func listenQuietly(t *testing.T, mute, dead bool) {
	const minute = time.Minute
	clock := audio.NewClock()
	lis := bufconn.Listen(64 << 10)
	var ended endLog
	s := servertest.Start(t, servertest.Options{Listener: lis, Clock: clock, Log: slog.New(&ended)})
	conn, err := grpc.NewClient("passthrough:test",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return lis.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	capture, playback := port.NewCapture(clock), port.NewPlayback(clock)
	answered := make(chan struct{})
	device := audio.Endpoint{Period: audio.Period}
	c, err := call.New(call.Config{
		Client: api.NewCallCenterClient(conn), CallID: "quiet", Destination: "tone",
		Codec: pcm.Codec{}, Options: codec.Options{FrameSamples: 960},
		Clock: clock, Capture: capture, Playback: playback, Microphone: device, Earpiece: device,
		OnAnswer: func() { close(answered) },
	})
	if err != nil {
		t.Fatal(err)
	}
	c.SetMuted(mute)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := c.Run(context.Background()); err != nil {
			t.Errorf("the call ended with %v", err)
		}
	})
	<-answered
	running.Go(func() { _ = pace.RunPlayback(ctx, nowhere{}, playback) })
	if !dead {
		source, err := tone.New(300, -20)
		if err != nil {
			t.Fatal(err)
		}
		running.Go(func() { _ = pace.RunCapture(ctx, source, capture) })
	}
	time.Sleep(minute)

	r := c.Report()
	c.HangUp()
	cancel()
	running.Wait()
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	s.Kill()
	if frames := uint64(minute / (20 * time.Millisecond)); r.Received < frames-2 || r.Lost != 0 || r.Dropped != 0 {
		t.Errorf("%d frames of %d came, %d were lost and %d dropped", r.Received, frames, r.Lost, r.Dropped)
	}
	// A first period may be made up while the buffer finds its delay.
	if st := r.Stats; st.ConcealedSamples > audio.PeriodSamples || st.SkippedSamples != 0 || st.PacketsDiscarded != 0 {
		t.Errorf("%d samples were made up, %d skipped; %d packets discarded", st.ConcealedSamples, st.SkippedSamples, st.PacketsDiscarded)
	}
	if n := ended.number("dropped"); n != 0 {
		t.Errorf("the server dropped %d", n)
	}
}

// nowhere is a sink that keeps nothing.
type nowhere struct{}

func (nowhere) Write([]int16) error { return nil }
func (nowhere) Close() error        { return nil }

// endLog keeps the numbers of the line that ends a call.
type endLog struct {
	mu      sync.Mutex
	numbers map[string]uint64
}

func (l *endLog) number(key string) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.numbers[key]
}

func (l *endLog) Enabled(context.Context, slog.Level) bool { return true }

func (l *endLog) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.numbers = make(map[string]uint64)
	r.Attrs(func(a slog.Attr) bool {
		if a.Value.Kind() == slog.KindUint64 {
			l.numbers[a.Key] = a.Value.Uint64()
		}
		return true
	})
	return nil
}

func (l *endLog) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l *endLog) WithGroup(string) slog.Handler      { return l }
