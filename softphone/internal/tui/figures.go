package tui

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/lipgloss"

	"callcenter/audio"
	"callcenter/softphone/internal/callstate"
)

// From these values on a figure is marked: conversation suffers.
const (
	slowRoundTrip = 400 * time.Millisecond
	slowMouth     = 400 * time.Millisecond
	wildJitter    = 30 * time.Millisecond
	badShare      = 3.0 // percent
	poorMOS       = 3.5
)

// figure is one number with its name. A figure that was not measured has no
// value.
type figure struct {
	name, short string
	value, unit string
	poor        bool
}

// row is a line of figures in columns. In a narrow terminal names are short.
type row struct {
	st      *styles
	figures []figure
	narrow  bool
}

// The names of a column of figures, and what follows a name: five cells of
// value, the unit, a mark.
var nameWidths = [...]int{18, 14, 10}

const valueWidth = 5 + 1 + 2 + 1

// Render implements panel.
func (r row) Render(width int) string {
	if r.narrow {
		return r.short(width)
	}
	spare := width - len(nameWidths)*valueWidth
	for _, n := range nameWidths {
		spare -= n
	}
	gap := max(0, min(spare/(len(nameWidths)-1), 10))
	var b strings.Builder
	for i, f := range r.figures {
		if i > 0 {
			b.WriteString(strings.Repeat(" ", gap))
		}
		value, unit, style := r.parts(f)
		b.WriteString(fill(r.st.dim, f.name, nameWidths[i]))
		b.WriteString(pad(fmt.Sprintf("%*s%s %s%s", max(5-lipgloss.Width(value), 0), "",
			style.Render(value), fill(r.st.dim, unit, 2), r.mark(f)), valueWidth))
	}
	return cut(strings.TrimRight(b.String(), " "), width)
}

// short is a row for a narrow terminal: thirds of it, names of a few letters.
func (r row) short(width int) string {
	column := (width + 2) / 3
	var b strings.Builder
	for i, f := range r.figures {
		value, unit, style := r.parts(f)
		if unit != "" {
			unit = " " + r.st.dim.Render(unit)
		}
		text := r.st.dim.Render(f.short) + " " + style.Render(value) + unit + r.mark(f)
		if i < len(r.figures)-1 {
			text = pad(text, column-1) + " "
		}
		b.WriteString(text)
	}
	return cut(b.String(), width)
}

// parts are the value, its unit and how the value looks.
func (r row) parts(f figure) (value, unit string, style lipgloss.Style) {
	switch {
	case f.value == "":
		return unknown, "", r.st.dim
	case f.poor:
		return f.value, f.unit, r.st.warn
	}
	return f.value, f.unit, lipgloss.NewStyle()
}

func (r row) mark(f figure) string {
	if !f.poor || f.value == "" {
		return ""
	}
	return r.st.warn.Bold(true).Render("!")
}

// known returns text if it was measured.
func known(ok bool, text string) string {
	if !ok {
		return ""
	}
	return text
}

// figureBlocks are the delay, the network and the loss, in columns.
func (m *model) figureBlocks(narrow bool) []block {
	s := &m.snap
	d, t := s.Delay, s.Traffic
	heard := t.Received > 0
	inCall := s.State != callstate.Idle || t.Sent > 0 || heard
	buffer := figure{"buffer", "buf", known(heard, number(d.Buffer)), "ms", false}
	if narrow && heard {
		buffer.value = fmt.Sprintf("%.0f/%.0fms", d.Buffer.Seconds()*1e3, d.Target.Seconds()*1e3)
		buffer.unit = ""
	}
	mouth := figure{"mouth to ear est.", "m2e", known(d.MouthToEarEst > 0, number(d.MouthToEarEst)), "ms", d.MouthToEarEst > slowMouth}
	if narrow { // the label is too short for it
		mouth.unit = "est."
		mouth.value = known(d.MouthToEarEst > 0, fmt.Sprintf("%.0f", d.MouthToEarEst.Seconds()*1e3))
	}
	mos := figure{"MOS est.", "MOS", known(s.Quality.Known, fmt.Sprintf("%.1f", s.Quality.MOS)), "", s.Quality.Known && s.Quality.MOS < poorMOS}
	if narrow {
		mos.unit = "est."
	}
	var (
		loop   = figure{"loop", "loop", known(d.LoopKnown, number(d.Loop)), "ms", d.LoopKnown && d.Loop > slowMouth}
		rtt    = figure{"round trip", "rtt", known(d.RTTKnown, number(d.RTT)), "ms", d.RTTKnown && d.RTT > slowRoundTrip}
		jitter = figure{"jitter", "jit", known(heard, number(d.Jitter)), "ms", d.Jitter > wildJitter}
		target = figure{"buffer target", "", known(heard, number(d.Target)), "ms", false}
		under  = figure{"underruns", "under", known(inCall, fmt.Sprint(t.Underruns)), "", false}
		over   = figure{"overruns", "over", known(inCall, lostTime(t.Overruns)), "ms", false}

		lost      = share("lost", "lost", t.Lost, t, narrow)
		dropped   = share("dropped", "drop", t.Dropped, t, narrow)
		late      = share("late", "late", t.Late, t, narrow)
		concealed = portion("concealed", "conc", t.ConcealedPct, heard, narrow)

		sent     = figure{"sent", "sent", known(inCall, fmt.Sprint(t.Sent)), "", false}
		received = figure{"received", "recv", known(inCall, fmt.Sprint(t.Received)), "", false}
	)
	line := func(claim int, figures ...figure) block {
		return block{row{&m.styles, figures, narrow}, claim}
	}
	if narrow {
		return []block{
			line(claimDelay, loop, buffer, lost), line(claimDelay, mouth, jitter, dropped),
			line(claimNetwork, rtt, under, late), line(claimQuality, mos, over, concealed),
		}
	}
	return []block{
		line(claimDelay, mouth, buffer, lost), line(claimDelay, loop, target, dropped),
		line(claimNetwork, rtt, jitter, late), line(claimQuality, mos, under, concealed),
		line(claimTotals, sent, over, received),
	}
}

// share is a count as a part of the frames that the other side made.
func share(name, short string, n uint64, t callstate.Traffic, narrow bool) figure {
	all := t.Received + t.Lost + t.Dropped
	if all == 0 {
		return figure{name: name, short: short, unit: "%"}
	}
	return portion(name, short, 100*float64(n)/float64(all), true, narrow)
}

func portion(name, short string, pct float64, ok, narrow bool) figure {
	decimals := 2
	if narrow {
		decimals = 1
	}
	return figure{name, short, known(ok, percent(pct, decimals)), "%", ok && pct >= badShare}
}

// lostTime is how long the samples that nobody took would have lasted, in
// milliseconds.
func lostTime(samples uint64) string {
	const perMS = audio.Rate / 1000
	if samples > 0 && samples < perMS {
		return "<1"
	}
	return fmt.Sprint(samples / perMS)
}

// stages show where the time from mouth to ear goes, largest screens only.
type stages struct {
	st    *styles
	delay callstate.Delay
}

// Render implements panel.
func (s stages) Render(width int) string {
	if len(s.delay.Stages) == 0 || s.delay.MouthToEarEst <= 0 {
		return ""
	}
	b := []string{" ", s.st.strong.Render("Mouth to ear, stage by stage")}
	for _, stage := range s.delay.Stages {
		mark := "     "
		if !stage.Measured {
			mark = " est."
		}
		text := fill(s.st.dim, stage.Name, 18) + fmt.Sprintf("%5s ms", number(stage.Delay)) + s.st.dim.Render(mark) + " "
		part := float64(stage.Delay) / float64(s.delay.MouthToEarEst)
		room := max(width-lipgloss.Width(text), 0)
		length := min(int(part*float64(room)+0.5), room)
		b = append(b, cut(text+s.st.good.Render(strings.Repeat("▬", max(length, 0))), width))
	}
	return strings.Join(b, "\n")
}
