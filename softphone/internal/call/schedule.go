package call

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"callcenter/softphone/internal/callstate"
)

const (
	// Silences of a server, which sends a chunk each 200 ms at least, by what
	// follows from them.
	problemAfter = time.Second     // the operator is told
	secondAfter  = 3 * time.Second // a second connection is tried beside the first
	giveUpAfter  = 5 * time.Second // the first is given up

	// dialLimit is how long an attempt may take until it is answered, or five
	// round trips where those take longer: an encrypted one needs four.
	dialLimit  = time.Second
	dialTrips  = 5
	firstTry   = 250 * time.Millisecond // after the break
	secondTry  = 500 * time.Millisecond
	tryEvery   = time.Second
	tryScatter = 0.2 // of tryEvery, so that not all phones of a house try at once

	// A keeper that wakes so much later than it asked for was itself asleep, and
	// what came meanwhile may not have been read yet.
	overslept = 300 * time.Millisecond
	mercy     = 200 * time.Millisecond
)

// verb is what the schedule wants to be done.
type verb int

const (
	openCarrier   verb = iota // connect carrier to server
	joinCarrier               // its connection stands: ask for the call
	dropCarrier               // end it at once
	adoptCarrier              // it carries the call from now on
	retireCarrier             // it has nothing more to carry: end it in order
	sayNotice
	endCall
)

// act is one thing to do.
type act struct {
	verb    verb
	carrier int
	server  string
	notice  callstate.Notice
	err     error
}

// schedule decides which connections carry a call. It is the whole of the
// link's state and does nothing itself: every method takes what happened and
// when, and appends to the acts to be done. A carrier is one connection and its
// stream, known by its number; at most one is active, which the call goes over,
// and one on trial, which is not answered yet.
//
//	dialing --answered--> up <--heard-- problem --5 s quiet--> lost
//	                      up --1 s quiet--> problem             |
//	                      up, problem --broken--> lost          |
//	                      up <-------------answered-------------+--30 s--> over
type schedule struct {
	servers []string       // without those that are barred
	scatter func() float64 // -1 to 1

	phase   phase
	made    int // carriers opened
	active  int
	trial   int
	joined  bool   // the trial's connection stands, its answer is missing
	server  string // of the active carrier, or the last one
	trying  string // of the trial
	next    int    // index of the server that is tried next
	began   time.Duration
	due     time.Duration // when the next attempt is, while attempts are wanted
	tries   int           // times that the list was gone through
	left    int           // servers of the list that this time has not tried yet
	since   time.Duration // when the link was heard last, before a trouble
	lostAt  time.Duration
	woke    time.Duration // sleep in the trouble that is on, which no clock counted
	doubt   bool          // the server that had the call did not answer in time,
	asked   bool          // and was asked again since another one could be reached
	contest bool          // a trial of ours may have taken the call from the active one
	drains  bool          // the active server is about to end
	pardon  time.Duration // until then silence is not judged
	wake    time.Duration // when tick is wanted; 0: not yet
	reason  error         // of the last failure
	refused error         // why a server is off the list; nil: none is
	trip    time.Duration // smoothed round trip, kept up by the keeper

	resumes uint64
	gap     time.Duration

	acts []act
}

type phase int

const (
	phaseDialing phase = iota // nothing was ever answered
	phaseUp
	phaseProblem
	phaseLost
	phaseOver
)

// link is the state of the link as others see it.
func (p phase) link() callstate.LinkState {
	switch p {
	case phaseProblem:
		return callstate.LinkProblem
	case phaseLost:
		return callstate.LinkLost
	case phaseDialing, phaseUp, phaseOver:
	}
	return callstate.LinkUp
}

func (s *schedule) do(a act) { s.acts = append(s.acts, a) }

func (s *schedule) say(severity callstate.Severity, format string, args ...any) {
	s.do(act{verb: sayNotice, notice: callstate.Notice{Severity: severity, Text: fmt.Sprintf(format, args...)}})
}

// sayOf is say for what the verdict names, too.
func (s *schedule) sayOf(kind callstate.Kind, severity callstate.Severity, format string, args ...any) {
	s.say(severity, format, args...)
	s.acts[len(s.acts)-1].notice.About = kind
}

// take returns what is to be done, and forgets it.
func (s *schedule) take() []act {
	acts := s.acts
	s.acts = nil
	return acts
}

// start dials.
func (s *schedule) start(now time.Duration) { s.attempt(now) }

// attempt begins to go through the list of servers, each once the one before
// came to nothing. The one that had the call is the first, since the others of
// its room are there, unless it is about to go.
func (s *schedule) attempt(now time.Duration) {
	s.tries++
	s.left = len(s.servers)
	s.doubt, s.asked = false, false
	if s.phase != phaseDialing {
		s.next = s.after(s.server)
		if !s.drains {
			s.next = s.same()
		}
	}
	s.due = s.nextDue(now)
	s.open(now)
}

// open tries the next server of the list.
func (s *schedule) open(now time.Duration) {
	s.made++
	s.trial, s.trying, s.began, s.joined = s.made, s.servers[s.next], now, false
	s.next = (s.next + 1) % len(s.servers)
	s.left--
	s.do(act{verb: openCarrier, carrier: s.trial, server: s.trying})
}

// drop ends the trial.
func (s *schedule) drop() {
	if s.trial != 0 {
		s.do(act{verb: dropCarrier, carrier: s.trial})
	}
	s.trial = 0
}

func (s *schedule) end(err error) {
	if s.phase == phaseOver {
		return
	}
	s.phase = phaseOver
	s.drop()
	s.do(act{verb: endCall, err: err})
}

// connected notes that a carrier's connection stands. Only now the server is
// asked for the call, which it may then take from the active carrier.
func (s *schedule) connected(id int, now time.Duration) {
	if id != s.trial || s.phase == phaseOver {
		return
	}
	if s.doubt && s.trying != s.server && !s.drains {
		s.askAgain(now)
		return
	}
	s.joined, s.contest = true, s.contest || s.active != 0
	s.do(act{verb: joinCarrier, carrier: id})
}

// askAgain returns to the server that had the call when another one is reached:
// the network may have come back just now, and then that one is there too.
func (s *schedule) askAgain(now time.Duration) {
	other := (s.next + len(s.servers) - 1) % len(s.servers)
	s.drop()
	s.doubt, s.asked = false, true
	s.next = s.same()
	s.left += 2
	s.open(now)
	s.next = other
}

// answered notes the first chunk of a carrier. It is refused, by dropping it,
// unless it is the trial.
func (s *schedule) answered(id int, now, quiet time.Duration) {
	if id != s.trial || s.phase == phaseOver {
		return
	}
	if s.active != 0 {
		s.do(act{verb: retireCarrier, carrier: s.active})
	}
	s.do(act{verb: adoptCarrier, carrier: id, server: s.trying})
	moved := s.drains && s.trying != s.server && (s.phase == phaseUp || s.phase == phaseProblem)
	s.active, s.trial, s.server = id, 0, s.trying
	s.drains, s.contest, s.reason = false, false, nil
	if s.phase != phaseDialing {
		s.resumes++
	}
	switch {
	case s.phase == phaseProblem || s.phase == phaseLost:
		s.back(now)
	case moved:
		s.say(callstate.Info, "The call moved to %s.", s.server)
	}
	if s.phase == phaseDialing && s.refused != nil {
		s.sayRefused()
	}
	s.phase = phaseUp
	s.pardon = 0
	s.tick(now, quiet)
}

// after is the index of the server that follows one in the list.
func (s *schedule) after(server string) int {
	for i, x := range s.servers {
		if x == server {
			return (i + 1) % len(s.servers)
		}
	}
	return 0
}

// same is the index of the server in use.
func (s *schedule) same() int { return (s.after(s.server) + len(s.servers) - 1) % len(s.servers) }

// back accounts for a trouble that is over.
func (s *schedule) back(now time.Duration) {
	gap := now - s.since + s.woke
	s.gap += gap
	s.woke = 0
	s.say(callstate.Info, "Back after %.1f s on %s.", gap.Seconds(), s.server)
}

// ended notes that a carrier ended by itself.
func (s *schedule) ended(id int, err error, now, quiet time.Duration) {
	if s.phase == phaseOver || id != s.active && id != s.trial {
		return
	}
	what := judge(err)
	if what == barred && id == s.trial {
		s.bar(err)
	}
	if what != final || id == s.active || s.active == 0 {
		s.reason = err
	}
	switch {
	case what == fatal:
		s.end(err)
	case id == s.trial:
		s.trial = 0
		s.failed(what, now)
	case what == final, what == finished:
		s.end(err)
	case what == takenOver && s.trial != 0 && s.joined:
		s.active = 0 // by our own trial, which is about to be answered
	case what == takenOver && !s.contest:
		s.end(ErrTakenOver)
	default:
		s.active = 0
		s.lose(now, now-quiet)
	}
	s.tick(now, quiet)
}

// failed notes that the trial came to nothing.
func (s *schedule) failed(what verdict, now time.Duration) {
	switch {
	case s.phase == phaseDialing && (what == final || what == finished || s.left == 0):
		s.end(cmp.Or(s.refused, s.reason))
	case s.phase == phaseDialing:
		s.open(now)
	case s.active != 0: // no word on an attempt ends what works,
	case what == final && s.trying == s.server: // and no server but its own the call
		s.end(s.reason)
	case s.phase != phaseLost || len(s.servers) == 0:
		s.lose(now, now)
	}
}

// lose is the beginning of the time without a connection.
func (s *schedule) lose(now, heard time.Duration) {
	if s.phase == phaseUp {
		s.since = heard
	}
	s.phase, s.lostAt = phaseLost, now
	if len(s.servers) == 0 {
		s.end(s.refused)
		return
	}
	s.tries, s.left, s.due = 0, 0, now+firstTry
	s.sayOf(callstate.KindServerGone, callstate.Warning, "Connection lost, trying %s.", s.all())
}

// draining notes that the active server asks the call to move.
func (s *schedule) draining(id int, now, quiet time.Duration) {
	if id != s.active || s.active == 0 || s.drains || s.phase == phaseOver {
		return
	}
	s.drains = true
	s.say(callstate.Warning, "%s is shutting down and ends this call soon: moving it.", s.server)
	if s.trial == 0 {
		s.tries, s.left, s.due = 0, 0, now
	}
	s.tick(now, quiet)
}

// slept notes that this computer stood still for so long, which its monotonic
// clock may not have counted: every connection is stale.
func (s *schedule) slept(d, now time.Duration) {
	if s.phase == phaseOver {
		return
	}
	s.drop()
	if s.phase == phaseDialing {
		s.tries = 0
		s.attempt(now)
		return
	}
	if s.active != 0 {
		s.do(act{verb: dropCarrier, carrier: s.active})
		s.active = 0
	}
	if s.phase == phaseUp {
		s.since = now
	}
	s.woke += d
	if s.phase != phaseLost {
		s.lose(now, now)
	}
	s.lostAt, s.tries, s.left, s.due = now, 0, 0, now
	s.tick(now, 0)
}

var errQuiet = errors.New("nothing heard for 5 s")
