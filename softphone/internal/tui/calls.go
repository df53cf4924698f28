package tui

import (
	"fmt"
	"strings"
	"time"

	"callcenter/softphone/internal/callstate"
)

// historyPanel draws the history's screen: the search, the calls, and all of the
// one under the cursor.
type historyPanel struct {
	st   *styles
	b    *browser
	most int // lines
}

// historyAbout is how many lines all of a call takes where there is room, and
// historyBrief where there is little.
const (
	historyAbout = 7
	historyBrief = 2
)

// RenderIn implements elastic.
func (p historyPanel) RenderIn(width, lines int) string {
	p.most = lines
	return p.Render(width)
}

// Render implements panel. The list has as many lines for every call, so that it
// stands still under the cursor.
func (p historyPanel) Render(width int) string {
	b := p.b
	out := []string{p.title(width)}
	switch {
	case b.past.Err != "":
		out = append(out, p.say(callstate.Failure, b.past.Err, width)...)
	case !b.seen || b.past.Busy && len(b.past.Calls) == 0:
		out = append(out, cut("Looking for the calls.", width))
	case len(b.past.Calls) == 0 && b.sought() != "":
		out = append(out, p.say(callstate.Info, "No call has that in its destination, its name, its day or its end.", width)...)
	case len(b.past.Calls) == 0:
		out = append(out, p.say(callstate.Info, "There was no call yet. Every call will be listed here.", width)...)
	default:
		out = append(out, p.list(width)...)
	}
	return strings.Join(out[:max(0, min(p.most, len(out)))], "\n")
}

func (p historyPanel) say(how callstate.Severity, text string, width int) []string {
	return strings.Split(message{st: p.st, notice: callstate.Notice{Severity: how, Text: text}, most: max(p.most-1, 1)}.Render(width), "\n")
}

// title is the search, and how many calls there are.
func (p historyPanel) title(width int) string {
	b := p.b
	n := len(b.past.Calls)
	count := fmt.Sprintf("%d calls", n)
	switch {
	case !b.seen || b.past.Err != "":
		count = ""
	case b.past.Busy:
		count = "looking"
	case b.past.More:
		count = fmt.Sprintf(either(width < spacious, "%d newest", "the newest %d, there are more"), n)
	case n == 1:
		count = "1 call"
	}
	count = " " + p.st.dim.Render(count)
	room := width - span(count)
	if b.typing {
		return between(question{
			st: p.st, text: "Search", input: []rune(b.input.Value()), at: b.input.Position(),
			placeholder: either(width < spacious, "who, day, end", "who, which day, how it ended"), edit: true,
		}.Render(room), count, width)
	}
	left := p.st.strong.Render("Calls")
	if text := b.sought(); text != "" {
		left += " with " + p.st.key.Render(text)
	}
	return between(left, count, width)
}

// list is the calls, and all of the one under the cursor.
func (p historyPanel) list(width int) []string {
	b := p.b
	room := p.most - 1
	about, head := 0, 0
	if width >= spacious && room >= 8 {
		head = 1
	}
	switch {
	case room >= historyAbout+8:
		about = historyAbout + 1
	case room >= historyBrief+3:
		about = historyBrief
	}
	t := tableFor(width)
	var out []string
	if head > 0 {
		out = append(out, cut(p.st.dim.Render(t.heading()), width))
	}
	from, to := window(len(b.past.Calls), b.index, max(room-head-about, 1))
	for i := from; i < to; i++ {
		out = append(out, cut(p.row(&t, &b.past.Calls[i], i == b.index), width))
	}
	c, _ := b.current()
	switch about {
	case historyAbout + 1:
		out = append(append(out, " "), p.whole(&c, width)...)
	case historyBrief:
		out = append(out, p.brief(&c, width)...)
	}
	return out
}

// table is which columns there is room for.
type table struct {
	start          string // the layout of the time
	gap            int
	who, ended     int // widths; ended 0: not shown
	est            bool
	worst, missing bool // the worst minute, the gaps
	long           bool // the gaps with their length
}

// tableFor makes the columns for a width. Who was called keeps at least leastWho.
func tableFor(width int) table {
	const leastWho = 14
	t := table{start: "02 Jan 15:04", gap: 2}
	if width < spacious {
		t.gap = 1
	}
	rest := width - len("> ! ") - len(t.start) - t.gap - lengthWidth - t.gap
	take := func(n int) bool {
		if rest-n-t.gap < leastWho {
			return false
		}
		rest -= n + t.gap
		return true
	}
	t.est = take(len("MOS est."))
	if !t.est {
		rest -= len("4.4") + t.gap
	}
	t.worst = t.est && take(len("worst"))
	t.missing = t.worst && take(len("gaps"))
	if t.missing && take(10) {
		t.ended = 10
	}
	if longer := len("2006 Mon ") - 1; t.ended > 0 && rest-longer >= 20 {
		t.start, rest = "Mon 02 Jan 2006 15:04", rest-len("Mon 02 Jan 2006 15:04")+len("02 Jan 15:04")
		t.long = take(6)
	}
	t.who = max(rest, 0)
	if t.ended > 0 && t.who > 32 { // no name needs more
		t.ended, t.who = t.ended+min(t.who-32, 24), max(32, t.who-24)
	}
	return t
}

const lengthWidth = 7

func (t *table) heading() string {
	g := blanks(t.gap)
	out := "    " + pad("Start", len(t.start)) + g + pad(" Length", lengthWidth) + g + pad("Who", t.who) + g + either(t.est, "MOS est.", "MOS")
	if t.worst {
		out += g + "worst"
	}
	if t.missing {
		out += g + pad("gaps", t.gapsWidth())
	}
	if t.ended > 0 {
		out += g + "Ended"
	}
	return out
}

func (t *table) gapsWidth() int {
	if t.long {
		return 12
	}
	return 4
}

// row is a call in a line.
func (p historyPanel) row(t *table, c *callstate.Past, chosen bool) string {
	lead, g := "  ", blanks(t.gap)
	if chosen {
		lead = p.st.key.Render("> ")
	}
	sign, look := p.sign(c)
	who := pad(p.who(c, t.who), t.who)
	if chosen {
		who = p.st.strong.Render(pad(who, t.who))
	}
	out := lead + look.Render(sign) + " " + day(c.Start, t.start) + g + lasted(c.Length) + g + who + g + p.rated(c.MOS, 3)
	if t.est {
		out += blanks(len("MOS est.") - 3)
	}
	if t.worst {
		out += g + p.rated(c.WorstMOS, 5)
	}
	if t.missing {
		out += g + p.gaps(c, t)
	}
	if t.ended > 0 {
		out += g + p.end(c, t.ended)
	}
	return out
}

// sign is what stands out of a call: that it failed, or that it went badly.
func (p historyPanel) sign(c *callstate.Past) (string, ink) {
	switch {
	case c.Err != "":
		return "✗", p.st.badStrong
	case c.Ended == "cut", c.Gaps > 0, poor(c.MOS), poor(c.WorstMOS):
		return "!", p.st.warnStrong
	}
	return " ", p.st.dim
}

// poor reports a call, or a minute, that was rated as poor.
func poor(mos float64) bool { return mos > 0 && mos < poorMOS }

// who was called: by name, and where there is room with the destination.
func (p historyPanel) who(c *callstate.Past, width int) string {
	switch {
	case c.Name == "" && c.Destination == "":
		return "(the default)"
	case c.Name == "":
		return c.Destination
	case span(c.Name)+2+span(c.Destination) <= width:
		return c.Name + "  " + c.Destination
	}
	return c.Name
}

// rated is a MOS in so many cells.
func (p historyPanel) rated(mos float64, width int) string {
	switch {
	case !(mos > 0):
		return p.st.dim.Render(pad("  "+unknown, width))
	case mos < poorMOS:
		return p.st.warnStrong.Render(pad(fmt.Sprintf("%.1f", mos), width))
	}
	return pad(fmt.Sprintf("%.1f", min(mos, 5)), width)
}

// gaps are the times without a connection.
func (p historyPanel) gaps(c *callstate.Past, t *table) string {
	if c.Gaps == 0 {
		return p.st.dim.Render(pad(unknown, t.gapsWidth()))
	}
	text := fmt.Sprint(c.Gaps)
	if t.long {
		text += ", " + callstate.Spell(c.Gap)
	}
	return p.st.warnStrong.Render(pad(text, t.gapsWidth()))
}

// end is how a call ended, in so many cells.
func (p historyPanel) end(c *callstate.Past, width int) string {
	if c.Err != "" || c.Ended == "cut" {
		return p.st.warn.Render(pad(c.Ended, width))
	}
	return pad(c.Ended, width)
}

// day is a time where the operator sits.
func day(at time.Time, layout string) string {
	if at.IsZero() {
		return pad(unknown, len(layout))
	}
	return pad(at.Local().Format(layout), len(layout))
}

// lasted is a length in lengthWidth cells, at the right.
func lasted(d time.Duration) string {
	text := clock(d)
	switch {
	case d <= 0:
		text = unknown
	case d < time.Hour:
		text = fmt.Sprintf("%d:%02d", d/time.Minute, d/time.Second%60)
	}
	return blanks(lengthWidth-span(text)) + cut(text, lengthWidth)
}

// whole is all of a call, in historyAbout lines.
func (p historyPanel) whole(c *callstate.Past, width int) []string {
	row := func(name, text string) string {
		if text == "" {
			text = p.st.dim.Render(unknown)
		}
		return cut(fill(p.st.dim, name, labelWidth)+text, width)
	}
	who := p.st.strong.Render(p.who(c, 0))
	if c.Name != "" {
		who += "  " + c.Destination
	}
	if width < spacious {
		return p.wholeNarrow(c, width)
	}
	rows := []string{
		row("Who", who),
		row("When", day(c.Start, "Mon 02 Jan 2006 15:04:05")+p.st.dim.Render("  for ")+strings.TrimSpace(lasted(c.Length))),
		row("Quality", p.quality(c)),
		row("Gaps", p.lost(c)),
		row("Call", p.st.dim.Render("on ")+either(c.Server == "", unknown, c.Server)+p.st.dim.Render(", id ")+either(c.CallID == "", unknown, c.CallID)),
	}
	name := "Ended"
	for _, line := range p.why(c, width-labelWidth) {
		rows, name = append(rows, row(name, line)), ""
	}
	return rows
}

// wholeNarrow is the same without the names of its rows.
func (p historyPanel) wholeNarrow(c *callstate.Past, width int) []string {
	out := []string{cut(p.st.strong.Render(p.who(c, 0)), width), " ", cut(day(c.Start, "Mon 02 Jan 2006 15:04:05"), width)}
	if c.Name != "" {
		out[1] = cut(c.Destination, width)
	}
	out = append(out, cut(p.rating(c), width), cut(p.st.dim.Render("on ")+c.Server+p.st.dim.Render(", id ")+c.CallID, width))
	return append(out, p.why(c, width)...)
}

// why is how a call ended, in two lines of so many cells.
func (p historyPanel) why(c *callstate.Past, width int) []string {
	lines := wrap(p.ended(c), width)
	if len(lines) > 2 {
		lines = []string{lines[0], cut(strings.Join(lines[1:], " "), width)}
	}
	if len(lines) < 2 {
		lines = append(lines, " ")
	}
	if c.Err != "" {
		for i, line := range lines {
			lines[i] = p.st.bad.Render(line)
		}
	}
	return lines
}

// ended is how a call ended, and why.
func (p historyPanel) ended(c *callstate.Past) string {
	text := c.Ended
	if c.Ended == "cut" {
		text = "cut: the softphone itself ended in the call"
	}
	switch {
	case c.Err == "":
		return text
	case text == "", text == c.Err:
		return c.Err
	}
	return text + ": " + c.Err
}

func (p historyPanel) quality(c *callstate.Past) string {
	if !(c.MOS > 0) {
		return p.st.dim.Render("not rated")
	}
	text := fmt.Sprintf("MOS %s est.", strings.TrimSpace(p.rated(c.MOS, 3)))
	if c.WorstMOS > 0 {
		text += ", " + strings.TrimSpace(p.rated(c.WorstMOS, 3)) + " in its worst minute"
	}
	return text + fmt.Sprintf("; %s %% concealed", percent(max(c.ConcealedPct, 0), 2))
}

func (p historyPanel) lost(c *callstate.Past) string {
	switch c.Gaps {
	case 0:
		return "none"
	case 1:
		return fmt.Sprintf("once without a connection, %s", callstate.Spell(c.Gap))
	}
	return fmt.Sprintf("%d times without a connection, %s in sum", c.Gaps, callstate.Spell(c.Gap))
}

// brief is what counts of a call, in historyBrief lines.
func (p historyPanel) brief(c *callstate.Past, width int) []string {
	if c.Err != "" {
		return p.why(c, width)
	}
	return []string{cut(p.rating(c), width), cut(either(p.ended(c) == "", " ", p.ended(c)), width)}
}

// rating is how good a call was, in a few words.
func (p historyPanel) rating(c *callstate.Past) string {
	rated := p.st.dim.Render("not rated")
	if c.MOS > 0 {
		rated = fmt.Sprintf("MOS est. %s", strings.TrimSpace(p.rated(c.MOS, 3)))
		if c.WorstMOS > 0 {
			rated += ", worst " + strings.TrimSpace(p.rated(c.WorstMOS, 3))
		}
	}
	if c.Gaps > 0 {
		rated += fmt.Sprintf("; gaps %d, %s", c.Gaps, callstate.Spell(c.Gap))
	}
	return rated
}
