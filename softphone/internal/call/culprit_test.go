package call_test

import (
	"fmt"
	"regexp"
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

var number = regexp.MustCompile(`[0-9.]*[0-9]`)

// plain is a sentence without its numbers.
func plain(text string) string { return number.ReplaceAllString(text, "#") }

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

// mishap is something that goes wrong.
type mishap struct {
	kind callstate.Kind
	text string
	set  func(d *desk, on bool)
	long time.Duration
}

// after is what is read once it is over: of a microphone nothing, its meter tells.
func (f mishap) after() string {
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
	for name, c := range map[string]mishap{
		"zeros from the microphone": {mic, "exact zeros", func(d *desk, on bool) { d.zeros.Store(on) }, 4 * time.Second},
		"a stalled uplink":          {up, "uplink stalled", func(d *desk, on bool) { d.net.up.Set(on) }, 3 * time.Second},
		"a short stall of the uplink": {
			up, "uplink stalled", func(d *desk, on bool) { d.net.up.Set(on) }, 700 * time.Millisecond,
		},
		"a stalled downlink": {down, "downlink stalled", func(d *desk, on bool) { d.net.down.Set(on) }, 3 * time.Second},
		"a short stall of the downlink": {
			down, "downlink stalled", func(d *desk, on bool) { d.net.down.Set(on) }, 900 * time.Millisecond,
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

func TestASlowServerIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, audio.NewClock(), nil)
		b := &busyServer{clock: n.clock}
		stop := b.serve(n.listen(hostA))
		d := newDesk(t, n)
		d.call(t, "echo")
		time.Sleep(20 * time.Second)
		if s := d.Snapshot(); len(s.Verdict.Troubles) > 0 || !s.Verdict.Heard {
			t.Errorf("before: %+v", s.Verdict)
		}
		for _, takes := range []time.Duration{120 * time.Millisecond, 400 * time.Millisecond} {
			b.takes.Store(int64(takes))
			d.watch(10*time.Second).wants(t, callstate.KindServer, "server busy, it takes # ms (usually # ms)")
			b.takes.Store(0)
			d.watch(6*time.Second).wants(t, callstate.KindServer, "over")
			time.Sleep(20 * time.Second)
			if s := d.Snapshot(); len(s.Verdict.Troubles) > 0 {
				t.Errorf("after: %+v", s.Verdict)
			}
		}
		d.leave()
		stop()
		n.close()
	})
}

func TestAServerThatCannotBeReachedIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, audio.NewClock(), nil)
		n.serve(hostA)
		d := newDesk(t, n)
		defer d.end()
		d.call(t, "echo")
		back := n.lose(hostA)
		d.watch(8*time.Second).wants(t, callstate.KindServerGone, "server cannot be reached # s, # s left: nobody hears you, you hear nothing")
		back()
		d.watch(8*time.Second).wants(t, callstate.KindServerGone, "server cannot be reached")
		if s := d.Snapshot(); len(s.Verdict.Troubles) > 0 || !s.Verdict.Heard {
			t.Errorf("after: %+v", s.Verdict)
		}
	})
}

func TestAServerThatDoesNotAnswerIsNamedWhileItIsDialed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, audio.NewClock(), nil)
		n.serve(hostA)
		n.hole(true)
		d := newDesk(t, n)
		defer d.end()
		d.Dial("echo")
		d.watch(4*time.Second).wants(t, callstate.KindServerGone, " does not answer # s: you are not connected yet")
		n.hole(false)
		time.Sleep(3 * time.Second)
		if s := d.Snapshot(); len(s.Verdict.Troubles) > 0 || s.State == callstate.Live && !s.Verdict.Heard {
			t.Errorf("after, %v: %+v", s.State, s.Verdict)
		}
	})
}

func TestWhoIsNotHeardByWishIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, audio.NewClock(), nil)
		n.serve(hostA)
		d := newDesk(t, n)
		defer d.end()
		says := func(text string, heard bool) {
			t.Helper()
			if v := d.Snapshot().Verdict; !strings.Contains(v.Good, text) || v.Heard != heard || len(v.Troubles) > 0 {
				t.Errorf("%+v, want %q", v, text)
			}
		}
		d.call(t, "room/x")
		says("Nobody else is here.", false)
		other := newDesk(t, n.beside())
		other.call(t, "room/x")
		says("They hear you, confirmed 0.", true)
		says("% made up.", true)
		d.ToggleMute()
		time.Sleep(time.Second)
		says("You are muted: nobody hears you.", false)
		d.ToggleHold()
		time.Sleep(time.Second)
		says("You hold the call: nobody hears you, and you hear nobody.", false)
		d.ToggleHold()
		d.ToggleMute()
		time.Sleep(time.Second)
		says("They hear you", true)
		other.ToggleHold()
		time.Sleep(time.Second)
		says("Everybody else holds the call: nobody hears you.", false)
		other.leave()
		other.net.running.Wait()
	})
}
