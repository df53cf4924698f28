package plain

import (
	"fmt"
	"strings"
	"time"

	"callcenter/softphone/internal/callstate"
)

// How long the lines of a script wait for the line before to show its effect.
const (
	settleDial   = 2 * time.Second
	settleHangUp = goodbye
	settleSave   = 5 * time.Second
)

// How long "wait" waits unless told otherwise, and at most.
const (
	waitConnected = 30 * time.Second
	waitEnded     = 10 * time.Minute
	waitMost      = 24 * time.Hour
)

// pending is what the next line of a script waits for.
type pending struct {
	until   time.Time
	met     func(*session) bool // nil: only until is waited for
	failed  func(*session)      // until has come; nil: that is all right
	refused func(*session)      // the phone told of a failure; nil: that is no end
	asked   bool                // by the command wait
}

// settle looks whether what was waited for has come.
func (s *session) settle() {
	p := s.pending
	switch {
	case p == nil:
	case p.met != nil && p.met(s):
		if s.pending == p {
			s.pending = nil
		}
	case !time.Now().Before(p.until):
		s.pending = nil
		if p.failed != nil {
			p.failed(s)
		}
	}
}

// expect makes the next line of a script wait until something is so, within a
// limit.
func (s *session) expect(within time.Duration, met func(*session) bool) {
	s.pending = &pending{until: time.Now().Add(within), met: met}
}

// wait waits for a time, for an answer or for the end of the call.
func (s *session) wait(arg string) {
	words := strings.Fields(strings.ToLower(arg))
	if len(words) == 0 {
		s.usage("wait for what? wait 5s, wait connected or wait ended, with a limit behind it, such as wait connected 10s.")
		return
	}
	what, limit := words[0], waitConnected
	switch what {
	case "ended":
		limit = waitEnded
	case "connected":
	default:
		d, err := span(what)
		if err != nil || len(words) > 1 {
			s.usage("wait %s is not clear: wait 5s, wait connected or wait ended.", name(arg))
			return
		}
		s.pending = &pending{until: time.Now().Add(d), asked: true}
		return
	}
	if len(words) > 1 {
		d, err := span(words[1])
		if err != nil || len(words) > 2 {
			s.usage("%s is no limit: wait %s 10s.", name(strings.Join(words[1:], " ")), what)
			return
		}
		limit = d
	}
	s.waitFor(what, limit)
}

func (s *session) waitFor(what string, limit time.Duration) {
	p := &pending{until: time.Now().Add(limit), asked: true}
	p.met = func(s *session) bool { return s.snap.State == callstate.Idle && !s.news.ending() }
	p.failed = func(s *session) {
		s.failWait(fmt.Sprintf("the call has not ended within %s", callstate.Spell(limit)))
	}
	if what == "connected" {
		p.met = func(s *session) bool {
			none := s.snap.State == callstate.Idle && !s.news.ending()
			if none {
				s.failWait("there is no call that could be connected")
			}
			return none || s.snap.State.Connected()
		}
		p.failed = func(s *session) { s.failWait(fmt.Sprintf("there is no connection after %s", callstate.Spell(limit))) }
	}
	s.pending = p
}

// failWait tells of a wait in vain, which ends a script.
func (s *session) failWait(why string) {
	s.say("The wait failed: %s.", why)
	s.fail(why)
}

// usage tells what is wrong with a wait: a script that cannot wait as it means to
// must not go on.
func (s *session) usage(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	s.say("%s", sentence(text))
	s.fail(strings.TrimSuffix(text, "."))
}

func (s *session) fail(why string) {
	if s.opts.Terminal {
		return
	}
	s.err = fmt.Errorf("%w: %s", ErrWait, why)
	s.leave()
}

// span reads a time such as 5s, or 5, which are seconds.
func span(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		d, err = time.ParseDuration(text + "s")
	}
	if err == nil && (d < 0 || d > waitMost) {
		err = fmt.Errorf("%s is beyond 24h", text)
	}
	return d, err
}
