package callcenter

import (
	"context"
	"net"
	"testing"
	"time"

	"golang.org/x/time/rate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"callcenter/api"
	"callcenter/server/internal/auth"
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

// socketEcho returns a function that sends a frame of 80 bytes to the server, or
// to a bare echo with the same settings, over a socket and waits for it. Where an
// authority asks who calls, the token answers.
func socketEcho(tb testing.TB, bare bool, a *auth.Authority, token string) func() {
	tb.Helper()
	lis, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	cfg := testConfig()
	cfg.Authority = a
	svc := New(cfg)
	options := serverOptions(&Config{})
	if !bare {
		options = append(guardOptions(svc, lis.Addr()), options...)
	}
	server := grpc.NewServer(options...)
	if bare {
		api.RegisterCallCenterServer(server, bareEcho{})
	} else {
		api.RegisterCallCenterServer(server, svc)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(lis) }()
	conn, err := grpc.NewClient(lis.Addr().String(),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
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
	ctx := metadata.AppendToOutgoingContext(tb.Context(), "authorization", "Bearer "+token)
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
	if !bare {
		svc.mu.Lock()
		defer svc.mu.Unlock()
		svc.calls["x"].limiter.SetLimit(rate.Inf)
	}
	return echo
}

func plainEcho(tb testing.TB) func() {
	tb.Helper()
	return socketEcho(tb, true, nil, "")
}

func ourEcho(tb testing.TB) func() {
	tb.Helper()
	return socketEcho(tb, false, nil, "")
}

// askedEcho is ourEcho of a caller who is asked.
func askedEcho(tb testing.TB) func() {
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
	return socketEcho(tb, false, a, token)
}

// BenchmarkEcho is an echo over a socket, one at a time, of the server and of a
// bare gRPC server. Allocations are of client and server together.
func BenchmarkEcho(b *testing.B) {
	for _, bc := range []struct {
		name string
		echo func(testing.TB) func()
	}{
		{"server", ourEcho},
		{"server that asks who calls", askedEcho},
		{"bare gRPC", plainEcho},
	} {
		b.Run(bc.name, func(b *testing.B) {
			echo := bc.echo(b)
			b.ReportAllocs()
			for b.Loop() {
				echo()
			}
		})
	}
}
