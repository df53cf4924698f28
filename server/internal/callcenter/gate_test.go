package callcenter_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"callcenter/api"
	"callcenter/server/internal/admission"
)

func TestAFullAddressIsToldWhichBoundAndWhenToTryAgain(t *testing.T) {
	onStreet(t, admission.Limits{Calls: 3, CallsPerAddress: 2}, func(s *street) {
		opening := resumable("a", "room/x")
		a := s.callFrom("10.0.0.1", opening)
		token := a.recvEvent().GetResumeToken()
		s.callFrom("10.0.0.1", first("b", "room/x"))
		st := s.dialFrom("10.0.0.1", first("c", "room/x")).end()
		if st.Code() != codes.ResourceExhausted || !strings.Contains(st.Message(), "address has 2 calls") {
			s.Errorf("a third call of the address: %v", st)
		}
		if d := retryAfter(st); d < 5*time.Second || d > 10*time.Second {
			s.Errorf("it is told to come back in %v", d)
		}
		s.callFrom("10.0.0.2", first("d", "room/x"))
		if st := s.dialFrom("10.0.0.3", first("e", "room/x")).end(); st.Code() != codes.ResourceExhausted || !strings.Contains(st.Message(), "full with 3 calls") {
			s.Errorf("a fourth call: %v", st)
		}

		// A call that waits for its caller keeps its place, and comes back to it.
		a.cancel()
		s.pass(time.Second)
		if st := s.dialFrom("10.0.0.3", first("e", "room/x")).end(); st.Code() != codes.ResourceExhausted {
			s.Errorf("in the place of one who may come back: %v", st)
		}
		a = s.callFrom("10.0.0.1", with(opening, token))
		a.hangUp()
		s.pass(time.Second)
		s.callFrom("10.0.0.3", first("e", "room/x"))
		if n := s.gate.Refused(admission.Calls); n != 2 {
			s.Errorf("%d calls refused are counted", n)
		}
	})
}

func TestACallThatIsLostGivesItsPlaceBack(t *testing.T) {
	onStreet(t, admission.Limits{Calls: 1}, func(s *street) {
		for i := range 3 {
			a := s.callFrom("10.0.0.1", resumable(name(i), "room/x"))
			a.cancel()
			s.pass(limboLimit + time.Second)
		}
	})
}

func TestTheLongestCallEndsWithAWordAndAStatus(t *testing.T) {
	onStreet(t, admission.Limits{CallDuration: time.Minute}, func(s *street) {
		opening := resumable("a", "room/x")
		a := s.callFrom("10.0.0.1", opening)
		token := a.recvEvent().GetResumeToken()
		waits := s.callFrom("10.0.0.1", resumable("waits", "room/y"))
		p := s.dialFrom("10.0.0.1", &api.AudioChunk{CallId: "plain", SampleRate: 48000, Channels: 1, Codec: "pcm"})
		s.alive(50*time.Second, a, waits, p)
		waits.cancel()
		s.alive(9*time.Second, a, p)
		for _, id := range []string{"a", "waits", "plain"} {
			if n := len(s.lines(s, "call ended", id)); n != 0 {
				s.Fatalf("call %s ended early", id)
			}
		}
		s.alive(2*time.Second, a, p)
		var e *api.Event
		for e.GetKind() != api.Event_KIND_ENDED {
			e = a.recvEvent()
		}
		if !strings.Contains(e.GetReason(), "1m0s") {
			s.Errorf("it is told %v", e)
		}
		for _, st := range []*status.Status{a.end(), p.end()} {
			if st.Code() != codes.DeadlineExceeded || !strings.Contains(st.Message(), "as long as a call may be, 1m0s") {
				s.Errorf("it ended with %v", st)
			}
		}
		for _, id := range []string{"a", "waits", "plain"} {
			if line := s.ended(id); line["status"] != "DeadlineExceeded" || line["duration_s"].(float64) > 61 {
				s.Errorf("the last line says %v", line)
			}
		}
		if st := s.dialFrom("10.0.0.1", with(opening, token)).end(); st.Code() != codes.FailedPrecondition {
			s.Errorf("who comes back to it is told %v", st)
		}
	})
}

func TestALimitThatChangesHoldsForCallsThereAre(t *testing.T) {
	onStreet(t, admission.Limits{}, func(s *street) {
		a := s.callFrom("10.0.0.1", first("a", "room/x"))
		s.alive(time.Minute, a)
		s.gate.Set(admission.Limits{CallDuration: 2 * time.Minute})
		s.alive(59*time.Second, a)
		if n := len(s.lines(s, "call ended", "a")); n != 0 {
			s.Fatal("it ended early")
		}
		s.alive(2*time.Second, a)
		if st := a.end(); st.Code() != codes.DeadlineExceeded {
			s.Errorf("it ended with %v", st)
		}
	})
}

func TestACallerWhoSaysNothingForAMinuteIsGivenUp(t *testing.T) {
	onStreet(t, admission.Limits{}, func(s *street) {
		for id, c := range map[string]*api.AudioChunk{
			"plain":     {CallId: "plain", SampleRate: 48000, Channels: 1, Codec: "pcm"},
			"tokenless": first("tokenless", "room/x"),
		} {
			cl := s.dialFrom("10.0.0.1", c)
			s.pass(50 * time.Second)
			cl.send(&api.AudioChunk{AudioData: []byte{1, 2}})
			s.pass(59 * time.Second)
			if n := len(s.lines(s, "call ended", id)); n != 0 {
				s.Errorf("%s was given up early", id)
			}
			s.pass(2 * time.Second)
			if line := s.ended(id); line["status"] != "DeadlineExceeded" || !strings.Contains(line["reason"].(string), "no chunk") {
				s.Errorf("%s: the last line says %v", id, line)
			}
			cl.cancel()
		}
	})
}

func TestAFloodEndsItsCallAndNoOther(t *testing.T) {
	onStreet(t, admission.Limits{}, func(s *street) {
		good, bad := s.callFrom("10.0.0.2", first("good", "tone")), s.callFrom("10.0.0.1", first("bad", "echo"))
		fast := s.callFrom("10.0.0.3", first("fast", "echo"))
		bad.drain()
		fast.drain()
		begin := s.clock()
		var took time.Duration
		for tick := range 800 { // 10 ms each
			for range 10 {
				bad.frame([]byte{1, 2})
			}
			for range 4 + tick%2 { // 450 a second: dropped, but no reason to end it
				fast.frame([]byte{1, 2})
			}
			if tick%10 == 0 {
				good.send(&api.AudioChunk{})
			}
			s.pass(10 * time.Millisecond)
			if took == 0 && len(s.lines(s, "call ended", "bad")) > 0 {
				took = s.clock() - begin
			}
		}
		line := s.ended("bad")
		if took < 5*time.Second || took > 6500*time.Millisecond || line["status"] != "ResourceExhausted" ||
			!strings.Contains(line["reason"].(string), "more than 500 chunks a second") || line["flooded"].(float64) < 3000 {
			s.Errorf("after %v the last line says %v", took, line)
		}
		good.hangUp()
		fast.cancel()
		synctest.Wait()
		if line := s.ended("fast"); line["flooded"].(float64) < 900 || line["status"] != "Canceled" {
			s.Errorf("of the fast one the last line says %v", line)
		}
		if line := s.ended("good"); line["status"] != "OK" || s.gate.Refused(admission.Messages) != 1 {
			s.Errorf("of the good one the last line says %v", line)
		}
	})
}

// drain receives in the background what comes.
func (c *client) drain() { go c.end() }

func TestChecksOfHealthComeNoFasterThanStreamsMay(t *testing.T) {
	onStreet(t, admission.Limits{StreamsPerConnection: 10, ConnectionsPerAddress: 100}, func(s *street) {
		check := healthpb.NewHealthClient(s.conn("10.0.0.1"))
		ok := 0
		for range 30 {
			_, err := check.Check(s.Context(), &healthpb.HealthCheckRequest{})
			switch status.Code(err) {
			case codes.OK:
				ok++
			case codes.ResourceExhausted:
				if d := retryAfter(status.Convert(err)); d < time.Second || d > 2*time.Second {
					s.Errorf("told to come back in %v", d)
				}
			default:
				s.Error(err)
			}
		}
		if ok != 20 {
			s.Errorf("%d checks at once, want 20", ok)
		}
		s.pass(time.Second)
		if _, err := check.Check(s.Context(), &healthpb.HealthCheckRequest{}); err != nil {
			s.Errorf("a second later: %v", err)
		}
	})
}

func TestWatchersOfHealthAreBounded(t *testing.T) {
	onStreet(t, admission.Limits{}, func(s *street) {
		conn := s.conn("10.0.0.1")
		health := healthpb.NewHealthClient(conn)
		for i := range 17 {
			w, err := health.Watch(s.Context(), &healthpb.HealthCheckRequest{})
			if err != nil {
				s.Fatal(err)
			}
			if _, err = w.Recv(); (status.Code(err) == codes.ResourceExhausted) != (i == 16) {
				s.Errorf("watch %d: %v", i+1, err)
			}
		}
		cl := s.dialOver(conn, first("a", "echo")) // a call beside them
		cl.recv()
		cl.hangUp()
	})
}
