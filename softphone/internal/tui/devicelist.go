package tui

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/lipgloss"

	"callcenter/softphone/internal/callstate"
)

// devicesPanel draws the devices' screen: both lists, what is known of the
// device under the cursor, and what becomes of a recording.
type devicesPanel struct {
	st   *styles
	t    *trial
	most int // lines
}

// RenderIn implements elastic.
func (p devicesPanel) RenderIn(width, lines int) string {
	p.most = lines
	return p.Render(width)
}

// Render implements panel. The list that has the keys is in sight longest.
func (p devicesPanel) Render(width int) string {
	b := &p.t.bench
	if b.Err != "" {
		return message{st: p.st, notice: callstate.Notice{Severity: callstate.Failure, Text: b.Err}, most: max(p.most, 1)}.Render(width)
	}
	if !p.t.seen || b.Listing && len(b.Microphones)+len(b.Earpieces) == 0 {
		return cut("Looking for the devices.", width)
	}
	about := p.about(width)
	room := max(p.most-len(about)-2, 1) // for the rows
	mics, ears := p.share(room)
	var out []string
	if mics >= 0 {
		out = append(out, p.section(0, "Microphones", b.Microphones, mics, width)...)
	}
	if ears >= 0 {
		if p.most > len(about)+2+len(b.Microphones)+len(b.Earpieces)+2 {
			out = append(out, " ")
		}
		out = append(out, p.section(1, "Earpieces", b.Earpieces, ears, width)...)
	}
	if p.most > len(out)+len(about) {
		out = append(out, " ")
	}
	out = append(out, about...)
	return strings.Join(out[:max(0, min(p.most, len(out)))], "\n")
}

// share divides the rows between the lists; -1: the list is not shown at all.
func (p devicesPanel) share(room int) (mics, ears int) {
	n, other := max(len(p.t.bench.Microphones), 1), max(len(p.t.bench.Earpieces), 1)
	if p.t.inEars {
		n, other = other, n
	}
	rest := min(other, max(1, room-n))
	mine := min(n, room-rest)
	if room < 2 {
		rest, mine = -1, room+1
	}
	if p.t.inEars {
		return rest, mine
	}
	return mine, rest
}

// section is a title and a part of a list.
func (p devicesPanel) section(which int, title string, list []callstate.BenchDevice, rows, width int) []string {
	focused := p.t.inEars == (which == 1)
	style := p.st.dim
	if focused {
		style = p.st.key
	}
	c := p.t.cursors[which]
	from, to := window(len(list), c.index, rows)
	head := style.Render(title)
	if to-from < len(list) {
		head += p.st.dim.Render(fmt.Sprintf("  %d-%d of %d", from+1, to, len(list)))
	}
	if which == 0 && len(list) > 0 {
		head += p.st.dim.Render(either(width < spacious, "  all open", "  all of them are open while this screen is"))
	}
	out := []string{cut(head, width)}
	if len(list) == 0 {
		return append(out, cut(p.st.dim.Render("  none found"), width))
	}
	for i := from; i < to; i++ {
		out = append(out, p.row(list[i], which == 1, focused && i == c.index, width))
	}
	return out
}

// row is a device: its name, what it is, and its level.
func (p devicesPanel) row(d callstate.BenchDevice, ear, chosen bool, width int) string {
	lead := "  "
	if chosen {
		lead = p.st.key.Render("> ")
	}
	lead += either(d.InCall || d.Chosen, p.st.good.Render("*"), " ") + " "
	right := p.level(d, ear, width)
	marks := ""
	if width >= spacious {
		marks = pad(words(d), p.wordsWidth()) + "  "
	}
	name := pad(d.Name, width-lipgloss.Width(lead)-lipgloss.Width(marks)-lipgloss.Width(right)-1)
	switch {
	case d.Gone:
		name = p.st.dim.Render(name)
	case chosen:
		name = p.st.strong.Render(name)
	}
	return cut(lead+name+" "+p.st.dim.Render(marks)+right, width)
}

// wordsWidth is the width of the column of words.
func (p devicesPanel) wordsWidth() int {
	longest := 0
	for _, list := range [][]callstate.BenchDevice{p.t.bench.Microphones, p.t.bench.Earpieces} {
		for _, d := range list {
			longest = max(longest, len(words(d)))
		}
	}
	return min(longest, len("in call, chosen, default"))
}

// level is what is heard of a microphone, or played on an earpiece.
func (p devicesPanel) level(d callstate.BenchDevice, ear bool, width int) string {
	bar := max(6, min(width/4, 30)) &^ 1
	fixed := bar + 7
	if ear && width < spacious {
		fixed = 6
	}
	switch {
	case d.Gone:
		return fill(p.st.clip, " GONE ", 6) + strings.Repeat(" ", fixed-6)
	case d.Err != "":
		return fill(p.st.muted, " FAIL ", 6) + strings.Repeat(" ", fixed-6)
	case ear:
		return pad(either(d.Tone, p.st.good.Render("TONE"), ""), fixed)
	}
	mt := meter{st: p.st, level: d.Level, open: d.Open != nil}
	clip := " "
	if d.Level.Clip {
		clip = p.st.bad.Render("!")
	}
	return mt.bar(bar) + clip + pad(decibels(d.Level.Peak, d.Open != nil), 6)
}

// words are what a device is, the most important first.
func words(d callstate.BenchDevice) string {
	var w []string
	if d.InCall {
		w = append(w, "in call")
	}
	if d.Chosen {
		w = append(w, "chosen")
	}
	if d.Default {
		w = append(w, "default")
	}
	if d.Monitor {
		w = append(w, "MONITOR")
	}
	return strings.Join(w, ", ")
}

// about is all of the device under the cursor, in two lines, and the recording
// in one.
func (p devicesPanel) about(width int) []string {
	d, ok := p.t.current()
	if !ok {
		return []string{p.recording(width)}
	}
	narrow := width < spacious
	facts := opened(d.Open, narrow)
	switch {
	case d.Gone:
		facts = p.st.bad.Render("gone: plug it in again")
	case d.Err != "":
		facts = p.st.bad.Render(d.Err)
	case facts == "" && p.t.inEars:
		facts = p.st.dim.Render("not open; t plays a tone")
	case facts == "":
		facts = p.st.dim.Render("not open")
	case !narrow:
		facts = p.st.dim.Render("opened as ") + facts
	}
	if w := words(d); narrow && w != "" {
		facts = w + "; " + facts
	}
	if d.Monitor && !narrow {
		facts += p.st.dim.Render("; it records what an earpiece plays")
	}
	out := []string{cut(p.st.strong.Render(d.Name), width), cut(facts, width), p.recording(width)}
	switch {
	case p.most < 8:
		return out[1:]
	case p.most < 12 && out[2] == " ":
		return out[:2]
	}
	return out
}

// recording says what becomes of the test recording.
func (p devicesPanel) recording(width int) string {
	r := p.t.bench.Recording
	text := " "
	switch {
	case r.Err != "":
		text = p.st.bad.Render(r.Err)
	case r.State == callstate.RecordListening:
		text = p.st.warnStrong.Render(fmt.Sprintf("Recording: speak, %.1f s left", r.Left.Seconds())) + p.st.dim.Render(", "+p.t.named(r.Device))
	case r.State == callstate.RecordPlaying:
		text = p.st.key.Render(fmt.Sprintf("Playing it back, %.1f s left", r.Left.Seconds())) + p.st.dim.Render(fmt.Sprintf("; its peak was %s dBFS", strings.TrimSpace(decibels(r.Peak, true))))
	}
	return cut(text, width)
}
