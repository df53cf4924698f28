package plain

import (
	"maps"
	"slices"
	"time"

	"callcenter/softphone/internal/callstate"
)

const (
	// repeatAfter is the least time between two tellings of a kind of trouble,
	// unless it got worse.
	repeatAfter = 15 * time.Second
	// overFor is how long a trouble must be away to be told as over.
	overFor = time.Second
	// sameThing is how long after a notice the verdict says the same.
	sameThing = 5 * time.Second
)

// troubles is what was told of the troubles of a call.
type troubles struct {
	kinds   map[callstate.Kind]*telling
	noticed time.Time // the newest notice that was good news
}

// telling is what was told of a kind of trouble.
type telling struct {
	on       bool // it was told, and not yet that it is over
	seen     bool // by the verdict, not only in a notice
	at       time.Time
	severity callstate.Severity
	trouble  callstate.Trouble // the newest
	away     time.Time         // since when it is over; zero: it is not
}

// look tells of troubles that began, got worse or are over.
func (t *troubles) look(s *session) {
	var begun []callstate.Trouble
	here := make(map[callstate.Kind]bool)
	for _, found := range s.snap.Verdict.Troubles {
		k := t.kind(found.Kind)
		if k.on || !found.Over {
			k.trouble = found
		}
		if found.Over {
			continue
		}
		here[found.Kind], k.seen, k.away = true, true, time.Time{}
		worse := k.on && found.Severity > k.severity
		if worse || !k.on && (k.at.IsZero() || s.now.Sub(k.at) >= repeatAfter) {
			k.on, k.at, k.severity = true, s.now, found.Severity
			begun = append(begun, found)
		}
	}
	if len(begun) > 0 {
		s.say("%s%s", lead(begun[0].Severity), sentence(callstate.Join(begun)))
	}
	for _, kind := range slices.Sorted(maps.Keys(t.kinds)) {
		// While nothing comes nobody can tell whether what is said arrives.
		unseen := here[callstate.KindServerGone] || kind == callstate.KindUplink && here[callstate.KindDownlink]
		if !here[kind] && !unseen {
			t.kinds[kind].leave(s, kind, t.noticed)
		}
	}
}

// leave tells that a trouble is over, once it is for a while. Of a device or a
// connection that is back a notice has told already.
func (k *telling) leave(s *session, kind callstate.Kind, noticed time.Time) {
	if !k.on {
		return
	}
	if k.away.IsZero() {
		k.away = s.now
	}
	if s.now.Sub(k.away) < overFor {
		return
	}
	since, seen := k.away, k.seen
	k.on, k.seen, k.away = false, false, time.Time{}
	if !seen {
		return
	}
	switch kind {
	case callstate.KindServerGone, callstate.KindMicrophone, callstate.KindEarpiece:
		if noticed.After(since.Add(-overFor)) {
			return
		}
	case callstate.KindNone, callstate.KindComputer, callstate.KindUplink, callstate.KindServer,
		callstate.KindDownlink, callstate.KindUnderruns, callstate.KindQuality:
	}
	if !k.trouble.Over {
		k.trouble.Effect = "over"
	}
	s.say("%s", sentence(k.trouble.String()))
}

// knows takes note of a notice, and reports that the same was just told.
func (t *troubles) knows(n callstate.Notice, now time.Time) bool {
	if n.About == callstate.KindNone {
		if n.Severity == callstate.Info {
			t.noticed = now
		}
		return false
	}
	k := t.kind(n.About)
	if k.on && now.Sub(k.at) < sameThing {
		return true
	}
	k.on, k.at, k.away = true, now, time.Time{}
	k.severity = callstate.Failure // a notice says it with all the weight that it has
	return false
}

func (t *troubles) kind(kind callstate.Kind) *telling {
	if t.kinds == nil {
		t.kinds = make(map[callstate.Kind]*telling)
	}
	k := t.kinds[kind]
	if k == nil {
		k = &telling{}
		t.kinds[kind] = k
	}
	return k
}

// sorted are the keys of a map in order.
func sorted(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
