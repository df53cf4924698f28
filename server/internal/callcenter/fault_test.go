package callcenter

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"callcenter/api"
	"callcenter/server/internal/room"
)

// brokenStream panics in one direction after the first chunk, or says nothing.
type brokenStream struct {
	fakeStream
	recvPanics, sendPanics bool
	received               int
}

func (b *brokenStream) RecvMsg(m any) error {
	b.received++
	if b.received == 1 && len(b.script) > 0 {
		return b.fakeStream.RecvMsg(m)
	}
	if b.recvPanics {
		panic("receive")
	}
	<-b.ctx.Done()
	return b.ctx.Err()
}

func (b *brokenStream) SendMsg(m any) error {
	if b.sendPanics {
		panic("send")
	}
	return b.fakeStream.SendMsg(m)
}

func TestAPanicEndsItsCallOnly(t *testing.T) {
	for name, b := range map[string]*brokenStream{
		"in the receive loop": {recvPanics: true},
		"in the send loop":    {sendPanics: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				var mu sync.Mutex
				var events []api.Event_Kind
				b.fakeStream = fakeStream{ctx: ctx, script: []*api.AudioChunk{extendedOpening("room/x")}, sent: func(c *api.AudioChunk) {
					mu.Lock()
					defer mu.Unlock()
					if c.Event != nil {
						events = append(events, c.Event.Kind)
					}
				}}
				var log bytes.Buffer
				cfg := testConfig()
				cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
				s := New(cfg)
				if err := s.LiveCall(b); status.Code(err) != codes.Internal {
					t.Errorf("the call ended with %v", err)
				}
				cancel()
				s.Wait()
				if !strings.Contains(log.String(), "fault in a call") || !strings.Contains(log.String(), "brokenStream") {
					t.Errorf("the log has no stack: %s", &log)
				}
				if b.recvPanics && (len(events) == 0 || events[len(events)-1] != api.Event_KIND_ENDED) {
					t.Errorf("the caller was told %v", events)
				}
				if len(s.calls) != 0 || s.rooms.Rooms() != 0 {
					t.Error("something of the call is left")
				}
			})
		})
	}
}

func TestAStreamMustSayItsCallSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := New(testConfig())
		begin := time.Now()
		err := s.LiveCall(&brokenStream{fakeStream: fakeStream{ctx: ctx}})
		if status.Code(err) != codes.DeadlineExceeded || time.Since(begin) != firstChunkLimit {
			t.Errorf("ended after %v with %v", time.Since(begin), err)
		}
		cancel()
		s.Wait()
	})
}

func TestEventsAreBounded(t *testing.T) {
	q := newEventQueue()
	for i := range maxEvents + 3 {
		q.put(&api.Event{Digit: string(rune('a' + i%26))})
	}
	if q.dropped() != 3 {
		t.Errorf("%d events dropped, want 3", q.dropped())
	}
	n := 0
	for e := q.take(0); e != nil; e = q.take(0) {
		if n == 0 && e.Digit != "d" {
			t.Errorf("the oldest is %q", e.Digit)
		}
		n++
	}
	if n != maxEvents {
		t.Errorf("%d events left, want %d", n, maxEvents)
	}
}

// unwell panics where a call ends.
type unwell struct{ room.Leg }

func (unwell) Leave() { panic("leave") }

func TestAPanicAtTheEndOfACallLeavesNothing(t *testing.T) {
	for name, limit := range map[string]time.Duration{"with its stream": 0, "after it waited for another": limboLimit} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				s := New(testConfig())
				opening := resumableOpening()
				opening.Setup.Destination = "echo"
				if limit == 0 {
					opening.Setup.ResumeToken = ""
				}
				end := make(chan error, 1)
				go func() {
					end <- s.LiveCall(&brokenStream{fakeStream: fakeStream{ctx: ctx, script: []*api.AudioChunk{opening}}})
				}()
				synctest.Wait()
				s.calls["x"].leg = unwell{s.calls["x"].leg}
				cancel()
				if err := <-end; (status.Code(err) == codes.Internal) != (limit == 0) {
					t.Errorf("the stream ended with %v", err)
				}
				time.Sleep(limit)
				synctest.Wait()
				if len(s.calls) != 0 {
					t.Error("the call is still there")
				}
				s.Close()
				s.Wait()
			})
		})
	}
}
