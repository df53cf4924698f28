package plain_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"callcenter/softphone/internal/callstate"
)

// act is a line that is typed, what the phone is asked for and what is printed.
type act struct {
	line string
	did  []string
	said string
}

func play(t *testing.T, begin func(d *desk), acts []act) {
	t.Helper()
	for _, a := range acts {
		t.Run(strings.ReplaceAll(a.line, " ", "_"), func(t *testing.T) {
			atDesk(t, nil, func(d *desk) {
				begin(d)
				got := d.types(a.line)
				d.want(got, a.said)
				if did := d.phone.took(); !slices.Equal(did, a.did) {
					t.Errorf("%q: the phone was asked for %q, want %q", a.line, did, a.did)
				}
			})
		})
	}
}

func TestCommandsWithoutACall(t *testing.T) {
	calling := func(to string) string { return "Calling " + to + " at 127.0.0.1:50051." }
	play(t, func(*desk) {}, []act{
		{"dial", []string{"dial echo"}, calling("echo")},
		{"d", []string{"dial echo"}, calling("echo")},
		{"  DIAL   room/a-b  ", []string{"dial room/a-b"}, calling("room/a-b")},
		{"call tone", []string{"dial tone"}, calling("tone")},
		{"/tone", []string{"dial tone"}, calling("tone")},
		{"/", nil, "Whom? /room/support, /2 or /ada; the favourites: 1 Support, 2 tone."},
		{"1", []string{"dial room/support"}, calling("room/support")},
		{"dial 2", []string{"dial tone"}, calling("tone")},
		{"dial 3", nil, "There is no favourite 3: 1 Support, 2 tone."},
		{"dial supp", []string{"dial room/support"}, calling("room/support")},
		{"dial love ada", []string{"dial room/ada"}, calling("room/ada")},
		{"dial ADA", []string{"dial room/ada2"}, calling("room/ada2")},
		{"dial ada l", []string{"dial room/ada"}, calling("room/ada")},
		{"dial room", nil, "3 fit: Support, Ada Lovelace and Ada. Type more of the name."},
		{"dial 4711", nil, `"4711" is no destination: type echo, tone or room/NAME.`},
		{"dial room/A B", nil, "The name of a room has a-z 0-9 . _ - only, not 'A'."},
		{"redial", []string{"dial room/support"}, calling("room/support")},
		{"r", []string{"dial room/support"}, calling("room/support")},
		{"redial 1", nil, "Type history first: the numbers are those of that list."},
		{"hang up", nil, "There is no call."},
		{"hold", nil, "There is no call that could be held."},
		{"x", nil, "There is no call that could be held."},
		{"mute", nil, "There is no call: the microphone is not open."},
		{"talk", nil, "There is no call: the microphone is not open."},
		{"digits 1", nil, "There is no call to send digits in."},
		{"12", nil, "There is no call to send digits in."},
		{"#", nil, "There is no call to send digits in."},
		{"# a comment", nil, ""},
		{"", nil, ""},
		{"   ", nil, ""},
		{"who", nil, "There is no call."},
		{"levels", nil, "Nothing is open: dial, or type devices."},
		{"delay", nil, "There are no figures yet: dial."},
		{"quality", nil, "There are no figures yet: dial."},
		{"details", nil, "There are no figures yet: dial."},
		{"training", nil, "Training works in a call to echo: dial echo."},
		{"devices", nil, "The devices cannot be tried here."},
		{"tone 1", nil, "Type devices first: the numbers are those of that list."},
		{"check", nil, "There is no check here."},
		{"history", nil, "There is no history here."},
		{"save", []string{"save"}, "The last 60 s are in box-1.zip: both legs, figures, no secrets."},
		{"!", []string{"save"}, "The last 60 s are in box-1.zip: both legs, figures, no secrets."},
		{"wait", nil, "Wait for what? wait 5s, wait connected or wait ended, with a limit behind it, such as wait connected 10s."},
		{"help dial", nil, "dial [WHO]: calls: dial alone the default, dial 2 the second favourite, dial room/support, dial ada whom that fits (d, /)."},
		{"? x", nil, "hold: holds the call: nobody hears you, you hear nobody (x switches)."},
		{"status", nil, "Idle; the server is 127.0.0.1:50051.\n" +
			"Microphone 0 dB, as it comes; ear volume 0 dB, as it comes; own sounds on.\n" +
			"High-pass on, noise suppression on, level control on."},
	})
}

func TestCommandsInACall(t *testing.T) {
	play(t, func(d *desk) { d.call("echo") }, []act{
		{"dial", nil, "There is a call already: hang up first."},
		{"redial", nil, "There is a call already: hang up first."},
		{"mute", []string{"toggle mute"}, "Your microphone is muted."},
		{"m", []string{"toggle mute"}, "Your microphone is muted."},
		{"unmute", nil, "Your microphone is open already."},
		{"talk", nil, "Your microphone is open: talk opens a muted one for a while."},
		{" ", nil, "Your microphone is open: talk opens a muted one for a while."},
		{"hold", []string{"toggle hold"}, "You hold the call: nobody hears you, and you hear nobody."},
		{"x", []string{"toggle hold"}, "You hold the call: nobody hears you, and you hear nobody."},
		{"resume", nil, "The call is not held."},
		{"digits 12 #a", []string{"digit 1", "digit 2", "digit #", "digit A"}, "Sent 1 2 # A."},
		{"3*", []string{"digit 3", "digit *"}, "Sent 3 *."},
		{"7", []string{"digit 7"}, "Sent 7."},
		{"digits 1x", nil, "Nothing was sent: digits are 0 to 9, *, # and A to D."},
		{"digits", nil, "Which digits? digits 123#."},
		{"12345678901234567", nil, "Nothing was sent: 16 digits at once at most, these are 17."},
		{"mic +3", []string{"mic +3"}, "Microphone +3 dB."},
		{"mic -2.5 dB", []string{"mic -2.5"}, "Microphone -2.5 dB."},
		{"mic 6", []string{"mic +6"}, "Microphone +6 dB."},
		{"mic", nil, "Microphone 0 dB, as it comes."},
		{"mic +99", []string{"mic +99"}, "Microphone +20 dB, the most there is."},
		{"ear -99", []string{"ear -99"}, "Ear volume -40 dB, the least there is."},
		{"ear loud", nil, "loud is not clear: mic +3 turns up by 3 dB, mic 0 sets it; ear does the same."},
		{"mic NaN", nil, "NaN is not clear: mic +3 turns up by 3 dB, mic 0 sets it; ear does the same."},
		{"++", []string{"mic +2"}, "Microphone +2 dB."},
		{"-3", []string{"mic -3"}, "Microphone -3 dB."},
		{"<<", []string{"ear -2"}, "Ear volume -2 dB."},
		{">", []string{"ear +1"}, "Ear volume +1 dB."},
		{"sounds off", []string{"sounds"}, "The softphone's own sounds: off."},
		{"s", []string{"sounds"}, "The softphone's own sounds: off."},
		{"sounds on", nil, "The softphone's own sounds: on already."},
		{"sounds loud", nil, "The softphone's own sounds: on or off, not loud."},
		{"high-pass", []string{"high-pass"}, "High-pass: off."},
		{"noise off", []string{"denoise"}, "Noise suppression: off."},
		{"level off", []string{"level"}, "Level control: off."},
		{"training delay 200 jitter 30ms loss 2%", []string{"train 200ms 30ms 2"}, "Training adds 200 ms of delay, 30 ms of jitter and 2 % of loss."},
		{"t", nil, "Training is off."},
		{"training delay 99999", []string{"train 1s 0s 0"}, "Training adds 1000 ms of delay, 0 ms of jitter and 0 % of loss."},
		{"training loss", nil, "loss is not clear: training delay 200 jitter 30 loss 2, in ms and percent, or training off."},
		{"training delay -1", nil, "delay -1 is not clear: training delay 200 jitter 30 loss 2, in ms and percent, or training off."},
		{"who", nil, "This call is to no room."},
		{"check", nil, "There is no check here."},
		{"hagup", nil, `Unknown command "hagup": did you mean hang up? Nothing was done.`},
		{"hangupp now", nil, `Unknown command "hangupp": did you mean hang up? Nothing was done.`},
		{"unmtue", nil, `Unknown command "unmtue": did you mean unmute? Nothing was done.`},
		{"foo", nil, `Unknown command "foo": help lists the commands. Nothing was done.`},
		{strings.Repeat("x", 90), nil, `Unknown command "` + strings.Repeat("x", 64) + `": help lists the commands. Nothing was done.`},
		{"frobnicate", nil, `Unknown command "frobnicate": help lists the commands. Nothing was done.`},
		{"\x1b[2Jmute\x07", []string{"toggle mute"}, "Your microphone is muted."},
		{strings.Repeat("mute ", 400), nil, "This line is too long for a command: nothing was done."},
		{"h", []string{"hang up"}, "Call to echo ended after 12m34s.\nSummary: 12 min 34 s; MOS 4.4 of 4.4, estimated; 0.1 % of what you heard was made up; no gap in the connection."},
	})
}

func TestMutingTalkingAndHoldingBackAndForth(t *testing.T) {
	atDesk(t, nil, func(d *desk) {
		d.call("room/x")
		d.want(d.types("mute"), "Your microphone is muted.")
		d.want(d.types("mute"), "Your microphone is muted already.")
		d.want(d.types("talk"), "Your microphone is open for 30 s.")
		d.want(d.types(" "), "Your microphone is muted.")
		d.types("talk")
		d.want(d.types("mute"), "Your microphone is muted.")
		d.types("talk")
		d.want(d.types("m"), "") // the phone tells that it stays open
		d.want(d.types("m"), "Your microphone is muted.")
		d.want(d.types("unmute"), "Your microphone is open.")
		d.want(d.types("hold"), "You hold the call: nobody hears you, and you hear nobody.")
		d.want(d.types("hold"), "You hold the call already.")
		d.want(d.types("talk"), "You hold the call: resume, then talk.")
		d.want(d.types("x"), "The call goes on.")
	})
}

func TestEveryCommandIsInTheHelpAndIsExplained(t *testing.T) {
	atDesk(t, nil, func(d *desk) {
		names := d.types("help")
		all := d.types("help all")
		if n := strings.Count(names, "\n") + 1; n > 8 {
			t.Errorf("the short help has %d lines, which are all spoken", n)
		}
		for _, line := range strings.Split(names, "\n")[:6] {
			_, list, _ := strings.Cut(strings.TrimSuffix(line, "."), ": ")
			for _, c := range strings.Split(list, ", ") {
				one := d.types("help " + c)
				first, _, _ := strings.Cut(one, "\n")
				if !strings.HasPrefix(one, c) || !strings.Contains(all, first) {
					t.Errorf("help %s says %q", c, one)
				}
			}
		}
	})
}

func TestEveryKeyOfTheScreenDoesSomething(t *testing.T) {
	for _, key := range strings.Split("d / r 1 h b x m + - > < f n l s v t i w ? q c y !", " ") {
		atDesk(t, nil, func(d *desk) {
			d.call("echo")
			if said := d.types(key); strings.Contains(said, "Unknown") || said == "" {
				t.Errorf("%s: %q", key, said)
			}
		})
	}
}

func TestFiguresAreSaidWithTheirUnits(t *testing.T) {
	atDesk(t, nil, func(d *desk) {
		d.call("echo")
		d.want(d.types("delay"),
			"The loop, there and back: 128 ms, measured.",
			"From mouth to ear: 84 ms, estimated. It is made of:",
			"Microphone period: 10 ms, estimated.",
			"Frame: 20 ms, measured.",
			"Up: 12 ms, estimated.",
			"Buffer: 42 ms, measured.",
			"Round trip to the server: 23 ms.",
			"In the last 3 s: delay 124 ms to 301 ms, worst second MOS 3.1 estimated, 1 s muted, 1 s stalled.")
		d.want(d.types("quality"),
			"MOS 4.4 of 4.4, estimated: the delay of 148 ms takes 0.02 off, 0.1 % made up takes 0.01.",
			"Of what you hear 0.1 % is made up; lost 0, dropped 3, late 19, of 37693 frames.",
			"Jitter 2.1 ms; the buffer holds 41 ms and aims at 40 ms.",
			"They hear you with 0.3 % made up, jitter 1.9 ms, buffer 38 ms, MOS 4.4 estimated.")
		d.want(d.types("levels"),
			"Microphone: -22 dBFS RMS, highest peak -8 dBFS.",
			"Earpiece: -34 dBFS RMS, highest peak -20 dBFS.",
			"The level control turns your speech by +6 dB.",
			"The ear is protected from peaks over -6 dBFS.")
		d.want(d.types("status"),
			"Live: echo for 12 min 34 s, at 127.0.0.1:50051, opus in frames of 20 ms.",
			"Your microphone is open.",
			"You are heard, confirmed 0.2 s ago.",
			"Microphone: USB Headset Mono, 48000 Hz, mono, period 10 ms.",
			"Earpiece: USB Headset Stereo, 44100 Hz, stereo, period 10 ms.",
			"Microphone 0 dB, as it comes; ear volume 0 dB, as it comes; own sounds on.",
			"High-pass on, noise suppression on, level control on.")
		if lines := strings.Split(d.types("details"), "\n"); len(lines) != 20 || lines[0] != "MOS: here 4.38 estimated; there 4.36 estimated." {
			t.Errorf("details: %d lines: %q", len(lines), lines[0])
		}
		d.happens(func(s *callstate.Snapshot) {
			s.Warnings = callstate.WarnMOS | callstate.WarnRoundTrip | callstate.WarnJitter | callstate.WarnLoss
		})
		if said := d.types("quality") + d.types("delay"); strings.Count(said, "which hurts the conversation") != 4 {
			t.Errorf("warnings are not all said: %s", said)
		}
	})
}

func TestWhoSpeaksIsToldOnRequest(t *testing.T) {
	atDesk(t, nil, func(d *desk) {
		d.call("room/x")
		d.happens(func(s *callstate.Snapshot) {
			s.Roster = []callstate.Participant{
				{ID: "1", Name: "Ada", Speaking: true, Level: -21},
				{ID: "2", Name: "Bo", Muted: true, Level: callstate.SilentLevel},
				{ID: "3", Held: true, Level: callstate.SilentLevel},
				{ID: "4", Name: "Cy", Level: callstate.SilentLevel},
			}
			s.Unlisted = 2
		})
		d.want(d.types("who"), "6 others are in the room.", "Ada: speaks, -21 dBov.", "Bo: muted.",
			"Somebody without a name: holds the call.", "Cy: listens.", "And 2 more.")
	})
}

func TestQuitAsksInACallAndHangsUp(t *testing.T) {
	const question = "You are in a call. Type yes to hang up and quit, no to stay."
	for _, yes := range []string{"yes", "Y", "quit", "q"} {
		atDesk(t, nil, func(d *desk) {
			d.call("echo")
			d.want(d.types("quit"), question)
			d.want(d.types("no"), "You stay.")
			d.want(d.types("quit"), question)
			d.want(d.types("mute"), "Your microphone is muted.") // another command is no answer
			d.want(d.types("q"), question)
			d.types(yes)
			if did := d.phone.took(); did[len(did)-1] != "hang up" {
				t.Errorf("the phone was asked for %q", did)
			}
			if err := <-d.done; err != nil {
				t.Error(err)
			}
			d.done <- nil
		})
	}
}

func TestACallThatDoesNotEndKeepsNobody(t *testing.T) {
	atDesk(t, nil, func(d *desk) {
		d.call("echo")
		d.phone.deaf = true
		from := time.Now()
		_ = d.in.Close()
		if err := <-d.done; err != nil || time.Since(from) > 6*time.Second {
			t.Errorf("left with %v after %v", err, time.Since(from))
		}
		d.done <- nil
	})
}
