package plain

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"callcenter/softphone/internal/callstate"
)

const (
	// pastLimit is how long a search in the history may take.
	pastLimit = 10 * time.Second
	// pastLines is how many calls are told at once.
	pastLines = 10
)

// pastJob is a search in the history, and what it found.
type pastJob struct {
	on    bool
	find  string
	from  time.Time
	calls []callstate.Past // as listed
	told  int              // of them
	more  bool             // there are more than those
}

func (p *pastJob) busy() bool { return p.on }

// history looks for calls that were.
func (s *session) history(arg string) {
	p := &s.past
	switch {
	case s.opts.History == nil:
		s.say("There is no history here.")
	case strings.EqualFold(arg, "more") && p.told < len(p.calls):
		p.tell(s)
	case strings.EqualFold(arg, "more"):
		s.say("There are no more in that list.")
	default:
		*p = pastJob{on: true, find: arg, from: time.Now()}
		s.opts.History.Find(arg)
	}
}

// look tells what was found, once it is.
func (p *pastJob) look(s *session) {
	age := time.Since(p.from)
	if !p.on || age < jobEvery { // what is there may be of another search
		return
	}
	st := s.opts.History.State()
	switch {
	case age >= pastLimit:
		p.on = false
		s.say("Error: the history did not answer within %s.", callstate.Spell(pastLimit))
	case st.Busy, st.Find != p.find:
	case st.Err != "":
		p.on = false
		s.say("Error: %s", sentence(st.Err))
	default:
		p.on, p.calls, p.more = false, st.Calls, st.More
		if len(p.calls) == 0 {
			s.say("%s", either(p.find == "", "There are no calls in the history.", "No call fits."))
			return
		}
		p.tell(s)
	}
}

// tell tells the next calls of the list.
func (p *pastJob) tell(s *session) {
	to := min(p.told+pastLines, len(p.calls))
	for i := p.told; i < to; i++ {
		s.say("%d: %s.", i+1, pastLine(&p.calls[i], time.Now()))
	}
	p.told = to
	switch rest := len(p.calls) - to; {
	case rest > 0:
		s.say("%d more%s: history more. redial 1 calls the first.", rest, either(p.more, " at least", ""))
	case p.more:
		s.say("There are older ones: history with words finds them.")
	}
}

// number is a call of the list.
func (p *pastJob) number(s *session, arg string) (callstate.Past, bool) {
	n, err := strconv.Atoi(arg)
	switch {
	case len(p.calls) == 0:
		s.say("Type history first: the numbers are those of that list.")
	case err != nil || n < 1 || n > len(p.calls):
		s.say("There is no %s in that list: it has 1 to %d.", name(arg), len(p.calls))
	default:
		return p.calls[n-1], true
	}
	return callstate.Past{}, false
}

// pastLine is a call in words.
func pastLine(p *callstate.Past, now time.Time) string {
	parts := []string{day(p.Start, now)}
	if n := name(p.Name); n != "" {
		parts = append(parts, n)
	}
	parts = append(parts, name(p.Destination), lasted(p.Length))
	if p.MOS > 0 {
		text := fmt.Sprintf("MOS %.1f estimated", p.MOS)
		if p.WorstMOS > 0 && p.Length > time.Minute {
			text += fmt.Sprintf(", worst minute %.1f", p.WorstMOS)
		}
		parts = append(parts, text)
	}
	if p.ConcealedPct > 0 {
		parts = append(parts, percent(p.ConcealedPct)+" made up")
	}
	if p.Gaps > 0 {
		parts = append(parts, fmt.Sprintf("without a connection %s, %s in all", callstate.Times(p.Gaps), callstate.Spell(p.Gap)))
	}
	if p.Ended != "" {
		parts = append(parts, name(p.Ended))
	}
	text := strings.Join(parts, ", ")
	if p.Err != "" {
		text += ": " + strings.TrimRight(p.Err, ".")
	}
	return text
}

// day is when a call was, as short as can be.
func day(t, now time.Time) string {
	t = t.In(now.Location())
	switch {
	case t.Format(time.DateOnly) == now.Format(time.DateOnly):
		return "today " + t.Format("15:04")
	case t.Year() == now.Year():
		return t.Format("2 January 15:04")
	}
	return t.Format("2 January 2006 15:04")
}
