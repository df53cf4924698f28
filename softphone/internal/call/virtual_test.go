package call_test

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"testing"

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

// virtualCall is a call through a real server inside a synctest bubble, whose
// clock jumps from one event to the next. The microphone hears a tone unless it
// is dead.
type virtualCall struct {
	*call.Call
	capture  *port.Capture
	playback *port.Playback

	server  *servertest.Server
	conn    *grpc.ClientConn
	cancel  context.CancelFunc
	running sync.WaitGroup
}

// virtualOptions say what is unusual about one.
type virtualOptions struct {
	destination string
	mute, dead  bool
	deaf        bool // nothing takes what is to be played
	complete    bool
	log         slog.Handler                 // of the server; nil: none
	wrap        func(conn net.Conn) net.Conn // nil: as it is
	change      func(*call.Config)           // nil: as it is
}

// dialVirtual returns once the call is answered.
func dialVirtual(t *testing.T, o virtualOptions) *virtualCall {
	t.Helper()
	clock := audio.NewClock()
	lis := bufconn.Listen(64 << 10)
	so := servertest.Options{Listener: lis, Clock: clock}
	if o.log != nil {
		so.Log = slog.New(o.log)
	}
	v := &virtualCall{server: servertest.Start(t, so)}
	var err error
	v.conn, err = grpc.NewClient("passthrough:test",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			conn, err := lis.DialContext(ctx)
			if o.wrap != nil && err == nil {
				conn = o.wrap(conn)
			}
			return conn, err
		}))
	if err != nil {
		t.Fatal(err)
	}
	capture, playback := port.NewCapture(clock), port.NewPlayback(clock)
	v.capture, v.playback = capture, playback
	answered := make(chan struct{})
	device := audio.Endpoint{Period: audio.Period}
	cfg := call.Config{
		Client: api.NewCallCenterClient(v.conn), CallID: "virtual", Destination: o.destination,
		Codec: pcm.Codec{}, Options: codec.Options{FrameSamples: 960}, Complete: o.complete,
		Clock: clock, Capture: capture, Playback: playback, Microphone: device, Earpiece: device,
		OnAnswer: func() { close(answered) },
	}
	if o.change != nil {
		o.change(&cfg)
	}
	v.Call, err = call.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	v.SetMuted(o.mute)
	v.running.Go(func() {
		if err := v.Run(context.Background()); err != nil {
			t.Errorf("the call ended with %v", err)
		}
	})
	<-answered
	var ctx context.Context
	ctx, v.cancel = context.WithCancel(t.Context())
	if !o.deaf {
		v.running.Go(func() { _ = pace.RunPlayback(ctx, nowhere{}, playback) })
	}
	if !o.dead {
		source, err := tone.New(300, -20)
		if err != nil {
			t.Fatal(err)
		}
		v.running.Go(func() { _ = pace.RunCapture(ctx, source, capture) })
	}
	return v
}

// end hangs up and stops the server.
func (v *virtualCall) end(t *testing.T) {
	t.Helper()
	v.HangUp()
	v.cancel()
	v.running.Wait()
	if err := v.conn.Close(); err != nil {
		t.Error(err)
	}
	v.server.Kill()
}

// nowhere is a sink that keeps nothing.
type nowhere struct{}

func (nowhere) Write([]int16) error { return nil }
func (nowhere) Close() error        { return nil }
