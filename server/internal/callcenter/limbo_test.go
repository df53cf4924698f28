package callcenter_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/test/bufconn"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/audio"
	"callcenter/server/servertest"
)

// bubble is a server on a clock that jumps from one event to the next, so that
// nothing but the code can be late.
type bubble struct {
	*testing.T
	*logs
	server  *servertest.Server
	connect func() grpc.ClientConnInterface
	clock   audio.Clock
}

func inBubble(t *testing.T, o servertest.Options, run func(b *bubble)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{T: t, logs: &logs{}, clock: audio.NewClock()}
		lis := bufconn.Listen(64 << 10)
		o.Listener, o.Clock, o.Log = lis, b.clock, b.logger()
		b.server = servertest.Start(t, o)
		b.connect = connector(t, lis)
		run(b)
	})
}

// call opens or resumes a call and returns its token, "" if it gets none.
func (b *bubble) call(c *api.AudioChunk) (*client, string) {
	b.Helper()
	cl := b.dial(c)
	if got := cl.recv(); got.GetEvent().GetKind() != api.Event_KIND_ANSWERED {
		b.Fatalf("the first chunk is %v, want an answer", got)
	}
	if c.Setup.GetResumeToken() == "" {
		return cl, ""
	}
	return cl, cl.recvEvent().GetResumeToken()
}

func (b *bubble) dial(c *api.AudioChunk) *client {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	b.Cleanup(cancel)
	stream, err := api.NewCallCenterClient(b.connect()).LiveCall(ctx)
	if err != nil {
		b.Fatal(err)
	}
	cl := &client{tb: b.T, stream: stream, cancel: cancel, link: wire.NewLink(b.clock()), clock: b.clock}
	cl.send(c)
	return cl
}

// ended returns a call's last line.
func (b *bubble) ended(id string) map[string]any {
	b.Helper()
	synctest.Wait()
	lines := b.lines(b, "call ended", id)
	if len(lines) != 1 {
		b.Fatalf("call %s has %d last lines in the log", id, len(lines))
	}
	return lines[0]
}

// pass lets time go by.
func (b *bubble) pass(d time.Duration) {
	pass(d)
	synctest.Wait()
}

// alive sends what a caller owes to be heard, each 200 ms for d.
func (b *bubble) alive(d time.Duration, clients ...*client) {
	for range d / (200 * time.Millisecond) {
		for _, c := range clients {
			c.send(&api.AudioChunk{})
		}
		b.pass(200 * time.Millisecond)
	}
}

func TestACallWaitsHalfAMinuteForItsCaller(t *testing.T) {
	inBubble(t, servertest.Options{}, func(b *bubble) {
		anna, _ := b.call(first("anna", "room/x"))
		opening := resumable("ben", "room/x")
		ben, token := b.call(opening)
		ben.cancel()
		b.pass(limboLimit - time.Second)
		ben, token = b.call(with(opening, token))
		if gap := b.lines(b, "call resumed", "ben")[0]["gap_s"]; gap.(float64) < 28.9 {
			b.Errorf("the log says a gap of %v", gap)
		}
		ben.cancel()
		b.pass(limboLimit + time.Second)
		line := b.ended("ben")
		if line["status"] != "DeadlineExceeded" || !strings.Contains(line["reason"].(string), "lost") || line["resumes"] != 1.0 {
			b.Errorf("the last line says %v", line)
		}
		if len(b.lines(b, "call lost", "ben")) != 1 || len(b.lines(b, "stream broken", "ben")) != 2 {
			b.Error("the log does not tell how the call was lost")
		}
		for _, want := range []api.Event_Kind{api.Event_KIND_JOINED, api.Event_KIND_LEFT} {
			if e := anna.recvEvent(); e.Kind != want {
				b.Errorf("the room is told %v, want %v", e, want)
			}
		}
		if st := b.dial(with(opening, token)).end(); st.Code() != codes.FailedPrecondition {
			b.Errorf("a token replayed after the call was lost: %v", st)
		}
	})
}

const limboLimit = 30 * time.Second

func TestAQuietCallerIsGivenUpAndMayComeBack(t *testing.T) {
	inBubble(t, servertest.Options{}, func(b *bubble) {
		opening := resumable("a", "echo")
		a, token := b.call(opening)
		extended, _ := b.call(first("tokenless", "echo")) // as before there were tokens
		begin := b.clock()
		if st := a.end(); st.Code() != codes.DeadlineExceeded || !strings.Contains(st.Message(), "5s") {
			b.Errorf("a quiet stream ended with %v", st)
		}
		if took := b.clock() - begin; took < 4500*time.Millisecond || took > 5500*time.Millisecond {
			b.Errorf("it was given up after %v", took)
		}
		a, _ = b.call(with(opening, token))
		b.alive(10*time.Second, a)
		a.hangUp()
		if line := b.ended("a"); line["status"] != "OK" {
			b.Errorf("the last line says %v", line)
		}
		b.pass(40 * time.Second)
		extended.hangUp()
	})
}

func TestHangingUpEndsACallAtOnce(t *testing.T) {
	inBubble(t, servertest.Options{}, func(b *bubble) {
		opening := resumable("a", "room/x")
		a, token := b.call(opening)
		a.hangUp()
		synctest.Wait()
		if line := b.ended("a"); line["status"] != "OK" || line["duration_s"].(float64) > 0.1 {
			b.Errorf("the last line says %v", line)
		}
		if st := b.dial(with(opening, token)).end(); st.Code() != codes.FailedPrecondition {
			b.Errorf("a token replayed after the call was hung up: %v", st)
		}
	})
}

// TestADrainWaitsForWhoMayComeBack lets a call whose stream broke come back to a
// server that drains, sends one whose stream is well elsewhere, and ends those
// that wait at the drain's end.
func TestADrainWaitsForWhoMayComeBack(t *testing.T) {
	inBubble(t, servertest.Options{DrainTimeout: 20 * time.Second}, func(b *bubble) {
		opening, gone := resumable("back", "echo"), resumable("gone", "echo")
		back, token := b.call(opening)
		lost, _ := b.call(gone)
		stays, stay := b.call(with(resumable("stays", "echo"), "s"))
		lost.cancel()
		back.cancel()
		b.pass(time.Second)
		begin := b.clock()
		b.server.Drain()
		b.alive(time.Second, stays)
		if e := stays.recvEvent(); e.Kind != api.Event_KIND_DRAINING {
			b.Errorf("told %v, want that the server drains", e)
		}
		if st := b.dial(first("new", "echo")).end(); st.Code() != codes.Unavailable {
			b.Errorf("a new call: %v", st)
		}
		if st := b.dial(with(resumable("stays", "echo"), stay)).end(); st.Code() != codes.Unavailable {
			b.Errorf("a second stream of a call that is well: %v", st)
		}
		back, _ = b.call(with(opening, token))
		if e := back.recvEvent(); e.Kind != api.Event_KIND_DRAINING {
			b.Errorf("whoever comes back is told %v, want that the server drains", e)
		}
		stays.hangUp() // it moved
		back.hangUp()
		if err := b.server.Wait(); err != nil {
			b.Error(err)
		}
		if took := b.clock() - begin; took < 18*time.Second || took > 21*time.Second {
			b.Errorf("the drain ended after %v", took)
		}
		if line := b.ended("stays"); line["status"] != "OK" {
			b.Errorf("of the call that moved the log says %v", line)
		}
		if line := b.ended("gone"); line["status"] != "Unavailable" {
			b.Errorf("of the call that waited the log says %v", line)
		}
	})
}

func TestTheDeathOfAServerWaitsForNobody(t *testing.T) {
	inBubble(t, servertest.Options{}, func(b *bubble) {
		a, _ := b.call(resumable("a", "room/x"))
		lives, _ := b.call(resumable("b", "room/x"))
		a.cancel()
		b.pass(time.Second)
		begin := b.clock()
		b.server.Kill()
		if took := b.clock() - begin; took > time.Second {
			b.Errorf("the end took %v", took)
		}
		if st := lives.end(); st.Code() != codes.Unavailable {
			b.Errorf("the call that lived ended with %v", st)
		}
	})
}

// TestACallerOfFiveFieldsWhoStopsReadingIsGivenUp fills all that gRPC holds.
func TestACallerOfFiveFieldsWhoStopsReadingIsGivenUp(t *testing.T) {
	inBubble(t, servertest.Options{}, func(b *bubble) {
		a := b.dial(&api.AudioChunk{CallId: "a", SampleRate: 48000, Channels: 1, Codec: "pcm", AudioData: []byte{1, 2}})
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			for a.stream.Send(&api.AudioChunk{AudioData: make([]byte, 3000)}) == nil {
				continue
			}
		}()
		b.pass(59 * time.Second)
		if n := len(b.lines(b, "call ended", "a")); n != 0 {
			b.Error("it was given up too soon")
		}
		b.pass(2 * time.Second)
		if line := b.ended("a"); line["status"] != "DeadlineExceeded" {
			b.Errorf("the last line says %v", line)
		}
		if st := a.end(); st.Code() != codes.DeadlineExceeded || !strings.Contains(st.Message(), "takes nothing") {
			b.Errorf("once it reads again it is told %v", st)
		}
		<-sent
		b.server.Kill() // no loop is left behind
	})
}
