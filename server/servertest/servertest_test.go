package servertest_test

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"callcenter/api"
	"callcenter/server/servertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// opening begins a call in a mode's own destination.
func opening() *api.AudioChunk {
	return &api.AudioChunk{
		CallId: "x", SampleRate: 48000, Channels: 1, Codec: "pcm",
		AudioData: []byte{1, 2}, Sequence: 1, Setup: &api.Setup{},
	}
}

func TestACallToATestServer(t *testing.T) {
	s := servertest.Start(t, servertest.Options{})
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	stream := s.Call(ctx, t)
	if err := stream.Send(opening()); err != nil {
		t.Fatal(err)
	}
	for {
		c, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if len(c.AudioData) == 2 {
			return // and the test's end takes server and call down
		}
	}
}

func TestKillCutsCallsOff(t *testing.T) {
	s := servertest.Start(t, servertest.Options{Mix: true})
	stream := s.Call(t.Context(), t)
	if err := stream.Send(opening()); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	s.Kill()
	for {
		if _, err := stream.Recv(); err != nil {
			return
		}
	}
}

func TestDrainWithoutCallsEndsAtOnce(t *testing.T) {
	s := servertest.Start(t, servertest.Options{DrainTimeout: time.Hour})
	s.Drain()
	if err := s.Wait(); err != nil {
		t.Fatal(err)
	}
}

func TestAServerWithKeysLetsOnlyTokensIn(t *testing.T) {
	keys := servertest.NewKeys(t)
	s := servertest.Start(t, servertest.Options{Keys: keys})
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for token, want := range map[string]codes.Code{
		"": codes.Unauthenticated,
		keys.Token("ada", servertest.Everything()):                           codes.OK,
		keys.Token("ada", servertest.Grants{Call: []string{"tone"}}):         codes.PermissionDenied,
		keys.TokenUntil("ada", servertest.Everything(), time.Now().Add(1e9)): codes.OK,
	} {
		stream, err := api.NewCallCenterClient(s.Dial(t, servertest.Bearer(token))).LiveCall(ctx)
		if err != nil {
			t.Fatal(err)
		}
		opening := opening()
		opening.CallId = rand.Text()
		_ = stream.Send(opening) // Recv tells
		if _, err := stream.Recv(); status.Code(err) != want {
			t.Errorf("%v, want %v", err, want)
		}
	}
}
