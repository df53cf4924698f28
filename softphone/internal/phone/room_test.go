package phone_test

import (
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/server/servertest"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/phone"
)

// hush is a microphone that brings nothing but zeros.
type hush struct{}

func (hush) Fill(dst []int16) { clear(dst) }
func (hush) Close() error     { return nil }

var _ audio.Source = hush{}

func TestSomebodyWhoJoinsIsSeenAndHeardToJoin(t *testing.T) {
	for name, tones := range map[string]bool{"with join tones": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			s := servertest.Start(t, servertest.Options{})
			sound := &fakeSound{}
			p := startPhone(t, s.Addr, sound, func(c *phone.Config) { c.Sounds, c.JoinTones = true, tones })
			ada := startPhone(t, s.Addr, &fakeSound{source: hush{}}, func(c *phone.Config) { c.DisplayName = "Ada" })
			p.Dial("room/x")
			waitFor(t, "a call that has settled", func() bool { return p.Snapshot().Duration > 2*time.Second })
			sound.forget() // the answer
			waitFor(t, "the operator's own voice on the screen", func() bool { return p.Snapshot().Speaking })
			ada.Dial("room/x")
			waitFor(t, "Ada on the screen", func() bool {
				s := p.Snapshot()
				return s.InRoom() && len(s.Roster) == 1 && s.Roster[0].Name == "Ada" && !s.Roster[0].Speaking
			})
			waitFor(t, "the operator on Ada's screen, speaking", func() bool {
				r := ada.Snapshot().Roster
				return len(r) == 1 && r[0].Speaking
			})
			if tones {
				waitFor(t, "the cue", func() bool { return sound.peak() > 1500 })
			}
			ada.HangUp()
			waitFor(t, "an empty room", func() bool { return len(p.Snapshot().Roster) == 0 })
			waitState(t, ada, callstate.Idle)
			if got := sound.peak(); !tones && got > 100 || got > 1800 {
				t.Errorf("the ear heard a peak of %d", got)
			}
		})
	}
}
