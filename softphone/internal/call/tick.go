package call

import (
	"time"

	"callcenter/softphone/internal/callstate"
)

// tick looks at the time. quiet is how long nothing came from the active
// carrier.
func (s *schedule) tick(now, quiet time.Duration) {
	if s.wake != 0 && now-s.wake > overslept {
		s.pardon = now + mercy
	}
	s.wake = 0
	if s.phase == phaseOver {
		return
	}
	if s.trial != 0 && now-s.began >= s.trialLimit() {
		s.reason = &ServerError{s.trying, ErrNoAnswer}
		s.doubt = s.doubt || s.trying == s.server && !s.asked
		s.drop()
		s.failed(retry, now)
	}
	if s.active != 0 && now >= s.pardon {
		s.listen(now, quiet)
	}
	if s.phase == phaseLost && now-s.lostAt >= KeepTrying {
		s.end(&LostError{Server: s.server, Last: s.reason})
		return
	}
	switch {
	case !s.wanted(quiet) || s.trial != 0:
	case s.left > 0:
		s.open(now)
	case now >= s.due:
		s.attempt(now)
	}
}

// trialLimit is how long the trial may take. The last server of a call that is
// dialed has the time that an answer may take.
func (s *schedule) trialLimit() time.Duration {
	if s.phase == phaseDialing && s.left == 0 {
		return answerLimit
	}
	return max(dialLimit, dialTrips*s.trip)
}

// listen judges the silence of the active carrier.
func (s *schedule) listen(now, quiet time.Duration) {
	switch {
	case quiet >= giveUpAfter:
		s.do(act{verb: dropCarrier, carrier: s.active})
		s.active = 0
		s.lose(now, now-quiet)
		s.due = now // attempts are under way already
		s.tries = 2
		s.reason = &ServerError{s.server, errQuiet}
	case quiet >= problemAfter && s.phase == phaseUp:
		s.phase, s.since = phaseProblem, now-quiet
		if !s.drains {
			s.tries, s.left, s.due = 2, 0, s.since+secondAfter
		}
		s.sayOf(callstate.KindDownlink, callstate.Warning, "Connection problem: nothing heard from %s for 1 s.", s.server)
	case quiet < problemAfter && s.phase == phaseProblem:
		s.phase = phaseUp
		s.back(now - quiet)
		if !s.joined && !s.drains {
			s.drop()
		}
	}
}

// wanted reports that another connection is to be tried.
func (s *schedule) wanted(quiet time.Duration) bool {
	return len(s.servers) > 0 && (s.phase == phaseLost || s.active != 0 && (s.drains || s.phase == phaseProblem && quiet >= secondAfter))
}

// nextDue is when the attempt after the one that begins now is due.
func (s *schedule) nextDue(now time.Duration) time.Duration {
	switch s.tries {
	case 1:
		return now + secondTry - firstTry
	default:
		return now + time.Duration((1+tryScatter*s.scatter())*float64(tryEvery))
	}
}

// until returns how long the keeper may sleep.
func (s *schedule) until(now, quiet time.Duration) time.Duration {
	wait := tryEvery
	at := func(d time.Duration) { wait = min(wait, max(0, d)) }
	if s.trial != 0 {
		at(s.began + s.trialLimit() - now)
	}
	if s.phase == phaseLost {
		at(s.lostAt + KeepTrying - now)
	}
	if s.trial == 0 && s.wanted(quiet) { // no server is left, or tick had tried it
		at(s.due - now)
	}
	if s.active != 0 {
		at(max(s.silence(quiet)-quiet, s.pardon-now))
	}
	s.wake = now + wait
	return wait
}

// silence is the next length of silence that matters.
func (s *schedule) silence(quiet time.Duration) time.Duration {
	for _, d := range []time.Duration{problemAfter, secondAfter, giveUpAfter} {
		if quiet < d {
			return d
		}
	}
	return quiet
}
