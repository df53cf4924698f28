package callcenter

import (
	"context"
	"crypto/tls"
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"callcenter/api"
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

// socketEcho returns a function that sends a frame of 80 bytes to the server, or
// to a bare echo with the same settings, over a socket and waits for it. store is
// what the server proves itself with, nil for plain text.
func socketEcho(tb testing.TB, bare bool, store *certs.Store) func() {
	tb.Helper()
	lis, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	svc := New(testConfig())
	client := insecure.NewCredentials()
	if store != nil {
		svc.cfg.Credentials = store.Credentials()
		client = credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS13, InsecureSkipVerify: true})
	}
	server := grpc.NewServer(serverOptions(&svc.cfg)...)
	if bare {
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
	stream, err := api.NewCallCenterClient(conn).LiveCall(tb.Context())
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
		unbounded(svc.calls["x"])
	}
	return echo
}

// BenchmarkEcho is an echo over a socket, one at a time, of the server, in plain
// text and over TLS, and of a bare gRPC server. Allocations are of client and server
// together.
func BenchmarkEcho(b *testing.B) {
	store, err := certs.Open(certs.Settings{StateDir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	for _, bc := range []struct {
		name  string
		bare  bool
		store *certs.Store
	}{{"server", false, nil}, {"server over TLS", false, store}, {"bare gRPC", true, nil}, {"bare gRPC over TLS", true, store}} {
		b.Run(bc.name, func(b *testing.B) {
			echo := socketEcho(b, bc.bare, bc.store)
			b.ReportAllocs()
			for b.Loop() {
				echo()
			}
		})
	}
}
