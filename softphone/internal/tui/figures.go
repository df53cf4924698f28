package tui

import (
	"fmt"
	"strings"
	"time"

	"callcenter/audio"
	"callcenter/softphone/internal/callstate"
)

// From these values on a delay is marked, and a moment of the timeline:
// conversation suffers. The other figures have their warnings.
const (
	slowMouth = 400 * time.Millisecond
	poorMOS   = 3.5
)

// figure is one number with its name. A figure that was not measured has no
// value.
type figure struct {
	name, short string
	value, unit string
	poor        bool
}

// row is a line of figures in columns, behind a name where it is wide. In a
// narrow terminal the names are short.
type row struct {
	st      *styles
	name    string
	figures []figure
	narrow  bool
}

// A figure in its column: the name, the value, the unit, a mark. Columns have a
// gap, and more of it where there is room.
const (
	figureName  = 11
	figureValue = 6
	figureWidth = figureName + figureValue + 3 + 1
	figureGap   = 8 // at most
)

// Render implements panel.
func (r row) Render(width int) string {
	if r.narrow {
		return r.short(width)
	}
	var b strings.Builder
	b.WriteString(fill(r.st.dim, r.name, labelWidth))
	gap := 0
	if n := len(r.figures); n > 1 {
		gap = max(0, min((width-labelWidth-n*figureWidth)/(n-1), figureGap))
	}
	for i, f := range r.figures {
		if i > 0 {
			b.WriteString(blanks(gap))
		}
		value, unit, look := r.parts(f)
		b.WriteString(fill(r.st.dim, f.name, figureName))
		b.WriteString(blanks(figureValue - span(value)))
		b.WriteString(look.Render(value))
		b.WriteString(fill(r.st.dim, " "+unit, 3))
		b.WriteString(pad(r.mark(f), 1))
	}
	return cut(strings.TrimRight(b.String(), " "), width)
}

// short is a row for a narrow terminal: thirds of it, names of a few letters.
func (r row) short(width int) string {
	column := (width + 2) / 3
	var b strings.Builder
	for i, f := range r.figures {
		value, unit, look := r.parts(f)
		if unit != "" {
			unit = " " + r.st.dim.Render(unit)
		}
		text := r.st.dim.Render(f.short) + " " + look.Render(value) + unit + r.mark(f)
		if i < len(r.figures)-1 {
			text = pad(text, column-1) + " "
		}
		b.WriteString(text)
	}
	return cut(b.String(), width)
}

// parts are the value, its unit and how the value looks.
func (r row) parts(f figure) (value, unit string, look ink) {
	switch {
	case f.value == "":
		return unknown, "", r.st.dim
	case f.poor:
		return f.value, f.unit, r.st.warn
	}
	return f.value, f.unit, r.st.plain
}

func (r row) mark(f figure) string {
	if !f.poor || f.value == "" {
		return ""
	}
	return r.st.warnStrong.Render("!")
}

// known returns text if it was measured.
func known(ok bool, text string) string {
	if !ok {
		return ""
	}
	return text
}

// figureBlocks are the network, the buffer, what was played and the frames, in
// columns; in a narrow terminal the delay, too.
func (m *model) figureBlocks(narrow bool) []block {
	s := &m.read
	d, t := s.Delay, s.Traffic
	heard := t.Received > 0
	inCall := s.State != callstate.Idle || t.Sent > 0 || heard
	var (
		rtt    = figure{"round trip", "rtt", known(d.RTTKnown, number(d.RTT)), "ms", s.Warnings.Has(callstate.WarnRoundTrip)}
		jitter = figure{"jitter", "jit", known(heard, number(d.Jitter)), "ms", s.Warnings.Has(callstate.WarnJitter)}
		buffer = figure{"holds", "buf", known(heard, number(d.Buffer)), "ms", false}
		target = figure{"aims at", "", known(heard, number(d.Target)), "ms", false}
		under  = figure{"underruns", "under", known(inCall, fmt.Sprint(t.Underruns)), "", false}
		over   = figure{"overruns", "over", known(inCall, lostTime(t.Overruns)), "ms", false}

		lost      = share("lost", "lost", t.Lost, t, narrow)
		dropped   = share("dropped", "drop", t.Dropped, t, narrow)
		late      = share("late", "late", t.Late, t, narrow)
		concealed = portion("concealed", "conc", t.ConcealedPct, heard, narrow)

		sent     = figure{"sent", "sent", known(inCall, fmt.Sprint(t.Sent)), "", false}
		received = figure{"received", "recv", known(inCall, fmt.Sprint(t.Received)), "", false}
	)
	line := func(claim int, name string, figures ...figure) block {
		return block{row{m.shade(), name, figures, narrow}, claim}
	}
	concealed.poor = s.Warnings.Has(callstate.WarnLoss)
	if narrow {
		loop, mouth := m.shortDelay()
		if heard {
			buffer.value = fmt.Sprintf("%.0f/%.0fms", d.Buffer.Seconds()*1e3, d.Target.Seconds()*1e3)
			buffer.unit = ""
		}
		return []block{
			line(claimDelay, "", loop, mouth, lost), line(claimNetwork, "", m.shortMOS(), rtt, dropped),
			line(claimLoss, "", jitter, buffer, concealed), line(claimTotals, "", under, over, late),
		}
	}
	return []block{
		line(claimNetwork, "Network", rtt, jitter, lost), line(claimLoss, "Played", concealed, under, over),
		line(claimBuffer, "Buffer", buffer, target, late), line(claimTotals, "Frames", sent, received, dropped),
	}
}

// shortDelay are the loop and the delay from mouth to ear where names are short.
func (m *model) shortDelay() (loop, mouth figure) {
	d := m.read.Delay
	loop = figure{"", "loop", known(d.LoopKnown, number(d.Loop)), "ms", d.LoopKnown && d.Loop > slowMouth}
	mouth = figure{"", "m2e", known(d.MouthToEarEst > 0, fmt.Sprintf("%.0f", d.MouthToEarEst.Seconds()*1e3)), "est.", d.MouthToEarEst > slowMouth}
	return loop, mouth
}

// shortMOS is the MOS there. What is not rated has none.
func (m *model) shortMOS() figure {
	s := &m.read
	f := figure{"", "MOS", known(s.Quality.Known, fmt.Sprintf("%.1f", s.Quality.MOS)), "est.", s.Warnings.Has(callstate.WarnMOS)}
	if s.Held || s.Muted && !s.Talk.Open {
		f.value = ""
	}
	return f
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
	return figure{name, short, known(ok, percent(pct, decimals)), "%", false}
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
