package call

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"callcenter/api"
	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/codec/pcm"
	"callcenter/softphone/internal/callstate"
)

// told is a call in a room whose server says what the test wants.
type told struct {
	*path
	notices []string

	cameOrWent []string // those of them that tell so
	private    []string // and those that are not to be kept
}

// inRoom returns a call with cues, at 10 s on its clock.
func inRoom(t *testing.T) *told {
	t.Helper()
	r := &told{}
	r.path = newPath(t, Config{
		Codec: pcm.Codec{}, Unprotected: true, Sounds: true, JoinTones: true,
		OnNotice: func(n callstate.Notice) {
			r.notices = append(r.notices, n.Text)
			if n.Presence {
				r.cameOrWent = append(r.cameOrWent, n.Text)
			}
			if n.Private {
				r.private = append(r.private, n.Text)
			}
		},
	})
	r.call.cfg.Destination = "room/x"
	r.now = 10 * time.Second
	return r
}

// event lets a carrier bring an event about somebody.
func (r *told) event(k *carrier, kind api.Event_Kind, id, name string) {
	e := &api.Event{Kind: kind}
	if id != "" {
		e.Participant = &api.Participant{Id: id, DisplayName: name}
	}
	k.take(&api.AudioChunk{Event: e})
}

// answer lets a carrier say that the call is connected.
func (r *told) answer(k *carrier, newCall bool) {
	k.take(&api.AudioChunk{Event: &api.Event{Kind: api.Event_KIND_ANSWERED, NewCall: newCall}})
}

// levels lets the carrier say who is how loud.
func (r *told) levels(loud ...*api.ParticipantLevel) {
	r.carrier.take(&api.AudioChunk{Levels: &api.Levels{Speakers: loud}})
}

// next is a further carrier, after which the one before says no more.
func (r *told) next() *carrier {
	k := newCarrier(r.call, r.carrier.number+1, "test", func(event) {})
	k.answered = true
	r.call.adopt(k)
	r.carrier.retire(r.now)
	r.carrier = k
	return k
}

// listed is the roster in one line.
func (r *told) listed() string {
	var s callstate.Snapshot
	r.call.Snapshot(&s)
	names := make([]string, 0, len(s.Roster)+1)
	for _, p := range s.Roster {
		text := p.ID + " " + p.Name
		if p.Speaking {
			text += " speaking"
		}
		if p.Muted {
			text += " muted"
		}
		if p.Held {
			text += " held"
		}
		if p.Level != callstate.SilentLevel {
			text += fmt.Sprint(" ", p.Level)
		}
		names = append(names, text)
	}
	if s.Unlisted > 0 {
		names = append(names, fmt.Sprint(s.Unlisted, " more"))
	}
	return strings.Join(names, ", ")
}

func (r *told) want(t *testing.T, want string) {
	t.Helper()
	if got := r.listed(); got != want {
		t.Errorf("the roster is %q, want %q", got, want)
	}
}

const (
	joined   = api.Event_KIND_JOINED
	left     = api.Event_KIND_LEFT
	speaking = api.Event_KIND_SPEAKING
	silent   = api.Event_KIND_SILENT
	mute     = api.Event_KIND_MUTE
	unmute   = api.Event_KIND_UNMUTE
)

func TestTheRosterSaysWhoIsThereAndWhatTheyDo(t *testing.T) {
	r := inRoom(t)
	k := r.carrier
	r.answer(k, true)
	r.want(t, "")
	r.event(k, joined, "3", "Ada")
	r.event(k, joined, "1", "\x1b[31mBob\u202e\n")
	r.event(k, joined, "7", "")
	r.want(t, "3 Ada, 1 [31mBob, 7 somebody")
	r.event(k, speaking, "1", "Bob")
	r.event(k, mute, "7", "")
	r.want(t, "3 Ada, 1 [31mBob speaking, 7 somebody muted")
	r.levels(&api.ParticipantLevel{Id: "1", Level: 23}, &api.ParticipantLevel{Id: "3", Level: 400})
	r.want(t, "3 Ada, 1 [31mBob speaking -23, 7 somebody muted")
	r.levels(&api.ParticipantLevel{Id: "3", Level: 31})
	r.want(t, "3 Ada -31, 1 [31mBob speaking, 7 somebody muted")
	r.levels()
	r.want(t, "3 Ada, 1 [31mBob speaking, 7 somebody muted")
	r.levels(&api.ParticipantLevel{Id: "1", Level: 0})
	r.event(k, silent, "1", "Bob")
	r.event(k, unmute, "7", "")
	r.want(t, "3 Ada, 1 [31mBob, 7 somebody")
	r.event(k, left, "3", "Ada")
	r.want(t, "1 [31mBob, 7 somebody")
}

func TestWhoIsNotListedDoesNothing(t *testing.T) {
	r := inRoom(t)
	k := r.carrier
	r.event(k, joined, "1", "Ada")
	for _, kind := range []api.Event_Kind{speaking, silent, mute, unmute, left} {
		r.event(k, kind, "2", "Bob")
		r.event(k, kind, "", "")
	}
	r.event(k, joined, "", "")
	r.levels(&api.ParticipantLevel{Id: "2", Level: 20}, nil)
	r.want(t, "1 Ada")
}

func TestARestartedServerTellsAnewWhoIsThere(t *testing.T) {
	for name, newCall := range map[string]bool{"and says so": true, "and does not say so": false} {
		t.Run(name, func(t *testing.T) {
			r := inRoom(t)
			r.event(r.carrier, joined, "1", "Ada")
			r.event(r.carrier, joined, "2", "Bob")
			r.event(r.carrier, speaking, "1", "Ada")
			k := r.next()
			r.answer(k, newCall)
			r.event(k, joined, "1", "Bob")
			want := "1 Bob"
			if !newCall {
				want = "1 Bob, 2 Bob" // who left meanwhile it cannot know
			}
			r.want(t, want)
		})
	}
}

func TestAResumedStreamKeepsTheRoster(t *testing.T) {
	r := inRoom(t)
	old := r.carrier
	r.event(old, joined, "1", "Ada")
	r.event(old, speaking, "1", "Ada")
	k := r.next()
	r.answer(k, false)
	r.want(t, "1 Ada speaking")
	r.event(old, joined, "5", "Eve") // of a room that was left
	r.event(old, left, "1", "Ada")
	old.take(&api.AudioChunk{Levels: &api.Levels{Speakers: []*api.ParticipantLevel{{Id: "1", Level: 9}}}})
	r.want(t, "1 Ada speaking")
	// Also where it is not known yet that the carrier is retired.
	if c := r.call.roster.take(old.number, left, "1", "Ada", false, r.now); c != noChange {
		t.Error("an older carrier makes a change")
	}
	r.want(t, "1 Ada speaking")
}

func TestTheRosterIsBounded(t *testing.T) {
	r := inRoom(t)
	for i := range maxRoster + 3 {
		r.event(r.carrier, joined, fmt.Sprint(i+1), "x")
	}
	r.event(r.carrier, joined, strings.Repeat("9", maxParticipantID+1), "long")
	s, unlisted := r.call.roster.load()
	if len(s) != maxRoster || unlisted != 4 {
		t.Errorf("%d listed, %d not, want %d and 4", len(s), unlisted, maxRoster)
	}
	r.event(r.carrier, left, "999", "y")
	r.event(r.carrier, left, "1", "x")
	if s, unlisted = r.call.roster.load(); len(s) != maxRoster-1 || unlisted != 3 {
		t.Errorf("%d listed, %d not, want %d and 3", len(s), unlisted, maxRoster-1)
	}
}

func TestASnapshotsRosterNeverChanges(t *testing.T) {
	r := inRoom(t)
	r.event(r.carrier, joined, "1", "Ada")
	r.event(r.carrier, joined, "2", "Bob")
	var s, again callstate.Snapshot
	r.call.Snapshot(&s)
	r.call.Snapshot(&again)
	if &s.Roster[0] != &again.Roster[0] {
		t.Error("the roster is copied although nothing changed")
	}
	r.event(r.carrier, speaking, "2", "Bob")
	r.event(r.carrier, left, "1", "Ada")
	r.event(r.carrier, joined, "3", "Eve")
	if len(s.Roster) != 2 || s.Roster[0].Name != "Ada" || s.Roster[1] != (callstate.Participant{ID: "2", Name: "Bob", Level: callstate.SilentLevel}) {
		t.Errorf("it became %+v", s.Roster)
	}
}

// earpiece plays d of silence from the far end and returns what the ear hears.
func (r *told) earpiece(d time.Duration) []int16 {
	at := len(r.played)
	r.say(make([]int16, audio.Samples(d)/audio.PeriodSamples*audio.PeriodSamples))
	return r.played[at:]
}

// cues counts what was played.
func (r *told) cues() uint64 { return r.call.cues.Stats().Played }

func TestAComingAndAGoingAreHeard(t *testing.T) {
	r := inRoom(t)
	k := r.carrier
	r.answer(k, true)
	r.event(k, joined, "1", "Ada")
	r.event(k, joined, "2", "Bob")
	r.earpiece(1500 * time.Millisecond)
	if r.cues() != 0 || audiotest.Peak(r.played) != 0 {
		t.Fatal("those who were there already are heard to join")
	}
	r.event(k, joined, "3", "Eve")
	if peak := audiotest.Peak(r.earpiece(700 * time.Millisecond)); peak < 1500 || peak > 1800 {
		t.Errorf("the cue peaks at %d, want 1642", peak)
	}
	r.event(k, speaking, "3", "Eve")
	r.event(k, joined, "3", "Eve") // told again
	r.event(k, left, "9", "nobody")
	r.earpiece(700 * time.Millisecond)
	if r.cues() != 1 {
		t.Errorf("%d cues for one coming", r.cues())
	}
	r.event(k, left, "3", "Eve")
	r.earpiece(700 * time.Millisecond)
	if r.cues() != 2 {
		t.Errorf("%d cues, want one for the coming and one for the going", r.cues())
	}
	if got := r.call.Report().Stats.Cues; got == nil || got.Played != 2 || got.Merged != 0 {
		t.Errorf("the report counts %+v", got)
	}
}

func TestWhatAResumeTellsAgainIsNotHeard(t *testing.T) {
	for name, newCall := range map[string]bool{"by a server that knows the call": false, "by one that does not": true} {
		t.Run(name, func(t *testing.T) {
			r := inRoom(t)
			r.answer(r.carrier, true)
			r.event(r.carrier, joined, "1", "Ada")
			r.earpiece(2 * time.Second)
			k := r.next()
			r.answer(k, newCall)
			r.event(k, left, "1", "Ada")
			r.event(k, joined, "2", "Bob")
			r.earpiece(2 * time.Second)
			if r.cues() != 0 {
				t.Errorf("%d cues", r.cues())
			}
			r.want(t, "2 Bob")
		})
	}
}

func TestManyComingsAtOnceAreOneCue(t *testing.T) {
	r := inRoom(t)
	r.answer(r.carrier, true)
	r.earpiece(2 * time.Second)
	for i := range 100 {
		r.event(r.carrier, joined, fmt.Sprint(i), "x")
	}
	r.earpiece(5 * time.Second)
	if s := r.call.cues.Stats(); s.Played != 1 || s.Merged != 99 {
		t.Errorf("counted %+v, want 1 played and 99 merged", s)
	}
}

func TestWithoutJoinTonesNothingIsHeard(t *testing.T) {
	p := newPath(t, unprotected(true))
	p.now = 10 * time.Second
	k := p.carrier
	k.take(&api.AudioChunk{Event: &api.Event{Kind: joined, Participant: &api.Participant{Id: "1", DisplayName: "Ada"}}})
	p.say(make([]int16, 2*second))
	p.now += 2 * time.Second
	k.take(&api.AudioChunk{Event: &api.Event{Kind: left, Participant: &api.Participant{Id: "1", DisplayName: "Ada"}}})
	p.say(make([]int16, 2*second))
	if peak := audiotest.Peak(p.played); peak > 1 {
		t.Errorf("peak %d", peak)
	}
	if p.call.Report().Stats.Cues != nil {
		t.Error("cues are reported")
	}
}

func TestTheOperatorSpeaksUnlessMuted(t *testing.T) {
	p := newPath(t, unprotected(true))
	p.now = 10 * time.Second
	snap := func() (s callstate.Snapshot) { p.call.Snapshot(&s); return s }
	p.say(make([]int16, second))
	if snap().Speaking {
		t.Error("silence is speech")
	}
	p.say(words(second, -20))
	if s := snap(); !s.Speaking || s.TalkingWhileMuted {
		t.Error("speech is none")
	}
	p.call.SetMuted(true)
	if s := snap(); s.Speaking || s.TalkingWhileMuted {
		t.Error("who has just muted speaks on")
	}
	p.say(words(3*second, -20))
	if s := snap(); s.Speaking || !s.TalkingWhileMuted {
		t.Error("the muted speak")
	}
	p.call.SetMuted(false)
	if snap().Speaking {
		t.Error("what was said while muted counts")
	}
	p.say(words(second, -20))
	if !snap().Speaking {
		t.Error("speech after unmuting is none")
	}
}
