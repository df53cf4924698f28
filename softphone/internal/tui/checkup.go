package tui

import (
	"strings"
	"time"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/desk"
)

// checkup is the Check of the check's screen, and whether that is open.
type checkup struct {
	check desk.Check
	side
}

func newCheckup(c desk.Check, woken chan<- struct{}) *checkup {
	return &checkup{check: c, side: side{woken: woken}}
}

// there reports that there is a check at all.
func (c *checkup) there() bool { return c.check != nil }

// begin opens the screen and begins the check; while it is open, begin begins anew.
func (c *checkup) begin() {
	if c.there() {
		c.opens()
		c.check.Begin()
		c.wake()
	}
}

func (c *checkup) end() {
	if c.closes() {
		c.check.End()
		c.wake()
	}
}

// state is what the check's screen shows; ok is unset while it is closed.
func (c *checkup) state() (s callstate.Check, ok bool) {
	if !c.open.Load() {
		return callstate.Check{}, false
	}
	return c.check.State(), true
}

// mostLines is how many lines of a check are shown; there are a dozen.
const mostLines = 64

// exam is the check's screen.
type exam struct {
	seen   bool // something was told of the check since it began
	check  callstate.Check
	read   callstate.Meter // what the figures of the meter show
	readAt time.Time
	length time.Duration // of the whole check
	scroll int           // the first row of the outcome
}

// take makes a state of the check the picture of the screen.
func (e *exam) take(msg checkMsg) {
	c := msg.Check
	c.Ask, c.Err = clean(c.Ask), clean(c.Err)
	lines := make([]callstate.CheckLine, min(len(c.Lines), mostLines))
	for i := range lines {
		l := c.Lines[i]
		l.Title, l.Finding, l.Advice = clean(l.Title), clean(l.Finding), clean(l.Advice)
		lines[i] = l
	}
	c.Lines = lines
	e.seen, e.check = true, c
	e.length = max(e.length, c.Total)
	if since := msg.at.Sub(e.readAt); e.readAt.IsZero() || since < 0 || since >= readEvery {
		e.read, e.readAt = c.Level, msg.at
	}
}

// beginCheck begins the check, or begins it anew.
func (m *model) beginCheck() {
	m.exam = exam{}
	m.check.begin()
}

// enableCheck switches on the keys that make sense in this state of the check.
func (m *model) enableCheck() {
	m.keys.Repeat.SetEnabled(m.mode == modeCheck && m.exam.seen && !m.exam.check.Running)
}

// pressCheck handles the keys of the check's screen. Once it is over those of the
// line work, too.
func (m *model) pressCheck(msg tea.KeyMsg) tea.Cmd {
	k, page := &m.keys, max(m.between()-4, 1)
	switch {
	case key.Matches(msg, k.Repeat):
		m.beginCheck()
	case key.Matches(msg, k.Up):
		m.scrollCheck(-1)
	case key.Matches(msg, k.Down):
		m.scrollCheck(1)
	case key.Matches(msg, k.PageUp):
		m.scrollCheck(-page)
	case key.Matches(msg, k.PageDown):
		m.scrollCheck(page)
	case m.exam.check.Running && !key.Matches(msg, k.Close, k.Check, k.Quit, k.Microphone, k.Earpiece):
		// A key that opens something else would give the check up.
	default:
		return m.pressLine(msg)
	}
	m.enableCheck()
	return nil
}

// scrollCheck moves the outcome by rows. While the check goes on its newest line
// is in sight.
func (m *model) scrollCheck(by int) {
	if width, _ := m.inside(); !m.exam.check.Running {
		m.exam.scroll = max(0, min(m.exam.scroll+by, m.examPanel().overflow(min(width, longLine))))
	}
}

// checkOverflows reports that the outcome is longer than there is room.
func (m *model) checkOverflows() bool {
	width, _ := m.inside()
	// The footer, which asks, is a part of what decides: it has one line at least.
	return examPanel{st: &m.styles, e: &m.exam, most: m.height - 5}.overflow(min(width, longLine)) > 0
}

func (m *model) examPanel() examPanel {
	return examPanel{st: &m.styles, e: &m.exam, most: m.between()}
}

// graded is a grade as a shape, a word and a look.
func (st *styles) graded(g callstate.Grade) (text string, look ink) {
	switch g {
	case callstate.GradePass:
		return "✓ PASS", st.goodStrong
	case callstate.GradeWarn:
		return "! WARN", st.warnStrong
	case callstate.GradeFail:
		return "✗ FAIL", st.badStrong
	case callstate.GradeNone:
	}
	return "  " + unknown + "   ", st.dim
}

// named are the titles of the lines of a grade.
func named(lines []callstate.CheckLine, g callstate.Grade) string {
	var titles []string
	for _, l := range lines {
		if l.Grade == g {
			titles = append(titles, l.Title)
		}
	}
	return strings.Join(titles, ", ")
}
