package phone_test

import (
	"sync/atomic"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/tone"
	"callcenter/server/servertest"
	"callcenter/softphone/internal/callstate"
)

// headset is a tone with a mute switch.
type headset struct {
	audio.Source
	muted atomic.Bool
}

func (h *headset) Fill(dst []int16) {
	h.Source.Fill(dst)
	if h.muted.Load() {
		clear(dst)
	}
}

func TestAHeadsetThatIsMutedIsToldAndThatItIsNoLonger(t *testing.T) {
	s := servertest.Start(t, servertest.Options{})
	source, err := tone.New(440, -20)
	if err != nil {
		t.Fatal(err)
	}
	mic := &headset{Source: source}
	p := startPhone(t, s.Addr, &fakeSound{source: mic})
	p.Dial("tone")
	waitState(t, p, callstate.Live)
	mic.muted.Store(true)
	if n := notice(t, p, "exact zeros"); n.Severity != callstate.Warning {
		t.Errorf("severity %v of %q", n.Severity, n.Text)
	}
	if s := p.Snapshot(); s.Silence != callstate.ExactZeros || s.SilentFor < time.Second {
		t.Errorf("the screen shows silence %d for %v", s.Silence, s.SilentFor)
	}
	mic.muted.Store(false)
	notice(t, p, "sound again")
}

func TestAComputerThatSleptSaysSo(t *testing.T) {
	s := servertest.Start(t, servertest.Options{})
	var asleep atomic.Int64
	sound := &fakeSound{asleep: func() (time.Duration, error) { return time.Duration(asleep.Load()), nil }}
	p := startPhone(t, s.Addr, sound)
	p.Dial("tone")
	waitState(t, p, callstate.Live)
	// The first look is taken once the call runs.
	waitFor(t, "the tone in the ear", func() bool { return sound.level() > -26 })
	asleep.Store(int64(2 * time.Minute))
	notice(t, p, "This computer slept for 2 min")
}
