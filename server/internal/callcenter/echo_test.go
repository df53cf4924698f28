package callcenter_test

import (
	"bytes"
	"testing"
	"time"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/server/servertest"
)

func TestEchoLeavesAFrameAsItWas(t *testing.T) {
	t.Parallel()
	c := call(t, servertest.Start(t, servertest.Options{}), first("e", ""))
	want := &api.AudioChunk{
		AudioData: []byte{1, 2, 3}, // no whole sample: nobody decodes it
		Sequence:  1, Epoch: 7, MediaTime: 123457,
		Marks: wire.LevelMarks(33, true) | wire.MarkTalk,
	}
	c.send(want)
	got := c.recvAudio()
	if !bytes.Equal(got.AudioData, want.AudioData) || got.Epoch != 7 || got.MediaTime != 123457 || got.Marks != want.Marks {
		t.Fatalf("the frame came back as %v", got)
	}
	if got.Sequence != 1 || got.DroppedBefore != 0 || got.Ack != 1 {
		t.Fatalf("sequence %d, dropped %d, ack %d; want 1, 0, 1", got.Sequence, got.DroppedBefore, got.Ack)
	}
	if got.SentAt == 0 || got.ServerTime == 0 || got.EchoSentAt != want.SentAt {
		t.Fatalf("the timing is not filled in: %v", got)
	}
	if got.CallId != "" || got.Codec != "" {
		t.Fatalf("a later chunk names the call again: %v", got)
	}
}

func TestFirstDownlinkChunkNamesTheCall(t *testing.T) {
	t.Parallel()
	c := dial(t, servertest.Start(t, servertest.Options{}))
	c.send(first("named", "echo"))
	got := c.recv()
	if got.CallId != "named" || got.SampleRate != 48000 || got.Channels != 1 || got.Codec != "pcm" {
		t.Fatalf("the first chunk says %v", got)
	}
}

func TestEchoMarksWhatIsMissing(t *testing.T) {
	t.Parallel()
	c := call(t, servertest.Start(t, servertest.Options{}), first("e", ""))
	for _, tc := range []struct {
		name                   string
		sequence               uint64
		dropped, epoch, marks  uint32
		wantDropped            uint32
		wantSequence           uint64
		empty, wantAnEmptyBack bool
	}{
		{name: "the first frame is no gap", sequence: 5, epoch: 1, wantDropped: 0, wantSequence: 1},
		{name: "the next follows", sequence: 6, epoch: 1, wantDropped: 0, wantSequence: 2},
		{name: "a marked drop stays one", sequence: 9, dropped: 2, epoch: 1, wantDropped: 2, wantSequence: 5},
		{name: "a gap without a mark gets one", sequence: 13, epoch: 1, wantDropped: 3, wantSequence: 9},
		{name: "silence begins", sequence: 14, epoch: 1, marks: wire.MarkDTX, wantSequence: 10, empty: true, wantAnEmptyBack: true},
		{name: "silence is no gap", sequence: 40, epoch: 1, marks: wire.MarkTalk, wantDropped: 0, wantSequence: 11},
		{name: "a new epoch is no gap", sequence: 900, epoch: 2, wantDropped: 0, wantSequence: 12},
		{name: "an absurd gap is none", sequence: 1 << 60, epoch: 2, wantDropped: 0, wantSequence: 13},
	} {
		chunk := &api.AudioChunk{
			Sequence: tc.sequence, DroppedBefore: tc.dropped, Epoch: tc.epoch, Marks: tc.marks,
			MediaTime: 1 + tc.sequence*960, AudioData: []byte{1, 2},
		}
		if tc.empty {
			chunk.AudioData = nil
		}
		c.send(chunk)
		got := c.recv()
		for got.Sequence == 0 { // liveness
			got = c.recv()
		}
		if got.DroppedBefore != tc.wantDropped || got.Sequence != tc.wantSequence || (len(got.AudioData) == 0) != tc.wantAnEmptyBack {
			t.Fatalf("%s: dropped %d at sequence %d, want %d at %d", tc.name, got.DroppedBefore, got.Sequence, tc.wantDropped, tc.wantSequence)
		}
	}
}

func TestRoundTripIsMeasured(t *testing.T) {
	t.Parallel()
	c := call(t, servertest.Start(t, servertest.Options{}), first("e", ""))
	for range 20 {
		c.frame([]byte{1, 2})
		c.recvAudio()
	}
	if rtt, ok := c.link.RTT(); !ok || rtt <= 0 || rtt > 100*time.Millisecond {
		t.Fatalf("round trip on loopback is %v, %v", rtt, ok)
	}
}

func TestServerKeepsTheLinkAlive(t *testing.T) {
	t.Parallel()
	c := call(t, servertest.Start(t, servertest.Options{}), first("e", ""))
	reported := false
	last := c.clock()
	for !reported {
		got := c.recv()
		if quiet := c.clock() - last; quiet > time.Second {
			t.Fatalf("nothing came for %v", quiet)
		}
		last = c.clock()
		reported = got.Report != nil
	}
	c.frame([]byte{1, 2, 3, 4})
	c.recvAudio()
	for {
		if r := c.recv().GetReport(); r != nil {
			if r.PacketsReceived != 1 {
				t.Fatalf("the report counts %d chunks, want 1", r.PacketsReceived)
			}
			return
		}
	}
}

func TestFramesInAToneCallAreAcknowledged(t *testing.T) {
	t.Parallel()
	c := call(t, servertest.Start(t, servertest.Options{}), first("e", "tone"))
	c.frame([]byte{1, 2})
	begin := c.clock()
	for c.recv().Ack != 1 {
		if c.clock()-begin > time.Second {
			t.Fatal("no acknowledgement within a second")
		}
	}
}

func TestUnacknowledgedAudioIsCapped(t *testing.T) {
	t.Parallel()
	c := call(t, servertest.Start(t, servertest.Options{}), first("e", ""))
	frame := func(data []byte) {
		c.seq++
		chunk := &api.AudioChunk{AudioData: data, Sequence: c.seq, Epoch: 1, MediaTime: 1 + 960*c.seq}
		if err := c.stream.Send(chunk); err != nil { // no ack on it
			t.Fatal(err)
		}
	}
	data := make([]byte, 1920) // 20 ms
	frame(data)
	got := c.recvAudio()
	c.send(&api.AudioChunk{Ack: got.Sequence}) // from here on it is a peer that acknowledges
	for range 200 {
		frame(data)
	}
	// 260 ms and a little may come before the next acknowledgement.
	frames := 0
	for begin := c.clock(); c.clock()-begin < 700*time.Millisecond; {
		if len(c.recv().AudioData) > 0 {
			frames++
		}
	}
	if frames < 10 || frames > 20 {
		t.Fatalf("%d frames of 20 ms came unacknowledged, want about 13", frames)
	}
	if rest := c.hangUp(); rest == 0 || rest > 32 {
		t.Fatalf("%d frames came after hanging up, want those that waited", rest)
	}
}
