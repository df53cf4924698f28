package phone_test

import (
	"math"
	"sync"
	"testing"
	"time"

	"callcenter/server/servertest"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/phone"
)

func TestGainsAreTurnedInACallAndStayForTheNext(t *testing.T) {
	var (
		mu   sync.Mutex
		told []callstate.Gains
	)
	s := servertest.Start(t, servertest.Options{})
	sound := &fakeSound{}
	p := startPhone(t, s.Addr, sound, func(c *phone.Config) {
		c.Unprotected = true
		c.Gains = callstate.Gains{Microphone: -2, Earpiece: -99}
		c.OnGains = func(g callstate.Gains) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, g)
		}
	})
	if g := p.Snapshot().Gains; g != (callstate.Gains{Microphone: -2, Earpiece: callstate.MinEarpieceGain}) {
		t.Errorf("at first %+v", g)
	}
	p.ChangeEarpieceGain(37)
	p.Dial("")
	waitState(t, p, callstate.Live)
	// The tone of -20 dBFS of peaks is 23 RMS, less 2 and 3.
	waitFor(t, "the tone turned down", func() bool { return math.Abs(sound.level()+28) < 0.5 })
	p.ChangeMicrophoneGain(8)
	waitFor(t, "the microphone turned up", func() bool { return math.Abs(p.Snapshot().Microphone.RMS+17) < 0.2 })
	waitFor(t, "the tone turned up", func() bool { return math.Abs(sound.level()+20) < 0.5 })
	p.HangUp()
	waitState(t, p, callstate.Idle)
	p.ChangeEarpieceGain(math.NaN())
	p.ChangeMicrophoneGain(1000)
	p.ChangeMicrophoneGain(1)
	p.ChangeMicrophoneGain(-14)
	want := callstate.Gains{Microphone: 6, Earpiece: -3}
	if g := p.Snapshot().Gains; g != want {
		t.Errorf("%+v, want %+v", g, want)
	}
	p.Dial("")
	waitFor(t, "the tone of the next call", func() bool { return math.Abs(sound.level()+20) < 0.5 })
	mu.Lock()
	defer mu.Unlock()
	if len(told) == 0 || told[len(told)-1] != want {
		t.Errorf("told %+v", told)
	}
}

// endsAloud makes a call, does something in it, hangs up, and reports whether the
// end was heard. On a machine that holds it up the earpiece may have been closed
// before, so it tries a few times.
func endsAloud(t *testing.T, p *phone.Phone, sound *fakeSound, during func()) bool {
	t.Helper()
	for range 5 {
		p.Dial("echo")
		waitFor(t, "a call that has settled", func() bool {
			s := p.Snapshot()
			return s.State == callstate.Live && s.Duration > time.Second
		})
		during()
		sound.forget()
		begun := time.Now()
		p.HangUp()
		waitState(t, p, callstate.Idle)
		t.Logf("idle %v after hanging up, a peak of %d", time.Since(begun), sound.peak())
		if sound.peak() > 1500 {
			return true
		}
		if !p.Snapshot().Sounds {
			return false
		}
	}
	return false
}

func TestTheEndOfACallIsHeardBeforeTheEarpieceIsClosed(t *testing.T) {
	s := servertest.Start(t, servertest.Options{})
	for name, sounds := range map[string]bool{"with sounds": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			sound := &fakeSound{source: hush{}}
			p := startPhone(t, s.Addr, sound, func(c *phone.Config) { c.Sounds = sounds })
			if heard := endsAloud(t, p, sound, func() {}); heard != sounds {
				t.Errorf("heard %v, want %v", heard, sounds)
			}
			if n := sound.open(); n != 0 {
				t.Errorf("%d streams are open", n)
			}
		})
	}
}

func TestSoundsAreSwitchedInACallAndStayForTheNext(t *testing.T) {
	s := servertest.Start(t, servertest.Options{})
	sound := &fakeSound{source: hush{}}
	p := startPhone(t, s.Addr, sound)
	if p.Snapshot().Sounds {
		t.Error("on at first")
	}
	var once sync.Once
	if !endsAloud(t, p, sound, func() { once.Do(p.ToggleSounds) }) || !p.Snapshot().Sounds {
		t.Error("the end is not heard of a call in which they were switched on")
	}
	sound.forget()
	p.Dial("echo")
	waitFor(t, "the answer in the ear", func() bool { return sound.peak() > 1500 })
	p.ToggleSounds()
	if p.Snapshot().Sounds {
		t.Error("not switched off")
	}
}

func TestTheEndOfPushToTalkIsHeardBefore(t *testing.T) {
	s := servertest.Start(t, servertest.Options{})
	sound := &fakeSound{source: hush{}}
	p := startPhone(t, s.Addr, sound, func(c *phone.Config) { c.Sounds, c.TalkLimit = true, 4*time.Second })
	p.Dial("echo")
	waitFor(t, "a call", func() bool { return p.Snapshot().State != callstate.Idle })
	p.ToggleMute()
	waitFor(t, "a call that has settled", func() bool { return p.Snapshot().Duration > time.Second })
	sound.forget()
	p.Talk()
	waitFor(t, "the ticks", func() bool { return sound.peak() > 700 })
	if s := p.Snapshot(); s.Muted || !s.Talk.Open || s.Talk.Left > 3*time.Second {
		t.Errorf("muted %v, %+v", s.Muted, s.Talk)
	}
	waitFor(t, "a muted microphone", func() bool { return p.Snapshot().Muted })
	if peak := sound.peak(); peak > 900 {
		t.Errorf("a peak of %d, want soft ticks", peak)
	}
}

func TestPushToTalkDoesNothingWhileTheCallIsHeld(t *testing.T) {
	s := servertest.Start(t, servertest.Options{})
	p := startPhone(t, s.Addr, &fakeSound{})
	p.Dial("echo")
	waitState(t, p, callstate.Live)
	p.ToggleMute()
	p.ToggleHold()
	p.Talk()
	if s := p.Snapshot(); !s.Held || !s.Muted || s.Talk.Open {
		t.Errorf("held %v, muted %v, %+v", s.Held, s.Muted, s.Talk)
	}
	p.ToggleHold()
	p.Talk()
	if s := p.Snapshot(); s.Held || s.Muted || !s.Talk.Open {
		t.Errorf("held %v, muted %v, %+v", s.Held, s.Muted, s.Talk)
	}
}

func TestWhoDialsWhileACallIsEndingIsNotToldToHangUp(t *testing.T) {
	s := servertest.Start(t, servertest.Options{})
	p := startPhone(t, s.Addr, &fakeSound{}, func(c *phone.Config) { c.Sounds = true })
	p.Dial("echo")
	waitFor(t, "a call that has settled", func() bool { return p.Snapshot().Duration > time.Second })
	p.HangUp()
	waitFor(t, "its end", func() bool { return p.Snapshot().State != callstate.Live })
	p.Dial("tone")
	waitFor(t, "the next call", func() bool {
		s := p.Snapshot()
		return s.State == callstate.Live && s.Destination == "tone"
	})
	for {
		select {
		case n := <-p.Notices():
			if n.Severity != callstate.Info {
				t.Errorf("said %q", n.Text)
			}
			continue
		default:
		}
		break
	}
}
