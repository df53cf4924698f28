package callcenter

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"

	"callcenter/api"
	"callcenter/codec"
	"callcenter/codec/pcm"
	"callcenter/server/internal/room"
)

// deafStream says a chunk each 100 ms and takes nothing after its first one, or
// one each so often.
type deafStream struct {
	fakeStream
	takes   time.Duration // 0: nothing
	opening bool
}

func (d *deafStream) RecvMsg(m any) error {
	if !d.opening {
		d.opening = true
		return d.fakeStream.RecvMsg(m)
	}
	select {
	case <-time.After(100 * time.Millisecond):
		m.(interface{ Reset() }).Reset()
		return nil
	case <-d.ctx.Done():
		return d.ctx.Err()
	}
}

func (d *deafStream) SendMsg(any) error {
	var taken <-chan time.Time
	if d.takes > 0 {
		taken = time.After(d.takes)
	}
	select {
	case <-taken:
		return nil
	case <-d.ctx.Done():
		return d.ctx.Err()
	}
}

// Send is SendMsg.
func (d *deafStream) Send(c *api.AudioChunk) error { return d.SendMsg(c) }

func TestWhoTakesNothingIsGivenUp(t *testing.T) {
	withToken := extendedOpening("tone")
	withToken.Setup.ResumeToken = "mine"
	plain := plainOpening()
	plain.AudioData = []byte{1, 2}
	for name, tc := range map[string]struct {
		opening *api.AudioChunk
		takes   time.Duration
		limit   time.Duration // 0: never
		waits   bool
	}{
		"a caller that can come back":       {withToken, 0, deafLimit, true},
		"which takes a chunk in 4 s":        {withToken, 4 * time.Second, 0, false},
		"an extended one without a token":   {extendedOpening("tone"), 0, slowLimit, false},
		"a caller of five fields":           {plain, 0, slowLimit, false},
		"which takes a chunk in 50 seconds": {plain, 50 * time.Second, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				s := New(testConfig())
				begin := time.Now()
				end := make(chan error, 1)
				go func() {
					defer close(end)
					end <- s.LiveCall(&deafStream{fakeStream: fakeStream{ctx: ctx, script: []*api.AudioChunk{tc.opening}}, takes: tc.takes})
				}()
				var err error
				select {
				case err = <-end:
				case <-time.After(3 * time.Minute):
					if tc.limit != 0 {
						t.Error("it lives")
					}
				}
				took := time.Since(begin)
				if tc.limit != 0 && (status.Code(err) != codes.DeadlineExceeded || !strings.Contains(err.Error(), "takes nothing") ||
					took < tc.limit || took > tc.limit+2*watchInterval) {
					t.Errorf("ended after %v with %v", took, err)
				}
				s.mu.Lock()
				waits := len(s.calls) == 1
				s.mu.Unlock()
				if tc.limit != 0 && waits != tc.waits {
					t.Errorf("the call waits: %v", waits)
				}
				cancel()
				for range end {
				}
				s.Close()
				s.Wait()
				if len(s.calls) != 0 || s.rooms.Rooms() != 0 {
					t.Error("something of the call is left")
				}
			})
		})
	}
}

func TestOnlyThisProcessKnowsItsTokens(t *testing.T) {
	m, other := newMint(), newMint()
	token := m.issue("a")
	if token == m.issue("a") {
		t.Error("two tokens are the same")
	}
	for name, tc := range map[string]struct {
		token, id string
		want      origin
	}{
		"its own":               {token, "a", ours},
		"another call's":        {token, "b", forged},
		"changed":               {token[:len(token)-1] + "_", "a", forged},
		"cut":                   {token[:len(token)-3], "a", forged},
		"without a counter":     {m.instance, "a", forged},
		"with an empty seal":    {m.instance + ".1.", "a", forged},
		"another process's":     {other.issue("a"), "a", foreign},
		"a caller's":            {"whatever", "a", foreign},
		"none":                  {"", "a", foreign},
		"with a longer counter": {m.instance + ".zzzzzzzzzzzzzzzzzzzz.x", "a", forged},
	} {
		if got := m.origin(tc.token, tc.id); got != tc.want {
			t.Errorf("a token %s: %v, want %v", name, got, tc.want)
		}
	}
	if same("", "") {
		t.Error("no token is the same as none")
	}
}

// TestARoomThatStandsStillLetsItsCallsComeBack ends one as the room does.
func TestARoomThatStandsStillLetsItsCallsComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opening := resumableOpening()
		var mu sync.Mutex
		var told []*api.Event
		ctx, cancel := context.WithCancel(t.Context())
		s := New(testConfig())
		open := func(chunk *api.AudioChunk) <-chan error {
			end := make(chan error, 1)
			go func() {
				end <- s.LiveCall(&brokenStream{fakeStream: fakeStream{ctx: ctx, script: []*api.AudioChunk{chunk}, sent: func(c *api.AudioChunk) {
					mu.Lock()
					defer mu.Unlock()
					if c.Event != nil {
						told = append(told, proto.CloneOf(c.Event))
					}
				}}})
			}()
			synctest.Wait()
			return end
		}
		end := open(opening)
		(*downlink)(s.calls["x"]).Fail(room.ErrStalled)
		if err := <-end; status.Code(err) != codes.Unavailable {
			t.Errorf("the call ended with %v", err)
		}
		mu.Lock()
		n := len(told)
		if n != 4 || told[2].ResumeToken == "" || told[3].Kind != api.Event_KIND_ENDED || !strings.Contains(told[3].Reason, "room") {
			t.Errorf("the caller was told %v", told)
		}
		opening.Setup.ResumeToken = told[2].ResumeToken
		mu.Unlock()
		end = open(opening)
		if len(s.calls) != 1 || len(told) != n+2 || told[n].Kind != api.Event_KIND_ANSWERED {
			t.Errorf("whoever came back was told %v", told[n:])
		}
		cancel()
		s.Close()
		if err := <-end; status.Code(err) != codes.Canceled {
			t.Errorf("the second call ended with %v", err)
		}
		s.Wait()
	})
}

// hangingCodec is pcm whose encoders never return until they are let go.
type hangingCodec struct {
	pcm.Codec
	free chan struct{}
}

func (h hangingCodec) NewEncoder(f codec.Format, o codec.Options) (codec.Encoder, error) {
	e, err := h.Codec.NewEncoder(f, o)
	return hangingEncoder{e, h.free}, err
}

type hangingEncoder struct {
	codec.Encoder
	free chan struct{}
}

func (h hangingEncoder) Encode(dst []byte, in []int16) (int, error) {
	<-h.free
	return h.Encoder.Encode(dst, in)
}

// TestTheServerEndsAlthoughACodecHangs is stopped with a call that cannot end.
func TestTheServerEndsAlthoughACodecHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		cfg := testConfig()
		cfg.Codecs = codec.NewRegistry(hangingCodec{free: free})
		cfg.DrainTimeout = time.Second
		ctx, cancel := context.WithCancel(t.Context())
		lis := bufconn.Listen(64 << 10)
		ended := make(chan error, 1)
		go func() { ended <- Run(ctx, lis, cfg, nil) }()
		conn, err := grpc.NewClient("passthrough:bufconn", grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return lis.DialContext(ctx) }))
		if err != nil {
			t.Fatal(err)
		}
		stream, err := api.NewCallCenterClient(conn).LiveCall(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		opening := plainOpening()
		opening.Setup = &api.Setup{Destination: "tone"}
		if err := stream.Send(opening); err != nil {
			t.Fatal(err)
		}
		if _, err := stream.Recv(); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		cancel()
		if err := <-ended; !errors.Is(err, errStuck) {
			t.Errorf("the server ended with %v", err)
		}
		if took := time.Since(begin); took > cfg.DrainTimeout+flushTime+endTime+time.Second {
			t.Errorf("the end took %v", took)
		}
		close(free)
		_ = conn.Close() // nothing to lose
	})
}
