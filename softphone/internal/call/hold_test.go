package call

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/jitter"
	"callcenter/audio/playout"
	"callcenter/codec"
	"callcenter/codec/opus"
	"callcenter/codec/pcm"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/cue"
)

func shown(c *Call) (s callstate.Snapshot) {
	c.Snapshot(&s)
	return s
}

// steepest is the largest step from one sample to the next.
func steepest(pcm []int16) int {
	most := 0
	for i := 1; i < len(pcm); i++ {
		most = max(most, int(pcm[i])-int(pcm[i-1]), int(pcm[i-1])-int(pcm[i]))
	}
	return most
}

// farEnd is what a listener's phone plays of what left, from the media time of the
// first on.
func farEnd(t *testing.T, c codec.Codec, frames []sent) []int16 {
	t.Helper()
	dec, err := c.NewDecoder(codec.Format{Codec: c.Name(), Rate: audio.Rate, Channels: 1})
	if err != nil {
		t.Fatal(err)
	}
	play := playout.New(playout.Config{Decoder: dec})
	var all []int16
	pcm := make([]int16, audio.PeriodSamples)
	for at := frames[0].media; len(frames) > 0; at += audio.PeriodSamples {
		now := audio.Duration(int(at))
		for ; len(frames) > 0 && frames[0].media <= at; frames = frames[1:] {
			f := frames[0]
			p := jitter.Packet{
				Sequence: f.sequence, Epoch: 1, Media: int64(f.media) - 1, Data: f.data,
				DTX: f.marks&wire.MarkDTX != 0, Talk: f.marks&wire.MarkTalk != 0,
			}
			if len(f.data) > 0 {
				p.Samples = 960
			}
			play.Push(p, now)
		}
		play.Pull(pcm, now)
		all = append(all, pcm...)
	}
	if s := play.Stats(); s.PacketsLost != 0 || s.PacketsDropped != 0 {
		t.Errorf("the far end misses %d frames", s.PacketsLost+s.PacketsDropped)
	}
	return all
}

func TestAHeldCallSendsAndPlaysNothingAndGoesOnLive(t *testing.T) {
	for _, c := range []codec.Codec{opus.Codec{}, pcm.Codec{}} {
		t.Run(c.Name(), func(t *testing.T) {
			cfg := unprotected(true)
			cfg.Codec = c
			p := newPath(t, cfg)
			tone := audiotest.Sine(10*second, 400, 8000) // in whole waves a second
			p.say(tone[:3*second])
			before, delay := shown(p.call), p.call.playout.Stats().Delay
			atSent, atPlayed := len(p.sent), len(p.played)

			p.call.SetHeld(true)
			p.say(tone[:4*second])
			held := p.played[atPlayed+audio.PeriodSamples*6:]
			if peak := audiotest.Peak(held); peak > 0 {
				t.Errorf("the ear hears a peak of %d in a held call", peak)
			}
			if audio := slices.DeleteFunc(slices.Clone(p.sent[atSent:]), func(s sent) bool { return len(s.data) == 0 }); len(audio) != 1 {
				t.Errorf("%d frames with audio leave, want that of the fade", len(audio))
			}
			for _, s := range p.sent[atSent+1:] {
				if s.marks&(wire.MarkDTX|wire.MarkMuted) != wire.MarkDTX || s.marks&wire.MarkLevelMask != 127 {
					t.Errorf("silence is announced with marks %b", s.marks)
				}
			}
			if n := len(p.sent) - atSent; n < 18 || n > 24 {
				t.Errorf("%d chunks leave in 4 s, want one each 200 ms", n)
			}
			if s := shown(p.call); !s.Held || s.Muted || s.Silence != callstate.NoSilence || s.Microphone.RMS < -20 {
				t.Errorf("the screen shows held %v, muted %v, silence %v, a microphone at %.1f", s.Held, s.Muted, s.Silence, s.Microphone.RMS)
			}

			back := len(p.played)
			p.call.SetHeld(false)
			p.say(tone[:3*second])
			if late := soundAfter(p.played[back:]); late > delay+60*time.Millisecond {
				t.Errorf("the ear hears itself again after %v, the delay is %v", late, delay)
			}
			after := shown(p.call)
			if after.Delay.Buffer > before.Delay.Buffer+10*time.Millisecond {
				t.Errorf("the buffer was %v and is %v", before.Delay.Buffer, after.Delay.Buffer)
			}
			if after.Quality.MOS < before.Quality.MOS-0.01 {
				t.Errorf("MOS was %.2f and is %.2f", before.Quality.MOS, after.Quality.MOS)
			}
			own := steepest(tone) // 419
			if step := steepest(p.played[atPlayed-second:]); step > own*3/2 {
				t.Errorf("the ear hears a step of %d, the tone's own are %d", step, own)
			}
			far := farEnd(t, c, p.sent)
			if step := steepest(far[second:]); step > own*3/2 {
				t.Errorf("the far end hears a step of %d, the tone's own are %d", step, own)
			}
			if level := 20 * math.Log10(audiotest.Goertzel(far[3*second+second/4:7*second], 400)/8000); level > -60 {
				t.Errorf("the far end hears %.0f dB of the tone on hold", level)
			}
			if level := 20 * math.Log10(audiotest.Goertzel(far[7*second+second/4:9*second+second/4], 400)/8000); level < -1 {
				t.Errorf("the far end hears %.0f dB of the tone after it", level)
			}
			if r := p.call.Report(); math.Abs(r.Stats.HeldDuration-4) > 0.02 {
				t.Errorf("the report says it was held for %.2f s", r.Stats.HeldDuration)
			}
		})
	}
}

// soundAfter is when sound begins in pcm.
func soundAfter(pcm []int16) time.Duration {
	for i, x := range pcm {
		if x > 1000 || x < -1000 {
			return audio.Duration(i)
		}
	}
	return time.Hour
}

func TestHoldAndMuteAreTwoThings(t *testing.T) {
	p := newPath(t, unprotected(true))
	tone := audiotest.Sine(second/2, 400, 8000)
	c := p.call
	for i, step := range []struct{ held, muted bool }{
		{false, false},
		{false, true},
		{true, true},
		{true, false},
		{true, true},
		{false, true},
		{true, true},
		{true, false},
		{false, false},
	} {
		c.SetHeld(step.held)
		c.SetMuted(step.muted)
		p.say(tone)
		at := len(p.sent)
		p.say(tone)
		sends, marked := false, true
		for _, s := range p.sent[at:] {
			sends = sends || len(s.data) > 0
			marked = marked && (s.marks&wire.MarkMuted != 0) == step.muted
		}
		s := shown(c)
		if sends == (step.held || step.muted) || !marked || s.Held != step.held || s.Muted != step.muted {
			t.Errorf("step %d: sends %v, marked rightly %v, held %v, muted %v; want %+v", i, sends, marked, s.Held, s.Muted, step)
		}
	}
}

func TestWhoTalksOnHoldIsNotHintedAtBeingMuted(t *testing.T) {
	p := newPath(t, unprotected(true))
	speech := words(6*second, -20)
	hinted := func() bool {
		for at := 0; at < len(speech); at += second / 4 {
			p.say(speech[at : at+second/4])
			if shown(p.call).TalkingWhileMuted {
				return true
			}
		}
		return false
	}
	p.call.SetMuted(true)
	p.call.SetHeld(true)
	if hinted() {
		t.Error("there is a hint on hold")
	}
	p.call.SetHeld(false)
	if shown(p.call).TalkingWhileMuted {
		t.Error("what was said on hold counts after it")
	}
	if !hinted() {
		t.Error("there is none after it")
	}
}

func TestTimeOnHoldIsNotRated(t *testing.T) {
	p := newPath(t, unprotected(true))
	p.say(words(2*second, -24))
	total := p.call.figures.rated.total.Load()
	p.call.SetHeld(true)
	p.say(words(2*second, -24))
	if now := p.call.figures.rated.total.Load(); now != total {
		t.Errorf("%d samples were rated on hold", now-total)
	}
	p.call.SetHeld(false)
	p.say(words(2*second, -24))
	if now := p.call.figures.rated.total.Load(); now < total+second {
		t.Errorf("%d samples are rated after it", now-total)
	}
}

func TestOwnSoundsAreHeardOnHold(t *testing.T) {
	r := inRoom(t)
	r.answer(r.carrier, true)
	r.earpiece(2 * time.Second)
	r.call.SetHeld(true)
	r.event(r.carrier, joined, "3", "Eve")
	at := len(r.played)
	r.say(audiotest.Sine(second, 400, 8000))
	if peak := audiotest.Peak(r.played[at:]); peak < 1500 || peak > 1800 {
		t.Errorf("the cue peaks at %d, want 1642 and nothing else", peak)
	}
}

func TestTheEndOfAHeldCallLetsNothingThrough(t *testing.T) {
	for _, held := range []bool{true, false} {
		p := newPath(t, unprotected(true))
		p.say(audiotest.Sine(second, 400, 8000))
		p.call.SetHeld(held)
		p.say(audiotest.Sine(second, 400, 8000))
		out := make([]int16, second/10)
		p.call.cfg.Playback.Take(out) // what was handed over
		p.call.part(&parting{kind: cue.HungUp, pcm: make([]int16, pull), tail: 10 * pull})
		p.call.cfg.Playback.Take(out)
		if peak := audiotest.Peak(out); (peak == 0) != held {
			t.Errorf("held %v: a peak of %d at the end", held, peak)
		}
	}
}

func TestWithAMicrophoneThatIsGoneEventsLeaveWithItsMarks(t *testing.T) {
	p := newPath(t, unprotected(true))
	defer p.uplink.absence.timer.Stop()
	p.call.cfg.Capture.DeliverLive(make([]int16, 2*audio.PeriodSamples))
	pos, _ := p.call.cfg.Capture.Read(p.uplink.frame)
	p.call.heardFrame(p.uplink, pos)
	var told []string
	for i := range 200 {
		switch i {
		case 100:
			p.call.SetHeld(true)
		case 150:
			p.call.Digit('5')
		}
		p.now += 20 * time.Millisecond
		p.call.standIn(p.uplink)
		told = append(told, p.leave(p.carrier, true)...)
	}
	if want := []string{"HOLD@97", "DTMF5@147"}; !slices.Equal(told, want) { // its slots, which began 80 ms later
		t.Errorf("told %q, want %q", told, want)
	}
}

func TestTheOperatorReadsWhoHoldsAndWhatIsPressed(t *testing.T) {
	r := inRoom(t)
	k := r.carrier
	r.answer(k, true)
	r.event(k, joined, "1", "Ada")
	r.event(k, joined, "2", "\x1b[2JBob")
	r.notices, r.cameOrWent = nil, nil
	press := func(id, name, digit string) {
		e := &api.Event{Kind: api.Event_KIND_DTMF, Digit: digit}
		if id != "" {
			e.Participant = &api.Participant{Id: id, DisplayName: name}
		}
		k.take(&api.AudioChunk{Event: e})
	}
	r.event(k, holds, "1", "Ada")
	r.event(k, holds, "1", "Ada") // again
	r.event(k, resumes, "2", "\x1b[2JBob")
	r.event(k, holds, "9", "nobody")
	r.want(t, "1 Ada held, 2 [2JBob")
	press("2", "\x1b[2JBob", "5")
	for _, bad := range []string{"", "x", "55", strings.Repeat("5", 1<<20)} {
		press("2", "Bob", bad)
	}
	press("", "", "7")
	r.event(k, resumes, "1", "Ada")
	r.event(k, holds, "2", "Bob")
	r.event(k, left, "2", "Bob")
	r.event(k, joined, "2", "Bob")
	want := []string{"Ada holds the call.", "[2JBob pressed 5.", "The server heard 7.", "Ada is back.", "Bob holds the call.", "Bob left.", "Bob joined."}
	if !slices.Equal(r.notices, want) {
		t.Errorf("the operator reads %q, want %q", r.notices, want)
	}
	if digits := want[1:3]; !slices.Equal(r.private, digits) {
		t.Errorf("of which %q are not to be kept, want %q", r.private, digits)
	}
	if presence := want[5:]; !slices.Equal(r.cameOrWent, presence) {
		t.Errorf("of which %q tell who came or went, want %q", r.cameOrWent, presence)
	}
	r.want(t, "1 Ada, 2 Bob")
	r.event(k, holds, "1", "Ada")
	next := r.next()
	r.answer(next, false)
	r.want(t, "1 Ada held, 2 Bob")
	r.event(k, resumes, "1", "Ada") // of a room that was left
	r.want(t, "1 Ada held, 2 Bob")
	r.answer(next, true)
	r.want(t, "")
}

const (
	holds   = api.Event_KIND_HOLD
	resumes = api.Event_KIND_RESUME
)

// leave lets everything that waits leave over a carrier, as its send loop does, and
// returns the events in that with the sequences of their frames.
func (p *path) leave(k *carrier, acknowledge bool) (told []string) {
	for p.call.pop(k, &p.frame, p.now) {
		told = append(told, spell(k.tellNext(&p.frame, p.now), p.frame.Sequence)...)
		if acknowledge {
			k.take(&api.AudioChunk{Ack: p.frame.Sequence})
		}
	}
	return append(told, spell(k.tellNext(nil, p.now), 0)...)
}

func spell(e *api.Event, sequence uint64) []string {
	if e == nil {
		return nil
	}
	return []string{fmt.Sprintf("%s%s@%d", strings.TrimPrefix(e.GetKind().String(), "KIND_"), e.GetDigit(), sequence)}
}

// speak makes n frames of the microphone's, 20 ms each, and lets them leave.
func (p *path) speak(n int, k *carrier, acknowledge bool) (told []string) {
	pcm := make([]int16, audio.PeriodSamples)
	for range 2 * n {
		p.now += audio.Period
		p.call.cfg.Capture.Deliver(pcm)
		if pos, ok := p.call.cfg.Capture.Read(p.uplink.frame); ok {
			if err := p.call.sendFrame(p.uplink, pos); err != nil {
				p.tb.Fatal(err)
			}
		}
		told = append(told, p.leave(k, acknowledge)...)
	}
	return told
}

func TestDigitsLeaveInOrderATenthOfASecondApartWithAFrame(t *testing.T) {
	p := newPath(t, unprotected(true))
	k := p.carrier
	p.speak(50, k, true) // a pause is on
	last := p.frame.Sequence
	for _, d := range []byte("12#") {
		p.call.Digit(d)
	}
	told := p.speak(20, k, true)
	want := []string{fmt.Sprintf("DTMF1@%d", last+1), fmt.Sprintf("DTMF2@%d", last+6), fmt.Sprintf("DTMF#@%d", last+11)}
	if len(told) != 3 {
		t.Fatalf("told %q", told)
	}
	for i := range want { // the slots of the pause that are skipped count too
		if told[i][:6] != want[i][:6] || strings.HasSuffix(told[i], "@0") {
			t.Errorf("told %q, want %q", told, want)
		}
	}
	if r := p.call.Report().Stats; r.DigitsSent != 3 || r.DigitsDropped != 0 {
		t.Errorf("the report counts %d and %d", r.DigitsSent, r.DigitsDropped)
	}
}

func TestDigitsThatABrokenStreamSwallowedAreSentAgainAndNoOthers(t *testing.T) {
	p := newPath(t, unprotected(true))
	k := p.carrier
	p.speak(10, k, true)
	p.call.Digit('1')
	p.speak(10, k, true)
	known := p.frame.Sequence // the server has that, and we know
	p.call.Digit('2')
	p.speak(5, k, false)
	taken := p.frame.Sequence // and that, which we do not know
	p.call.Digit('3')
	if told := p.speak(5, k, false); len(told) != 1 {
		t.Fatalf("told %q", told)
	}
	p.call.release(k)
	p.call.Digit('4') // there is no connection
	p.speak(50, k, false)
	k = newCarrier(p.call, 2, "test", func(event) {})
	k.answered, k.ack = true, taken
	p.call.adopt(k)
	told := p.speak(30, k, true)
	if len(told) != 2 || !strings.HasPrefix(told[0], "DTMF3@") || !strings.HasPrefix(told[1], "DTMF4@") {
		t.Errorf("over the next stream leave %q, want 3 and 4 (known %d, taken %d)", told, known, taken)
	}
	if s := p.call.Report().Stats; s.DigitsSent != 4 || s.DigitsDropped != 0 {
		t.Errorf("the report counts %d and %d", s.DigitsSent, s.DigitsDropped)
	}
}

func TestDigitsThatWaitedTooLongAreDroppedAndSaid(t *testing.T) {
	var said []string
	cfg := unprotected(true)
	cfg.OnNotice = func(n callstate.Notice) { said = append(said, n.Text) }
	p := newPath(t, cfg)
	p.speak(10, p.carrier, true)
	p.call.release(p.carrier)
	for range maxDigits + 1000 { // a thousand at once
		p.call.Digit('1')
	}
	p.speak(300, p.carrier, false)
	p.call.keypad.waiting = p.call.keypad.waiting[:2]
	p.call.Digit('9')
	k := newCarrier(p.call, 2, "test", func(event) {})
	k.answered, k.ack = true, p.frame.Sequence
	p.call.adopt(k)
	if told := p.speak(30, k, true); len(told) != 1 || !strings.HasPrefix(told[0], "DTMF9@") {
		t.Errorf("told %q", told)
	}
	want := []string{"1 is not sent: 16 digits wait already.", "Not sent, there was no connection for 5s: 11."}
	if !slices.Equal(said, want) {
		t.Errorf("said %q, want %q", said, want)
	}
	if s := p.call.Report().Stats; s.DigitsDropped != 1002 {
		t.Errorf("the report counts %d dropped", s.DigitsDropped)
	}
}

func TestWithoutAMicrophoneHoldAndDigitsLeaveAllTheSame(t *testing.T) {
	p := newPath(t, unprotected(true))
	p.now = time.Second
	p.call.SetHeld(true)
	p.call.Digit('5')
	var told []string
	for range 100 {
		p.now += 20 * time.Millisecond
		told = append(told, p.leave(p.carrier, true)...)
	}
	if !slices.Equal(told, []string{"HOLD@0", "DTMF5@0"}) {
		t.Errorf("told %q", told)
	}
}

func TestEachStreamIsToldOfAHold(t *testing.T) {
	p := newPath(t, unprotected(true))
	k := p.carrier
	if told := p.speak(10, k, true); len(told) != 0 {
		t.Errorf("a call that was never held tells %q", told)
	}
	next := func() {
		p.call.release(k)
		k = newCarrier(p.call, k.number+1, "test", func(event) {})
		k.answered, k.ack = true, p.frame.Sequence
		p.call.adopt(k)
	}
	for i, step := range []struct {
		held, anew bool
		want       string
	}{
		{true, false, "HOLD"},
		{true, true, "HOLD"},
		{true, false, ""},
		{false, false, "RESUME"},
		{false, true, "RESUME"}, // the one before may have been lost
		{true, true, "HOLD"},
	} {
		if step.anew {
			next()
		}
		p.call.SetHeld(step.held)
		told := strings.Join(p.speak(10, k, true), " ")
		if got, _, _ := strings.Cut(told, "@"); got != step.want {
			t.Errorf("step %d: told %q, want %q", i, told, step.want)
		}
	}
	for range 99 { // a key that is held down
		p.call.SetHeld(!p.call.Held())
	}
	if told := p.speak(10, k, true); len(told) != 1 || !strings.HasPrefix(told[0], "RESUME@") {
		t.Errorf("told %q", told)
	}
}
