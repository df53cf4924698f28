package diagnose

import (
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/softphone/internal/callstate"
)

func TestWarningsComeWithThreeOfFiveAndGoWithNone(t *testing.T) {
	for name, tc := range map[string]struct {
		warning  callstate.Warnings
		bad, fix func(*callstate.Snapshot)
	}{
		"round trip": {
			callstate.WarnRoundTrip,
			func(c *callstate.Snapshot) { c.Delay.RTT = 401 * ms }, func(c *callstate.Snapshot) { c.Delay.RTT = 400 * ms },
		},
		"jitter": {
			callstate.WarnJitter,
			func(c *callstate.Snapshot) { c.Delay.Jitter = 31 * ms }, func(c *callstate.Snapshot) { c.Delay.Jitter = 30 * ms },
		},
		"MOS": {
			callstate.WarnMOS,
			func(c *callstate.Snapshot) { c.Quality.Delay = 450 * ms }, func(c *callstate.Snapshot) { c.Quality.Delay = 300 * ms },
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			is := func(on bool, when string) {
				t.Helper()
				if s.found.Warnings.Has(tc.warning) != on {
					t.Errorf("%s the warnings are %b", when, s.found.Warnings)
				}
			}
			s.goes(2*time.Second, tc.bad)
			is(false, "after two bad samples")
			s.goes(time.Second, tc.fix)
			s.goes(time.Second, tc.bad)
			is(true, "after three of four")
			s.goes(4*time.Second, tc.fix)
			is(true, "with one of the last five")
			s.goes(2*time.Second, nil)
			is(false, "with none")
		})
	}
}

func TestTheWarningOfLossIsAMeanOfSevenSeconds(t *testing.T) {
	s := newScene(t)
	loses := func(pct float64) func(*callstate.Snapshot) {
		return func(c *callstate.Snapshot) {
			c.Counts.Concealed += uint64(pct / 100 * audio.Rate / 4)
			c.Counts.SilentConcealed = c.Counts.Concealed // so that nobody is accused
		}
	}
	s.goes(7*time.Second, loses(2.9))
	if s.found.Warnings != 0 {
		t.Errorf("2.9 %%: warnings %b", s.found.Warnings)
	}
	s.goes(8*time.Second, loses(3.5))
	if !s.found.Warnings.Has(callstate.WarnLoss) {
		t.Errorf("3.5 %%: warnings %b", s.found.Warnings)
	}
	s.goes(4*time.Second, nil)
	s.reads("poor quality: loss")
	if s.found.Verdict.Troubles[0].Severity != callstate.Info {
		t.Errorf("%+v", s.found.Verdict)
	}
	s.goes(5*time.Second, nil)
	if s.found.Warnings != 0 {
		t.Errorf("none: warnings %b", s.found.Warnings)
	}
}

func TestTimeSpentMutedOrHeldIsNotRated(t *testing.T) {
	for name, wish := range map[string]func(*callstate.Snapshot){
		"muted": func(c *callstate.Snapshot) { c.Muted = true },
		"held":  func(c *callstate.Snapshot) { c.Held = true },
	} {
		s := newScene(t)
		s.goes(10*time.Second, func(c *callstate.Snapshot) {
			wish(c)
			c.Delay.RTT, c.Delay.Jitter = time.Second, 100*ms
			c.Counts.Concealed += audio.Rate / 8
			c.Counts.SilentConcealed = c.Counts.Concealed
		})
		last := s.found.Timeline[len(s.found.Timeline)-1]
		if s.found.Warnings != 0 || last.MOS != 0 {
			t.Errorf("%s: warnings %b, MOS %.1f", name, s.found.Warnings, last.MOS)
		}
		s.goes(2*time.Second, func(c *callstate.Snapshot) {
			c.Muted, c.Held = false, false
			c.Delay.RTT, c.Delay.Jitter = 30*ms, 0
		})
		if last = s.found.Timeline[len(s.found.Timeline)-1]; s.found.Warnings != 0 || last.MOS < 4 {
			t.Errorf("after being %s: warnings %b, MOS %.1f", name, s.found.Warnings, last.MOS)
		}
	}
}
