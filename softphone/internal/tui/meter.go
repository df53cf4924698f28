package tui

import (
	"fmt"
	"math"
	"strings"

	"callcenter/softphone/internal/callstate"
)

// The scale of a meter in dBFS.
const (
	scaleFloor = -60.0 // the left end; below is silence
	zoneLow    = -28.0 // the RMS of good speech, from
	zoneHigh   = -16.0 // to
	redAbove   = -3.0  // a peak here is too loud
)

// shortLabel is the width of a small meter's label.
const shortLabel = 6

// muchLimited is where protection of the ear stands out, in dB: loud speech under
// the usual ceiling loses less.
const muchLimited = -6.0

// meter is the level of one direction: a bar for the peak, a mark for the
// RMS, a tick for the peak hold, the numbers and CLIP. A large meter has two
// lines.
type meter struct {
	st          *styles
	name, short string
	level       callstate.Meter
	read        callstate.Meter // what the numbers show, at a slower pace
	open        bool            // false: silence is not a measurement
	gain        float64         // that the operator set, dB
	muted       bool
	held        bool
	talking     bool // into a muted microphone
	// What is wrong with the end, in full and in five cells; empty: nothing.
	ails, ailsShort string
	protection      callstate.Protection
	large           bool
}

// Render implements panel.
func (m meter) Render(width int) string {
	if m.large {
		return m.title(width) + "\n" + m.bar(width)
	}
	label := m.label()
	numbers := "  " + decibels(m.read.Peak, m.open)
	if width >= 32 {
		numbers += "/" + decibels(m.read.RMS, m.open)
	}
	clip := "     "
	if m.level.Clip {
		clip = " " + m.st.clip.Render("CLIP")
	}
	if width < 26 { // one or the other
		clip = ""
		if m.level.Clip {
			numbers = "   " + m.st.clip.Render("CLIP")
		}
	}
	room := width - span(label) - 1 - span(numbers) - span(clip)
	return cut(label+" "+m.bar(room)+numbers+clip, width)
}

// label is what a small meter is of, or what is wrong with that, in shortLabel
// cells.
func (m meter) label() string {
	switch {
	case m.ailsShort != "":
		return fill(m.st.clip, m.ailsShort, shortLabel)
	case m.held:
		return fill(m.st.held, "HELD", shortLabel)
	case m.muted:
		return fill(m.st.muted, "MUTED", shortLabel)
	}
	return pad(m.short+turned(m.gain), shortLabel)
}

// turned is a gain in a few cells, nothing for none.
func turned(gain float64) string {
	if math.Round(gain) == 0 || math.IsNaN(gain) {
		return ""
	}
	return fmt.Sprintf("%+.0f", max(-99, min(gain, 99)))
}

// title is the first line of a large meter.
func (m meter) title(width int) string {
	left := m.st.strong.Render(m.name)
	if gain := turned(m.gain); gain != "" {
		left += " " + m.st.key.Render(gain+" dB")
	}
	if m.ails != "" {
		left += "  " + m.st.clip.Render(" "+m.ails+" ")
	}
	if m.held {
		left += "  " + m.st.held.Render(" HELD ")
	}
	if m.muted {
		left += "  " + m.st.muted.Render(" MUTED ")
	}
	if m.talking {
		left += "  " + m.st.warn.Render("talking")
	}
	switch p := m.protection; {
	case p.Gain <= muchLimited:
		left += "  " + m.st.warn.Render(fmt.Sprintf("limited %.1f dB", p.Gain))
	case p.Gain <= -0.1:
		left += "  " + m.st.dim.Render(fmt.Sprintf("limited %.1f dB", p.Gain))
	}
	clip := "      "
	if m.level.Clip {
		clip = m.st.clip.Render(" CLIP ")
	}
	word, style := m.verdict()
	return between(left, fmt.Sprintf("%s  %s %s  %s %s %s", clip,
		m.st.dim.Render("peak"), style.Render(decibels(m.read.Peak, m.open)),
		m.st.dim.Render("RMS"), m.tone().Render(decibels(m.read.RMS, m.open)),
		m.st.dim.Render("dBFS"))+fill(style, "  "+word, 10), width)
}

// verdict is the level in one word, and its colour. What nobody hears has none.
func (m meter) verdict() (string, ink) {
	word, look := m.judge()
	if m.muted || m.held {
		look = m.st.dim
	}
	return word, look
}

func (m meter) judge() (string, ink) {
	switch l := m.read; {
	case l.Peak > redAbove:
		return "too loud", m.st.bad
	case !(l.RMS > scaleFloor) && m.open:
		return "silent", m.st.dim
	case !(l.RMS > scaleFloor):
		return "", m.st.dim
	case l.RMS < zoneLow:
		return "low", m.tone()
	case l.RMS > zoneHigh:
		return "loud", m.tone()
	}
	return "good", m.tone()
}

// tone is the colour of the RMS. Low is no fault: it is so between any two words.
func (m meter) tone() ink {
	switch l := m.read; {
	case m.muted || m.held || !(l.RMS > scaleFloor):
		return m.st.dim
	case l.RMS < zoneLow:
		return ink{}
	case l.RMS > zoneHigh:
		return m.st.warn
	}
	return m.st.good
}

// decibels is a level in five cells.
func decibels(db float64, open bool) string {
	switch {
	case db > scaleFloor:
		return fmt.Sprintf("%5.1f", min(db, 0))
	case open:
		return " <-60"
	}
	return "    " + unknown
}

// paint is what a cell of a bar looks like.
type paint int

const (
	paintRail paint = iota
	paintBar
	paintHot // the bar above redAbove
	paintMark
	paintHotMark
	paintTick
)

// bar draws the level on width cells.
func (m meter) bar(width int) string {
	if width <= 0 {
		return ""
	}
	cells, paints := m.cells(width)
	var b strings.Builder
	b.Grow(4 * width)
	for from := 0; from < width; {
		to := from + 1
		for to < width && paints[to] == paints[from] {
			to++
		}
		look := m.look(paints[from])
		b.WriteString(look.on)
		for _, r := range cells[from:to] {
			b.WriteRune(r)
		}
		b.WriteString(look.off)
		from = to
	}
	return b.String()
}

// look is how a cell is painted. What is muted, or held, is heard by nobody and
// has no colour.
func (m meter) look(p paint) ink {
	switch p {
	case paintTick:
		return m.st.strong
	case paintHot:
		return m.st.bad
	case paintHotMark:
		return m.st.onBad
	case paintRail:
		return m.st.dim
	case paintBar, paintMark:
	}
	tone, mark := m.st.good, m.st.onGood
	switch l := m.level; {
	case m.muted || m.held || !(l.RMS > scaleFloor):
		tone, mark = m.st.dim, m.st.onDim
	case l.RMS > zoneHigh:
		tone, mark = m.st.warn, m.st.onWarn
	}
	if p == paintMark {
		return mark
	}
	return tone
}

// cells are the characters of a bar and how they are painted.
func (m meter) cells(width int) ([]rune, []paint) {
	cells, paints := make([]rune, width), make([]paint, width)
	eighths := int(math.Round(along(m.level.Peak) * float64(8*width)))
	hot := cellOf(redAbove, width)
	for i := range cells {
		part := eighths - 8*i
		switch {
		case part <= 0:
			cells[i] = '·'
			continue
		case part >= 8:
			cells[i] = '█'
		default:
			cells[i] = '▎' // less than half, or more
			if part > 2 {
				cells[i] = [...]rune{'▍', '▌', '▋', '▊', '▉'}[part-3]
			}
		}
		paints[i] = paintBar
		if m.level.Peak > redAbove && i >= hot {
			paints[i] = paintHot
		}
	}
	if m.level.Hold > scaleFloor {
		i := cellOf(m.level.Hold, width)
		cells[i], paints[i] = '│', paintTick
	}
	if m.level.RMS > scaleFloor {
		i := cellOf(m.level.RMS, width)
		switch {
		case paints[i] == paintBar && cells[i] == '█':
			paints[i] = paintMark
		case paints[i] == paintHot && cells[i] == '█':
			paints[i] = paintHotMark
		default:
			paints[i] = paintTick
		}
		cells[i] = '┃'
	}
	return cells, paints
}

// along is the place of a level on the scale, 0 to 1. What is no number is
// silence.
func along(db float64) float64 {
	if !(db > scaleFloor) {
		return 0
	}
	return min((db-scaleFloor)/-scaleFloor, 1)
}

// cellOf is the cell of width that a level falls into.
func cellOf(db float64, width int) int {
	return min(int(along(db)*float64(width)), width-1)
}

// scale is the line of numbers under a large meter, with the zone of good
// speech.
type scale struct{ st *styles }

// Render implements panel.
func (s scale) Render(width int) string {
	if width < 50 {
		return ""
	}
	line := []rune(strings.Repeat(" ", width))
	put := func(at int, text string) {
		copy(line[max(0, min(at, width-len(text))):], []rune(text))
	}
	for _, db := range []int{-60, -50, -40, -10, -3, 0} {
		text := fmt.Sprint(db)
		put(cellOf(float64(db), width)-len(text)/2, text)
	}
	low, high := cellOf(zoneLow, width), cellOf(zoneHigh, width)
	put(low-3, "-28")
	put(high+1, "-16")
	zone := []rune("├" + strings.Repeat("─", high-low-1) + "┤")
	word := []rune(" good ")
	copy(zone[(len(zone)-len(word))/2:], word)
	return s.st.dim.Render(string(line[:low])) + s.st.good.Render(string(zone)) + s.st.dim.Render(string(line[high+1:]))
}
