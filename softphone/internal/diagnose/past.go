package diagnose

import (
	"slices"
	"time"

	"callcenter/softphone/internal/callstate"
)

// pastLooks is how many looks are remembered: 6 s and more.
const pastLooks = 26

// counters are what grows during a call.
type counters struct {
	at time.Duration

	played, concealed          uint64 // samples; concealed aloud
	stalls                     uint64
	underruns, underrunSamples uint64
	lateCallbacks              uint64
	unplayable                 uint64 // frames
	remoteMadeUp               uint64 // samples aloud, by the far side's report
}

// past are the counters of the last looks, the oldest first.
type past struct {
	looks  [pastLooks]counters
	first  int // when full, the oldest
	length int
}

func (p *past) add(s *callstate.Snapshot, now time.Duration) {
	h, n := &s.Health, &s.Counts
	c := counters{
		at: now, played: h.Played, concealed: less(n.Concealed, n.SilentConcealed), stalls: n.Stalls,
		underruns: h.Underruns, underrunSamples: h.UnderrunSamples, lateCallbacks: h.LateCallbacks, unplayable: h.Unplayable,
		remoteMadeUp: less(s.Remote.Counts.Concealed, s.Remote.Counts.SilentConcealed),
	}
	if p.length == pastLooks {
		p.looks[p.first] = c
		p.first = (p.first + 1) % pastLooks
		return
	}
	p.looks[p.length] = c
	p.length++
}

// change is what grew in the last d, or since the first look, and in how long.
func (p *past) change(d time.Duration) counters {
	if p.length == 0 {
		return counters{}
	}
	newest := *p.at(p.length - 1)
	old := newest
	for i := range p.length {
		if old = *p.at(i); newest.at-old.at <= d {
			break
		}
	}
	return counters{
		at:        newest.at - old.at,
		played:    less(newest.played, old.played),
		concealed: less(newest.concealed, old.concealed), stalls: less(newest.stalls, old.stalls),
		underruns: less(newest.underruns, old.underruns), underrunSamples: less(newest.underrunSamples, old.underrunSamples),
		lateCallbacks: less(newest.lateCallbacks, old.lateCallbacks),
		unplayable:    less(newest.unplayable, old.unplayable),
		remoteMadeUp:  less(newest.remoteMadeUp, old.remoteMadeUp),
	}
}

func (p *past) at(i int) *counters { return &p.looks[(p.first+i)%pastLooks] }

// less is a difference that is never below zero: a far side that was restarted
// counts anew.
func less(a, b uint64) uint64 { return a - min(a, b) }

// usualSeconds is for how long values are remembered to tell what is usual.
const usualSeconds = 120

// usual is what a value was in most of the last two minutes.
type usual struct {
	values []time.Duration // one a second, a ring
	next   int
	due    time.Duration
	median time.Duration
}

func (u *usual) add(d, now time.Duration) {
	if now < u.due {
		return
	}
	u.due = now + time.Second
	if len(u.values) < usualSeconds {
		u.values = append(u.values, d)
	} else {
		u.values[u.next] = d
		u.next = (u.next + 1) % usualSeconds
	}
	sorted := slices.Sorted(slices.Values(u.values))
	u.median = sorted[len(sorted)/2]
}

// known reports that there were values enough to call one usual.
func (u *usual) known() bool { return len(u.values) >= 5 }
