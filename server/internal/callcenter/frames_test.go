package callcenter_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/connectivity"

	"callcenter/server/internal/admission"
)

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
