package callcenter

import (
	"context"
	"testing"
	"time"

	"callcenter/api"
	"callcenter/api/wire"
)

// echoCall is an open echo call without its loops, whose answer has left.
type echoCall struct {
	*stream
	t    *testing.T
	sent []*api.AudioChunk // without their messages
}

func openEcho(t *testing.T) *echoCall {
	t.Helper()
	e := &echoCall{t: t}
	var err error
	e.stream, err = openCall(New(testConfig()), &fakeStream{
		ctx: context.Background(),
		sent: func(o *api.AudioChunk) {
			e.sent = append(e.sent, &api.AudioChunk{
				AudioData: o.GetAudioData(), Sequence: o.GetSequence(), Ack: o.GetAck(), SentAt: o.GetSentAt(),
			})
		},
	}, extendedOpening("echo"))
	if err != nil {
		t.Fatal(err)
	}
	for sent := true; sent; {
		if sent, _, err = e.turn(false); err != nil {
			t.Fatal(err)
		}
	}
	e.woken()
	e.sent = nil
	return e
}

// woken reports whether the send loop would wake for the queue.
func (e *echoCall) woken() bool {
	select {
	case <-e.call.queue.Ready():
		return true
	default:
		return false
	}
}

// say is the next frame of the caller, who has read so many chunks.
func (e *echoCall) say(bytes, read int) {
	e.t.Helper()
	e.in = api.AudioChunk{AudioData: make([]byte, bytes), Sequence: e.in.GetSequence() + 1}
	if read > 0 {
		e.in.EchoSentAt = e.sent[read-1].GetSentAt()
	}
	if bytes > 0 {
		e.in.AudioData[0] = 0x78
	}
	if err := e.take(context.Background()); err != nil {
		e.t.Fatal(err)
	}
}

func TestAnEchoLeavesWithoutWakingTheSendLoop(t *testing.T) {
	e := openEcho(t)
	for i := range 100 {
		e.say(80, i)
		if len(e.sent) != i+1 || e.sent[i].GetSequence() != uint64(i+1) || e.sent[i].GetAck() != uint64(i+1) {
			t.Fatalf("%d chunks left for %d", len(e.sent), i+1)
		}
		if e.woken() {
			t.Fatal("the send loop is woken for what has left")
		}
	}
}

func TestWhoOwesAnAcknowledgementWakesTheSendLoop(t *testing.T) {
	e := openEcho(t)
	for range 3 { // sequences, and nothing that could come back
		e.link.Stamp(&e.out, e.clock()-wire.AckInterval/2)
		e.say(0, 0)
	}
	if len(e.sent) != 0 || !e.woken() {
		t.Errorf("%d chunks left", len(e.sent))
	}
	if due := e.due(e.clock()); due > 60*time.Millisecond {
		t.Errorf("the acknowledgement is due in %v", due)
	}
}

func TestTheReceiveLoopDoesNotWaitForTheSendLoop(t *testing.T) {
	e := openEcho(t)
	e.sending.Lock() // it is in SendMsg
	e.say(80, 0)
	if len(e.sent) != 0 || !e.woken() {
		t.Error("the send loop is not told")
	}
	e.sending.Unlock()
	e.say(80, 0)
	if len(e.sent) != 1 || e.sent[0].GetSequence() != 1 || !e.woken() {
		t.Error("the older frame leaves first, and then the send loop has the newer")
	}
}

func TestTheReceiveLoopSendsNoMoreThanGRPCTakesAtOnce(t *testing.T) {
	e := openEcho(t)
	const audio = 1000
	for range 100 {
		e.say(audio, 0)
	}
	if n := len(e.sent) * audio; n > 64<<10 || n < directBytes/2 {
		t.Errorf("%d bytes left without an acknowledgement", n)
	}
	if !e.woken() {
		t.Error("the send loop is not told of the rest")
	}
	left := len(e.sent)
	e.say(audio, left) // everything was read
	if len(e.sent) != left+1 {
		t.Error("nothing leaves after that was read")
	}
}

func TestWhatWasReadIsNotOnItsWay(t *testing.T) {
	var w way
	for n := range uint64(1000) {
		w.add(&api.AudioChunk{AudioData: make([]byte, 100), SentAt: 20000 * (n + 1)})
		read := max(n, 10) - 10
		if b := w.bytes(20000 * read); b < (n+1-read)*100 || b > 11*(100+scalars) {
			t.Fatalf("%d bytes are on their way with %d chunks unread", b, n+1-read)
		}
	}
	before := w.total
	w.add(&api.AudioChunk{Report: &api.Report{PacketsLost: 1}, SentAt: 20000 * 1001})
	if w.total == before {
		t.Error("a chunk without a frame counts for nothing")
	}
}

func TestWhoEchoesWhatWasNeverSentIsNotBelieved(t *testing.T) {
	var w way
	for n := range uint64(200) {
		w.add(&api.AudioChunk{AudioData: make([]byte, 100), SentAt: 20000 * (n + 1)})
	}
	if b := w.bytes(20000 * 3); b != w.total {
		t.Errorf("%d bytes are on their way where a chunk of long ago was read, want %d", b, w.total)
	}
	if b := w.bytes(20000*190 + 1); b < 1<<40 {
		t.Errorf("a guess leaves %d bytes on their way", b)
	}
	if b := w.bytes(20000 * 200); b < 1<<40 {
		t.Errorf("after a guess an echo leaves %d bytes on their way", b)
	}
}

func TestAnEventLeavesBeforeTheEcho(t *testing.T) {
	e := openEcho(t)
	e.call.events.put(drainingEvent())
	e.say(80, 0)
	if len(e.sent) != 1 || len(e.sent[0].GetAudioData()) != 0 || !e.woken() {
		t.Error("the event leaves first, and the send loop has the frame")
	}
}

func TestNothingFollowsTheFarewell(t *testing.T) {
	e := openEcho(t)
	close(e.stop)
	e.say(80, 0)
	if len(e.sent) != 0 {
		t.Error("the receive loop sends although the call is over")
	}
}

func TestTheSendLoopsOfEchoCallsWakeTogether(t *testing.T) {
	e := openEcho(t)
	e.say(80, 0)
	start := e.clock()
	for now := start; now < start+time.Second; now += 7 * time.Millisecond {
		e.link.Stamp(&e.out, now)
		e.nextReport = now + reportInterval
		due := e.due(now)
		if wake := now + due; wake%lookInterval != 0 || due <= lookInterval || due > 180*time.Millisecond {
			t.Fatalf("at %v it sleeps for %v", now, due)
		}
	}
	// A chunk that is owed is owed at its own time.
	now := start + 2*time.Second
	e.link.Stamp(&e.out, now)
	e.nextReport = now + reportInterval
	if due := e.due(now + 150*time.Millisecond); due > 30*time.Millisecond {
		t.Errorf("150 ms after a chunk it sleeps for %v", due)
	}
}
