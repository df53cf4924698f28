package tui

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"callcenter/softphone/internal/callstate"
)

// examPanel draws the check's screen: what the operator is to do and how far the
// check is, or its outcome in a word, over a line for each thing that was looked at.
type examPanel struct {
	st   *styles
	e    *exam
	most int // lines
}

// RenderIn implements elastic.
func (p examPanel) RenderIn(width, lines int) string {
	p.most = lines
	return p.Render(width)
}

// Render implements panel.
func (p examPanel) Render(width int) string {
	head, rows := p.head(width), p.rows(width)
	room := p.most - len(head)
	from := max(0, min(p.e.scroll, len(rows)-room))
	if p.e.check.Running { // the newest is in sight
		from = max(0, len(rows)-max(room, 0))
	}
	out := slices.Concat(head, p.st.window(rows, from, room, width))
	return strings.Join(out[:max(0, min(p.most, len(out)))], "\n")
}

// overflow is how many rows have no room.
func (p examPanel) overflow(width int) int {
	return max(0, len(p.rows(width))-max(p.most-len(p.head(width)), 1))
}

// head is what stands over the rows.
func (p examPanel) head(width int) []string {
	switch c := &p.e.check; {
	case c.Err != "":
		return p.say(callstate.Failure, c.Err, width)
	case c.Running:
		return p.going(width)
	case c.Done:
		return p.outcome(width)
	case p.e.seen:
		return p.say(callstate.Info, "Nothing is being checked. Enter begins the check.", width)
	}
	return p.say(callstate.Info, "The check begins: about 20 seconds, in which this screen says what to do.", width)
}

// say is a sentence, and air where there is room.
func (p examPanel) say(how callstate.Severity, text string, width int) []string {
	return p.air(strings.Split(message{st: p.st, notice: callstate.Notice{Severity: how, Text: text}, most: max(p.most, 1)}.Render(width), "\n"))
}

func (p examPanel) air(lines []string) []string {
	if p.most >= tall-8 {
		lines = append(lines, " ")
	}
	return lines
}

// going is what to do now, how far the check is, and the microphone.
func (p examPanel) going(width int) []string {
	c := &p.e.check
	mt := meter{st: p.st, name: "Microphone", short: "mic", level: c.Level, read: p.e.read, open: true}
	mt.large = width >= spacious && p.most >= tall-8
	level := strings.Split(mt.Render(width), "\n")
	if p.most < tall-8 {
		return append(p.asked(width), level...)
	}
	total := p.st.dim.Render(fmt.Sprintf("%.0f s to go", math.Ceil(bounded(c.Total).Seconds())))
	out := []string{between(p.st.strong.Render("Check before the shift"), total, width), p.progress(width), " "}
	out = append(append(out, p.asked(width)...), " ")
	return append(append(out, level...), " ")
}

// asked is what the operator is to do, and for how long.
func (p examPanel) asked(width int) []string {
	c := &p.e.check
	if c.Ask == "" {
		return []string{cut(p.st.dim.Render("There is nothing to do for you."), width)}
	}
	left := ""
	if c.Left > 0 {
		left = fmt.Sprintf("  %.0f s", math.Ceil(bounded(c.Left).Seconds()))
	}
	lines := wrap(c.Ask, width-len("  99 s"))
	if most := max(p.most-3, 1); len(lines) > most { // the last one carries the rest, to be cut with a sign
		lines = append(lines[:most-1], cut(strings.Join(lines[most-1:], " "), width-len("  99 s")))
	}
	for i, line := range lines {
		lines[i] = p.st.warnStrong.Render(line)
	}
	lines[len(lines)-1] = cut(lines[len(lines)-1]+p.st.key.Render(left), width)
	return lines
}

// progress is how far the check is, as a bar.
func (p examPanel) progress(width int) string {
	part := 0.0
	if p.e.length > 0 {
		part = 1 - max(0, min(p.e.check.Total.Seconds()/p.e.length.Seconds(), 1))
	}
	full := max(0, min(int(math.Round(part*float64(width))), width))
	return p.st.key.Render(strings.Repeat("█", full)) + p.st.dim.Render(strings.Repeat("·", max(width-full, 0)))
}

// outcome is the whole of the check in a word, and what keeps it from being better.
func (p examPanel) outcome(width int) []string {
	c := &p.e.check
	word, look := p.st.graded(c.Grade)
	failed, warned := named(c.Lines, callstate.GradeFail), named(c.Lines, callstate.GradeWarn)
	text := "Everything is as it should be."
	switch {
	case failed != "" && warned != "":
		text = "Put right before the shift: " + failed + ". Better look at: " + warned + "."
	case failed != "":
		text = "Put right before the shift: " + failed + "."
	case warned != "":
		text = "Better look at: " + warned + "."
	case c.Grade != callstate.GradePass:
		text = "Nothing was found out."
	}
	lines := wrap(text, width-8)
	if len(lines) > 3 { // the last one carries the rest, to be cut with a sign
		lines = append(lines[:2], strings.Join(lines[2:], " "))
	}
	for i, line := range lines {
		lead := "        "
		if i == 0 {
			lead = look.Render(pad(word, 6)) + "  "
		}
		lines[i] = cut(lead+p.st.strong.Render(line), width)
	}
	return p.air(lines)
}

// rows are all lines of the check, with their advice.
func (p examPanel) rows(width int) []string {
	titles := 16 // so that the column stands still while they come
	for _, l := range p.e.check.Lines {
		titles = max(titles, span(l.Title))
	}
	titles = min(titles, 24)
	out := make([]string, 0, 2*len(p.e.check.Lines))
	for _, l := range p.sorted(width) {
		if width < spacious {
			out = append(out, p.narrow(l, width)...)
		} else {
			out = append(out, p.wide(l, titles, width)...)
		}
	}
	return out
}

// sorted are the lines as they came, or the worst first where an outcome has little
// room.
func (p examPanel) sorted(width int) []callstate.CheckLine {
	lines := p.e.check.Lines
	if p.e.check.Running || width >= spacious {
		return lines
	}
	lines = slices.Clone(lines)
	slices.SortStableFunc(lines, func(a, b callstate.CheckLine) int { return int(b.Grade) - int(a.Grade) })
	return lines
}

// wide is a line with its finding in a column, and under that the advice.
func (p examPanel) wide(l callstate.CheckLine, titles, width int) []string {
	word, look := p.st.graded(l.Grade)
	indent := 6 + 2 + titles + 2
	lead := look.Render(word) + "  " + pad(l.Title, titles) + "  "
	out := make([]string, 0, 4)
	for _, line := range wrap(l.Finding, width-indent) {
		out = append(out, cut(lead+line, width))
		lead = blanks(indent)
	}
	for _, line := range p.advice(l, width-indent) {
		out = append(out, cut(blanks(indent)+line, width))
	}
	return out
}

// narrow is a line with its finding beside it, or under it.
func (p examPanel) narrow(l callstate.CheckLine, width int) []string {
	word, look := p.st.graded(l.Grade)
	lead := look.Render(word) + " " + p.st.strong.Render(cut(l.Title, width-7))
	out := []string{lead}
	if span(lead)+2+span(l.Finding) <= width {
		out[0] += "  " + l.Finding
	} else {
		for _, line := range wrap(l.Finding, width-2) {
			out = append(out, cut("  "+line, width))
		}
	}
	for _, line := range p.advice(l, width-2) {
		out = append(out, cut("  "+line, width))
	}
	return out
}

// advice is what to do about a line, in so many cells.
func (p examPanel) advice(l callstate.CheckLine, width int) []string {
	if l.Advice == "" || l.Grade == callstate.GradePass {
		return nil
	}
	lines := wrap(l.Advice, width-2)
	for i, line := range lines {
		lead := "  "
		if i == 0 {
			lead = p.st.key.Render("→") + " "
		}
		lines[i] = lead + p.st.key.Render(line)
	}
	return lines
}
