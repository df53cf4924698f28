package diagnose

import (
	"slices"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/softphone/internal/callstate"
)

func TestTheTimelineHasAMomentForEachSecond(t *testing.T) {
	s := newScene(t)
	begun := len(s.found.Timeline)
	if begun < 14 || begun > 15 {
		t.Errorf("%d moments of 15 s", begun)
	}
	s.goes(time.Second, func(c *callstate.Snapshot) { c.Delay.Loop, c.Delay.LoopKnown = 99*ms, true })
	s.goes(time.Second, func(c *callstate.Snapshot) { c.Muted = true })
	s.goes(time.Second, func(c *callstate.Snapshot) { c.Muted, c.Held = false, true })
	s.goes(time.Second, func(c *callstate.Snapshot) { c.Held, c.EarpieceOpen = false, &audio.Endpoint{ID: "other"} })
	s.goes(time.Second, func(c *callstate.Snapshot) { c.MicrophoneEnd.Reopens = 1 })
	s.goes(time.Second, func(c *callstate.Snapshot) { c.Counts.Stalls = 1 })
	s.goes(time.Second, func(c *callstate.Snapshot) { c.Link.Resumes = 1 })
	s.goes(2*time.Second, nil)
	var marks []callstate.Mark
	for _, m := range s.found.Timeline[begun-1:] {
		if len(marks) == 0 || marks[len(marks)-1] != m.Marks {
			marks = append(marks, m.Marks)
		}
	}
	all := callstate.Mark(0)
	for _, m := range marks {
		all |= m
	}
	want := callstate.MarkMuted | callstate.MarkHeld | callstate.MarkDevice | callstate.MarkStall | callstate.MarkReconnect
	if all != want || marks[0] != 0 || marks[len(marks)-1] != 0 {
		t.Errorf("the marks are %b", marks)
	}
	if last := s.found.Timeline[len(s.found.Timeline)-1]; last.Delay != 99*ms || last.MOS < 4.2 {
		t.Errorf("the newest moment is %+v", last)
	}
	if first := s.found.Timeline[begun-2]; first.Delay != 120*ms {
		t.Errorf("an older moment is %+v", first)
	}
}

func TestATimelineThatWasGivenAwayNeverChanges(t *testing.T) {
	s := newScene(t)
	type given struct{ slice, copy []callstate.Moment }
	var all []given
	for i := range 4 * callstate.TimelineSeconds {
		s.goes(time.Second, func(c *callstate.Snapshot) { c.Delay.MouthToEarEst = time.Duration(i) * ms })
		if i%7 == 0 {
			all = append(all, given{s.found.Timeline, slices.Clone(s.found.Timeline)})
		}
		if n := len(s.found.Timeline); n > callstate.TimelineSeconds {
			t.Fatalf("%d moments", n)
		}
	}
	for i, g := range all {
		if !slices.Equal(g.slice, g.copy) {
			t.Fatalf("timeline %d has changed", i)
		}
	}
	if n := len(s.found.Timeline); n != callstate.TimelineSeconds {
		t.Errorf("%d moments after %d s", n, 4*callstate.TimelineSeconds)
	}
}

func TestSecondsInWhichNobodyLookedAreInTheTimeline(t *testing.T) {
	s := newScene(t)
	before := len(s.found.Timeline)
	s.now += 10 * time.Second
	s.goes(time.Second, nil)
	if n := len(s.found.Timeline) - before; n < 10 || n > 12 {
		t.Errorf("%d moments of 11 s", n)
	}
}
