package callcenter_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
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

func TestAnIdleConnectionIsClosedInTime(t *testing.T) {
	onStreet(t, admission.Limits{}, func(s *street) {
		conn := s.conn("10.0.0.1")
		s.dialOver(conn, first("a", "echo")).hangUp()
		s.pass(119 * time.Second)
		if st := conn.GetState(); st != connectivity.Ready {
			s.Errorf("two minutes after its call it is %v", st)
		}
		s.pass(2 * time.Second)
		if st := conn.GetState(); st == connectivity.Ready {
			s.Error("it is never closed")
		}

		silent, greeted := s.rawFrom("10.0.0.2"), s.rawFrom("10.0.0.2").greet()
		s.pass(4500 * time.Millisecond)
		if !silent.isOpen() {
			s.Error("a slow handshake was given up early")
		}
		s.pass(time.Second)
		if silent.isOpen() || !greeted.isOpen() {
			s.Error("a handshake that never came is waited for, or one that came is not")
		}
	})
}

func TestAConnectionWithoutAnRPCIsClosed(t *testing.T) {
	onStreet(t, admission.Limits{}, func(s *street) {
		r := s.rawFrom("10.0.0.1").greet()
		pong := rawFrame(framePing, 1, 0, make([]byte, 8)) // gRPC's keepalive is answered
		for range 29 {
			_, _ = r.Write(pong)
			s.pass(time.Second)
		}
		if !r.isOpen() {
			s.Error("it was closed early")
		}
		for range 7 {
			_, _ = r.Write(pong)
			s.pass(time.Second)
		}
		if r.isOpen() || s.gate.Refused(admission.Unused) != 1 {
			s.Error("it is open")
		}
	})
}

func TestASlowHandshakeIsGivenUp(t *testing.T) {
	onStreet(t, admission.Limits{}, func(s *street) {
		r := s.rawFrom("10.0.0.1")
		took := time.Duration(0)
		for _, b := range []byte(preface) {
			if _, err := r.Write([]byte{b}); err != nil {
				break
			}
			s.pass(time.Second)
			if took += time.Second; !r.isOpen() {
				break
			}
		}
		if took < 5*time.Second || took > 6*time.Second {
			s.Errorf("a byte each second was taken for %v", took)
		}
	})
}

func TestAStreamThatSaysNothingWholeEndsInTime(t *testing.T) {
	onStreet(t, admission.Limits{}, func(s *street) {
		good := s.callFrom("10.0.0.2", first("good", "echo"))
		r := s.rawFrom("10.0.0.1").greet()
		headers := rawHeaders(liveCall)
		_, _ = r.Write(rawFrame(frameHeaders, endHeaders, 1, headers))                // headers alone
		_, _ = r.Write(rawFrame(frameHeaders, endHeaders, 3, headers))                // half a message
		_, _ = r.Write(rawFrame(frameData, 0, 3, []byte{0, 0, 0, 0, 100, 1, 2, 3}))   //
		_, _ = r.Write(rawFrame(frameHeaders, endHeaders, 5, headers))                // half its length
		_, _ = r.Write(rawFrame(frameData, 0, 5, []byte{0, 0}))                       //
		_, _ = r.Write(rawFrame(frameHeaders, endHeaders, 7, headers)[:len(headers)]) // half its headers
		s.alive(4*time.Second, good)
		if n := s.gate.Streams(); n != 4 {
			s.Errorf("%d streams are open, want 4", n)
		}
		s.alive(2*time.Second, good)
		if n := s.gate.Streams(); n != 1 {
			s.Errorf("%d streams are open, want the good one", n)
		}
		s.alive(12*time.Second, good)
		if r.isOpen() { // who is amid its headers answers no ping
			s.Error("the connection is open")
		}
		good.hangUp()
	})
}

// TestStreamsThatSayNoCallKeepNoCallerOut opens ten times as many as there may be
// calls.
func TestStreamsThatSayNoCallKeepNoCallerOut(t *testing.T) {
	onStreet(t, admission.Limits{Calls: 10}, func(s *street) {
		headers := rawHeaders(liveCall)
		for i := range 4 {
			r := s.rawFrom(fmt.Sprintf("10.0.0.%d", i)).greet()
			for n := range uint32(25) {
				_, _ = r.Write(rawFrame(frameHeaders, endHeaders, 2*n+1, headers))
			}
		}
		synctest.Wait()
		if n := s.gate.Streams(); n != 10 {
			s.Errorf("%d streams say no call, want 10", n)
		}
		for i := range 10 {
			s.callFrom("10.0.1.1", first(name(i), "echo"))
		}
		if n := s.gate.Refused(admission.Streams); n < 90 {
			s.Errorf("%d streams were ended", n)
		}
	})
}

func TestStreamsThatAreResetAtOnceEndTheirConnection(t *testing.T) {
	onStreet(t, admission.Limits{}, func(s *street) {
		good := s.callFrom("10.0.0.2", first("good", "echo"))
		r, headers := s.rawFrom("10.0.0.1").greet(), rawHeaders(liveCall)
		n := r.flood(5000, func(i int) []byte {
			id := uint32(2*i + 1)
			return append(rawFrame(frameHeaders, endHeaders, id, headers), rawFrame(frameReset, 0, id, make([]byte, 4))...)
		})
		if n == 5000 || r.isOpen() {
			s.Errorf("%d streams were taken", n)
		}
		if n := s.gate.Refused(admission.StreamRate); n < 21 || n > 1000 {
			s.Errorf("%d streams were refused", n)
		}
		if n := s.gate.Refused(admission.StreamFlood); n != 1 {
			s.Errorf("%d floods are counted", n)
		}
		good.frame([]byte{1, 2})
		good.recvAudio()
		good.hangUp()
		if n := s.gate.Streams(); n != 0 {
			s.Errorf("%d streams are open", n)
		}
	})
}

// underWay is how many of the smallest frames fit between a client and the server.
const underWay = 96 << 10 / 9

// TestFloodsThatGRPCLetsByEndTheirConnection are those that never open a stream.
func TestFloodsThatGRPCLetsByEndTheirConnection(t *testing.T) {
	headers := rawHeaders(liveCall)
	for name, tc := range map[string]struct {
		begin []byte
		next  func(i int) []byte
		most  int
	}{
		"pings":    {nil, func(int) []byte { return rawFrame(framePing, 0, 0, make([]byte, 8)) }, 21000},
		"settings": {nil, func(int) []byte { return rawFrame(frameSettings, 0, 0, nil) }, 21000},
		"resets":   {nil, func(int) []byte { return rawFrame(frameReset, 0, 1, make([]byte, 4)) }, 21000},
		"headers unending": {
			rawFrame(frameHeaders, 0, 1, headers),
			func(int) []byte { return rawFrame(frameContinuation, 0, 1, nil) }, 1100,
		},
		"headers that are no gRPC": {
			nil,
			func(i int) []byte {
				return rawFrame(frameHeaders, endHeaders, uint32(2*i+1), []byte{0, 1, 'a', 1, 'b'})
			}, 1100,
		},
		"data of no stream": {
			rawFrame(frameHeaders, endHeaders, 1, headers),
			func(int) []byte { return rawFrame(frameData, 0, 1, []byte{0}) }, 21000,
		},
	} {
		t.Run(name, func(t *testing.T) {
			onStreet(t, admission.Limits{}, func(s *street) {
				r := s.rawFrom("10.0.0.1").greet()
				_, _ = r.Write(tc.begin)
				// What is on its way when the server has had enough was sent, too.
				n := r.flood(tc.most+underWay, tc.next)
				if n == tc.most+underWay || r.isOpen() || s.gate.Refused(admission.Frames) != 1 {
					s.Errorf("%d frames were taken", n)
				}
			})
		})
	}
}

func TestHeadersOfAMegabyteAreRefused(t *testing.T) {
	onStreet(t, admission.Limits{}, func(s *street) {
		r, block := s.rawFrom("10.0.0.1").greet(), rawHeaders(liveCall, "x", strings.Repeat("y", 1<<20))
		_, _ = r.Write(rawFrame(frameHeaders, 0, 1, block[:16384]))
		n := 16384
		for ; n < len(block) && r.isOpen(); n += 16384 {
			_, _ = r.Write(rawFrame(frameContinuation, 0, 1, block[n:min(n+16384, len(block))]))
		}
		if r.isOpen() || n > 100<<10 {
			s.Errorf("%d bytes of headers were taken", n)
		}
		if s.gate.Streams() != 0 {
			s.Error("a stream is open")
		}

		// A token fits.
		ok, block := s.rawFrom("10.0.0.1").greet(), rawHeaders(liveCall, "authorization", "Bearer "+strings.Repeat("y", 8000))
		_, _ = ok.Write(rawFrame(frameHeaders, endHeaders, 1, block))
		s.pass(time.Second)
		if s.gate.Streams() != 1 {
			s.Error("a token of 8 kB does not fit")
		}
	})
}

func TestTenThousandIdleConnectionsKeepNoCallerOut(t *testing.T) {
	onStreet(t, admission.Limits{Connections: 40, ConnectionsPerAddress: 10, Calls: 10}, func(s *street) {
		a := s.callFrom("10.0.9.9", first("a", "echo"))
		for i := range 100 { // 250 times what there is room for
			s.rawFrom(fmt.Sprintf("10.0.0.%d", i%20)).greet()
		}
		synctest.Wait()
		s.callFrom("10.0.0.1", first("b", "echo")).hangUp()
		s.callFrom("10.0.9.8", first("c", "echo")).hangUp()
		a.frame([]byte{1, 2})
		a.recvAudio()
		a.hangUp()
		if n := s.gate.Refused(admission.MadeRoom); n < 60 {
			s.Errorf("%d made room", n)
		}
	})
}
