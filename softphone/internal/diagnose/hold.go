package diagnose

import (
	"cmp"
	"slices"
	"time"

	"callcenter/softphone/internal/callstate"
)

const (
	// holdFor is how long a trouble stays after it was over, times how often it
	// came of late, up to holdAtMost times; one that is told when it is over stays
	// until it was shown for so long.
	holdFor    = 3 * time.Second
	holdAtMost = 4
	// ofLate is how long a trouble must be away to be a new one.
	ofLate = time.Minute
)

// hold is what is shown of one kind of trouble.
type hold struct {
	shown    bool
	from     time.Duration // since when it is shown
	last     time.Duration // when it was found last
	episodes int           // times that it came of late
	finding  finding       // the newest
}

// holder keeps what was found for as long as it takes to read it.
type holder struct{ kinds [kinds]hold }

// troubles are what is to be read at now, the worst first.
func (h *holder) troubles(f *findings, now time.Duration) []callstate.Trouble {
	var list []callstate.Trouble
	over := 0
	for k := range h.kinds {
		if s := &h.kinds[k]; s.update(&f[k], now) && f[k].on {
			list = append(list, s.trouble(callstate.Kind(k)))
		}
	}
	worse := func(a, b callstate.Trouble) int { return cmp.Compare(b.Severity, a.Severity) }
	slices.SortStableFunc(list, worse)
	for k := range h.kinds {
		if s := &h.kinds[k]; s.shown && !f[k].on {
			list = append(list, s.trouble(callstate.Kind(k)))
			over++
		}
	}
	slices.SortStableFunc(list[len(list)-over:], worse)
	return list
}

// update takes note of what was found at now, and reports whether it is shown.
func (s *hold) update(f *finding, now time.Duration) bool {
	if f.on {
		if s.episodes > 0 && now-s.last >= ofLate {
			s.episodes = 0
		}
		if !s.shown {
			s.shown, s.from = true, now
		}
		if !s.finding.on {
			s.episodes++
		}
		s.finding, s.last = *f, now
		return true
	}
	s.finding.on = false
	if s.shown && now >= s.until() {
		s.shown = false
	}
	return s.shown
}

// until is when a trouble that is over is taken away.
func (s *hold) until() time.Duration {
	if s.finding.fact {
		return max(s.from+holdFor, s.last)
	}
	return s.last + time.Duration(min(s.episodes, holdAtMost))*holdFor
}

// trouble is the trouble as it is read. One that is over says so.
func (s *hold) trouble(k callstate.Kind) callstate.Trouble {
	t := callstate.Trouble{Kind: k, Severity: callstate.Warning, Text: s.finding.text, Effect: s.finding.effect}
	switch {
	case k == callstate.KindQuality:
		t.Severity = callstate.Info
	case s.finding.grave && s.finding.on:
		t.Severity = callstate.Failure
	}
	if !s.finding.on {
		t.Severity, t.Effect, t.Over = callstate.Info, s.finding.over, true
	}
	return t
}
