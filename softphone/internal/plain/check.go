package plain

import (
	"fmt"
	"strings"
	"time"

	"callcenter/softphone/internal/callstate"
)

const (
	// checkLimit is how long a check may take at most.
	checkLimit = 2 * time.Minute
	// oldNews is for how long after the beginning an outcome may be that of the
	// check before.
	oldNews = time.Second
)

// checkJob is a check that goes on.
type checkJob struct {
	on      bool
	running bool // it was seen to run
	from    time.Time
	ask     string // what was asked last
}

func (c *checkJob) busy() bool { return c.on }

// runCheck begins a check, or gives it up.
func (s *session) runCheck(arg string) {
	c := &s.check
	switch {
	case s.opts.Check == nil:
		s.say("There is no check here.")
	case strings.EqualFold(arg, "stop") && c.on:
		c.end(s)
		s.say("The check was given up.")
	case strings.EqualFold(arg, "stop"):
		s.say("No check goes on.")
	case c.on:
		s.say("A check goes on; check stop gives it up.")
	case s.snap.State != callstate.Idle:
		s.say("There is a call: hang up, then check.")
	default:
		*c = checkJob{on: true, from: time.Now()}
		s.opts.Check.Begin()
	}
}

// end gives up a check that goes on, and every device back.
func (c *checkJob) end(s *session) {
	if c.on {
		c.on = false
		s.opts.Check.End()
	}
}

// look tells what is asked of the operator, and the outcome.
func (c *checkJob) look(s *session) {
	if !c.on {
		return
	}
	st := s.opts.Check.State()
	age := time.Since(c.from)
	if st.Running && !c.running {
		c.running = true
		if st.Total > 0 {
			s.say("The check takes %s.", callstate.Spell(st.Total.Round(time.Second)))
		}
	}
	fresh := c.running || age >= oldNews
	switch {
	case st.Err != "" && fresh:
		s.say("Error: %s", sentence(st.Err))
		c.end(s)
	case st.Done && fresh:
		c.tell(s, &st)
		c.end(s)
	case age >= checkLimit, !st.Running && age >= 2*oldNews:
		s.say("Error: the check brought nothing.")
		c.end(s)
	case st.Ask != "" && st.Ask != c.ask:
		c.ask = st.Ask
		left := ""
		if st.Left > 0 {
			left = fmt.Sprintf(" %.0f s.", st.Left.Seconds())
		}
		s.say("%s%s", sentence(st.Ask), left)
	}
}

// tell tells the outcome, the grade of each thing first.
func (c *checkJob) tell(s *session, st *callstate.Check) {
	counts := make(map[callstate.Grade]int)
	for i := range st.Lines {
		l := &st.Lines[i]
		counts[l.Grade]++
		text := name(l.Title)
		if l.Grade != callstate.GradeNone {
			text = l.Grade.String() + ", " + text
		}
		switch {
		case l.Finding != "":
			text += ": " + strings.TrimRight(l.Finding, ".")
		case l.Grade == callstate.GradeNone:
			text += ": not known"
		}
		s.say("%s %s", sentence(text), sentence(l.Advice))
	}
	switch fail, warn := counts[callstate.GradeFail], counts[callstate.GradeWarn]; {
	case fail > 0:
		s.say("The check failed: %d FAIL, %d WARN, %d PASS.", fail, warn, counts[callstate.GradePass])
	case warn > 0:
		s.say("The check passed with %d WARN.", warn)
	default:
		s.say("The check passed.")
	}
}
