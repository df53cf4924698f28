package phone_test

import (
	"testing"

	"callcenter/server/servertest"
	"callcenter/softphone/e2e/proxy"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/phone"
)

func TestACallIsHeldAndGoesOn(t *testing.T) {
	s := servertest.Start(t, servertest.Options{})
	sound, far := &fakeSound{}, &fakeSound{}
	p := startPhone(t, s.Addr, sound, func(c *phone.Config) { c.DisplayName = "Ada" })
	other := startPhone(t, s.Addr, far)
	p.ToggleHold() // without a call it is nothing
	p.Dial("room/x")
	other.Dial("room/x")
	waitFor(t, "each other's tone", func() bool { return sound.level() > -26 && far.level() > -26 })
	p.ToggleMute()
	p.ToggleHold()
	notice(t, other, "Ada holds the call.")
	waitFor(t, "silence in both ears", func() bool { return sound.level() < -80 && far.level() < -60 })
	if s := p.Snapshot(); !s.Held || !s.Muted || s.TalkingWhileMuted || s.State != callstate.Live || s.Microphone.RMS < -30 {
		t.Errorf("held: %+v", s)
	}
	if r := other.Snapshot().Roster; len(r) != 1 || !r[0].Held {
		t.Errorf("the other sees %+v", r)
	}
	p.Digit('5')
	p.Digit('d')
	p.Digit('x')
	notice(t, other, "Ada pressed 5.")
	notice(t, other, "Ada pressed D.")
	p.ToggleHold()
	notice(t, other, "Ada is back.")
	waitFor(t, "the other's tone", func() bool { return sound.level() > -26 })
	if s := p.Snapshot(); s.Held || !s.Muted {
		t.Errorf("after it held is %v and muted %v", s.Held, s.Muted)
	}
	p.ToggleMute()
	waitFor(t, "the tone of who was muted", func() bool { return far.level() > -26 })
	p.ToggleHold()
	p.HangUp()
	waitState(t, p, callstate.Idle)
	if p.Snapshot().Held {
		t.Error("without a call it is held")
	}
	p.Digit('1')
	p.Dial("room/x")
	waitFor(t, "the tone in the next call", func() bool { return sound.level() > -26 && far.level() > -26 })
	if p.Snapshot().Held {
		t.Error("the next call begins held")
	}
}

func TestAHoldIsToldAnewOverTheNextConnection(t *testing.T) {
	s := servertest.Start(t, servertest.Options{})
	link := proxy.Start(t, s.Addr)
	p := startPhone(t, link.Addr, &fakeSound{}, func(c *phone.Config) { c.DisplayName = "Ada" })
	other := startPhone(t, s.Addr, &fakeSound{})
	other.Dial("room/x")
	p.Dial("room/x")
	waitState(t, p, callstate.Live)
	p.ToggleHold()
	notice(t, other, "Ada holds the call.")
	link.Reset(proxy.Down)
	notice(t, p, "Back after")
	if !p.Snapshot().Held {
		t.Error("the hold did not outlive the connection")
	}
	p.ToggleHold()
	notice(t, other, "Ada is back.")
}
