package plain

import (
	"fmt"
	"strings"
	"time"

	"callcenter/softphone/internal/callstate"
)

const (
	// lastWord is how long after a call its last notice may take, which the summary
	// follows.
	lastWord = 2 * time.Second
	// hintEvery is the least time between two hints to unmute.
	hintEvery = 15 * time.Second
	// gather is for how long after the answer those in a room are gathered before
	// they are told, and those who come and go after each telling.
	gather = time.Second
	// regather is the same for a connection that is back.
	regather = 3 * time.Second
	// namedAtOnce is how many names a sentence has at most.
	namedAtOnce = 5
)

// news is what was told of the line, to tell what is new.
type news struct {
	state     callstate.State
	callID    string
	called    bool // that it is being called
	connected bool

	figures callstate.Snapshot // the newest of the call
	summary string             // to be said after the last notice; may be empty
	lastBy  time.Time          // when that is not waited for any more; zero: it is not

	talking  bool // while muted
	hinted   time.Time
	roster   roster
	troubles troubles
}

// look tells what is new in the session's snapshot.
func (n *news) look(s *session) {
	snap := &s.snap
	another := n.connected && (snap.State == callstate.Dialing || snap.CallID != "" && n.callID != snap.CallID)
	if another || snap.State == callstate.Idle && n.state != callstate.Idle {
		n.over(s)
	}
	n.state = snap.State
	if !n.called && snap.State == callstate.Dialing {
		n.called, s.said = true, nil
		s.say("Calling %s at %s.", name(s.destination()), name(server(snap)))
	}
	if snap.State.Connected() {
		n.figures = *snap
		if !n.connected {
			n.connected, n.callID = true, snap.CallID
			n.roster = roster{next: s.now.Add(gather)}
			s.say("Connected to %s.", name(s.destination()))
		}
		n.hint(s)
		n.roster.look(s)
		n.troubles.look(s)
	}
	if n.ending() && !s.now.Before(n.lastBy) {
		n.close(s)
	}
}

// over takes note that a call has ended.
func (n *news) over(s *session) {
	summary, figures := "", n.figures
	if n.connected {
		if s.snap.State == callstate.Idle && s.snap.Duration >= figures.Duration {
			figures = s.snap // they are of the end
		}
		summary = summarize(&figures)
	}
	*n = news{summary: summary, lastBy: s.now.Add(lastWord)}
}

// close says the summary, if there is one.
func (n *news) close(s *session) {
	s.say("%s", n.summary)
	n.summary, n.lastBy = "", time.Time{}
}

// ending reports that more is to be said of a call that is over.
func (n *news) ending() bool { return !n.lastBy.IsZero() }

// notice says a sentence of the phone's, unless the same was just told as what the
// call suffers from. The summary of a call follows its last one.
func (s *session) notice(n callstate.Notice) {
	s.notices++
	s.look() // it may tell of the end of a call
	known := s.news.troubles.knows(n, time.Now())
	switch text := lead(n.Severity) + sentence(n.Text); {
	case known, n.Presence && s.snap.InRoom():
	case n.Private:
		s.tell("%s", text)
	default:
		s.say("%s", text)
	}
	if s.news.ending() && len(s.phone.Notices()) == 0 {
		s.news.close(s)
	}
	if n.Severity == callstate.Failure && s.pending != nil && s.pending.refused != nil {
		s.pending.refused(s)
	}
}

// lead begins a sentence by its severity.
func lead(severity callstate.Severity) string {
	switch severity {
	case callstate.Warning:
		return "Warning: "
	case callstate.Failure:
		return "Error: "
	case callstate.Info:
	}
	return ""
}

// sentence makes a text one, with a capital and a stop.
func sentence(text string) string {
	text = strings.TrimSpace(text)
	if text == "" {
		return ""
	}
	if c := text[0]; c >= 'a' && c <= 'z' {
		text = string(c-'a'+'A') + text[1:]
	}
	if !strings.ContainsAny(text[len(text)-1:], ".?!") {
		text += "."
	}
	return text
}

// hint tells who speaks and is muted.
func (n *news) hint(s *session) {
	if s.snap.TalkingWhileMuted && !n.talking && s.now.Sub(n.hinted) >= hintEvery {
		n.hinted = s.now
		s.say("You speak, but your microphone is muted: nobody hears you. Type unmute, or talk.")
	}
	n.talking = s.snap.TalkingWhileMuted
}

// summarize is a call that has ended in a sentence.
func summarize(f *callstate.Snapshot) string {
	parts := []string{"Summary: " + lasted(f.Duration)}
	if f.Quality.Known {
		parts = append(parts, fmt.Sprintf("MOS %.1f of 4.4, estimated", f.Quality.MOS))
	} else {
		parts = append(parts, "not rated")
	}
	if f.Traffic.Received > 0 {
		parts = append(parts, percent(f.Traffic.ConcealedPct)+" of what you heard was made up")
	}
	switch {
	case f.Link.Gap > 0 || f.Link.Resumes > 0:
		parts = append(parts, gaps(f.Link))
	default:
		parts = append(parts, "no gap in the connection")
	}
	if f.Counts.Interruptions > 0 {
		parts = append(parts, fmt.Sprintf("interrupted %s", callstate.Times(f.Counts.Interruptions)))
	}
	return strings.Join(parts, "; ") + "."
}

// lasted is how long a call took, in words.
func lasted(d time.Duration) string {
	sec := int(max(d, 0).Round(time.Second) / time.Second)
	switch h, m := sec/3600, sec/60%60; {
	case h > 0:
		return fmt.Sprintf("%d h %d min", h, m)
	case m > 0:
		return fmt.Sprintf("%d min %d s", m, sec%60)
	}
	return fmt.Sprintf("%d s", sec)
}

// roster is who is in the room, as told.
type roster struct {
	known bool
	names map[string]string // by id
	next  time.Time         // when more may be told
}

// look tells who came and who went, of a link that works: what the server told
// before it broke is no news.
func (r *roster) look(s *session) {
	if s.snap.Link.State != callstate.LinkUp { // the others come back to another server as well
		r.next = s.now.Add(regather)
	}
	if !s.snap.InRoom() || s.now.Before(r.next) && (r.known || len(s.snap.Roster) == 0) {
		return
	}
	now := make(map[string]string, len(s.snap.Roster))
	var came, went []string
	for _, p := range s.snap.Roster {
		now[p.ID] = who(p)
		if _, there := r.names[p.ID]; !there {
			came = append(came, who(p))
		}
	}
	for _, id := range sorted(r.names) {
		if _, there := now[id]; !there {
			went = append(went, r.names[id])
		}
	}
	switch {
	case !r.known && len(came) == 0 && s.snap.MayNotListen:
		s.say(notTold)
	case !r.known && len(came) == 0:
		s.say("Nobody else is in the room.")
	case !r.known:
		s.say("In the room with you: %s.", list(came, s.snap.Unlisted))
	default:
		if len(came) > 0 {
			s.say("%s joined.", list(came, 0))
		}
		if len(went) > 0 {
			s.say("%s left.", list(went, 0))
		}
	}
	if !r.known || len(came)+len(went) > 0 {
		r.next = s.now.Add(gather)
	}
	r.known, r.names = true, now
}

// who is the name of somebody in a room.
func who(p callstate.Participant) string {
	if n := name(p.Name); n != "" {
		return n
	}
	return "Somebody without a name"
}

// list are names in a sentence, and how many more there are.
func list(names []string, more int) string {
	if len(names) > namedAtOnce {
		more += len(names) - namedAtOnce
		names = names[:namedAtOnce]
	}
	switch {
	case more > 0:
		return fmt.Sprintf("%s and %d more", strings.Join(names, ", "), more)
	case len(names) == 1:
		return names[0]
	case len(names) == 0:
		return "nobody"
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
