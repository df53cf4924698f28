package tui

import (
	"fmt"
	"strings"

	"callcenter/audio"
	"callcenter/softphone/internal/callstate"
)

// labelWidth is the first column of the rows below the meters where it is wide.
const labelWidth = 12

// detail is a named line of text.
type detail struct {
	st                *styles
	name, short, text string
}

// Render implements panel.
func (d detail) Render(width int) string {
	label := fill(d.st.dim, d.name, labelWidth)
	if width < roomy-2 {
		label = fill(d.st.dim, d.short, 4)
	}
	return cut(label+d.text, width)
}

func serverText(s *callstate.Snapshot) string {
	text := ofSeveral(s)
	if text == "" {
		text = unknown
	}
	if s.Codec != "" {
		text += ", " + s.Codec
	}
	if s.Codec != "" && s.FrameMS > 0 {
		text += fmt.Sprintf(" %d ms", s.FrameMS)
	}
	return text
}

// device says what is really open at one end.
type device struct {
	st          *styles
	name, short string
	open        *audio.Endpoint
	end         callstate.End
}

// Render implements panel. The name is cut before the facts are.
func (d device) Render(width int) string {
	if d.open == nil {
		return detail{d.st, d.name, d.short, d.st.dim.Render("none open")}.Render(width)
	}
	narrow := width < roomy-2
	label, least, comma := 12, 12, ", "
	if narrow {
		label, least, comma = 4, 8, " "
	}
	facts := ""
	for _, fact := range d.facts(narrow) {
		next := facts + comma + fact
		if label+least+span(next) > width {
			break
		}
		facts = next
	}
	name := d.open.Name
	if d.open.Monitor {
		name = "MONITOR " + name
	}
	if d.end.State == callstate.EndGone {
		name = "GONE " + name
	}
	name = cut(name, width-label-span(facts))
	return detail{d.st, d.name, d.short, name + facts}.Render(width)
}

// facts are what was granted, the most important first.
func (d device) facts(narrow bool) []string {
	e, blank := d.open, " "
	if narrow {
		blank = ""
	}
	var facts []string
	if e.Rate > 0 {
		facts = append(facts, strings.TrimSuffix(fmt.Sprintf("%.1f", float64(e.Rate)/1000), ".0")+blank+"kHz")
	}
	if e.Channels > 0 {
		facts = append(facts, fmt.Sprintf("%d%sch", e.Channels, blank))
	}
	if e.Period > 0 {
		period := strings.TrimSuffix(number(e.Period), ".0") + blank + "ms"
		if e.Periods > 0 && !narrow {
			period = fmt.Sprintf("%d × %s", e.Periods, period)
		}
		facts = append(facts, period)
	}
	if e.Backend != "" && e.Backend != e.Name {
		facts = append(facts, e.Backend)
	}
	return facts
}

// message is the last notice, at most some lines of it.
type message struct {
	st     *styles
	notice callstate.Notice
	most   int
}

// Render implements panel. Without a notice its line stays, empty.
func (m message) Render(width int) string {
	if m.notice.Text == "" || width < 4 {
		return " "
	}
	mark, style := m.st.sign(m.notice.Severity)
	wrapped := wrap(m.notice.Text, width-2)
	if len(wrapped) > m.most {
		// The last line that fits carries the rest, to be cut with a sign.
		wrapped[m.most-1] = strings.Join(wrapped[m.most-1:], " ")
		wrapped = wrapped[:m.most]
	}
	for i, line := range wrapped {
		lead := "  "
		if i == 0 {
			lead = style.Render(mark) + " "
		}
		wrapped[i] = lead + cut(line, width-2)
	}
	return strings.Join(wrapped, "\n")
}
