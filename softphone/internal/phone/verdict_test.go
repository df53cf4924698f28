package phone_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"callcenter/server/servertest"
	"callcenter/softphone/e2e/proxy"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/phone"
)

// named waits until the verdict names a kind of trouble, and returns it.
func named(t *testing.T, p *phone.Phone, kind callstate.Kind) (found callstate.Trouble) {
	t.Helper()
	waitFor(t, "a verdict", func() bool {
		troubles := p.Snapshot().Verdict.Troubles
		i := slices.IndexFunc(troubles, func(t callstate.Trouble) bool { return t.Kind == kind })
		if i >= 0 {
			found = troubles[i]
		}
		return i >= 0
	})
	return found
}

func TestTheScreenSaysWhoseFaultItIs(t *testing.T) {
	s := servertest.Start(t, servertest.Options{})
	link := proxy.Start(t, s.Addr)
	sound := &fakeSound{}
	p := startPhone(t, link.Addr, sound)
	p.Dial("echo")
	waitState(t, p, callstate.Live)
	good := func() {
		t.Helper()
		waitFor(t, "all to be well", func() bool {
			v := p.Snapshot().Verdict
			return v.Heard && strings.HasPrefix(v.Good, "You are heard: all up to 0.") && len(v.Troubles) == 0
		})
	}
	good()
	for _, c := range []struct {
		way  proxy.Direction
		kind callstate.Kind
		text string
	}{{proxy.Up, callstate.KindUplink, "uplink stalled"}, {proxy.Down, callstate.KindDownlink, "downlink stalled"}} {
		link.Pause(c.way)
		if got := named(t, p, c.kind); !strings.HasPrefix(got.Text, c.text) {
			t.Errorf("paused %v: %q", c.way, got)
		}
		link.Resume(c.way)
		good()
	}
	sound.mu.Lock()
	mic := sound.mic
	sound.mu.Unlock()
	mic.health.Store(&callstate.End{State: callstate.EndGone, Since: 4 * time.Second})
	if got := named(t, p, callstate.KindMicrophone).String(); got != "microphone gone 4.0 s: nobody hears you" {
		t.Errorf("without a microphone it says %q", got)
	}
	mic.health.Store(&callstate.End{Reopens: 1})
	good()
	waitFor(t, "the marks", func() bool {
		all := callstate.Mark(0)
		for _, m := range p.Snapshot().Timeline {
			all |= m.Marks
		}
		return all&(callstate.MarkStall|callstate.MarkDevice) == callstate.MarkStall|callstate.MarkDevice
	})
	p.HangUp()
	waitState(t, p, callstate.Idle)
	if snap := p.Snapshot(); len(snap.Verdict.Troubles) > 0 || snap.Verdict.Good != "" || len(snap.Timeline) < 5 {
		t.Errorf("after the call: %+v, %d moments", snap.Verdict, len(snap.Timeline))
	}
	p.Dial("echo")
	waitState(t, p, callstate.Live)
	if n := len(p.Snapshot().Timeline); n > 2 {
		t.Errorf("the next call begins with %d moments", n)
	}
}
