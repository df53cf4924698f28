package callcenter_test

import (
	"bytes"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"callcenter/server/servertest"
)

// malformed is no Opus packet: it has frames of 20 ms, and more of them than fit into 60.
var malformed = []byte{0xff, 0xff, 0x01}

// TestACallThatIsNoAudioEndsAlone also says why, in its status and in the log.
func TestACallThatIsNoAudioEndsAlone(t *testing.T) {
	t.Parallel()
	l := &logs{}
	s := servertest.Start(t, servertest.Options{Log: l.logger()})
	for _, destination := range []string{"room/x", "echo", "tone"} {
		opening := first(destination, destination)
		opening.Codec = "opus"
		bad := call(t, s, opening)
		for range 2 {
			for range 49 {
				bad.frame(malformed)
			}
			bad.frame([]byte{0x08, 1, 2, 3})
		}
		undisturbed(t, s, "good")
		for range 50 {
			bad.frame(malformed)
		}
		st := bad.end()
		if st.Code() != codes.InvalidArgument || !strings.HasPrefix(st.Message(), "audio_data: 50 frames in a row cannot be decoded as opus") {
			t.Errorf("%s: the call ends with %v", destination, st)
		}
		if line := l.ended(t, destination); line["status"] != "InvalidArgument" || line["malformed"].(float64) < 148 || line["reason"] == "" {
			t.Errorf("%s: the log says %v", destination, line)
		}
	}
}

// TestARowGoesOnOverAResume is so that nobody begins anew by calling again and again.
func TestARowGoesOnOverAResume(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{})
	opening := resumable("a", "room/x")
	opening.Codec = "opus"
	one, token := callWithToken(t, s, opening)
	for range 30 {
		one.frame(malformed)
	}
	for one.recv().Ack < 30 { // it has them all
	}
	two, token := callWithToken(t, s, with(opening, token))
	two.seq = one.seq
	for range 20 {
		two.frame(malformed)
	}
	if st := two.end(); st.Code() != codes.InvalidArgument {
		t.Fatalf("after 50 the call ends with %v", st)
	}
	if code := refused(t, s, with(opening, token)); code != codes.FailedPrecondition {
		t.Errorf("it may come back: %v", code)
	}
}

// TestBytesOfPCMMayBeAnyInAnEcho is the published contract, for all callers.
func TestBytesOfPCMMayBeAnyInAnEcho(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{})
	c := call(t, s, first("a", "echo"))
	p := dialPlain(t, s, "b")
	for i := range 60 {
		odd := bytes.Repeat([]byte{byte(i)}, 81)
		c.frame(odd)
		m := p.chunk(odd, false)
		p.send(m)
		if got := c.recvAudio(); !bytes.Equal(got.AudioData, odd) {
			t.Fatalf("%d came back as %v", i, got)
		}
		p.expect(m)
	}
}
