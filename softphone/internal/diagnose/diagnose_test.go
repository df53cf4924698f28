package diagnose

import (
	"strings"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/softphone/internal/callstate"
)

const ms = time.Millisecond

// scene is a call that is looked at four times a second.
type scene struct {
	t     *testing.T
	watch Watch
	now   time.Duration
	snap  callstate.Snapshot
	found Findings
}

// newScene is a call in a room that has gone on for a while and does well.
func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{t: t, now: time.Minute}
	s.snap = callstate.Snapshot{
		State: callstate.Live, Destination: "room/x", FrameMS: 20,
		MicrophoneOpen: &audio.Endpoint{ID: "mic"}, EarpieceOpen: &audio.Endpoint{ID: "ear"},
		Roster:  []callstate.Participant{{ID: "1", Name: "Ada"}},
		Health:  callstate.Health{Acknowledges: true, Unheard: 40 * ms, Quiet: 20 * ms, ServerTime: 40 * ms},
		Delay:   callstate.Delay{RTT: 30 * ms, RTTKnown: true, MouthToEarEst: 120 * ms},
		Quality: callstate.Quality{Known: true, Delay: 120 * ms},
	}
	s.goes(15*time.Second, nil)
	if len(s.found.Verdict.Troubles) > 0 || !s.found.Verdict.Heard {
		t.Fatalf("at first: %+v", s.found.Verdict)
	}
	return s
}

// goes lets time pass; each look changes the call first.
func (s *scene) goes(d time.Duration, change func(*callstate.Snapshot)) {
	for end := s.now + d; s.now < end; {
		s.now += lookEvery
		s.snap.Duration += lookEvery
		s.snap.Health.Played += audio.Rate / 4
		if change != nil {
			change(&s.snap)
		}
		s.found = s.watch.Look(&s.snap, s.now)
	}
}

// text is the first trouble, or why all is well.
func (s *scene) text() string {
	if t := s.found.Verdict.Troubles; len(t) > 0 {
		return t[0].String()
	}
	return s.found.Verdict.Good
}

func (s *scene) reads(want string) {
	s.t.Helper()
	if got := s.text(); !strings.Contains(got, want) {
		s.t.Errorf("it reads %q, want %q", got, want)
	}
}

// kinds are the troubles in their order.
func (s *scene) kinds() (list []callstate.Kind) {
	for _, t := range s.found.Verdict.Troubles {
		list = append(list, t.Kind)
	}
	return list
}

func TestATroubleIsReadForThreeSecondsAfterItIsOver(t *testing.T) {
	s := newScene(t)
	unheard := func(d time.Duration) func(*callstate.Snapshot) {
		return func(c *callstate.Snapshot) { c.Health.Unheard = d }
	}
	s.goes(lookEvery, unheard(340*ms))
	s.reads("uplink stalled 340 ms: they hear gaps")
	over := func() bool { return s.found.Verdict.Troubles[0].Over }
	if over() {
		t.Error("it is said to be over while it goes on")
	}
	s.goes(lookEvery, unheard(40*ms))
	s.reads("uplink stalled 340 ms: over, they heard a gap")
	if !over() {
		t.Error("it is not said to be over")
	}
	s.goes(2500*ms, nil)
	s.reads("over, they heard a gap")
	s.goes(500*ms, nil)
	s.reads("They hear you")
}

func TestATroubleThatComesAgainAndAgainStaysLonger(t *testing.T) {
	s := newScene(t)
	changes, was := 0, ""
	for range 10 {
		s.goes(lookEvery, func(c *callstate.Snapshot) { c.Health.Unheard = 400 * ms })
		s.goes(5*time.Second, func(c *callstate.Snapshot) {
			c.Health.Unheard = 40 * ms
			if is := s.text(); strings.Contains(is, "uplink") != strings.Contains(was, "uplink") {
				changes, was = changes+1, is
			}
		})
	}
	if changes > 3 {
		t.Errorf("a stall each 5 s made the line change %d times", changes)
	}
	s.goes(13*time.Second, nil)
	s.reads("They hear you")
}

func TestTheWorstIsReadFirst(t *testing.T) {
	s := newScene(t)
	s.goes(time.Second, func(c *callstate.Snapshot) {
		c.Health.Unheard = time.Second
		c.Silence, c.SilentFor = callstate.ExactZeros, 2*time.Second
		c.EarpieceEnd = callstate.End{State: callstate.EndGone, Since: time.Second}
	})
	got := s.kinds()
	want := []callstate.Kind{callstate.KindEarpiece, callstate.KindMicrophone, callstate.KindUplink}
	if len(got) != len(want) || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("the order is %v, want %v", got, want)
	}
	if s.found.Verdict.Troubles[0].Severity != callstate.Failure {
		t.Errorf("a device that is gone is no failure: %+v", s.found.Verdict.Troubles[0])
	}
}

func TestAServerThatSendsNoAudioIsTheCulprit(t *testing.T) {
	s := newScene(t)
	garbage := func(n uint64) func(*callstate.Snapshot) {
		return func(c *callstate.Snapshot) {
			c.Health.Unplayable += n
			c.Counts.Concealed += n * 960 // what is missing follows from it
		}
	}
	s.goes(lookEvery, garbage(1)) // one packet is no garbage
	s.goes(5*time.Second, nil)
	s.reads("They hear you")
	s.goes(2*time.Second, garbage(12))
	s.reads("server sends what cannot be played")
	s.goes(4*time.Second, garbage(12))
	s.reads("server sends what cannot be played, 192 packets in 4 s: you hear gaps")
	if kinds := s.kinds(); len(kinds) != 1 || kinds[0] != callstate.KindServer {
		t.Errorf("the troubles are %v", kinds)
	}
	s.goes(8*time.Second, nil)
	s.reads("They hear you")
}

func TestAServerIsBusyByWhatIsUsualThere(t *testing.T) {
	s := newScene(t)
	takes := func(d time.Duration) func(*callstate.Snapshot) {
		return func(c *callstate.Snapshot) { c.Health.ServerTime = d }
	}
	s.goes(5*time.Second, takes(110*ms)) // a member with a worse network
	s.reads("They hear you")
	s.goes(lookEvery, takes(300*ms)) // one value is none
	s.goes(lookEvery, takes(40*ms))
	s.reads("They hear you")
	s.goes(time.Second, takes(300*ms))
	s.reads("server busy, it takes 300 ms (usually 40 ms): you hear all of it later")
	s.goes(4*time.Second, takes(40*ms))
	s.reads("They hear you")
}

func TestALateLookAccusesThisComputerAndNobodyElse(t *testing.T) {
	s := newScene(t)
	s.now += time.Second
	s.goes(lookEvery, func(c *callstate.Snapshot) {
		c.Health.Quiet, c.Health.Unheard = time.Second, time.Second
		c.Silence, c.SilentFor = callstate.NoCallbacks, time.Second
	})
	s.reads("this computer is late 1.0 s: both sides hear gaps")
	if got := s.kinds(); len(got) != 1 {
		t.Errorf("named: %v", got)
	}
}

func TestWhatIsMadeUpIsNamedOnceItLasts(t *testing.T) {
	s := newScene(t)
	s.goes(2*time.Second, func(c *callstate.Snapshot) { c.Counts.Concealed += audio.Rate / 4 / 5 })
	s.reads("is missing: you hear gaps")
	s = newScene(t)
	s.snap.Remote.Plays = true
	s.goes(2*time.Second, func(c *callstate.Snapshot) { c.Remote.Counts.Concealed += audio.Rate / 4 / 5 })
	s.reads("of what you say is missing: they hear gaps")
	s = newScene(t) // what is silent in the original is not missed
	s.goes(4*time.Second, func(c *callstate.Snapshot) {
		c.Counts.Concealed += audio.Rate / 40
		c.Counts.SilentConcealed += audio.Rate / 40
	})
	if got := s.kinds(); len(got) > 0 && got[0] != callstate.KindQuality {
		t.Errorf("named: %v", s.found.Verdict)
	}
}

func TestWhyNobodyHearsIsSaid(t *testing.T) {
	for want, change := range map[string]func(*callstate.Snapshot){
		"You hold the call": func(c *callstate.Snapshot) { c.Held, c.Muted = true, true },
		"You are muted":     func(c *callstate.Snapshot) { c.Muted = true },
		"Nobody hears you: your token does not let you speak.": func(c *callstate.Snapshot) { c.MayNotSpeak, c.Muted = true, true },
		"Nobody hears you, you hear nobody":                    func(c *callstate.Snapshot) { c.MayNotSpeak, c.MayNotListen = true, true },
		"muted: nobody hears you; your token does not let":     func(c *callstate.Snapshot) { c.MayNotListen, c.Muted = true, true },
		"Nobody else is here.":                                 func(c *callstate.Snapshot) { c.Roster = nil },
		"You hear nobody":                                      func(c *callstate.Snapshot) { c.MayNotListen, c.Roster, c.Health.Acknowledges = true, nil, false },
		"Everybody else holds":                                 func(c *callstate.Snapshot) { c.Roster = []callstate.Participant{{Held: true}} },
		"The server does not say":                              func(c *callstate.Snapshot) { c.Health.Acknowledges = false },
	} {
		s := newScene(t)
		s.goes(time.Second, change)
		s.reads(want)
		if s.found.Verdict.Heard {
			t.Errorf("%q, and heard", s.text())
		}
	}
}

func TestWhoMayNotListenIsNotTakenToBeAlone(t *testing.T) {
	s := newScene(t)
	s.goes(time.Second, func(c *callstate.Snapshot) { c.MayNotListen, c.Roster = true, nil })
	s.reads("You get through, confirmed")
	if !s.found.Verdict.Heard {
		t.Error("and not heard")
	}
}

func TestNothingIsSaidWithoutACall(t *testing.T) {
	s := newScene(t)
	s.goes(lookEvery, func(c *callstate.Snapshot) { c.Health.Unheard = time.Second })
	s.goes(lookEvery, func(c *callstate.Snapshot) { c.State = callstate.Ending })
	if v := s.found.Verdict; len(v.Troubles) > 0 || v.Good != "" {
		t.Errorf("after the end: %+v", v)
	}
	if len(s.found.Timeline) < 10 {
		t.Error("the timeline went with the call")
	}
}

func TestALookIsCheap(t *testing.T) {
	s := newScene(t)
	if n := testing.AllocsPerRun(1000, func() {
		s.now += lookEvery
		s.snap.Health.Played += audio.Rate / 4
		s.watch.Look(&s.snap, s.now)
	}); n > 4 {
		t.Errorf("a look allocates %.1f times", n)
	}
}

func TestWhatDevicesDoWhileTheyStartIsNotJudged(t *testing.T) {
	s := newScene(t)
	s.goes(lookEvery, func(c *callstate.Snapshot) { c.EarpieceOpen = &audio.Endpoint{ID: "other"} })
	s.goes(time.Second, func(c *callstate.Snapshot) { c.Health.Underruns++ })
	s.goes(10*time.Second, nil)
	s.reads("They hear you")
	s.goes(2*time.Second, func(c *callstate.Snapshot) { c.Health.Underruns++ })
	s.reads("speaker underruns")
}

func TestAMicrophoneThatIsSilentInACallOnHoldIsNoTrouble(t *testing.T) {
	s := newScene(t)
	s.goes(time.Second, func(c *callstate.Snapshot) {
		c.Held, c.Silence, c.SilentFor = true, callstate.ExactZeros, 5*time.Second
	})
	s.reads("You hold the call")
	s.goes(lookEvery, func(c *callstate.Snapshot) { c.MicrophoneEnd = callstate.End{State: callstate.EndGone} })
	s.reads("microphone gone")
}

func TestWhatTrainingDoesIsNoTrouble(t *testing.T) {
	s := newScene(t)
	s.goes(20*time.Second, func(c *callstate.Snapshot) {
		c.Training.LossPct, c.Quality.Delay = 10, 600*ms
		c.Counts.Concealed += audio.Rate / 4 / 10
	})
	s.reads("They hear you")
	if s.found.Warnings == 0 {
		t.Error("the figures are not marked")
	}
}

func TestWhoMayNotSpeakIsToldOfNoGapsThatNobodyHears(t *testing.T) {
	s := newScene(t)
	s.goes(2*time.Second, func(c *callstate.Snapshot) {
		c.MayNotSpeak, c.Health.Unheard = true, 340*ms
		c.MicrophoneEnd = callstate.End{State: callstate.EndGone, Since: time.Second}
	})
	s.reads("Nobody hears you: your token does not let you speak.")
}
