package phone_test

import (
	"testing"

	"callcenter/audio/clean"
	"callcenter/server/servertest"
	"callcenter/softphone/internal/callstate"
)

func TestTheCleanUpIsSwitchedInACallAndStaysForTheNext(t *testing.T) {
	s := servertest.Start(t, servertest.Options{})
	p := startPhone(t, s.Addr, &fakeSound{})
	p.ToggleHighPass()
	p.Dial("")
	waitState(t, p, callstate.Live)
	p.ToggleLevelControl()
	if s := p.Snapshot(); !s.CleanUp.HighPass || !s.CleanUp.Level || s.CleanUp.Denoise {
		t.Errorf("switched on: %+v", s.CleanUp)
	}
	if clean.HasDenoise {
		p.ToggleDenoise()
		waitFor(t, "the delay of noise suppression in the stages", func() bool {
			for _, stage := range p.Snapshot().Delay.Stages {
				if stage.Name == "clean-up" {
					return true
				}
			}
			return false
		})
		p.ToggleDenoise()
	}
	p.HangUp()
	waitState(t, p, callstate.Idle)
	p.Dial("")
	waitState(t, p, callstate.Live)
	if s := p.Snapshot(); !s.CleanUp.HighPass || !s.CleanUp.Level || s.CleanUp.Denoise {
		t.Errorf("in the next call: %+v", s.CleanUp)
	}
}

func TestEachSideSeesHowTheOtherHearsIt(t *testing.T) {
	s := servertest.Start(t, servertest.Options{})
	p, other := startPhone(t, s.Addr, &fakeSound{}), startPhone(t, s.Addr, &fakeSound{})
	p.Dial("room/x")
	other.Dial("room/x")
	waitFor(t, "the other side's report", func() bool {
		r := p.Snapshot().Remote
		return r.Known && r.Plays && r.Received > 20 && r.Counts.BufferMean > 0
	})
	waitFor(t, "a rating", func() bool {
		q := p.Snapshot().Quality
		return q.Known && q.MOS > 1 && q.Delay > 0
	})
}
