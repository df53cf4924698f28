package call_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"callcenter/audio"
	"callcenter/softphone/internal/callstate"
)

const (
	// inTime is how soon a fault is to be named.
	inTime = 2 * time.Second
	// glance is how often the tests look at the screen.
	glance = 50 * time.Millisecond
)

// account is what the line that names the culprit said, by the screen.
type account struct {
	named map[callstate.Kind]time.Duration // when first
	said  []string                         // each sentence of the first trouble once, without numbers
}

// watch looks at the screen for some time.
func (d *desk) watch(long time.Duration) account {
	a := account{named: make(map[callstate.Kind]time.Duration)}
	for at := time.Duration(0); at < long; at += glance {
		time.Sleep(glance)
		s := d.Snapshot()
		for i, trouble := range s.Verdict.Troubles {
			if _, known := a.named[trouble.Kind]; !known {
				a.named[trouble.Kind] = at + glance
			}
			if text := plain(trouble.String()); i == 0 && !slices.Contains(a.said, text) {
				a.said = append(a.said, text)
			}
		}
	}
	return a
}

// plain is a sentence without its numbers.
func plain(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r >= '0' && r <= '9' || r == '.' }), "#")
}

func (a account) String() string { return fmt.Sprintf("%v %q", a.named, a.said) }

// wants fails unless a kind was named in time and no other was.
func (a account) wants(t *testing.T, kind callstate.Kind, text string) {
	t.Helper()
	t.Log(a)
	if at, ok := a.named[kind]; !ok || at > inTime {
		t.Errorf("kind %d was named after %v (%v)", kind, at, ok)
	}
	for other := range a.named {
		if other != kind {
			t.Errorf("kind %d was named, too", other)
		}
	}
	if !slices.ContainsFunc(a.said, func(s string) bool { return strings.Contains(s, text) }) {
		t.Errorf("nothing said %q", text)
	}
}

// fault is something to go wrong.
type fault struct {
	kind callstate.Kind
	text string
	set  func(d *desk, on bool)
	long time.Duration
}

// after is what is read once it is over: of a microphone nothing, its meter tells.
func (f fault) after() string {
	if f.kind == callstate.KindMicrophone {
		return ""
	}
	return "over"
}

// TestEachFaultIsNamedWithinTwoSecondsAndNothingElse makes faults in calls that
// do well, and goes on looking after they are over.
func TestEachFaultIsNamedWithinTwoSecondsAndNothingElse(t *testing.T) {
	const (
		mic, ear, computer = callstate.KindMicrophone, callstate.KindUnderruns, callstate.KindComputer
		up, down           = callstate.KindUplink, callstate.KindDownlink
	)
	for name, c := range map[string]fault{
		"zeros from the microphone": {mic, "exact zeros", func(d *desk, on bool) { d.zeros.Store(on) }, 4 * time.Second},
		"a stalled uplink":          {up, "uplink stalled", func(d *desk, on bool) { d.net.up.set(on) }, 3 * time.Second},
		"a short stall of the uplink": {
			up, "uplink stalled", func(d *desk, on bool) { d.net.up.set(on) }, 700 * time.Millisecond,
		},
		"a stalled downlink": {down, "downlink stalled", func(d *desk, on bool) { d.net.down.set(on) }, 3 * time.Second},
		"a short stall of the downlink": {
			down, "downlink stalled", func(d *desk, on bool) { d.net.down.set(on) }, 900 * time.Millisecond,
		},
		"a starved playback": {ear, "speaker underruns", func(d *desk, on bool) { d.bursts.Store(on) }, 4 * time.Second},
		"a slow computer":    {computer, "they hear gaps", func(d *desk, on bool) { d.slow.set(on) }, 4 * time.Second},
	} {
		for _, destination := range []string{"echo", "room/x"} {
			t.Run(name+" in "+destination, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					n := newNetwork(t, audio.NewClock(), nil)
					n.serve(hostA)
					other := newDesk(t, n.beside())
					d := newDesk(t, n)
					defer d.end()
					other.call(t, destination)
					d.call(t, destination)
					if s := d.Snapshot(); len(s.Verdict.Troubles) > 0 || !s.Verdict.Heard {
						t.Fatalf("before: %+v", s.Verdict)
					}
					c.set(d, true)
					a := d.watch(c.long)
					c.set(d, false)
					a.wants(t, c.kind, c.text)
					d.watch(6*time.Second).wants(t, c.kind, c.after())
					time.Sleep(15 * time.Second)
					if s := d.Snapshot(); len(s.Verdict.Troubles) > 0 || !s.Verdict.Heard {
						t.Errorf("after: %+v", s.Verdict)
					}
					other.leave()
					other.net.running.Wait()
				})
			})
		}
	}
}
