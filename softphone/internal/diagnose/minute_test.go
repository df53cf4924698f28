package diagnose

import (
	"math"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/quality"
	"callcenter/softphone/internal/callstate"
)

func TestTheWorstMinuteIsFoundWhereverItIs(t *testing.T) {
	fine := second{delay: 100 * ms, heard: audio.Rate}
	poor := second{delay: 200 * ms, heard: audio.Rate * 8 / 10, lost: audio.Rate * 2 / 10}
	for name, tc := range map[string]struct {
		poorFrom, poorTo, seconds int
		of                        second // the minute's delay and loss
	}{
		"none":                {0, 0, 900, fine},
		"long past":           {30, 90, 3600, poor},
		"across two minutes":  {1795, 1855, 3600, poor},
		"half a minute":       {400, 430, 500, second{delay: 150 * ms, heard: 9, lost: 1}},
		"of a short call":     {5, 10, 10, second{delay: 150 * ms, heard: 9, lost: 1}},
		"of one second":       {0, 1, 1, poor},
		"at first, then fine": {0, 30, 3600, second{delay: 150 * ms, heard: 9, lost: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			var m minute
			for n := range tc.seconds {
				if n >= tc.poorFrom && n < tc.poorTo {
					m.add(poor)
				} else {
					m.add(fine)
				}
			}
			want := quality.Estimate(tc.of.delay, 100*float64(tc.of.lost)/float64(tc.of.heard+tc.of.lost)).MOS
			if math.Abs(m.worst-want) > 1e-9 {
				t.Errorf("the worst minute is %.3f, want %.3f", m.worst, want)
			}
		})
	}
}

func TestTimeThatIsMutedOrHeldIsNoMinute(t *testing.T) {
	s := newScene(t)
	s.goes(70*time.Second, nil)
	before := s.found.WorstMOS
	for _, silent := range []func(*callstate.Snapshot){
		func(c *callstate.Snapshot) { c.Muted = true },
		func(c *callstate.Snapshot) { c.Muted, c.Held = false, true },
	} {
		s.goes(70*time.Second, func(c *callstate.Snapshot) {
			silent(c)
			c.Counts.Concealed += audio.Rate / 4
			c.Counts.SilentConcealed = c.Counts.Concealed
		})
	}
	s.goes(2*time.Second, func(c *callstate.Snapshot) { c.Held = false })
	if after := s.found.WorstMOS; before == 0 || after != before {
		t.Errorf("the worst minute went from %.2f to %.2f", before, after)
	}
	s.goes(30*time.Second, func(c *callstate.Snapshot) { c.Quality.Delay = 600 * ms })
	if after := s.found.WorstMOS; after >= before {
		t.Errorf("half a minute of delay left the worst minute at %.2f", after)
	}
	s.snap.State = callstate.Ending
	worst := s.found.WorstMOS
	if s.goes(time.Second, nil); s.found.WorstMOS != worst {
		t.Errorf("at its end the call has the worst minute %.2f, before it %.2f", s.found.WorstMOS, worst)
	}
}
