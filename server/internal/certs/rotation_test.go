package certs_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"callcenter/api"
	"callcenter/api/fingerprint"
	"callcenter/server/servertest"
)

// liveCall is a call to echo that has a frame under way at all times: the next one
// goes out 20 ms after the last, or when that has come back if this is later. So
// a slow machine makes it slow, and nothing but a fault makes it lose a frame.
type liveCall struct {
	id     string
	stream grpc.BidiStreamingClient[api.AudioChunk, api.AudioChunk]
}

// run calls until stop is closed and returns how many frames came back; it is an
// error if one did not.
func (c *liveCall) run(stop <-chan struct{}) (frames int, err error) {
	opening := &api.AudioChunk{CallId: c.id, SampleRate: 48000, Channels: 1, Codec: "opus", Setup: &api.Setup{Destination: "echo"}}
	if err = c.stream.Send(opening); err != nil {
		return 0, err
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var sent, came uint64
	var newest *api.AudioChunk
	for {
		select {
		case <-stop:
			return int(came), c.stream.CloseSend()
		case <-tick.C:
		}
		sent++
		out := &api.AudioChunk{AudioData: append([]byte{0x78}, make([]byte, 79)...), Epoch: 1, Sequence: sent, MediaTime: sent * 960, SentAt: sent * 20000}
		if newest != nil {
			out.Ack, out.EchoSentAt, out.EchoHeld = newest.GetSequence(), newest.GetSentAt(), 1
		}
		if err = c.stream.Send(out); err != nil {
			return int(came), fmt.Errorf("frame %d: %w", sent, err)
		}
		for echoed := false; !echoed; {
			in, rerr := c.stream.Recv()
			if rerr != nil {
				return int(came), fmt.Errorf("the echo of frame %d: %w", sent, rerr)
			}
			if newest = in; in.GetDroppedBefore() != 0 {
				return int(came), fmt.Errorf("%d frames were dropped before %d", in.GetDroppedBefore(), in.GetSequence())
			}
			if echoed = len(in.GetAudioData()) > 0; echoed {
				if came++; in.GetSequence() != came || in.GetMediaTime() != sent*960 {
					return int(came), fmt.Errorf("frame %d came back as %d, of %d", sent, in.GetSequence(), in.GetMediaTime())
				}
			}
		}
	}
}

func TestACertificateIsRotatedUnderFiftyLiveCalls(t *testing.T) {
	const calls = 50
	ca, dir := servertest.NewCA(t), t.TempDir()
	cert, key := ca.Files(t, dir, servertest.Leaf{})
	s := servertest.Start(t, servertest.Options{TLS: &servertest.TLS{CertFile: cert, KeyFile: key}})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	stop := make(chan struct{})
	var live sync.WaitGroup
	frames := make([]int, calls)
	for i := range calls {
		c := &liveCall{id: fmt.Sprint("call-", i), stream: s.Call(ctx, t)}
		live.Go(func() {
			var err error
			if frames[i], err = c.run(stop); err != nil {
				t.Errorf("%s: %v", c.id, err)
			}
		})
	}
	seen := map[string]bool{shown(t, s, ca): true}
	for range 3 {
		ca.Files(t, dir, servertest.Leaf{})
		if changed, err := s.Reload(); err != nil || len(changed) != 2 {
			t.Errorf("reloaded %q: %v", changed, err)
		}
		seen[shown(t, s, ca)] = true
	}
	before := s.Fingerprint()
	ca.Files(t, dir, servertest.Leaf{}) // and once the server has to notice
	for s.Fingerprint() == before && ctx.Err() == nil {
		<-time.After(20 * time.Millisecond)
	}
	seen[shown(t, s, ca)] = true
	close(stop)
	live.Wait()
	least := frames[0]
	for _, n := range frames {
		least = min(least, n)
	}
	t.Logf("%d certificates; every call had at least %d frames back", len(seen), least)
	if len(seen) != 5 || least < 10 {
		t.Errorf("%d certificates were seen, want 5; %d frames came back", len(seen), least)
	}
}

// shown is the fingerprint that a new connection is shown, once it has verified
// the certificate.
func shown(t *testing.T, s *servertest.Server, ca *servertest.CA) (key string) {
	t.Helper()
	config := &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: ca.Pool(), VerifyConnection: func(c tls.ConnectionState) error {
		key = fingerprint.Of(c.PeerCertificates[0])
		return nil
	}}
	if err := ask(t, s, credentials.NewTLS(config)); err != nil {
		t.Error(err)
	}
	if key != s.Fingerprint() {
		t.Errorf("a new connection is shown %s, want %s", key, s.Fingerprint())
	}
	return key
}
