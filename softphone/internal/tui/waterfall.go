package tui

import (
	"fmt"
	"sort"
	"strings"
	"time"

	"callcenter/softphone/internal/callstate"
)

// waterfall is the way from mouth to ear, stage by stage: each bar begins where
// the one before it ended, and all of them together are the total. Where the loop
// was measured it stands beside that.
type waterfall struct {
	st   *styles
	d    callstate.Delay
	full bool // a line for every stage; otherwise what they come to, in two lines
	most int  // lines of the full form; 0: as many as it takes
}

// Cells of the full form, where it is wide and where it is narrow: the name, and
// the value with whether it is an estimate.
const (
	stageName, stageValue           = 18, 6 + 3 + 6
	narrowStageName, narrowStageMax = 7, 6 + 6

	// manyStages is how many lines are kept for them before they are known.
	manyStages = 13
)

// Render implements panel.
func (w waterfall) Render(width int) string {
	groups := groupStages(w.d)
	switch unknown := len(groups) == 0 || w.d.MouthToEarEst <= 0; {
	case unknown && w.full:
		return detail{w.st, "Delay", "m2e", w.totals()}.Render(width) + strings.Repeat("\n ", manyStages-1)
	case w.full:
		return w.bars(width)
	case width < snug && unknown:
		return " "
	case width < snug:
		return cut(terms(w.st, groups, " ", width), width)
	case unknown:
		return detail{w.st, "Delay", "", w.totals()}.Render(width) + "\n "
	}
	label, room := labelWidth, width-labelWidth
	first := w.totals()
	if left := room - span(first) - 3; left >= 12 {
		first += "   " + w.strip(groups, min(left, 60))
	}
	second := w.st.dim.Render("= ") + terms(w.st, groups, w.st.dim.Render(" + "), room-2)
	return cut(fill(w.st.dim, "Delay", label)+first, width) + "\n" + blanks(label) + cut(second, room)
}

// totals are the estimate and what was measured, in columns that stay.
func (w waterfall) totals() string {
	est := w.st.dim.Render(unknown)
	if w.d.MouthToEarEst > 0 {
		est = w.value(w.d.MouthToEarEst)
	}
	text := w.st.dim.Render("mouth to ear est. ") + est
	if w.d.LoopKnown {
		text += w.st.dim.Render(" / measured loop ") + w.value(w.d.Loop)
	}
	return text + w.st.dim.Render(" ms")
}

// value is a delay that hurts, or not.
func (w waterfall) value(d time.Duration) string {
	text := fmt.Sprintf("%4d", d.Round(time.Millisecond)/time.Millisecond)
	if d > slowMouth {
		return w.st.warnStrong.Render(text + "!")
	}
	return w.st.strong.Render(text)
}

// group are stages that belong together on a screen without room for each.
type group struct {
	name  string
	delay time.Duration
	ms    int // rounded so that all of them add up to the total
}

// groupOf is where a stage belongs.
func groupOf(stage string) string {
	switch stage {
	case "microphone", "microphone period":
		return "mic"
	case "frame", "clean-up", "look-ahead":
		return "frame"
	case "send queue":
		return "queue"
	case "up", "server", "down":
		return "net"
	case "buffer", "decode":
		return "buffer"
	case "earpiece", "earpiece period", "sound system":
		return "ear"
	case "training":
		return "added"
	}
	return "other"
}

// groupStages are the groups in the order in which a word meets them.
func groupStages(d callstate.Delay) []group {
	var groups []group
	for _, s := range d.Stages {
		name, i := groupOf(s.Name), 0
		for i < len(groups) && groups[i].name != name {
			i++
		}
		if i == len(groups) {
			groups = append(groups, group{name: name})
		}
		groups[i].delay += bounded(s.Delay)
	}
	round(groups)
	return groups
}

// bounded keeps figures from outside from overflowing a sum.
func bounded(d time.Duration) time.Duration { return max(0, min(d, time.Hour)) }

// round gives each its milliseconds by largest remainder, so that they add up to
// the total as it is rounded.
func round(groups []group) {
	var total time.Duration
	given := 0
	order := make([]int, len(groups))
	for i, g := range groups {
		total += g.delay
		groups[i].ms = int(g.delay / time.Millisecond)
		given += groups[i].ms
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool {
		return groups[order[a]].delay%time.Millisecond > groups[order[b]].delay%time.Millisecond
	})
	for i := 0; given < int(total.Round(time.Millisecond)/time.Millisecond) && i < len(order); i++ {
		groups[order[i]].ms++
		given++
	}
}

// terms are the groups as a sum. Where there is no room for it, first those of
// nothing go, then the signs, the ends of the names, and the names.
func terms(st *styles, groups []group, plus string, room int) string {
	text := ""
	for _, form := range []struct {
		least, letters int
		plus           string
	}{{0, 6, plus}, {1, 6, plus}, {1, 6, " "}, {1, 3, " "}, {1, 1, " "}, {1, 0, " "}} {
		parts := make([]string, 0, len(groups))
		for _, g := range groups {
			if g.ms < form.least {
				continue
			}
			value := st.plain.Render(fmt.Sprint(g.ms))
			if name := g.name[:min(len(g.name), form.letters)]; name != "" {
				value = st.dim.Render(name) + " " + value
			}
			parts = append(parts, value)
		}
		if text = strings.Join(parts, form.plus); span(text) <= room {
			break
		}
	}
	return text
}

// strip is the sum as one bar, with a gap between its parts. What was estimated
// is lighter.
func (w waterfall) strip(groups []group, width int) string {
	var total, at time.Duration
	for _, g := range groups {
		total += g.delay
	}
	if total <= 0 {
		return ""
	}
	var b strings.Builder
	for _, g := range groups {
		from := reach(at, total, width)
		at += g.delay
		if to := reach(at, total, width); to > from {
			b.WriteString(w.piece(to-from-1, w.measured(g.name)))
			b.WriteString(w.st.good.Render("▏"))
		}
	}
	return b.String()
}

// piece is a part of a bar.
func (w waterfall) piece(cells int, measured bool) string {
	if measured {
		return w.st.good.Render(strings.Repeat("█", cells))
	}
	return w.st.good.Render(strings.Repeat("▒", cells))
}

// reach is the cell that a delay reaches on a bar of width for the whole.
func reach(d, whole time.Duration, width int) int {
	return min(int(float64(d)/float64(whole)*float64(width)+0.5), width)
}

// bars are a line for every stage, for the total and for the loop.
func (w waterfall) bars(width int) string {
	narrow := width < snug
	stages := w.shown(narrow)
	room := max(width-stageName-stageValue, 1)
	mouth, loop := "mouth to ear", "measured loop"
	if narrow {
		room = max(width-narrowStageName-narrowStageMax, 1)
		mouth, loop = "m2e", "loop"
	}
	var total, at time.Duration
	for _, s := range stages {
		total += bounded(s.Delay)
	}
	whole := max(total, 1)
	if w.d.LoopKnown {
		whole = max(whole, bounded(w.d.Loop))
	}
	out := make([]string, 0, len(stages)+2)
	for _, s := range stages {
		d := bounded(s.Delay)
		from, to := reach(at, whole, room), reach(at+d, whole, room)
		at += d
		bar := ""
		switch {
		case d == 0:
		case to == from:
			bar = blanks(min(from, room-1)) + w.st.good.Render("▏")
		default:
			bar = blanks(from) + w.piece(to-from, s.Measured)
		}
		out = append(out, cut(w.line(w.st.dim, s.Name, d, s.Measured, narrow)+bar, width))
	}
	out = append(out, cut(w.line(w.st.strong, mouth, total, false, narrow)+w.across(reach(total, whole, room)), width))
	if w.d.LoopKnown {
		out = append(out, cut(w.line(w.st.strong, loop, w.d.Loop, true, narrow)+w.across(reach(bounded(w.d.Loop), whole, room)), width))
	}
	return strings.Join(out, "\n")
}

// across is a bar from end to end.
func (w waterfall) across(cells int) string {
	if cells < 2 {
		return ""
	}
	return w.st.dim.Render("├" + strings.Repeat("─", cells-2) + "┤")
}

// line is what is left of a bar.
func (w waterfall) line(look ink, name string, d time.Duration, measured, narrow bool) string {
	mark := blanks(6)
	if !measured {
		mark = w.st.dim.Render(" est. ")
	}
	value := fmt.Sprintf("%6s", number(d))
	if look == w.st.strong {
		value = look.Render(value)
	} else {
		value = w.st.plain.Render(value)
	}
	if narrow {
		return fill(look, name, narrowStageName) + value + mark
	}
	return fill(look, name, stageName) + value + w.st.dim.Render(" ms") + mark
}

// shown are the stages, or what they belong to where there is no room for all.
func (w waterfall) shown(narrow bool) []callstate.Stage {
	stages := w.d.Stages
	room := w.most - 1
	if w.d.LoopKnown {
		room--
	}
	if !narrow && (w.most == 0 || len(stages) <= room) {
		return stages
	}
	groups := groupStages(w.d)
	out := make([]callstate.Stage, 0, len(groups))
	for _, g := range groups {
		out = append(out, callstate.Stage{Name: g.name, Delay: g.delay, Measured: w.measured(g.name)})
	}
	if w.most > 0 && len(out) > max(room, 1) {
		out = out[:max(room, 1)]
		var rest time.Duration
		for _, g := range groups[len(out)-1:] {
			rest += g.delay
		}
		out[len(out)-1] = callstate.Stage{Name: "the rest", Delay: rest}
	}
	return out
}

// measured reports that every stage of a group was.
func (w waterfall) measured(name string) bool {
	for _, s := range w.d.Stages {
		if groupOf(s.Name) == name && !s.Measured {
			return false
		}
	}
	return true
}
