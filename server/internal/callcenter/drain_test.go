package callcenter_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"callcenter/api"
	"callcenter/server/internal/callcenter"
	"callcenter/server/servertest"
)

func TestDrainTellsThenEndsTheCalls(t *testing.T) {
	t.Parallel()
	l := &logs{}
	s := servertest.Start(t, servertest.Options{DrainTimeout: time.Second, Log: l.logger()})
	c := call(t, s, first("a", "echo"))
	p := dialPlain(t, s, "plain")
	p.send(p.chunk([]byte{1}, false))
	p.expect(p.chunk([]byte{1}, false))
	begin := time.Now()
	s.Drain()
	if e := c.recvEvent(); e.Kind != api.Event_KIND_DRAINING {
		t.Fatalf("the first event is %v, want draining", e)
	}
	c.frame([]byte{1, 2}) // the call goes on
	c.recvAudio()
	if e := c.recvEvent(); e.Kind != api.Event_KIND_ENDED || e.Reason == "" {
		t.Fatalf("the last event is %v, want the end and its reason", e)
	}
	if st := c.end(); st.Code() != codes.Unavailable {
		t.Fatalf("the call ended with %v", st)
	}
	if err := s.Wait(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("a drain of 1 s took %v", took)
	}
	if line := l.ended(t, "a"); line["status"] != "Unavailable" {
		t.Errorf("the log says %v", line["status"])
	}
}

func TestDrainIsOverWithTheLastCall(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{DrainTimeout: time.Minute})
	c := call(t, s, first("a", "room/x"))
	silent := dial(t, s) // opened, but says nothing
	s.Drain()
	if e := c.recvEvent(); e.Kind != api.Event_KIND_DRAINING {
		t.Fatalf("the first event is %v, want draining", e)
	}
	if st := silent.end(); st.Code() != codes.Unavailable {
		t.Fatalf("a stream without a call ended with %v", st)
	}
	late := dial(t, s)
	late.send(first("late", "echo"))
	if st := late.end(); st.Code() != codes.Unavailable {
		t.Fatalf("a call to a draining server: %v", st)
	}
	c.hangUp()
	if err := s.Wait(); err != nil {
		t.Fatal(err)
	}
}

func TestDrainEndsACallThatDoesNotRead(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{DrainTimeout: 400 * time.Millisecond})
	c := call(t, s, first("a", "echo"))
	for range 300 {
		c.frame(make([]byte, 1920))
	}
	begin := time.Now()
	s.Drain()
	if err := s.Wait(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took > 1500*time.Millisecond {
		t.Errorf("a drain of 400 ms took %v", took)
	}
}

func TestDrainIsNotHeldUpByASilentConnection(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{})
	conn, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // the server closed it
	call(t, s, first("a", "echo")).hangUp()
	begin := time.Now()
	s.Drain()
	if err := s.Wait(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("the end took %v", took)
	}
}

func TestHealthSaysWhenTheServerDrains(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{DrainTimeout: time.Minute})
	c := call(t, s, first("a", "echo"))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	watch, err := healthpb.NewHealthClient(s.Dial(t)).Watch(ctx, &healthpb.HealthCheckRequest{Service: "callcenter.CallCenter"})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []healthpb.HealthCheckResponse_ServingStatus{
		healthpb.HealthCheckResponse_SERVING, healthpb.HealthCheckResponse_NOT_SERVING,
	} {
		got, err := watch.Recv()
		if err != nil || got.Status != want {
			t.Fatalf("health is %v, %v; want %v", got, err, want)
		}
		s.Drain()
	}
	c.hangUp()
	if err := s.Wait(); err != nil { // although somebody still watches
		t.Fatal(err)
	}
}

func TestSecondSignalCutsOff(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{DrainTimeout: time.Hour})
	c := call(t, s, first("a", "room/x"))
	s.Drain()
	if e := c.recvEvent(); e.Kind != api.Event_KIND_DRAINING {
		t.Fatalf("the first event is %v, want draining", e)
	}
	s.Kill()
	if err := s.Wait(); !errors.Is(err, callcenter.ErrForced) {
		t.Fatalf("a forced end is %v", err)
	}
	if st := c.end(); st.Code() != codes.Unavailable {
		t.Fatalf("the call ended with %v", st)
	}
}
