package phone_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"callcenter/audio/port"
	"callcenter/server/servertest"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/phone"
)

// ledger takes down calls, for one run.
type ledger struct {
	mu     sync.Mutex
	dialed []string
	notes  []callstate.Past
}

func (m *ledger) Note(p callstate.Past) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.notes = append(m.notes, p)
}

// of is what was noted of a call, in order.
func (m *ledger) of(destination string) (notes []callstate.Past) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.notes {
		if p.Destination == destination {
			notes = append(notes, p)
		}
	}
	return notes
}

func (m *ledger) Recent() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.dialed)
}

func (m *ledger) Dialed(destination string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dialed = slices.Insert(m.dialed, 0, destination)
}

func TestWhatIsDialedIsRememberedWithItsName(t *testing.T) {
	s := servertest.Start(t, servertest.Options{})
	kept := &ledger{}
	p := startPhone(t, s.Addr, &fakeSound{}, func(c *phone.Config) {
		c.Ledger = kept
		c.Favourites = []callstate.Contact{{Destination: "echo"}, {Name: "Desk", Destination: "room/desk"}}
		c.Contacts = []callstate.Contact{{Name: "Loop", Destination: "echo"}}
	})
	for _, destination := range []string{"room/desk", "", "room/Wrong Number"} {
		p.Dial(destination)
		if destination != "room/Wrong Number" {
			waitState(t, p, callstate.Live)
			p.HangUp()
			notice(t, p, "ended after")
		} else {
			notice(t, p, "knows no such destination")
		}
		waitState(t, p, callstate.Idle)
	}
	want := []callstate.Contact{{Name: "Loop", Destination: "echo"}, {Name: "Desk", Destination: "room/desk"}}
	d := p.Directory()
	if !slices.Equal(d.Recent, want) || len(d.Favourites) != 2 || len(d.Contacts) != 1 {
		t.Errorf("the directory is %+v", d)
	}
}

func TestAPhoneWithoutALedgerHasADirectory(t *testing.T) {
	p := phone.New(phone.Config{Favourites: []callstate.Contact{{Destination: "echo"}}})
	if d := p.Directory(); len(d.Recent) != 0 || len(d.Favourites) != 1 {
		t.Errorf("the directory is %+v", d)
	}
}

func TestADeviceIsChosenInACallOnly(t *testing.T) {
	s := servertest.Start(t, servertest.Options{})
	sound := &fakeSound{}
	p := startPhone(t, s.Addr, sound)
	p.ChooseMicrophone("early")
	p.Dial("echo")
	waitState(t, p, callstate.Live)
	p.ChooseMicrophone("desk")
	notice(t, p, "switched to desk")
	if id := sound.mic.switched.Load(); id == nil || *id != "desk" {
		t.Errorf("the microphone was switched to %v", id)
	}
	p.ChooseEarpiece("lamp")
	notice(t, p, "switched to lamp")
	p.HangUp()
	waitState(t, p, callstate.Idle)
	p.ChooseEarpiece("late")
}

// hooked is a fakeSound that calls before when it opens a microphone.
type hooked struct {
	*fakeSound
	before func()
}

func (h hooked) OpenCapture(ctx context.Context, p *port.Capture) (phone.Stream, error) {
	h.before()
	return h.fakeSound.OpenCapture(ctx, p)
}

func TestADeviceThatIsChosenWhileAnotherOpensIsTakenThen(t *testing.T) {
	s := servertest.Start(t, servertest.Options{})
	sound := &fakeSound{}
	var p *phone.Phone
	p = startPhone(t, s.Addr, sound, func(c *phone.Config) {
		c.Sound = hooked{sound, func() { p.ChooseMicrophone("desk") }}
	})
	p.Dial("echo")
	notice(t, p, "switched to desk")
	waitState(t, p, callstate.Live)
	p.HangUp()
	waitState(t, p, callstate.Idle)
}
