package callcenter

import (
	"context"
	"crypto/tls"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"callcenter/api"
	"callcenter/server/internal/auth"
	"callcenter/server/internal/certs"
)

// bareEcho is an echo without anything of ours.
type bareEcho struct {
	api.UnimplementedCallCenterServer
}

func (bareEcho) LiveCall(rpc grpc.BidiStreamingServer[api.AudioChunk, api.AudioChunk]) error {
	chunk := &api.AudioChunk{}
	for {
		if err := rpc.RecvMsg(chunk); err != nil {
			return nil //nolint:nilerr // it hung up
		}
		if err := rpc.SendMsg(chunk); err != nil {
			return err
		}
	}
}

// socketWay is how a caller reaches a server over a socket.
type socketWay struct {
	bare      bool            // an echo with the same settings and nothing of ours
	store     *certs.Store    // what the server proves itself with, nil for plain text
	authority *auth.Authority // which asks who calls, nil: nobody is asked
	token     string
}

// socketEcho returns a function that sends a frame of 80 bytes to the server and
// waits for it.
func socketEcho(tb testing.TB, w socketWay) func() {
	tb.Helper()
	lis, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	cfg, client := testConfig(), insecure.NewCredentials()
	cfg.Authority = w.authority
	if w.store != nil {
		cfg.Credentials = w.store.Credentials()
		client = credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS13, InsecureSkipVerify: true})
	}
	svc := New(cfg)
	options := serverOptions(&svc.cfg)
	if !w.bare {
		options = append(options, guardOptions(svc, lis.Addr())...)
	}
	server := grpc.NewServer(options...)
	if w.bare {
		api.RegisterCallCenterServer(server, bareEcho{})
	} else {
		api.RegisterCallCenterServer(server, svc)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(newListener(lis, svc.gate)) }()
	conn, err := grpc.NewClient(lis.Addr().String(),
		grpc.WithTransportCredentials(client),
		grpc.WithStaticStreamWindowSize(streamWindow), grpc.WithStaticConnWindowSize(connWindow))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = conn.Close()
		svc.Close()
		server.Stop()
		svc.Wait()
		<-ended //nolint:errcheck // it ended because it was stopped
	})
	ctx := metadata.AppendToOutgoingContext(tb.Context(), "authorization", "Bearer "+w.token)
	stream, err := api.NewCallCenterClient(conn).LiveCall(ctx)
	if err != nil {
		tb.Fatal(err)
	}
	out, in := extendedOpening("echo"), &api.AudioChunk{}
	if err := stream.Send(out); err != nil {
		tb.Fatal(err)
	}
	*out = api.AudioChunk{AudioData: make([]byte, 80), Epoch: 1}
	out.AudioData[0] = 0x78 // 20 ms
	echo := func() {
		out.Sequence++
		out.MediaTime += 960
		out.SentAt += 20000
		if err := stream.SendMsg(out); err != nil {
			tb.Fatal(err)
		}
		for again := true; again; again = len(in.GetAudioData()) == 0 { // an answer, or news of the bare one's opening
			if err := stream.RecvMsg(in); err != nil {
				tb.Fatal(err)
			}
		}
		out.Ack, out.EchoSentAt, out.EchoHeld = in.GetSequence(), in.GetSentAt(), 1
	}
	echo()
	if !w.bare {
		svc.mu.Lock()
		defer svc.mu.Unlock()
		unbounded(svc.calls["x"])
	}
	return echo
}

// asked is a caller who is asked.
func asked(tb testing.TB) socketWay {
	tb.Helper()
	dir, now := tb.TempDir(), time.Now()
	signer, err := auth.OpenSigner(dir, "", now)
	if err != nil {
		tb.Fatal(err)
	}
	token, _, err := signer.Issue(auth.Request{
		Subject: "ada", Audience: "bench", Expires: now.Add(time.Hour),
		Grants: auth.Grants{Call: []string{"echo"}, Speak: true, Listen: true},
	}, now)
	if err != nil {
		tb.Fatal(err)
	}
	a, err := auth.Open(auth.Config{Dir: dir, Audience: "bench"})
	if err != nil {
		tb.Fatal(err)
	}
	return socketWay{authority: a, token: token}
}

// BenchmarkEcho is an echo over a socket, one at a time, of the server, of one that
// asks who calls, over TLS, and of a bare gRPC server. Allocations are of client and
// server together.
func BenchmarkEcho(b *testing.B) {
	store, err := certs.Open(certs.Settings{StateDir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	for _, bc := range []struct {
		name string
		way  socketWay
	}{
		{"server", socketWay{}},
		{"server that asks who calls", asked(b)},
		{"server over TLS", socketWay{store: store}},
		{"bare gRPC", socketWay{bare: true}},
		{"bare gRPC over TLS", socketWay{bare: true, store: store}},
	} {
		b.Run(bc.name, func(b *testing.B) {
			echo := socketEcho(b, bc.way)
			b.ReportAllocs()
			for b.Loop() {
				echo()
			}
		})
	}
}
