package call_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/audio"
	"callcenter/server/servertest"
	"callcenter/softphone/internal/call"
	"callcenter/softphone/internal/callstate"
)

// script is a server that does with each stream what a test says, and keeps what
// it received.
type script struct {
	api.UnimplementedCallCenterServer
	streams []func(grpc.BidiStreamingServer[api.AudioChunk, api.AudioChunk]) error

	mu       sync.Mutex
	received [][]*api.AudioChunk // of each stream
}

func (s *script) LiveCall(stream grpc.BidiStreamingServer[api.AudioChunk, api.AudioChunk]) error {
	opening, err := stream.Recv()
	if err != nil {
		return err
	}
	s.mu.Lock()
	n := len(s.received)
	s.received = append(s.received, []*api.AudioChunk{proto.CloneOf(opening)})
	s.mu.Unlock()
	go func() {
		for {
			c, err := stream.Recv()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.received[n] = append(s.received[n], proto.CloneOf(c))
			s.mu.Unlock()
		}
	}()
	return s.streams[min(n, len(s.streams)-1)](stream)
}

// stream returns what came over a stream.
func (s *script) stream(n int) []*api.AudioChunk {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.received[n]
}

// carry answers, gives a token, and keeps the call alive for so long.
func carry(token string, lasts time.Duration, end error) func(grpc.BidiStreamingServer[api.AudioChunk, api.AudioChunk]) error {
	return func(stream grpc.BidiStreamingServer[api.AudioChunk, api.AudioChunk]) error {
		_ = stream.Send(&api.AudioChunk{Event: &api.Event{Kind: api.Event_KIND_ANSWERED}})
		_ = stream.Send(&api.AudioChunk{Event: &api.Event{Kind: api.Event_KIND_RESUME_TOKEN, ResumeToken: token}})
		for d := time.Duration(0); d < lasts && stream.Context().Err() == nil; d += 100 * time.Millisecond {
			select {
			case <-time.After(100 * time.Millisecond):
				_ = stream.Send(&api.AudioChunk{})
			case <-stream.Context().Done():
			}
		}
		return end
	}
}

func refuse(err error) func(grpc.BidiStreamingServer[api.AudioChunk, api.AudioChunk]) error {
	return func(grpc.BidiStreamingServer[api.AudioChunk, api.AudioChunk]) error { return err }
}

// scripted runs a call on a scripted server.
func scripted(t *testing.T, s *script, o virtualOptions) (*virtualCall, func()) {
	t.Helper()
	o.net = newNetwork(t, audio.NewClock(), nil)
	g := grpc.NewServer(grpc.WaitForHandlers(true))
	api.RegisterCallCenterServer(g, s)
	lis := o.net.listen(hostA)
	var serving sync.WaitGroup
	serving.Go(func() { _ = g.Serve(lis) })
	v := dialVirtual(t, o)
	return v, func() {
		g.Stop()
		serving.Wait()
		o.net.close()
	}
}

var errBroken = status.Error(codes.Unavailable, "the transport broke")

func TestARefusedResumeEndsTheCallWithItsStatus(t *testing.T) {
	for _, code := range []codes.Code{
		codes.InvalidArgument, codes.NotFound, codes.PermissionDenied, codes.Unauthenticated,
		codes.FailedPrecondition, codes.AlreadyExists, codes.Unimplemented,
	} {
		t.Run(code.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{}
				s.streams = append(s.streams, carry("x", time.Second, errBroken), refuse(status.Error(code, "no")))
				v, stop := scripted(t, s, virtualOptions{destination: "echo"})
				begin := time.Now()
				if err := v.over(); status.Code(err) != code || time.Since(begin) > 1500*time.Millisecond {
					t.Errorf("ended after %v with %v", time.Since(begin), err)
				}
				stop()
			})
		})
	}
}

func TestOtherRefusalsAreTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{}
		s.streams = append(s.streams, carry("x", time.Second, errBroken),
			refuse(status.Error(codes.ResourceExhausted, "full")), refuse(status.Error(codes.Internal, "oops")),
			carry("y", time.Second, errBroken), carry("z", time.Hour, nil))
		v, stop := scripted(t, s, virtualOptions{destination: "echo"})
		time.Sleep(10 * time.Second)
		if l := v.snapshot().Link; l.State != callstate.LinkUp || l.Resumes != 2 {
			t.Errorf("the link is %+v", l)
		}
		v.leave(t)
		stop()
		var told []string
		for n := range 5 {
			first := s.stream(n)[0]
			told = append(told, first.GetSetup().GetResumeToken())
			if first.GetCallId() != "virtual" || first.GetSetup().GetDestination() != "echo" || first.GetCodec() != "pcm" {
				t.Errorf("stream %d opens with %v", n, first)
			}
		}
		if told[0] == "" || told[1] != "x" || told[2] != "x" || told[3] != "x" || told[4] != "y" {
			t.Errorf("tokens %q", told)
		}
	})
}

func TestACallThatAnotherPhoneTookEndsWithASentence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{}
		s.streams = append(s.streams, carry("x", time.Second, status.Error(codes.Aborted, "taken over")))
		v, stop := scripted(t, s, virtualOptions{destination: "echo"})
		if err := v.over(); !errors.Is(err, call.ErrTakenOver) {
			t.Errorf("ended with %v", err)
		}
		stop()
	})
}

func TestAnAnsweredCallThatTheServerEndsIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{}
		s.streams = append(s.streams, carry("x", time.Second, nil))
		v, stop := scripted(t, s, virtualOptions{destination: "echo"})
		if err := v.over(); !errors.Is(err, call.ErrServerEnded) {
			t.Errorf("ended with %v", err)
		}
		stop()
	})
}

func TestTheGapAndTheMuteAreMarkedOnTheWire(t *testing.T) {
	for _, mute := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := &script{}
			s.streams = append(s.streams, carry("x", 2*time.Second, errBroken), carry("y", time.Hour, nil))
			v, stop := scripted(t, s, virtualOptions{destination: "echo", mute: mute, dtx: true})
			time.Sleep(4 * time.Second)
			v.leave(t)
			stop()
			var last uint64
			for n, epoch := range []uint32{1, 2} {
				frames := 0
				for _, c := range s.stream(n) {
					if c.GetSequence() == 0 {
						continue
					}
					if frames++; frames == 1 && n == 1 && mute && c.GetMarks()&(wire.MarkMuted|wire.MarkDTX) != wire.MarkMuted|wire.MarkDTX {
						t.Errorf("stream %d begins with marks %b, and we are muted", n, c.GetMarks())
					}
					if c.GetEpoch() != epoch {
						t.Fatalf("sequence %d has epoch %d on stream %d", c.GetSequence(), c.GetEpoch(), n)
					}
					if explained := c.GetSequence() - uint64(c.GetDroppedBefore()); !mute && explained > last+1 {
						t.Errorf("after sequence %d comes %d with %d dropped", last, c.GetSequence(), c.GetDroppedBefore())
					}
					last = c.GetSequence()
				}
				if frames == 0 {
					t.Errorf("nothing came over stream %d", n)
				}
				if n == 0 { // nothing was acknowledged
					last = 0
				}
			}
		})
	}
}

func TestTheOthersOfARoomSeeNobodyLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, audio.NewClock(), nil)
		n.serve(hostA)
		ada := dialVirtual(t, virtualOptions{destination: "room/x", net: n.beside(), id: "ada", name: "Ada"})
		bob := dialVirtual(t, virtualOptions{destination: "room/x", net: n, id: "bob", name: "Bob", mute: true})
		time.Sleep(5 * time.Second)
		for range 3 {
			ada.net.cut("")
			time.Sleep(5 * time.Second)
			ada.net.hole(true)
			time.Sleep(8 * time.Second)
			ada.net.hole(false)
			time.Sleep(5 * time.Second)
		}
		if l := ada.snapshot().Link; l.State != callstate.LinkUp || l.Resumes != 6 {
			t.Errorf("the link is %+v", l)
		}
		if r := bob.Report(); r.Lost != 0 || r.Reconnects != 0 || !bob.heard.sounding() {
			t.Errorf("the other lost %d frames and reconnected %d times; heard: %v", r.Lost, r.Reconnects, bob.heard.sounding())
		}
		ada.leave(t)
		time.Sleep(time.Second)
		bob.leave(t)
		ada.net.running.Wait()
		n.close()
		if said := bob.said(); said != "Ada joined.\nAda left.\n" && said != "Ada left.\n" {
			t.Errorf("the other was told:\n%s", said)
		}
		if said := ada.said(); strings.Count(said, "Bob joined.") != 1 {
			t.Errorf("she was told:\n%s", said)
		}
	})
}

// TestARoomIsSeenThroughALossOfTheLink has three in a room of a real server: who
// is there is known through a break of the link and a restart of the server.
func TestARoomIsSeenThroughALossOfTheLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, audio.NewClock(), nil)
		n.serve(hostA)
		join := func(name string, mute bool, of *network) *virtualCall {
			return dialVirtual(t, virtualOptions{
				destination: "room/x", net: of, id: name, name: name, mute: mute,
				change: func(c *call.Config) { c.Sounds, c.JoinTones = true, true },
			})
		}
		names := func(v *virtualCall) string {
			var b strings.Builder
			for _, p := range v.snapshot().Roster {
				b.WriteString(p.Name + " ")
				if p.Speaking {
					b.WriteString("speaks ")
				}
			}
			return b.String()
		}
		cues := func(v *virtualCall) uint64 { return v.Report().Stats.Cues.Played }
		ada := join("Ada", true, n.beside())
		time.Sleep(2 * time.Second)
		bob := join("Bob", false, n.beside())
		time.Sleep(2 * time.Second)
		// Each heard an answer, and Ada Bob joining.
		if names(ada) != "Bob speaks " || cues(ada) != 2 || names(bob) != "Ada " || cues(bob) != 1 {
			t.Errorf("Ada sees %qand heard %d cues, Bob %qand %d", names(ada), cues(ada), names(bob), cues(bob))
		}
		ada.net.cut("")
		time.Sleep(5 * time.Second)
		// The link was lost, and is back.
		if s := ada.snapshot(); s.Link.Resumes != 1 || names(ada) != "Bob speaks " || cues(ada) != 4 {
			t.Errorf("after a resume Ada sees %qand heard %d cues: %+v", names(ada), cues(ada), s.Link)
		}
		bob.leave(t)
		time.Sleep(2 * time.Second)
		if names(ada) != "" || cues(ada) != 5 {
			t.Errorf("once Bob has gone Ada sees %qand heard %d cues", names(ada), cues(ada))
		}
		ada.leave(t)
		ada.net.running.Wait()
		bob.net.running.Wait()
		n.close()
	})
}

func TestAfterASleepNothingOldIsPlayedOrSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := dialVirtual(t, virtualOptions{destination: "echo"})
		time.Sleep(5 * time.Second)
		before := v.snapshot()
		v.net.down.Set(true) // what the network brings while the computer sleeps
		time.Sleep(800 * time.Millisecond)
		v.Woke(time.Minute)
		v.net.down.Set(false)
		back := after(t, time.Second, func() bool { s := v.snapshot(); return s.Link.Resumes == 1 && v.heard.sounding() })
		time.Sleep(6 * time.Second)
		s := v.snapshot()
		t.Logf("back after %v: %+v, skipped %d", back, s.Traffic, s.Counts.Skipped)
		if s.Link.State != callstate.LinkUp || s.Link.Gap < time.Minute || s.Delay.Buffer > before.Delay.Buffer+10*time.Millisecond {
			t.Errorf("the link is %+v, the buffer holds %v, before %v", s.Link, s.Delay.Buffer, before.Delay.Buffer)
		}
		if s.Traffic.Lost != 0 {
			t.Errorf("%d frames lost without a mark", s.Traffic.Lost)
		}
		v.end(t)
	})
}

// startLog counts the calls that a server opened.
type startLog struct {
	slog.Handler
	started atomic.Int32
}

func (l *startLog) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "call started" {
		l.started.Add(1)
	}
	return nil
}

func (l *startLog) Enabled(context.Context, slog.Level) bool { return true }
func (l *startLog) WithAttrs([]slog.Attr) slog.Handler       { return l }

// TestACallReturnsToAServerThatItLeft goes from one server to another and back,
// while the first still waits for it and when it does no more.
func TestACallReturnsToAServerThatItLeft(t *testing.T) {
	for name, tt := range map[string]struct {
		away   time.Duration
		opened int32 // on the first server, in all
	}{
		"while it waits":          {5 * time.Second, 1},
		"when it waits no longer": {50 * time.Second, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t, audio.NewClock(), nil)
				log := &startLog{}
				n.serve(hostA, func(o *servertest.Options) { o.Log = slog.New(log) })
				n.serve(hostB)
				v := dialVirtual(t, virtualOptions{destination: "echo", net: n, servers: []string{hostA, hostB}})
				time.Sleep(5 * time.Second)
				back := n.lose(hostA)
				after(t, 2*time.Second, func() bool { return v.snapshot().Link.Server == hostB && v.heard.sounding() })
				time.Sleep(tt.away)
				back()
				n.kill(hostB)
				after(t, 3*time.Second, func() bool { return v.snapshot().Link.Server == hostA && v.heard.sounding() })
				time.Sleep(5 * time.Second)
				s := v.snapshot()
				if s.Link.State != callstate.LinkUp || s.Link.Resumes != 2 || s.Traffic.Lost != 0 {
					t.Errorf("the link is %+v, %d frames lost", s.Link, s.Traffic.Lost)
				}
				if n := log.started.Load(); n != tt.opened {
					t.Errorf("the first server opened %d calls, want %d", n, tt.opened)
				}
				v.end(t)
			})
		})
	}
}
