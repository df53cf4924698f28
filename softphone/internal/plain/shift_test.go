package plain_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/plain"
)

var update = flag.Bool("update", false, "rewrite the golden transcript")

func TestDevicesAreListedTriedAndChosen(t *testing.T) {
	b := &fakeBench{state: callstate.Bench{Listing: true}}
	atDesk(t, func(o *plain.Options) { o.Bench = b }, func(d *desk) {
		d.want(d.types("use microphone 1"), "Type devices first: the numbers are those of that list.")
		d.want(d.types("devices"), "")
		d.want(d.types("v"), "The devices are busy with what you asked before: type it again in a moment.")
		b.set(func(s *callstate.Bench) { *s = benchState() })
		d.want(d.passes(2*time.Second),
			"Microphones:",
			"1: USB Headset, chosen, -24 dBFS RMS, highest peak -12 dBFS.",
			"2: Web Camera, the system's default, does not open: It is in use by another program.",
			"3: Monitor of Built-in Audio, a monitor: records what an earpiece plays.",
			"Earpieces:",
			"1: USB Headset, chosen.",
			"2: Built-in Audio, the system's default.")
		if b.isOpen() {
			t.Error("the microphones are still open after the list was told")
		}
		d.want(d.types("use"), "Which device? use microphone 2, or use earpiece 1; devices lists them.")
		d.want(d.types("use mic 4"), "There is no 4 in that list: it has 3.")
		d.want(d.types("use ear x"), "No device fits: name one by its number, 1 to 2.")
		d.want(d.types("use microphone camera"), "")
		d.passes(time.Second)
		d.types("tone 1")
		d.want(d.passes(time.Second), "A test tone plays on USB Headset; tone off ends it.")
		d.want(d.types("tone off"), "The tone is over.")
		d.want(d.types("tone off"), "No tone plays.")
		b.set(func(s *callstate.Bench) { s.Earpieces[0].Tone = false })
		d.types("tone 1")
		d.passes(time.Second)
		b.set(func(s *callstate.Bench) { s.Earpieces[0].Tone = false })
		d.want(d.passes(time.Second), "The tone is over.")
		d.want(d.types("record 1"), "")
		d.want(d.passes(time.Second), "Speak: 3 s are recorded from USB Headset.")
		b.set(func(s *callstate.Bench) {
			s.Recording = callstate.Recording{State: callstate.RecordPlaying, Device: "m1", Peak: -12.3}
		})
		d.want(d.passes(time.Second), "This is how you sound; the peak was -12 dBFS.")
		b.set(func(s *callstate.Bench) { s.Recording = callstate.Recording{} })
		d.want(d.passes(time.Second), "The recording is over.")
		b.set(func(s *callstate.Bench) { s.Microphones[1].Gone = true })
		d.want(d.types("record 1")+d.passes(time.Second), "USB Headset is gone: plug it in, then type devices.")
		const want = "begin end begin choose m2 end begin tone e1 end begin tone e1 end begin record m1 end begin end"
		if did := strings.Join(b.calls, " "); did != want || b.isOpen() {
			t.Errorf("the bench was asked for %q, want %q", did, want)
		}
	})
}

func TestDevicesThatDoNotAnswerAreASentence(t *testing.T) {
	b := &fakeBench{state: callstate.Bench{Listing: true}}
	atDesk(t, func(o *plain.Options) { o.Bench = b }, func(d *desk) {
		d.types("devices")
		d.want(d.passes(time.Minute), "Error: the devices did not answer within 12 s.")
		b.set(func(s *callstate.Bench) { *s = callstate.Bench{Err: "there is no sound server: start one"} })
		d.want(d.types("devices"), "Error: There is no sound server: start one.")
		b.set(func(s *callstate.Bench) { *s = callstate.Bench{} })
		d.types("devices")
		d.want(d.passes(2*time.Second), "Microphones: none was found.", "Earpieces: none was found.")
	})
}

func checked() callstate.Check {
	return callstate.Check{Done: true, Grade: callstate.GradeFail, Lines: []callstate.CheckLine{
		{Title: "Server", Grade: callstate.GradePass, Finding: "answers in 1 ms"},
		{Title: "Speech level", Grade: callstate.GradeWarn, Finding: "-31 dBFS", Advice: "Turn the microphone up."},
		{Title: "Echo", Grade: callstate.GradeFail, Finding: "-20 dB after 120 ms", Advice: "Turn the earpiece down, or use a headset"},
		{Title: "Noise floor", Finding: "not tested: the microphone is silent"},
		{Title: "Drift"},
	}}
}

func TestACheckAsksAndTellsItsOutcome(t *testing.T) {
	c := &fakeCheck{}
	atDesk(t, func(o *plain.Options) { o.Check = c }, func(d *desk) {
		d.want(d.types("check"), "The check takes 20 s.")
		c.set(callstate.Check{Running: true, Ask: "Say something, as in a call.", Left: 6 * time.Second}, true)
		d.want(d.passes(5*time.Second), "Say something, as in a call. 6 s.")
		d.want(d.types("check"), "A check goes on; check stop gives it up.")
		c.set(checked(), true)
		d.want(d.passes(time.Second),
			"PASS, Server: answers in 1 ms.",
			"WARN, Speech level: -31 dBFS. Turn the microphone up.",
			"FAIL, Echo: -20 dB after 120 ms. Turn the earpiece down, or use a headset.",
			"Noise floor: not tested: the microphone is silent.",
			"Drift: not known.",
			"The check failed: 1 FAIL, 1 WARN, 1 PASS.")
		if c.open {
			t.Error("the devices of the check were not given back")
		}
		d.want(d.passes(time.Hour), "")
		d.types("check")
		d.want(d.types("check stop"), "The check was given up.")
		d.want(d.types("check stop"), "No check goes on.")
		d.types("check")
		c.set(callstate.Check{Err: "there is a call: hang up first"}, true)
		d.want(d.passes(time.Second), "Error: There is a call: hang up first.")
		d.call("echo")
		d.want(d.types("check"), "There is a call: hang up, then check.")
	})
}

func past() []callstate.Past {
	day := time.Date(2000, 1, 1, 0, 0, 0, 0, time.Local) // where a bubble begins
	all := []callstate.Past{
		{Start: day.Add(-time.Hour), Destination: "room/support", Name: "Support", Length: 185 * time.Second, MOS: 4.21, WorstMOS: 3.87, ConcealedPct: 0.31, Gaps: 2, Gap: 3100 * time.Millisecond, Ended: "hung up"},
		{Start: day.Add(-240 * time.Hour), Destination: "echo", Length: 3725 * time.Second, Ended: "cut"},
		{Start: day.Add(-9000 * time.Hour), Destination: "tone", Ended: "failed", Err: "server 127.0.0.1:1 cannot be reached"},
	}
	for range 9 {
		all = append(all, callstate.Past{Start: day.Add(-500 * time.Hour), Destination: "room/old", Length: time.Second, Ended: "hung up"})
	}
	return all
}

func TestTheHistoryIsListedSearchedAndRedialed(t *testing.T) {
	h := &fakeHistory{all: past()}
	atDesk(t, func(o *plain.Options) { o.History = h }, func(d *desk) {
		d.types("history support")
		said := d.passes(time.Second)
		if !strings.HasSuffix(said, "Support, room/support, 3 min 5 s, MOS 4.2 estimated, worst minute 3.9, 0.3 % made up, without a connection twice, 3.1 s in all, hung up.") || !strings.HasPrefix(said, "1: ") {
			t.Error(said)
		}
		d.types("y")
		lines := strings.Split(d.passes(time.Second), "\n")
		if len(lines) != 11 || lines[10] != "2 more: history more. redial 1 calls the first." ||
			!strings.HasSuffix(lines[1], "echo, 1 h 2 min, cut.") || !strings.HasSuffix(lines[2], "tone, 0 s, failed: server 127.0.0.1:1 cannot be reached.") {
			t.Errorf("%q", lines)
		}
		if more := d.types("history more"); !strings.HasPrefix(more, "11: ") || strings.Count(more, "\n") != 1 {
			t.Error(more)
		}
		d.want(d.types("history more"), "There are no more in that list.")
		d.want(d.types("redial 13"), "There is no 13 in that list: it has 1 to 12.")
		d.want(d.types("redial x"), "There is no x in that list: it has 1 to 12.")
		d.want(d.types("redial 3"), "Calling tone at 127.0.0.1:50051.")
		d.types("history nobody")
		d.want(d.passes(time.Second), "No call fits.")
	})
}

// shiftScript is a whole shift: lines that are typed, and, after a colon, what
// happens.
const shiftScript = `check
:speak
:checked
devices
use microphone 1
dial supp
:answered
:ada joins
mute
:talks
talk
mute
unmute
mic +3
:stalled
:flows
who
status
quality
hold
resume
12#
:reconnects
:back
save
hangup
hang up
history
redial 2
:answered
training delay 200 loss 2
delay
training off
quit
yes`

func TestAWholeShift(t *testing.T) {
	var got strings.Builder
	b, c, h := &fakeBench{state: benchState()}, &fakeCheck{}, &fakeHistory{all: past()[1:3]}
	with := func(o *plain.Options) { o.Bench, o.Check, o.History = b, c, h }
	atDesk(t, with, func(d *desk) {
		for line := range strings.Lines(shiftScript) {
			line = strings.TrimSuffix(line, "\n")
			said := ""
			if what, ok := strings.CutPrefix(line, ":"); ok {
				got.WriteString("\t(" + what + ")\n")
				said = event(d, c, what)
			} else {
				got.WriteString("> " + line + "\n")
				said = d.types(line)
			}
			if rest := d.passes(2 * time.Second); rest != "" {
				said = strings.TrimPrefix(said+"\n"+rest, "\n")
			}
			if said != "" {
				got.WriteString(said + "\n")
			}
		}
		if err := <-d.done; err != nil {
			t.Error(err)
		}
		d.done <- nil
		if h.state.Find != "" || b.isOpen() || c.open {
			t.Errorf("the desk was left with %+v, bench open %v, check open %v", h.state.Find, b.isOpen(), c.open)
		}
	})
	golden(t, "shift.golden", got.String())
}

// event is what happens in a shift.
func event(d *desk, c *fakeCheck, what string) string {
	switch what {
	case "speak":
		c.set(callstate.Check{Running: true, Ask: "Say something, as in a call.", Left: 6 * time.Second}, true)
	case "checked":
		c.set(checked(), true)
	case "answered":
		d.phone.answer()
	case "ada joins":
		return d.happens(func(s *callstate.Snapshot) {
			s.Roster = []callstate.Participant{{ID: "1", Name: "Ada", Speaking: true}}
		})
	case "talks":
		return d.happens(func(s *callstate.Snapshot) { s.TalkingWhileMuted = true })
	case "stalled":
		return d.happens(suffers(stalled))
	case "flows":
		return d.happens(suffers(over(stalled, "downlink stalled 2.1 s")))
	case "reconnects":
		return d.happens(func(s *callstate.Snapshot) {
			s.State, s.Link.State = callstate.Reconnecting, callstate.LinkLost
			s.Verdict.Troubles = []callstate.Trouble{{
				Kind: callstate.KindServerGone, Severity: callstate.Failure,
				Text: "server cannot be reached 1.2 s, 59 s left", Effect: "nobody hears you, you hear nothing",
			}}
		})
	case "back":
		d.phone.notices <- callstate.Notice{Text: "Back after 3.2 s on 127.0.0.1:50051."}
		return d.happens(func(s *callstate.Snapshot) {
			s.State, s.Link.State, s.Link.Resumes, s.Link.Gap = callstate.Live, callstate.LinkUp, 1, 3200*time.Millisecond
			s.Verdict.Troubles = nil
		})
	}
	synctest.Wait()
	return d.out.since()
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	path := filepath.Join("testdata", file)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the transcript has changed (rewrite it with -update, and read the difference):\n%s", got)
	}
}
