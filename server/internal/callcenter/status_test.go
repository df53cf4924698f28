package callcenter_test

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"callcenter/api"
	"callcenter/server/servertest"
)

func TestWrongUseIsAStatus(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{})
	set := func(change func(*api.AudioChunk)) []*api.AudioChunk {
		c := first("x", "echo")
		change(c)
		return []*api.AudioChunk{c}
	}
	for _, tc := range []struct {
		name   string
		chunks []*api.AudioChunk
		code   codes.Code
		says   string
	}{
		{"a first chunk without call_id", set(func(c *api.AudioChunk) { c.CallId = "" }), codes.InvalidArgument, "call_id"},
		{"an overlong call_id", set(func(c *api.AudioChunk) { c.CallId = strings.Repeat("x", 200) }), codes.InvalidArgument, "call_id"},
		{"an unknown codec", set(func(c *api.AudioChunk) { c.Codec = "g711" }), codes.InvalidArgument, "codec"},
		{"no codec", set(func(c *api.AudioChunk) { c.Codec = "" }), codes.InvalidArgument, "codec"},
		{"a pcm rate too low", set(func(c *api.AudioChunk) { c.SampleRate = 7999 }), codes.InvalidArgument, "sample_rate"},
		{"a pcm rate too high", set(func(c *api.AudioChunk) { c.SampleRate = 96001 }), codes.InvalidArgument, "sample_rate"},
		{"no Opus rate", set(func(c *api.AudioChunk) { c.Codec = "opus"; c.SampleRate = 44100 }), codes.InvalidArgument, "sample_rate"},
		{"no channels", set(func(c *api.AudioChunk) { c.Channels = 0 }), codes.InvalidArgument, "channels"},
		{"three channels", set(func(c *api.AudioChunk) { c.Channels = 3 }), codes.InvalidArgument, "channels"},
		{"audio above the limit", set(func(c *api.AudioChunk) { c.AudioData = make([]byte, 3841) }), codes.InvalidArgument, "audio_data"},
		{"a message above 4 KiB", set(func(c *api.AudioChunk) { c.AudioData = make([]byte, 4096) }), codes.ResourceExhausted, ""},
		{"an unknown destination", set(func(c *api.AudioChunk) { c.Setup.Destination = "ecko" }), codes.NotFound, "echo, tone and room/NAME"},
		{"a room with a wrong name", set(func(c *api.AudioChunk) { c.Setup.Destination = "room/Upper" }), codes.NotFound, "room/NAME"},
		{"a room without a name", set(func(c *api.AudioChunk) { c.Setup.Destination = "room/" }), codes.NotFound, "room/NAME"},
		{
			"another call_id within the call",
			[]*api.AudioChunk{first("y", "echo"), {CallId: "z"}},
			codes.InvalidArgument, "call_id",
		},
		{
			"audio above the limit within the call",
			[]*api.AudioChunk{first("y", "echo"), {AudioData: make([]byte, 3841)}},
			codes.InvalidArgument, "audio_data",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := dial(t, s)
			for _, chunk := range tc.chunks {
				c.send(chunk)
			}
			st := c.end()
			if st.Code() != tc.code || !strings.Contains(st.Message(), tc.says) {
				t.Fatalf("ended with %v %q, want %v naming %q", st.Code(), st.Message(), tc.code, tc.says)
			}
		})
	}
}

func TestCallIDInUseIsAlreadyExists(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{})
	c := call(t, s, first("one", "echo"))
	second := dial(t, s)
	second.send(first("one", "echo"))
	if st := second.end(); st.Code() != codes.AlreadyExists {
		t.Fatalf("a call id in use: %v", st)
	}
	c.hangUp()
	call(t, s, first("one", "echo")).hangUp() // free again
}

func TestFullServerIsResourceExhausted(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{MaxCalls: 2})
	a := call(t, s, first("a", "echo"))
	call(t, s, first("b", "echo"))
	third := dial(t, s)
	third.send(first("c", "echo"))
	if st := third.end(); st.Code() != codes.ResourceExhausted || !strings.Contains(st.Message(), "2 calls") {
		t.Fatalf("a third call: %v", st)
	}
	a.hangUp()
	call(t, s, first("c", "echo")).hangUp()
}

func TestStreamThatEndsWithoutAChunkIsRefused(t *testing.T) {
	t.Parallel()
	c := dial(t, servertest.Start(t, servertest.Options{}))
	if err := c.stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if st := c.end(); st.Code() != codes.InvalidArgument || !strings.Contains(st.Message(), "call_id") {
		t.Fatalf("ended with %v, want InvalidArgument naming call_id", st)
	}
}

func TestCancelledCallIsGone(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{MaxCalls: 1})
	c := call(t, s, first("a", "room/x"))
	c.cancel()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for ctx.Err() == nil {
		again := dial(t, s)
		again.send(first("b", "room/x"))
		_, err := again.stream.Recv()
		if err == nil {
			return
		}
		if status.Code(err) != codes.ResourceExhausted {
			t.Fatal(err)
		}
	}
	t.Fatal("the place of a cancelled call was not free again")
}
