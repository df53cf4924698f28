package callcenter_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/server/servertest"
)

const (
	hold   = api.Event_KIND_HOLD
	resume = api.Event_KIND_RESUME
	dtmf   = api.Event_KIND_DTMF
)

// tell sends an event.
func (c *client) tell(kind api.Event_Kind, digit string) {
	c.tb.Helper()
	c.send(&api.AudioChunk{Event: &api.Event{
		Kind: kind, Digit: digit,
		Participant: &api.Participant{Id: "99", DisplayName: "somebody else"}, // which nobody believes
	}})
}

// did are what callers did, of those events.
func did(events []*api.Event) (told []string) {
	for _, e := range events {
		switch e.GetKind() { //nolint:exhaustive // the others are of the room
		case hold, resume, dtmf:
			who := "nobody"
			if e.Participant != nil {
				who = e.Participant.GetDisplayName()
			}
			told = append(told, strings.TrimSpace(who+" "+strings.TrimPrefix(e.GetKind().String(), "KIND_")+" "+e.GetDigit()))
		}
	}
	return told
}

func TestHoldAndDigitsReachTheOthersWithTheNameThatTheServerKnows(t *testing.T) {
	for _, others := range []int{1, 2} {
		inBubble(t, servertest.Options{}, func(b *bubble) {
			anna, _ := b.call(first("anna", "room/x"))
			go new(ear).listen(anna)
			ears := make([]*ear, others)
			for i := range ears {
				cl, _ := b.call(first(name(i), "room/x"))
				ears[i] = &ear{}
				go ears[i].listen(cl)
			}
			b.pass(100 * time.Millisecond)
			anna.tell(hold, "")
			b.pass(300 * time.Millisecond)
			late, _ := b.call(first("late", "room/x"))
			lateEar := &ear{}
			go lateEar.listen(late)
			for _, d := range []string{"1", "#", "x", "", "12", "a"} {
				anna.tell(dtmf, d)
			}
			b.pass(300 * time.Millisecond)
			anna.tell(hold, "") // again
			b.pass(300 * time.Millisecond)
			anna.tell(resume, "")
			b.pass(300 * time.Millisecond)
			want := "[caller anna HOLD caller anna DTMF 1 caller anna DTMF # caller anna RESUME]"
			for i, e := range append(ears, lateEar) {
				events, _ := e.take()
				if got := fmt.Sprint(did(events)); got != want {
					b.Errorf("of %d, listener %d is told %v, want %v", others, i, got, want)
				}
			}
			if err := anna.stream.CloseSend(); err != nil {
				b.Fatal(err)
			}
			b.pass(time.Second)
			if line := b.ended("anna"); line["digits_refused"] != 4.0 {
				b.Errorf("the last line counts %v digits refused", line["digits_refused"])
			}
			if n := len(b.lines(b, "digits refused, they are none, too many, or of who may not speak", "anna")); n != 1 {
				b.Errorf("that is logged %d times", n)
			}
		})
	}
}

func TestTheWordsUpToAHoldAreHeardAndThoseFromAResumeOn(t *testing.T) {
	inBubble(t, servertest.Options{}, func(b *bubble) {
		anna, _ := b.call(first("anna", "room/x"))
		go new(ear).listen(anna)
		ben, _ := b.call(first("ben", "room/x"))
		e := &ear{}
		go e.listen(ben)
		b.pass(300 * time.Millisecond) // until what they say is forwarded
		say := func(ev *api.Event) {
			anna.seq++
			anna.send(&api.AudioChunk{
				AudioData: sine(300, int(anna.seq-1)*960, 960, 48000), Sequence: anna.seq, Epoch: 1,
				MediaTime: 1 + 960*(anna.seq-1), Marks: wire.LevelMarks(18, true), Event: ev,
			})
			b.pass(20 * time.Millisecond)
		}
		for range 9 {
			say(nil)
		}
		say(&api.Event{Kind: hold})
		for range 20 { // it goes on to talk all the same
			say(nil)
		}
		say(&api.Event{Kind: resume})
		for range 9 {
			say(nil)
		}
		b.pass(time.Second)
		e.mu.Lock()
		defer e.mu.Unlock()
		// What is forwarded comes as it was: ten frames, silence, ten frames.
		if n := len(e.pcm); n != 20*960 {
			b.Fatalf("ben gets %d samples, want those of 20 frames", n)
		}
		if p := power(e.pcm, 300); math.Abs(p-6000) > 60 {
			b.Errorf("they hold a tone of %.0f, want 6000", p)
		}
	})
}

func TestAHoldOutlivesTheStream(t *testing.T) {
	inBubble(t, servertest.Options{}, func(b *bubble) {
		opening := resumable("anna", "room/x")
		anna, token := b.call(opening)
		ben, _ := b.call(first("ben", "room/x"))
		e := &ear{}
		go e.listen(ben)
		anna.tell(hold, "")
		b.pass(300 * time.Millisecond)
		anna.cancel()
		b.pass(2 * time.Second)
		late, _ := b.call(first("late", "room/x"))
		lateEar := &ear{}
		go lateEar.listen(late)
		b.pass(300 * time.Millisecond)
		anna, _ = b.call(with(opening, token))
		anna.tell(hold, "")
		b.pass(300 * time.Millisecond)
		for who, e := range map[string]*ear{"ben": e, "late": lateEar} {
			events, _ := e.take()
			if got := fmt.Sprint(did(events)); got != "[caller anna HOLD]" {
				b.Errorf("%s is told %v", who, got)
			}
		}
		anna.tell(resume, "")
		b.pass(300 * time.Millisecond)
		for who, e := range map[string]*ear{"ben": e, "late": lateEar} {
			events, _ := e.take()
			if got := fmt.Sprint(did(events)); got != "[caller anna RESUME]" {
				b.Errorf("%s is told %v", who, got)
			}
		}
	})
}

func TestDigitsOfAFloodAreBounded(t *testing.T) {
	inBubble(t, servertest.Options{}, func(b *bubble) {
		anna, _ := b.call(first("anna", "room/x"))
		go new(ear).listen(anna)
		ben, _ := b.call(first("ben", "room/x"))
		e := &ear{}
		go e.listen(ben)
		b.pass(100 * time.Millisecond)
		for i := range 3000 { // 3 s
			anna.tell(dtmf, "5")
			if i%10 == 9 {
				anna.tell(api.Event_Kind(i), "5") // of another version, or garbage
				anna.tell(api.Event_Kind(-i), "")
				anna.tell(api.Event_KIND_ENDED, "")
			}
			b.pass(time.Millisecond)
		}
		b.pass(time.Second)
		events, _ := e.take()
		if n := len(did(events)); n < 20 || n > 65 {
			b.Errorf("%d of 3000 digits in 3 s are passed on, want a burst of 32 and 10 a second", n)
		}
		for _, ev := range events {
			if ev.GetKind() > dtmf+2 || ev.GetKind() == api.Event_KIND_ENDED {
				b.Errorf("passed on: %v", ev)
			}
		}
		anna.tell(dtmf, "7") // whoever behaves again is served again
		b.pass(time.Second)
		events, _ = e.take()
		if got := fmt.Sprint(did(events)); got != "[caller anna DTMF 7]" {
			b.Errorf("after the flood ben is told %v", got)
		}
	})
}

func TestADigitOfAMegabyteEndsItsOwnCallOnly(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{})
	c := call(t, s, first("huge", "echo"))
	c.tell(dtmf, strings.Repeat("5", 1<<20))
	if st := c.end(); st.Code() != codes.ResourceExhausted {
		t.Errorf("the call ended with %v", st)
	}
	c = call(t, s, first("long", "echo"))
	c.tell(dtmf, strings.Repeat("5", 3000)) // within what a message may hold
	c.tell(dtmf, "8")
	if e := c.recvEvent(); e.GetKind() != dtmf || e.GetDigit() != "8" || e.Participant != nil {
		t.Errorf("told %v", e)
	}
	undisturbed(t, s, "other")
}

func TestAnEchoSendsDigitsBackAndNoHold(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{})
	c := call(t, s, first("a", "echo"))
	for _, d := range []string{"1", "*", "D"} {
		c.tell(hold, "")
		c.tell(dtmf, d)
		c.tell(resume, "")
	}
	for _, d := range []string{"1", "*", "D"} {
		if e := c.recvEvent(); e.GetKind() != dtmf || e.GetDigit() != d {
			t.Errorf("told %v, want %s", e, d)
		}
	}
	c.hangUp()
}

func TestEventsOfACallerOfFiveFieldsAreNothing(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{})
	c := dial(t, s)
	for i, e := range []*api.Event{nil, {Kind: hold}, {Kind: dtmf, Digit: "5"}, {Kind: resume}, nil} {
		chunk := &api.AudioChunk{AudioData: []byte{1, byte(i)}}
		if i == 0 {
			chunk.CallId, chunk.SampleRate, chunk.Channels, chunk.Codec = "plain", 48000, 1, "pcm"
		}
		want := proto.CloneOf(chunk)
		chunk.Event = e
		if err := c.stream.Send(chunk); err != nil {
			t.Fatal(err)
		}
		got, err := c.stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if !proto.Equal(got, want) {
			t.Errorf("chunk %d came back as %v, want %v", i, got, want)
		}
	}
	c.hangUp()
}

func TestADigitIsToldAgainOnlyWhereItMayNotHaveArrived(t *testing.T) {
	for name, tc := range map[string]struct {
		frames bool // come after it, and the first of these is taken
		again  bool
	}{
		"a frame behind it was taken": {frames: true},
		"nothing came behind it":      {again: true},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, servertest.Options{}, func(b *bubble) {
				opening := resumable("ben", "room/x")
				ben, token := b.call(opening)
				anna, _ := b.call(first("anna", "room/x"))
				go new(ear).listen(anna)
				b.pass(300 * time.Millisecond)
				say := func() {
					anna.seq++
					anna.send(&api.AudioChunk{
						AudioData: sine(300, 0, 960, 48000), Sequence: anna.seq, Epoch: 1,
						MediaTime: 1 + 960*(anna.seq-1), Marks: wire.LevelMarks(18, true),
					})
					b.pass(20 * time.Millisecond)
				}
				for range 10 {
					say()
				}
				anna.tell(dtmf, "5")
				b.pass(300 * time.Millisecond)
				for range 10 {
					if tc.frames {
						say()
					}
				}
				// Ben takes all that came and says nothing any more.
				ack, heard := uint64(0), false
				for !heard || tc.frames && ack < 15 {
					c := ben.recv()
					ack = max(ack, c.GetSequence())
					heard = heard || c.GetEvent().GetKind() == dtmf
				}
				ben.cancel()
				b.pass(time.Second)
				again := with(opening, token)
				again.Ack = ack
				stream, err := api.NewCallCenterClient(b.connect()).LiveCall(b.Context())
				if err == nil {
					err = stream.Send(again) // without a stamp, which knows nothing of the stream before
				}
				if err != nil {
					b.Fatal(err)
				}
				e := &ear{}
				go e.listen(&client{tb: b.T, stream: stream, link: wire.NewLink(b.clock()), clock: b.clock})
				b.pass(time.Second)
				events, _ := e.take()
				if got := len(did(events)) > 0; got != tc.again {
					b.Errorf("told again: %v, want %v", got, tc.again)
				}
			})
		})
	}
}
