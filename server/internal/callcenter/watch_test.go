package callcenter

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"callcenter/api"
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
		m.(*api.AudioChunk).Reset()
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
				for range end { //nolint:revive // it is closed when the stream is gone
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
