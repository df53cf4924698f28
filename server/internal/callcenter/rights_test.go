package callcenter_test

import (
	"testing"
	"time"

	"callcenter/api"
	"callcenter/audio"
	"callcenter/codec"
	"callcenter/server/servertest"
)

// joinAs is join with a token.
func joinAs(d *door, token, id string, f codec.Format, hz float64) *member {
	d.tb.Helper()
	c, _ := d.call(token, &api.AudioChunk{
		CallId: id, SampleRate: int32(f.Rate), Channels: int32(f.Channels), Codec: f.Codec,
		Setup: &api.Setup{Destination: "room/test", DisplayName: id, FrameMs: []uint32{20}},
	})
	m := &member{client: c, format: f, hz: hz, stop: make(chan struct{})}
	m.done.Go(m.say)
	m.done.Go(m.listen)
	return m
}

// TestWhoMayNotSpeakIsNotHeardAndWhoMayNotListenHearsNothing is of whole calls, with
// tokens, over sockets: first of two and then of three.
func TestWhoMayNotSpeakIsNotHeardAndWhoMayNotListenHearsNothing(t *testing.T) {
	t.Parallel()
	for _, f := range []codec.Format{{Codec: "pcm", Rate: 48000, Channels: 1}, {Codec: "opus", Rate: 48000, Channels: 1}} {
		t.Run(f.Codec, func(t *testing.T) {
			t.Parallel()
			d := newDoor(t)
			room := []string{"room/*"}
			speaks := joinAs(d, d.keys.Token("speaks", servertest.Grants{Call: room, Speak: true}), "speaks", f, 500)
			listens := joinAs(d, d.keys.Token("listens", servertest.Grants{Call: room, Listen: true}), "listens", f, 800)
			awaitHearing(t, listens, 500)
			both := joinAs(d, d.keys.Token("both", servertest.Grants{Call: room, Speak: true, Listen: true}), "both", f, 1300)
			awaitHearing(t, listens, 500, 1300)
			awaitHearing(t, both, 500)
			for _, m := range []*member{speaks, listens, both} {
				close(m.stop)
				m.done.Wait()
			}
			if n := power(both.heard, 800); n > 60 {
				t.Errorf("who may not speak is heard at %.0f", n)
			}
			for _, s := range speaks.heard { // the tail before silence is announced
				if s < -3 || s > 3 {
					t.Fatalf("who may not listen hears %d", s)
				}
			}
			if n := len(speaks.heard); n > audio.Rate/4 {
				t.Errorf("who may not listen is sent %d samples", n)
			}
			for id, want := range map[string]bool{"speaks": false, "listens": true, "both": false} {
				if got := d.log.ended(t, id)["hushed"].(float64) > 0; got != want {
					t.Errorf("frames of %q were hushed: %v", id, got)
				}
			}
		})
	}
}

// awaitHearing waits until the member hears these tones.
func awaitHearing(t *testing.T, m *member, tones ...float64) {
	t.Helper()
	retry := time.NewTicker(50 * time.Millisecond)
	defer retry.Stop()
	wrong := ""
	for range 600 {
		if wrong = m.hears(append([]float64{m.hz}, tones...)); wrong == "" {
			return
		}
		<-retry.C
	}
	t.Fatal(wrong)
}

func TestARightThatAnotherTokenDoesNotGiveEndsWithTheTakeOver(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	opening := resumable("x", "room/test")
	opening.Codec = "pcm"
	one, e := d.call(d.keys.Token("ada", servertest.Everything()), opening)
	if e.GetMayNotSpeak() || e.GetMayNotListen() {
		t.Errorf("the answer is %v", e)
	}
	token := one.recvEvent().GetResumeToken()
	one.frame(sine(500, 0, 960, audio.Rate))
	two, e := d.call(d.keys.Token("ada", servertest.Grants{Call: []string{"room/*"}, Listen: true}), with(opening, token))
	if !e.GetMayNotSpeak() || e.GetMayNotListen() {
		t.Errorf("the answer to the take-over is %v", e)
	}
	two.seq = 1
	for i := range 3 {
		two.frame(sine(500, 960*(i+1), 960, audio.Rate))
	}
	two.hangUp()
	if line := d.log.ended(t, "x"); line["hushed"] != 3.0 || line["frames_in"] != 4.0 {
		t.Errorf("the last line says %v", line)
	}
}
