package tui

import (
	"fmt"
	"math"
	"strings"

	"callcenter/softphone/internal/callstate"
)

// Cells of the roster.
const (
	rosterLabel = 12 // beside the places, where it is wide
	leastPlace  = 22 // of a participant, with the gap behind it
	narrowPlace = 18 // and where it is narrow
	placeGap    = 2
	levelWidth  = 5 // the bar, or the word for a muted microphone
	leastName   = 5
)

// roster is who is in the room: this operator first, then the others in order of
// joining, so that whoever is looked for stays where they are. Marks move, names
// do not. Where there is no room for all, the last place counts the rest and names
// those of them who speak.
type roster struct {
	st   *styles
	s    *callstate.Snapshot
	most int // lines that it claims

	listens, speaks string // the marks, of RenderIn
}

// rosterLines is how many lines a roster claims of a screen.
func rosterLines(height int) int { return max(1, min(height/4, 2+height/10)) }

// Render implements panel.
func (r roster) Render(width int) string { return r.RenderIn(width, r.most) }

// RenderIn implements elastic.
func (r roster) RenderIn(width, most int) string {
	label, columns := rosterColumns(width)
	place := (width - label) / columns
	r.listens, r.speaks = r.st.dim.Render("○"), r.st.good.Render("●")
	places := r.places(place-placeGap, columns*most)
	var out []string
	for row := 0; len(places) > 0; row++ {
		n := min(columns, len(places))
		line := fill(r.st.dim, r.label(row), label)
		for _, p := range places[:n-1] {
			line += p + blanks(place-span(p))
		}
		out = append(out, cut(line+places[n-1], width))
		places = places[n:]
	}
	return strings.Join(out, "\n")
}

// rosterColumns is how many places are side by side, behind a label of so many
// cells.
func rosterColumns(width int) (label, columns int) {
	label, least := rosterLabel, leastPlace
	if width < roomy-2 {
		label, least = 0, narrowPlace
	}
	return label, max((width-label)/least, 1)
}

// overflows reports that there are more to be seen than the lines that it claims
// have places for.
func (r roster) overflows(width int) bool {
	_, columns := rosterColumns(width)
	return 1+len(r.s.Roster)+r.s.Unlisted > columns*r.most
}

// label is what stands beside a line.
func (r roster) label(row int) string {
	n := len(r.s.Roster) + r.s.Unlisted
	switch {
	case row == 0:
		return "In the room"
	case row == 1 && n == 1:
		return "1 other"
	case row == 1:
		return fmt.Sprintf("%d others", n)
	}
	return ""
}

// places are at most n texts for width cells; the last one may be wider.
func (r roster) places(width, n int) []string {
	if n <= 0 {
		return nil
	}
	others := r.s.Roster
	you := callstate.Participant{
		Name: "you", Speaking: r.s.Speaking, Muted: r.s.Muted && !r.s.Talk.Open, Held: r.s.Held, Level: callstate.SilentLevel,
	}
	if you.Speaking && r.s.Microphone.RMS > callstate.SilentLevel {
		you.Level = int(math.Round(min(r.s.Microphone.RMS, 0)))
	}
	texts := []string{r.place(you, width)}
	if len(others)+r.s.Unlisted == 0 {
		alone := r.st.dim.Render(either(r.s.MayNotListen, "Others are not shown", "Nobody else is here"))
		if n == 1 {
			return []string{alone}
		}
		return append(texts, alone)
	}
	shown := len(others)
	if 1+shown > n || r.s.Unlisted > 0 {
		shown = max(0, min(shown, n-2))
	}
	for _, p := range others[:shown] {
		texts = append(texts, r.place(p, width))
	}
	if rest := len(others) - shown + r.s.Unlisted; rest > 0 {
		texts = append(texts[:min(len(texts), n-1)], r.rest(others[shown:], rest, width))
	}
	return texts
}

// place is one participant. What the server told before the link broke is no news
// of now.
func (r roster) place(p callstate.Participant, width int) string {
	mark := r.listens
	if r.s.Link.State != callstate.LinkUp && p.ID != "" {
		mark, p.Speaking, p.Level = "·", false, callstate.SilentLevel
	}
	state, room := "", width-2
	if room >= leastName+1+levelWidth {
		room -= 1 + levelWidth
		state = " " + r.state(p)
	}
	name := pad(clean(p.Name), room)
	if p.Speaking {
		return r.speaks + " " + r.st.strong.Render(name) + state
	}
	return mark + " " + name + state
}

// state is how loud somebody is, or that the microphone is muted.
func (r roster) state(p callstate.Participant) string {
	switch {
	case p.Held:
		return r.st.key.Render(pad("held", levelWidth))
	case p.Muted:
		return r.st.warn.Render(pad("muted", levelWidth))
	case p.Level <= callstate.SilentLevel:
		return blanks(levelWidth)
	}
	bar := meter{level: callstate.Meter{Peak: float64(p.Level), RMS: scaleFloor, Hold: scaleFloor}}
	cells, _ := bar.cells(levelWidth)
	return r.st.good.Render(string(cells))
}

// rest counts those who are not shown.
func (r roster) rest(hidden []callstate.Participant, n, width int) string {
	text := fmt.Sprintf("and %d more", n)
	if len(hidden) == len(r.s.Roster) {
		text = fmt.Sprintf("%d others", n)
	}
	text = r.st.dim.Render(text)
	if r.s.Link.State != callstate.LinkUp {
		return cut(text, width)
	}
	for _, p := range hidden {
		if p.Speaking && span(text) < width {
			text += " " + r.speaks + " " + r.st.strong.Render(clean(p.Name))
		}
	}
	return cut(text, width)
}
