package diagnose

import (
	"time"

	"callcenter/softphone/internal/callstate"
)

const (
	// wait is how long a symptom must last before it is named by itself: its
	// cause may take as long to show.
	wait = 750 * time.Millisecond
	// echoes is for how long after a trouble what follows from it is still seen
	// in the counters.
	echoes = missedSpan + 2*time.Second
	// returning is how long after a break of the link its ages are still old.
	returning = 2 * time.Second
	// patience is how long the figures must be beyond their thresholds without
	// any other trouble.
	patience = 2 * time.Second
	// unrated is the same for the figures, which are averages.
	unrated = 10 * time.Second
)

// explain leaves out what follows from another trouble, and symptoms that are
// new.
func (w *Watch) explain(s *callstate.Snapshot, f *findings, now time.Duration) {
	for k := range f {
		if f[k].on && !f[k].symptom {
			w.seen[k] = now
		}
	}
	recent := func(k callstate.Kind) bool { return now-w.seen[k] < echoes }
	if now-w.seen[callstate.KindServerGone] < returning {
		f[callstate.KindUplink], f[callstate.KindDownlink], f[callstate.KindUnderruns] = finding{}, finding{}, finding{}
	}
	if f[callstate.KindServerGone].on {
		f[callstate.KindServer] = finding{}
	}
	gone, computer, ear := recent(callstate.KindServerGone), recent(callstate.KindComputer), recent(callstate.KindEarpiece)
	server, uplink := recent(callstate.KindServer), recent(callstate.KindUplink)
	comesBack := !s.InRoom() // what is heard is what was said
	drop := func(k callstate.Kind, when bool) {
		if f[k].symptom && when {
			f[k] = finding{}
		}
	}
	drop(callstate.KindDownlink, s.Training.On()) // that is wanted
	drop(callstate.KindUnderruns, gone || computer || ear)
	drop(callstate.KindDownlink, gone || computer || ear || server || uplink && comesBack)
	drop(callstate.KindUplink, gone || computer || uplink || recent(callstate.KindMicrophone))
	for k := range f {
		switch {
		case !f[k].on:
			w.since[k] = now
		case f[k].symptom && now-w.since[k] < wait:
			f[k] = finding{}
		}
	}
}

// unexplained reports that nothing else is the matter, or was of late, by which
// the figures would be bad.
func (w *Watch) unexplained(f *findings, now time.Duration) bool {
	for k := range f {
		if f[k].on || now-w.seen[k] < unrated || now-w.held.kinds[k].last < unrated && w.held.kinds[k].shown {
			return callstate.Kind(k) == callstate.KindQuality
		}
	}
	return true
}
