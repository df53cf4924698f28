package plain_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/plain"
)

func TestMain(m *testing.M) {
	time.Local = time.UTC // the history is told in the time of this place
	goleak.VerifyTestMain(m)
}

// stuck is an output that takes nothing until it is let go.
type stuck struct {
	transcript
	free chan struct{}
}

func (w *stuck) Write(p []byte) (int, error) {
	<-w.free
	return w.transcript.Write(p)
}

func TestAnOutputThatIsStuckStopsNothingElse(t *testing.T) {
	w := &stuck{}
	stick := func(o *plain.Options) { w.free, o.Output = make(chan struct{}), w }
	atDesk(t, stick, func(d *desk) {
		for range 400 {
			d.types("status")
		}
		d.types("dial echo")
		if did := d.phone.took(); len(did) != 1 || did[0] != "dial echo" {
			t.Errorf("the phone was asked for %q", did)
		}
		close(w.free)
		synctest.Wait()
		said := w.since()
		// 1200 lines and more were printed, 512 wait and one is being written.
		if !strings.Contains(said, "lines were left out here or before: nobody read them.") || strings.Count(said, "\n") > 520 {
			t.Errorf("%d lines, the last of them: %s", strings.Count(said, "\n"), said[max(0, len(said)-200):])
		}
		d.types("mute")
		d.want(w.since(), "Your microphone is muted.")
	})
}

func TestAnOutputThatIsStuckForeverDoesNotKeepTheDesk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &stuck{free: make(chan struct{})}
		from := time.Now()
		err := plain.Run(t.Context(), newFakePhone(), plain.Options{Input: strings.NewReader("status\n"), Output: w})
		if err != nil || time.Since(from) > 2*time.Second {
			t.Errorf("left with %v after %v", err, time.Since(from))
		}
		close(w.free)
	})
}

// shut is an output that is gone.
type shut struct{}

func (shut) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestAnOutputThatIsGoneHangsUpAndIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		phone := newFakePhone()
		r, w := io.Pipe()
		phone.set(func(s *callstate.Snapshot) { *s = live() })
		phone.deaf = true // the call does not end at once
		from := time.Now()
		err := plain.Run(t.Context(), phone, plain.Options{Input: r, Output: shut{}})
		if took, looks := time.Since(from), phone.looked(); took > 6*time.Second || looks > 500 {
			t.Errorf("%d looks in %v", looks, took)
		}
		if err == nil || !strings.Contains(err.Error(), "broken pipe") {
			t.Errorf("ended with %v", err)
		}
		if did := phone.took(); len(did) != 1 || did[0] != "hang up" {
			t.Errorf("the phone was asked for %q", did)
		}
		_ = w.Close()
	})
}

// run runs a script to its end.
func run(t *testing.T, script string, answered bool) (printed string, did []string, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		phone, out := newFakePhone(), &transcript{}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		answering := make(chan struct{})
		go func() {
			defer close(answering)
			for answered && ctx.Err() == nil {
				time.Sleep(100 * time.Millisecond)
				if phone.Snapshot().State == callstate.Dialing {
					phone.answer()
				}
			}
		}()
		err = plain.Run(ctx, phone, plain.Options{Destination: "echo", Input: strings.NewReader(script), Output: out})
		cancel()
		<-answering
		printed, did = out.since(), phone.took()
	})
	return printed, did, err
}

func TestTheEndOfTheInputHangsUp(t *testing.T) {
	printed, did, err := run(t, "dial echo\nwait connected\nwait 2\nmute", true)
	if err != nil || strings.Join(did, ", ") != "dial echo, toggle mute, hang up" || !strings.HasSuffix(printed, "no gap in the connection.") {
		t.Errorf("%v, %q, printed:\n%s", err, did, printed)
	}
}

func TestAWaitInVainEndsAScriptWithAnError(t *testing.T) {
	for script, want := range map[string]string{
		"dial echo\nwait connected 5s\nmute":            "there is no connection after 5.0 s",
		"wait connected\nmute":                          "there is no call that could be connected",
		"wait for it\nmute":                             "wait for it is not clear",
		"wait long\nmute":                               "wait long is not clear",
		"wait 25h\nmute":                                "wait 25h is not clear",
		"wait ended soon\nmute":                         "soon is no limit",
		"dial echo\nwait connected 1s\nwait ended 1s\n": "there is no connection",
	} {
		printed, did, err := run(t, script, false)
		if !errors.Is(err, plain.ErrWait) || !strings.Contains(err.Error(), want) || strings.Contains(strings.Join(did, " "), "mute") {
			t.Errorf("%q: %v, %q, printed:\n%s", script, err, did, printed)
		}
	}
	if _, _, err := run(t, "dial echo\nwait connected\nwait ended 3s\n", true); !errors.Is(err, plain.ErrWait) {
		t.Errorf("a call that goes on: %v", err)
	}
	if _, _, err := run(t, "wait ended\nwait 1h\nhang up\n", true); err != nil {
		t.Errorf("no call: %v", err)
	}
}

func TestAtATerminalTheNextLineGivesUpAWait(t *testing.T) {
	atDesk(t, nil, func(d *desk) {
		d.types("dial tone")
		d.want(d.types("wait connected 1h"), "")
		d.want(d.types("mute"), "The wait is given up.", "Your microphone is muted.")
		d.types("wait connected 2s")
		d.want(d.passes(3*time.Second), "The wait failed: there is no connection after 2.0 s.")
		d.want(d.types("mute"), "Your microphone is muted already.")
	})
}

func TestADeskEndsWithItsContextAndWithThePhone(t *testing.T) {
	for name, end := range map[string]func(cancel func(), p *fakePhone){
		"context": func(cancel func(), _ *fakePhone) { cancel() },
		"phone":   func(_ func(), p *fakePhone) { close(p.notices) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				phone, bench := newFakePhone(), &fakeBench{state: benchState()}
				r, w := io.Pipe()
				done := make(chan error, 1)
				go func() {
					done <- plain.Run(ctx, phone, plain.Options{Input: r, Output: io.Discard, Bench: bench, Terminal: true})
				}()
				_, _ = io.WriteString(w, "devices\n")
				synctest.Wait()
				if !bench.isOpen() {
					t.Error("the bench is not open")
				}
				end(cancel, phone)
				if err := <-done; err != nil || bench.isOpen() {
					t.Errorf("ended with %v, bench open %v", err, bench.isOpen())
				}
				cancel()
				_ = w.Close()
			})
		})
	}
}

func TestOnlyASCIIIsPrintedWhereThatIsWanted(t *testing.T) {
	atDesk(t, func(o *plain.Options) { o.ASCII = true }, func(d *desk) {
		d.call("room/x")
		d.happens(func(s *callstate.Snapshot) {
			s.Roster = []callstate.Participant{{ID: "1", Name: "Zoë Ångström – 長\u202e"}}
		})
		d.want(d.types("who"), "1 other is in the room.", "Zoe Angstrom - ?: listens.")
	})
}

// TestRandomLines types ten thousand lines of commands, keys and noise.
func TestRandomLinesNeverBreakTheDesk(t *testing.T) {
	words := strings.Fields("dial call redial hang up hangup hold resume digits mute unmute talk mic ear +3 -2 0 on off NaN 1e999 " +
		"high-pass noise level sounds devices use microphone earpiece 1 2 99 tone record status who levels delay quality details " +
		"check stop history more save training delay 200 jitter loss % wait 1ms connected ended help all quit no room/x echo tone " +
		"d / r h x m f n l s v t i w ? c y ! # + - < > = . , ÄÖ \x1b[2J \x00 \u202e 長い")
	random := rand.New(rand.NewPCG(1, 2))
	bench, check := &fakeBench{state: benchState()}, &fakeCheck{}
	history := &fakeHistory{all: []callstate.Past{{Destination: "room/\x1b[31mx", MOS: 1e300, Length: -1, Err: "\x00"}}}
	atDesk(t, func(o *plain.Options) { o.Bench, o.Check, o.History = bench, check, history }, func(d *desk) {
		for range 10_000 {
			n := random.IntN(5)
			parts := make([]string, n)
			for i := range parts {
				parts[i] = words[random.IntN(len(words))]
			}
			switch random.IntN(20) {
			case 0:
				d.phone.answer()
			case 1:
				d.passes(time.Duration(random.IntN(3000)) * time.Millisecond)
			case 2:
				d.happens(func(s *callstate.Snapshot) { *s = hostile(random) })
			case 3:
				select {
				case d.phone.notices <- callstate.Notice{Text: words[random.IntN(len(words))], About: callstate.Kind(random.IntN(20)), Severity: callstate.Severity(random.IntN(5))}:
				default:
				}
			}
			line := strings.Join(parts, strings.Repeat(" ", random.IntN(3)))
			if strings.Contains(line, "quit") && d.phone.Snapshot().State == callstate.Idle {
				continue
			}
			d.types("no") // it may have been asked
			said := d.types(line)
			for _, r := range said {
				if r < ' ' && r != '\n' || r == 0x9b || r == '\u202e' {
					t.Fatalf("%q printed %q", line, said)
				}
			}
			select {
			case err := <-d.done: // quit
				t.Fatalf("%q left the desk with %v", line, err)
			default:
			}
		}
	})
}

// hostile is a state that should never be.
func hostile(random *rand.Rand) callstate.Snapshot {
	const evil = "\x1b[2J\x9b31m\u202e長い名前\n\x00"
	s := live()
	s.State, s.CallID, s.Destination, s.Server = callstate.State(random.IntN(7)), string(rune('a'+random.IntN(3))), evil, evil
	s.Duration = time.Duration(random.Int64()) * time.Duration(1-2*random.IntN(2))
	s.Microphone.RMS, s.Quality.MOS = 1e300, -1e300
	s.Verdict.Troubles = []callstate.Trouble{{Kind: callstate.Kind(random.IntN(99)), Severity: 99, Text: evil, Effect: evil, Over: random.IntN(2) == 0}}
	s.Roster = []callstate.Participant{{ID: evil, Name: evil, Level: 1 << 40}}
	s.Delay.Stages[0].Name = evil
	return s
}
