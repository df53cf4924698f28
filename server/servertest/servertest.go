// Package servertest starts real servers for tests, as httptest does. It is the
// only door into the server for the tests of other packages. Every test may
// have as many servers as it likes; they end with it.
package servertest

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"callcenter/api"
	"callcenter/audio"
	"callcenter/codec"
	"callcenter/codec/opus"
	"callcenter/codec/pcm"
	"callcenter/server/internal/admission"
	"callcenter/server/internal/callcenter"
	"callcenter/server/internal/certs"
	"callcenter/server/internal/room"
)

// Options are a test server's settings. The zero value is a server in loopback
// mode that logs nothing.
type Options struct {
	// Mix makes calls without a destination go to room/lobby rather than echo.
	Mix bool
	// Log takes what the server logs; nil: nothing does.
	Log *slog.Logger
	// MaxCalls is how many calls there may be; 0: the server's default.
	MaxCalls int
	// Gate bounds all that clients open; nil: MaxCalls alone does.
	Gate *admission.Gate
	// Speakers is how many are heard at a time in a room; 0: the server's default.
	Speakers int
	// LevelControl brings all who are heard in a room to the same loudness.
	LevelControl bool
	// DrainTimeout is how long calls may go on after Drain; 0: 1 s.
	DrainTimeout time.Duration
	// Keys are asked who calls, and what it may do; nil: nobody is asked.
	Keys *Keys
	// Listener replaces a TCP socket on 127.0.0.1, for faults in between.
	Listener net.Listener
	// Clock is read for all timing; nil: a new one.
	Clock audio.Clock
	// TLS makes it speak TLS 1.3; nil: plain text.
	TLS *TLS
}

// Server is a running server. Its methods are safe for concurrent use.
type Server struct {
	// Addr is where it listens, "127.0.0.1:PORT".
	Addr string

	store  *certs.Store // nil: plain text
	drain  context.CancelFunc
	forced chan struct{}
	kill   sync.Once
	done   chan struct{}
	err    error
}

// Start starts a server. When the test ends it is killed, and the test fails if
// it had ended by itself before.
func Start(tb testing.TB, o Options) *Server {
	tb.Helper()
	lis := o.Listener
	if lis == nil {
		var err error
		if lis, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			tb.Fatalf("listen for a test server: %v", err)
		}
	}
	cfg := callcenter.Config{
		Codecs:       codec.NewRegistry(opus.Codec{}, pcm.Codec{}),
		Log:          o.Log,
		Clock:        o.Clock,
		Gate:         o.Gate,
		Speakers:     o.Speakers,
		LevelControl: o.LevelControl,
		DrainTimeout: o.DrainTimeout,
		Version:      "servertest",
	}
	if o.Mix {
		cfg.Destination = room.Lobby
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if o.Gate == nil && o.MaxCalls > 0 {
		cfg.Gate = admission.New(admission.Limits{Calls: o.MaxCalls})
	}
	if cfg.DrainTimeout == 0 {
		cfg.DrainTimeout = time.Second
	}
	ctx, cancel := context.WithCancel(context.Background())
	if o.Keys != nil {
		cfg.Authority = o.Keys.open(tb, cfg.Log)
	}
	s := &Server{Addr: lis.Addr().String(), drain: cancel, forced: make(chan struct{}), done: make(chan struct{})}
	if o.TLS != nil {
		s.store = o.TLS.open(tb, &o)
		cfg.Credentials = s.store.Credentials()
	}
	go func() {
		defer close(s.done)
		s.err = s.run(ctx, lis, cfg)
	}()
	tb.Cleanup(func() {
		select {
		case <-s.done:
			if s.err != nil && ctx.Err() == nil && s.err != callcenter.ErrForced { //nolint:errorlint // Run returns it as it is
				tb.Errorf("test server: %v", s.err)
			}
		default:
		}
		s.Kill()
		cancel()
	})
	return s
}

// run serves, and looks after the files of TLS meanwhile.
func (s *Server) run(ctx context.Context, lis net.Listener, cfg callcenter.Config) error {
	if s.store != nil {
		looking, stop := context.WithCancel(ctx)
		var looks sync.WaitGroup
		looks.Go(func() { _ = s.store.Run(looking) }) // it returns nil
		defer looks.Wait()
		defer stop()
	}
	return callcenter.Run(ctx, lis, cfg, s.forced)
}

// Drain begins the server's orderly end and returns at once; Wait waits for it.
func (s *Server) Drain() { s.drain() }

// Wait waits until the server has ended and returns its error, nil after an
// orderly end.
func (s *Server) Wait() error {
	<-s.done
	return s.err
}

// Kill cuts all connections, as the death of a server's process does, and
// returns when nothing of the server is left.
func (s *Server) Kill() {
	s.kill.Do(func() { close(s.forced) })
	<-s.done
}

// Dial returns a connection to the server, which the test's end closes. It trusts
// a server that speaks TLS; for one that asks for a certificate see ClientTLS.
func (s *Server) Dial(tb testing.TB, opts ...grpc.DialOption) *grpc.ClientConn {
	tb.Helper()
	security := insecure.NewCredentials()
	if s.store != nil {
		security = credentials.NewTLS(s.ClientTLS())
	}
	opts = append([]grpc.DialOption{
		grpc.WithTransportCredentials(security),
		grpc.WithStaticStreamWindowSize(65535),
		grpc.WithStaticConnWindowSize(1 << 20),
	}, opts...)
	conn, err := grpc.NewClient(s.Addr, opts...)
	if err != nil {
		tb.Fatalf("connect to the test server: %v", err)
	}
	tb.Cleanup(func() { _ = conn.Close() }) // the test may have closed it
	return conn
}

// Call opens a call's stream on a connection of its own. Nothing is sent yet.
func (s *Server) Call(ctx context.Context, tb testing.TB) grpc.BidiStreamingClient[api.AudioChunk, api.AudioChunk] {
	tb.Helper()
	stream, err := api.NewCallCenterClient(s.Dial(tb)).LiveCall(ctx)
	if err != nil {
		tb.Fatalf("open a stream to the test server: %v", err)
	}
	return stream
}
