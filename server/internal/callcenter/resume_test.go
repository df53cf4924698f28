package callcenter_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"runtime"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"callcenter/api"
	"callcenter/server/servertest"
)

// resumable is a first chunk with a token of the caller's own.
func resumable(id, destination string) *api.AudioChunk {
	c := first(id, destination)
	c.Setup.ResumeToken = rand.Text()
	return c
}

// with returns the first chunk with another token.
func with(c *api.AudioChunk, token string) *api.AudioChunk {
	c = proto.CloneOf(c)
	c.Setup.ResumeToken = token
	return c
}

// callWithToken opens or resumes a call and returns the token that it is given.
func callWithToken(tb testing.TB, s *servertest.Server, c *api.AudioChunk) (*client, string) {
	tb.Helper()
	cl := call(tb, s, c)
	e := cl.recv().GetEvent()
	if e.GetKind() != api.Event_KIND_RESUME_TOKEN || e.GetResumeToken() == "" {
		tb.Fatalf("after the answer comes %v, want a token", e)
	}
	return cl, e.GetResumeToken()
}

// prove tells the server that all that came was received, and waits until it
// knows.
func (c *client) prove() {
	c.tb.Helper()
	c.frame([]byte{1, 2})
	c.recvAudio()
}

// refused opens a stream and returns the status that refuses it.
func refused(tb testing.TB, s *servertest.Server, c *api.AudioChunk) codes.Code {
	tb.Helper()
	cl := dial(tb, s)
	cl.send(c)
	return cl.end().Code()
}

func TestACallGoesOnOverAnotherStream(t *testing.T) {
	t.Parallel()
	l := &logs{}
	s := servertest.Start(t, servertest.Options{Log: l.logger()})
	opening := resumable("a", "echo")
	one, token := callWithToken(t, s, opening)
	for i := range byte(3) {
		one.frame([]byte{i, i})
		one.recvAudio()
	}
	again := with(opening, token)
	again.Ack = 2 // of three
	two, newer := callWithToken(t, s, again)
	if st := one.end(); st.Code() != codes.Aborted {
		t.Errorf("the older stream ended with %v", st)
	}
	if newer == token {
		t.Error("the token is not new")
	}
	two.seq = 3
	two.frame([]byte{9, 9})
	got := two.recvAudio()
	if got.Sequence != 4 || got.DroppedBefore != 1 || !bytes.Equal(got.AudioData, []byte{9, 9}) {
		t.Errorf("the call went on with %v", got)
	}
	two.hangUp()
	line := l.ended(t, "a")
	if line["resumes"] != 1.0 || line["status"] != "OK" || line["frames_in"] != 4.0 || line["dropped"] != 1.0 {
		t.Errorf("the last line says %v", line)
	}
	for msg, want := range map[string]int{"call started": 1, "call resumed": 1, "call ended": 1, "stream broken": 0} {
		if n := len(l.lines(t, msg, "a")); n != want {
			t.Errorf("%d lines say %q, want %d", n, msg, want)
		}
	}
	for _, secret := range []string{token, newer, opening.Setup.ResumeToken} {
		if l.contains(secret) {
			t.Error("a token is in the log")
		}
	}
}

func (l *logs) contains(s string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.b.String(), s)
}

// TestTheFirstChunkOfAResumeSaysWhatTheServerHas lets the caller mark what it
// lost on its way up.
func TestTheFirstChunkOfAResumeSaysWhatTheServerHas(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{})
	opening := resumable("a", "echo")
	one, token := callWithToken(t, s, opening)
	one.frame([]byte{1, 2})
	one.frame([]byte{3, 4})
	one.recvAudio()
	one.recvAudio()
	two := dial(t, s)
	two.send(with(opening, token))
	if got := two.recv(); got.Ack != 2 || got.CallId != "a" || got.Codec != "pcm" {
		t.Errorf("the first chunk is %v, want acknowledgement 2 and the call's name", got)
	}
}

func TestWhoMayTakeACallOver(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{})
	opening := resumable("a", "echo")
	own := opening.Setup.ResumeToken
	live, token := callWithToken(t, s, opening)
	_, others := callWithToken(t, s, resumable("b", "echo"))
	plainly := first("plain", "echo")
	call(t, s, plainly)
	instance, _, _ := strings.Cut(token, ".")
	for name, tc := range map[string]struct {
		chunk *api.AudioChunk
		want  codes.Code
	}{
		"without a token":                        {with(opening, ""), codes.AlreadyExists},
		"with another call's token":              {with(opening, others), codes.PermissionDenied},
		"with a forged token":                    {with(opening, instance+".1.AAAAAAAAAAAAAAAAAAAAAA"), codes.PermissionDenied},
		"with nonsense":                          {with(opening, "x"), codes.PermissionDenied},
		"with a token longer than the limit":     {with(opening, strings.Repeat("x", 300)), codes.InvalidArgument},
		"a call that has none":                   {with(plainly, "x"), codes.PermissionDenied},
		"in another codec":                       {change(with(opening, token), func(c *api.AudioChunk) { c.Codec = "opus" }), codes.InvalidArgument},
		"to another destination":                 {change(with(opening, token), func(c *api.AudioChunk) { c.Setup.Destination = "tone" }), codes.InvalidArgument},
		"that is not here, with a forged token":  {with(first("c", "echo"), instance+".1.AAAAAAAAAAAAAAAAAAAAAA"), codes.PermissionDenied},
		"that is not here, with another's token": {with(first("c", "echo"), others), codes.PermissionDenied},
	} {
		t.Run(name, func(t *testing.T) {
			if got := refused(t, s, tc.chunk); got != tc.want {
				t.Errorf("ended with %v, want %v", got, tc.want)
			}
		})
	}
	live.prove() // it never noticed
	if got := refused(t, s, with(opening, own)); got != codes.PermissionDenied {
		t.Errorf("with the caller's own token after it got the server's: %v", got)
	}
	live.hangUp()
	for name, tok := range map[string]string{"newest": token, "other call's": others} {
		want := codes.FailedPrecondition
		if tok == others {
			want = codes.PermissionDenied
		}
		if got := refused(t, s, with(opening, tok)); got != want {
			t.Errorf("after the end, the %s token: %v, want %v", name, got, want)
		}
	}
	call(t, s, with(opening, own)).hangUp() // a new call under that name
}

func change(c *api.AudioChunk, f func(*api.AudioChunk)) *api.AudioChunk {
	f(c)
	return c
}

// TestATokenIsStaleOnceTheNewerOneArrived resumes with a token whose answer gets
// lost, which must work again, and then with one whose answer was heard.
func TestATokenIsStaleOnceTheNewerOneArrived(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{})
	opening := resumable("a", "echo")
	callWithToken(t, s, opening)              // not proven
	_, second := callWithToken(t, s, opening) // so the first works
	_, third := callWithToken(t, s, with(opening, second))
	if second == third {
		t.Fatal("no new token")
	}
	if got := refused(t, s, opening); got != codes.PermissionDenied {
		t.Errorf("the token before the last: %v", got)
	}
	cl, fourth := callWithToken(t, s, with(opening, second)) // the answer got lost
	cl.prove()
	for name, stale := range map[string]string{"second": second, "third": third} {
		if got := refused(t, s, with(opening, stale)); got != codes.PermissionDenied {
			t.Errorf("the %s token after the fourth arrived: %v", name, got)
		}
	}
	callWithToken(t, s, with(opening, fourth))
}

// TestNothingOfTheOlderStreamIsHeardAfterTheNewer talks over both at once.
func TestNothingOfTheOlderStreamIsHeardAfterTheNewer(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{})
	opening := resumable("a", "echo")
	older, token := callWithToken(t, s, opening)
	go older.end()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for seq := uint64(1); seq < 200; seq++ {
			if older.stream.Send(&api.AudioChunk{AudioData: []byte{1, 1}, Sequence: seq, Epoch: 1}) != nil {
				return
			}
		}
	}()
	newer, _ := callWithToken(t, s, with(opening, token))
	newer.seq = 1000
	mine := false
	for i := range byte(50) {
		newer.frame([]byte{2, i})
		for {
			got := newer.recvAudio()
			newer.send(&api.AudioChunk{Ack: got.Sequence})
			if got.AudioData[0] == 2 {
				mine = true
				if got.AudioData[1] == i {
					break
				}
			} else if mine {
				t.Fatal("a frame of the older stream came after one of the newer")
			}
		}
	}
	<-stopped
}

func TestARestartedServerOpensTheCallAnew(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{})
	opening := resumable("a", "room/x")
	_, token := callWithToken(t, s, opening)
	s.Kill()
	again := with(opening, token)
	again.Ack = 77
	cl, newer := callWithToken(t, servertest.Start(t, servertest.Options{}), again)
	if newer == token {
		t.Error("the token is the old server's")
	}
	cl.hangUp()
}

// TestOfTwoThatResumeAtOnceOneLives lets many streams race for a call.
func TestOfTwoThatResumeAtOnceOneLives(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{})
	opening := resumable("a", "echo")
	_, token := callWithToken(t, s, opening)
	const racers = 8
	clients := make([]*client, racers)
	for i := range clients {
		clients[i] = dial(t, s)
	}
	for _, c := range clients {
		go func() { _ = c.stream.Send(with(opening, token)) }() // its end tells
	}
	ends := make(chan codes.Code, racers)
	for _, c := range clients {
		go func() { ends <- c.end().Code() }()
	}
	for range racers - 1 {
		if got := <-ends; got != codes.Aborted {
			t.Errorf("a loser ended with %v", got)
		}
	}
	select {
	case got := <-ends:
		t.Errorf("the winner ended with %v", got)
	default:
	}
}

// TestWhoWaitsHasItsPlace counts a call that waits for a stream.
func TestWhoWaitsHasItsPlace(t *testing.T) {
	t.Parallel()
	l := &logs{}
	s := servertest.Start(t, servertest.Options{MaxCalls: 1, Log: l.logger()})
	opening := resumable("a", "room/x")
	cl, token := callWithToken(t, s, opening)
	cl.cancel()
	l.wait(t, "stream broken", "a")
	if got := refused(t, s, first("b", "echo")); got != codes.ResourceExhausted {
		t.Errorf("a call more: %v", got)
	}
	back, _ := callWithToken(t, s, with(opening, token))
	back.hangUp()
	if line := l.ended(t, "a"); line["resumes"] != 1.0 {
		t.Errorf("the last line says %v", line)
	}
	call(t, s, first("b", "echo")).hangUp()
}

// TestTheRoomDoesNotNoticeAResume is told of nobody who comes or goes until the
// call hangs up.
func TestTheRoomDoesNotNoticeAResume(t *testing.T) {
	t.Parallel()
	l := &logs{}
	s := servertest.Start(t, servertest.Options{Log: l.logger()})
	anna := call(t, s, first("anna", "room/x"))
	opening := resumable("ben", "room/x")
	ben, token := callWithToken(t, s, opening)
	if e := anna.recvEvent(); e.Kind != api.Event_KIND_JOINED {
		t.Fatalf("told of %v", e)
	}
	ben.cancel()
	l.wait(t, "stream broken", "ben")
	carl := call(t, s, first("carl", "room/x")) // while nobody listens
	ben, _ = callWithToken(t, s, with(opening, token))
	if e := ben.recvEvent(); e.Participant.GetDisplayName() != "caller anna" {
		t.Errorf("first told of %v, want who was there, since nothing proves that it was heard", e)
	}
	if e := ben.recvEvent(); e.Participant.GetDisplayName() != "caller carl" {
		t.Errorf("then told of %v, want who came meanwhile", e)
	}
	ben.hangUp()
	for _, want := range []string{"JOINED caller carl", "LEFT caller ben"} {
		if e := anna.recvEvent(); strings.TrimPrefix(e.Kind.String(), "KIND_")+" "+e.Participant.DisplayName != want {
			t.Errorf("told of %v, want %s", e, want)
		}
	}
	carl.hangUp()
}

// TestCallsThatBreakAgainAndAgainKeepTheirOnePlace breaks some streams and takes
// others over while they live, all at once. The room must not notice.
func TestCallsThatBreakAgainAndAgainKeepTheirOnePlace(t *testing.T) {
	t.Parallel()
	const calls, breaks = 10, 8
	l := &logs{}
	s := servertest.Start(t, servertest.Options{Log: l.logger()})
	watcher := call(t, s, first("watcher", "room/x"))
	var all sync.WaitGroup
	for i := range calls {
		all.Go(func() {
			opening := resumable(name(i), "room/x")
			for n := range breaks {
				c := dial(t, s)
				c.send(opening)
				token := c.recvEvent().GetResumeToken()
				for token == "" {
					token = c.recvEvent().GetResumeToken()
				}
				opening = with(opening, token)
				c.frame(make([]byte, 1920))
				switch {
				case n == breaks-1:
					c.hangUp()
				case (n+i)%2 == 0:
					c.cancel()
				}
			}
		})
	}
	all.Wait()
	joined, left := 0, 0
	for left < calls {
		switch e := watcher.recvEvent(); e.GetKind() { //nolint:exhaustive // a room tells no more
		case api.Event_KIND_JOINED:
			joined++
		case api.Event_KIND_LEFT:
			left++
		}
	}
	if joined != calls {
		t.Errorf("%d came of %d", joined, calls)
	}
	for i := range calls {
		if line := l.ended(t, name(i)); line["resumes"] != float64(breaks-1) || line["status"] != "OK" {
			t.Errorf("the log says of call %d: %v", i, line)
		}
	}
}

// wait waits for a log line.
func (l *logs) wait(tb testing.TB, msg, id string) map[string]any {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for ctx.Err() == nil {
		if lines := l.lines(tb, msg, id); len(lines) > 0 {
			return lines[0]
		}
		runtime.Gosched()
	}
	tb.Fatalf("the log does not say %q of call %s", msg, id)
	return nil
}
