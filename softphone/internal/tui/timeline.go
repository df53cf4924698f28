package tui

import (
	"fmt"
	"strings"
	"time"

	"callcenter/softphone/internal/callstate"
)

// timeline is the last minutes of a call as a line of bars: the delay, where there
// is room the MOS, and under them what happened. A cell is several seconds, the
// worst of them; the newest is at the right end.
type timeline struct {
	st      *styles
	moments []callstate.Moment
	second  int // of the call, the newest moment's
	mos     bool
	rows    int  // of the delay; 0 is one
	bare    bool // what the letters mean is said elsewhere
}

// The delay at which a bar is full, unless there was a longer one, so that a quiet
// call is a flat line.
const fullBar = 240 * time.Millisecond

// sideWidth is room right of the bars for the least and the most.
const sideWidth = 2 + 15

// letters are the marks, the worst first.
var letters = [...]struct {
	mark callstate.Mark
	sign byte
	name string
}{
	{callstate.MarkReconnect, 'r', "reconnect"},
	{callstate.MarkStall, 's', "stall"},
	{callstate.MarkDevice, 'd', "device"},
	{callstate.MarkHeld, 'h', "held"},
	{callstate.MarkMuted, 'm', "muted"},
}

// Render implements panel. Its lines are there from the first second on.
func (t timeline) Render(width int) string {
	label, side := labelWidth, sideWidth
	if width < snug {
		label, side = 5, 0
	}
	room := width - label - side
	if room < 8 {
		return ""
	}
	per := (callstate.TimelineSeconds + room - 1) / room
	count := (callstate.TimelineSeconds + per - 1) / per
	cells := t.cells(per, count)
	name, mosName := "Last 5 min", "MOS est."
	if label < labelWidth {
		name, mosName = "5min", "MOS"
	}
	extremes, worst := t.extremes(), t.worst()
	if side == 0 {
		extremes, worst = "", ""
	}
	out := make([]string, 0, max(t.rows, 1)+2)
	for row := max(t.rows, 1) - 1; row > 0; row-- {
		out = append(out, cut(blanks(label)+t.delays(cells, row), width))
	}
	out = append(out, cut(fill(t.st.dim, name, label)+t.delays(cells, 0)+extremes, width))
	if t.mos {
		out = append(out, cut(fill(t.st.dim, mosName, label)+t.scores(cells)+worst, width))
	}
	out = append(out, cut(blanks(label)+t.marks(cells, width-label-count), width))
	return strings.Join(out, "\n")
}

// cells are the worst of each per seconds, count of them, the newest last. Each
// keeps the seconds that it began with while they move to the left.
func (t timeline) cells(per, count int) []callstate.Moment {
	cells := make([]callstate.Moment, count)
	for i, m := range t.moments {
		back := t.second/per - (t.second-(len(t.moments)-1-i))/per
		if back < 0 || back >= count {
			continue
		}
		c := &cells[count-1-back]
		c.Delay = max(c.Delay, m.Delay)
		c.Marks |= m.Marks
		if m.MOS > 0 && (c.MOS == 0 || m.MOS < c.MOS) {
			c.MOS = m.MOS
		}
	}
	return cells
}

// delays are the bars of the delay in a row of several, 0 the lowest.
func (t timeline) delays(cells []callstate.Moment, row int) string {
	full := fullBar
	for _, c := range cells {
		full = max(full, c.Delay)
	}
	rows := float64(max(t.rows, 1))
	return t.bars(cells, func(c callstate.Moment) (float64, ink) {
		look := t.st.good
		if c.Delay > slowMouth {
			look = t.st.warn
		}
		part := float64(c.Delay) / float64(full)
		if row == 0 && part > 0 {
			part = max(part, 0.001) // something is not nothing
		}
		return part*rows - float64(row), look
	})
}

// scores are the bars of the MOS, from 1 to its best.
func (t timeline) scores(cells []callstate.Moment) string {
	return t.bars(cells, func(c callstate.Moment) (float64, ink) {
		look := t.st.good
		if c.MOS < poorMOS {
			look = t.st.warn
		}
		return (c.MOS - 1) / (bestMOS - 1), look
	})
}

// bars draws what of gives for each cell, 0 to 1 and above; nothing is a blank.
func (t timeline) bars(cells []callstate.Moment, of func(callstate.Moment) (float64, ink)) string {
	var b, run strings.Builder
	var look ink
	for _, c := range cells {
		part, next := of(c)
		if !(part > 0) {
			run.WriteByte(' ')
			continue
		}
		if next != look {
			b.WriteString(look.Render(run.String()))
			run.Reset()
			look = next
		}
		const eighths = "▁▂▃▄▅▆▇█"
		at := min(int(min(part, 1)*8), 7) * len("▁")
		run.WriteString(eighths[at : at+len("▁")])
	}
	b.WriteString(look.Render(run.String()))
	return b.String()
}

// extremes are the shortest and the longest delay.
func (t timeline) extremes() string {
	var least, most time.Duration
	for _, m := range t.moments {
		if m.Delay > 0 && (least == 0 || m.Delay < least) {
			least = m.Delay
		}
		most = max(most, m.Delay)
	}
	if most == 0 {
		return ""
	}
	ms := func(d time.Duration) string { return t.st.plain.Render(fmt.Sprintf("%4.0f", bounded(d).Seconds()*1e3)) }
	return "  " + ms(least) + t.st.dim.Render(" to ") + ms(most) + t.st.dim.Render(" ms")
}

// worst is the lowest MOS.
func (t timeline) worst() string {
	least := 0.0
	for _, m := range t.moments {
		if m.MOS > 0 && (least == 0 || m.MOS < least) {
			least = m.MOS
		}
	}
	if least == 0 {
		return ""
	}
	return "  " + t.st.plain.Render(fmt.Sprintf("%4.1f", least)) + t.st.dim.Render(" at worst")
}

// legend is what all letters mean.
func (t timeline) legend(width int) string {
	parts := make([]string, 0, len(letters))
	for _, l := range letters {
		parts = append(parts, t.st.warn.Render(string(l.sign))+t.st.dim.Render(" "+l.name))
	}
	text := strings.Join(parts, "  ")
	if width >= snug {
		text = blanks(labelWidth) + text
	}
	return cut(text, width)
}

// marks are the letters under the cells, and what those of them mean that are
// there, in room cells.
func (t timeline) marks(cells []callstate.Moment, room int) string {
	line, seen := make([]byte, len(cells)), callstate.Mark(0)
	for i, c := range cells {
		line[i] = ' '
		for _, l := range letters {
			if c.Marks&l.mark != 0 {
				line[i] = l.sign
				break
			}
		}
		seen |= c.Marks
	}
	if seen == 0 {
		return " "
	}
	legend := ""
	if t.bare {
		room = 0
	}
	for _, l := range letters {
		if text := "  " + string(l.sign) + " " + l.name; seen&l.mark != 0 && len(legend)+len(text) <= room {
			legend += text
		}
	}
	return t.st.warn.Render(string(line)) + t.st.dim.Render(legend)
}
