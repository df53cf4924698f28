package plain_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"callcenter/softphone/internal/callstate"
)

var (
	stalled = callstate.Trouble{Kind: callstate.KindDownlink, Severity: callstate.Warning, Text: "downlink stalled 0.6 s", Effect: "you hear nothing"}
	late    = callstate.Trouble{Kind: callstate.KindComputer, Severity: callstate.Warning, Text: "this computer is late", Effect: "both sides hear gaps"}
	gone    = callstate.Trouble{Kind: callstate.KindMicrophone, Severity: callstate.Failure, Text: "microphone gone 0.4 s", Effect: "nobody hears you"}
)

// suffers makes a call suffer from those troubles.
func suffers(troubles ...callstate.Trouble) func(*callstate.Snapshot) {
	return func(s *callstate.Snapshot) { s.Verdict.Troubles = troubles }
}

func over(t callstate.Trouble, text string) callstate.Trouble {
	t.Over, t.Severity, t.Text, t.Effect = true, callstate.Info, text, "over, you heard a gap"
	return t
}

func TestATroubleIsToldOnceAndOnceThatItIsOver(t *testing.T) {
	atDesk(t, nil, func(d *desk) {
		d.call("echo")
		d.want(d.happens(suffers(stalled)), "Warning: Downlink stalled 0.6 s: you hear nothing.")
		for i := range 50 { // its text counts on
			it := stalled
			it.Text = fmt.Sprintf("downlink stalled %d s", i)
			d.want(d.happens(suffers(it)), "")
		}
		d.happens(suffers(over(stalled, "downlink stalled 3.1 s")))
		d.want(d.passes(2*time.Second), "Downlink stalled 3.1 s: over, you heard a gap.")
		d.want(d.passes(time.Minute), "")
		d.want(d.happens(suffers()), "")
	})
}

func TestWhatCannotBeSeenIsNotOver(t *testing.T) {
	up := callstate.Trouble{Kind: callstate.KindUplink, Severity: callstate.Warning, Text: "uplink stalled 0.4 s", Effect: "they hear gaps"}
	atDesk(t, nil, func(d *desk) {
		d.call("echo")
		d.happens(suffers(up))
		d.want(d.happens(suffers(up, stalled)), "Warning: Downlink stalled 0.6 s: you hear nothing.")
		d.happens(suffers(stalled, over(up, "uplink stalled 0.4 s"))) // nothing comes that could tell
		d.want(d.passes(5*time.Second), "")
		d.happens(suffers())
		d.want(d.passes(2*time.Second), "Uplink stalled 0.4 s: over, you heard a gap.", "Downlink stalled 0.6 s: over.")
	})
}

func TestTroublesThatBeginTogetherAreOneSentence(t *testing.T) {
	atDesk(t, nil, func(d *desk) {
		d.call("echo")
		d.want(d.happens(suffers(stalled, late)), "Warning: Downlink stalled 0.6 s: you hear nothing, this computer is late.")
		d.want(d.happens(suffers(gone, stalled, late)), "Error: Microphone gone 0.4 s: nobody hears you.")
	})
}

func TestATroubleThatFlickersIsNotToldAgainAndAgain(t *testing.T) {
	atDesk(t, nil, func(d *desk) {
		d.call("echo")
		said := d.happens(suffers(stalled))
		for range 600 { // five minutes: on for 250 ms, off for 250 ms
			said += "\n" + d.happens(suffers())
			said += "\n" + d.passes(250*time.Millisecond)
			said += "\n" + d.happens(suffers(stalled))
			said += "\n" + d.passes(250*time.Millisecond)
		}
		if n := strings.Count(said, "ownlink"); n != 1 {
			t.Errorf("told %d times that it is there, or over", n)
		}
		d.happens(suffers())
		for range 30 { // on for a second, off for two
			said += d.passes(2 * time.Second)
			said += d.happens(suffers(stalled))
			said += d.passes(time.Second)
			said += d.happens(suffers())
		}
		if n := strings.Count(said, "ownlink"); n > 14 {
			t.Errorf("told %d times in 90 s", n)
		}
	})
}

func TestATroubleThatGetsWorseIsToldAtOnce(t *testing.T) {
	atDesk(t, nil, func(d *desk) {
		d.call("echo")
		mild := gone
		mild.Severity, mild.Text = callstate.Warning, "microphone stalled 1.0 s"
		d.want(d.happens(suffers(mild)), "Warning: Microphone stalled 1.0 s: nobody hears you.")
		d.want(d.happens(suffers(gone)), "Error: Microphone gone 0.4 s: nobody hears you.")
		d.want(d.happens(suffers(mild)), "")
	})
}

func TestANoticeAndTheVerdictTellTheSameThingOnce(t *testing.T) {
	const text = `The microphone "USB" is gone: nobody hears you until it is back.`
	notice := callstate.Notice{Severity: callstate.Failure, Text: text, About: callstate.KindMicrophone}
	back := callstate.Notice{Text: `The microphone "USB" is back after 4.0 s.`}
	atDesk(t, nil, func(d *desk) {
		d.call("echo")
		d.want(d.says(notice), "Error: "+text)
		d.want(d.happens(suffers(gone)), "")
		d.passes(4 * time.Second)
		d.want(d.says(back), back.Text)
		d.want(d.happens(suffers()), "")
		d.want(d.passes(time.Minute), "")

		d.want(d.happens(suffers(gone)), "Error: Microphone gone 0.4 s: nobody hears you.")
		d.want(d.says(notice), "")
		d.passes(time.Second)
		d.happens(suffers())
		d.want(d.passes(500*time.Millisecond), "")
		d.want(d.says(back), back.Text)
		d.want(d.passes(time.Minute), "")

		d.want(d.says(notice), "Error: "+text) // which the verdict never names
		d.want(d.passes(time.Minute), "")
	})
}

func TestALinkThatIsLostIsToldOnce(t *testing.T) {
	atDesk(t, nil, func(d *desk) {
		d.call("echo")
		d.want(d.says(callstate.Notice{Severity: callstate.Warning, Text: "Connection lost, trying 127.0.0.1:50051 again.", About: callstate.KindServerGone}),
			"Warning: Connection lost, trying 127.0.0.1:50051 again.")
		lost := callstate.Trouble{Kind: callstate.KindServerGone, Severity: callstate.Failure, Text: "server cannot be reached 0.1 s", Effect: "nobody hears you"}
		d.want(d.happens(suffers(lost)), "")
		d.want(d.happens(func(s *callstate.Snapshot) {
			s.State, s.Link = callstate.Reconnecting, callstate.Link{State: callstate.LinkLost, Quiet: 4 * time.Second, Gap: 4 * time.Second, Draining: true}
		}), "")
		if said := d.types("status"); !strings.Contains(said, "Reconnecting: echo for 12 min 34 s") ||
			!strings.Contains(said, "The link: nothing has come for 4.0 s; the server is about to end, the call moves; 4.0 s without a connection.") {
			t.Errorf("status says:\n%s", said)
		}
	})
}

func TestABlackBoxKeepsWhatWasSaidInThisCallButNoDigits(t *testing.T) {
	atDesk(t, nil, func(d *desk) {
		d.call("room/before")
		d.types("h")
		d.call("echo")
		d.types("mute")
		d.want(d.types("4711"), "Sent 4 7 1 1.")
		d.want(d.says(callstate.Notice{Text: "The server heard 4.", Private: true}), "The server heard 4.")
		d.types("save")
		kept := d.phone.screen
		for _, want := range []string{"Calling echo at", "Your microphone is muted.", "Live: echo for 12 min 34 s"} {
			if !strings.Contains(kept, want) {
				t.Errorf("%q is not kept", want)
			}
		}
		for _, secret := range []string{"before", "4 7 1 1", "heard 4"} {
			if strings.Contains(kept, secret) {
				t.Errorf("%q is kept:\n%s", secret, kept)
			}
		}
	})
}

func TestATroubleEndsWithItsCall(t *testing.T) {
	atDesk(t, nil, func(d *desk) {
		d.call("echo")
		d.happens(suffers(stalled))
		d.types("hang up")
		d.want(d.passes(time.Minute), "")
		d.call("echo")
		d.want(d.happens(suffers(stalled)), "Warning: Downlink stalled 0.6 s: you hear nothing.")
	})
}

func TestWhoComesAndGoesIsTold(t *testing.T) {
	room := func(names ...string) func(*callstate.Snapshot) {
		return func(s *callstate.Snapshot) {
			s.Roster = nil
			for _, n := range names {
				s.Roster = append(s.Roster, callstate.Participant{ID: "id-" + n, Name: n})
			}
		}
	}
	atDesk(t, nil, func(d *desk) {
		d.call("room/x")
		d.want(d.passes(2*time.Second), "Nobody else is in the room.")
		d.want(d.says(callstate.Notice{Text: "Ada joined.", Presence: true}), "") // the roster tells it
		d.want(d.happens(room("Ada")), "Ada joined.")
		d.want(d.happens(room("Ada", "Bo", "Cy")), "") // told together with what follows soon
		d.want(d.happens(room("Bo", "Cy", "Di")), "")
		d.want(d.passes(2*time.Second), "Bo, Cy and Di joined.", "Ada left.")
		d.want(d.happens(func(s *callstate.Snapshot) { s.Roster, s.Link.State = nil, callstate.LinkLost }), "")
		d.want(d.passes(2*time.Second), "")
		d.want(d.happens(func(s *callstate.Snapshot) { s.Link.State = callstate.LinkUp }), "")
		d.want(d.passes(2*time.Second), "")
		d.happens(room("Bo")) // who is there again, too
		d.want(d.passes(3*time.Second), "Cy and Di left.")
		d.want(d.happens(room()), "Bo left.")
		d.passes(2 * time.Second)
		d.want(d.happens(room("1", "2", "3", "4", "5", "6", "7")), "1, 2, 3, 4, 5 and 2 more joined.")
		d.types("h")
		d.types("dial room/y")
		d.phone.set(func(s *callstate.Snapshot) {
			*s = live()
			s.CallID, s.Destination = "2", "room/y"
			s.Roster = []callstate.Participant{{ID: "a", Name: "Ada\x1b[2J\n"}, {ID: "b"}}
		})
		d.want(d.passes(time.Second), "Connected to room/y.", "In the room with you: Ada and Somebody without a name.")
	})
}

func TestWhoSpeaksWhileMutedIsToldNowAndThen(t *testing.T) {
	const hint = "You speak, but your microphone is muted: nobody hears you. Type unmute, or talk."
	atDesk(t, nil, func(d *desk) {
		d.call("echo")
		d.types("mute")
		talks := func(on bool) func(*callstate.Snapshot) {
			return func(s *callstate.Snapshot) { s.TalkingWhileMuted = on }
		}
		d.want(d.happens(talks(true)), hint)
		d.want(d.passes(time.Minute), "")
		d.happens(talks(false))
		d.want(d.happens(talks(true)), hint)
		d.happens(talks(false))
		d.want(d.happens(talks(true)), "")
	})
}

func TestTheSummaryFollowsTheLastNotice(t *testing.T) {
	atDesk(t, nil, func(d *desk) {
		d.call("echo")
		ends := func(s *callstate.Snapshot) {
			s.State = callstate.Idle
			s.Link.Gap, s.Link.Resumes = 3100*time.Millisecond, 2
			s.Counts.Interruptions = 1
		}
		const summary = "Summary: 12 min 34 s; MOS 4.4 of 4.4, estimated; 0.1 % of what you heard was made up; " +
			"3.1 s without a connection, resumed twice; interrupted once."
		d.want(d.happens(ends), "")
		d.want(d.says(callstate.Notice{Severity: callstate.Failure, Text: "server x ended the call: dial again"}),
			"Error: Server x ended the call: dial again.", summary)
		d.call("echo")
		d.happens(ends)
		d.want(d.passes(5*time.Second), summary) // no notice comes
	})
}

func TestACallThatFailsHasNoSummary(t *testing.T) {
	atDesk(t, nil, func(d *desk) {
		d.types("dial tone")
		d.happens(func(s *callstate.Snapshot) { s.State = callstate.Idle })
		d.want(d.says(callstate.Notice{Severity: callstate.Failure, Text: "server x cannot be reached: check that it runs"}),
			"Error: Server x cannot be reached: check that it runs.")
		d.want(d.passes(time.Minute), "")
	})
}

func TestAnotherCallIsSeenAlsoWhenTheEndOfTheFirstIsNot(t *testing.T) {
	atDesk(t, nil, func(d *desk) {
		d.call("echo")
		said := d.happens(func(s *callstate.Snapshot) {
			*s = live()
			s.CallID, s.Destination = "other", "tone"
		})
		if !strings.Contains(said, "Connected to tone.") {
			t.Errorf("printed %q", said)
		}
	})
}

func TestAnIdleLineIsNotLookedAt(t *testing.T) {
	atDesk(t, nil, func(d *desk) {
		before := d.phone.looked()
		d.want(d.passes(20*time.Hour), "")
		if n := d.phone.looked() - before; n != 0 {
			t.Errorf("%d looks at an idle line", n)
		}
		d.call("echo")
		before = d.phone.looked()
		d.want(d.passes(10*time.Second), "")
		if n := d.phone.looked() - before; n < 30 || n > 50 {
			t.Errorf("%d looks in 10 s of a call, want 4 a second", n)
		}
	})
}
