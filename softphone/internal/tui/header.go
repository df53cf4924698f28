package tui

import (
	"fmt"
	"strings"
	"time"

	"callcenter/softphone/internal/callstate"
)

// The least screen on which everything has its place.
const (
	leastWidth  = 40
	leastHeight = 12
)

// nameLeast is how much of a name is worth showing.
const nameLeast = 4

// header is the state of the line: a shape and a word, the timer, where to, what
// is not as usual, and the server.
type header struct {
	st          *styles
	s           *callstate.Snapshot
	destination string // the default one
	looks       int
}

// mark is something about a call that an operator must not forget.
type mark struct {
	look        ink
	long, short string
}

// Render implements panel. Nothing moves when a mark comes: it stands behind the
// name, and the name gives way. On a screen that is too small everything is set
// like words on as many lines as it takes.
func (h header) Render(width int) string {
	if width < leastWidth {
		return h.wrapped(width)
	}
	lead := h.badge()
	if h.timed() {
		lead += " " + h.st.strong.Render(clock(h.s.Duration))
	}
	name, last := h.name(), ""
	if h.s.State == callstate.Idle && h.s.Duration > 0 {
		last = h.st.dim.Render("  last call " + clock(h.s.Duration))
	}
	room := width - span(lead)
	marks := h.marks(false)
	if span(marks)+nameLeast+2 > room {
		marks = h.marks(true)
	}
	gap := "  "
	if !h.timed() {
		gap = " "
	}
	if room -= span(marks) + len(gap); room >= nameLeast {
		lead += gap + cut(name, room)
	}
	lead += marks
	lead += last
	if width < roomy-2 {
		return cut(lead, width)
	}
	for _, server := range []string{h.server(), ofSeveral(h.s)} {
		if span(lead)+span(server)+3 <= width {
			return between(lead, h.st.dim.Render(server), width)
		}
	}
	return cut(lead, width)
}

// wrapped are the same things without the name, each in a line of its own if need
// be.
func (h header) wrapped(width int) string {
	words := []string{h.badge()}
	if h.timed() {
		words = append(words, h.st.strong.Render(clock(h.s.Duration)))
	}
	for _, m := range h.all() {
		words = append(words, m.look.Render(m.short))
	}
	out, line := make([]string, 0, len(words)), ""
	for _, w := range words {
		if line != "" && span(line)+1+span(w) > width {
			out, line = append(out, line), ""
		}
		if line != "" {
			line += " "
		}
		line = cut(line+w, width)
	}
	return strings.Join(append(out, line), "\n")
}

// badge is the state in a shape and a word.
func (h header) badge() string {
	shape := "○"
	switch h.s.State {
	case callstate.Dialing, callstate.Reconnecting:
		const turning = "◐◓◑◒" // once a second
		at := h.looks / 5 % 4 * len("◐")
		shape = turning[at : at+len("◐")]
	case callstate.Live:
		shape = "●"
	case callstate.Ending:
		shape = "◑"
	case callstate.Idle:
	}
	look := h.st.held
	if int(h.s.State) < len(h.st.state) && h.s.State >= 0 {
		look = h.st.state[h.s.State]
	}
	return look.Render(" " + shape + " " + strings.ToUpper(h.s.State.String()) + " ")
}

// timed reports that the time of this call is shown.
func (h header) timed() bool { return h.s.State.Connected() || h.s.State == callstate.Ending }

func (h header) name() string {
	if h.s.Destination != "" {
		return h.s.Destination
	}
	return h.destination
}

// marks are all of them side by side, with a gap before them.
func (h header) marks(short bool) string {
	var b strings.Builder
	for _, m := range h.all() {
		text := m.long
		if short {
			text = m.short
		}
		if b.Len() == 0 {
			b.WriteString(" ")
		}
		b.WriteString(" ")
		b.WriteString(m.look.Render(text))
	}
	return b.String()
}

// all are what is not as usual, the most important first. A microphone that was
// opened to talk is not muted.
func (h header) all() []mark {
	var found []mark
	s := h.s
	switch {
	case s.MayNotSpeak && s.State.Connected(): // muted or not
		found = append(found, mark{h.st.muted, " LISTEN ONLY ", "LISTEN ONLY"})
	case s.Talk.Open:
		left := fmt.Sprintf("TALK %ds", int((max(s.Talk.Left, 0)+time.Second-1)/time.Second))
		found = append(found, mark{h.st.talk, " " + left + " ", left})
	case s.Muted:
		found = append(found, mark{h.st.muted, " MUTED ", "MUTED"})
	}
	if s.MayNotListen && !s.MayNotSpeak && s.State.Connected() {
		found = append(found, mark{h.st.muted, " SPEAK ONLY ", "SPEAK ONLY"})
	}
	if s.Held {
		found = append(found, mark{h.st.held, " HELD ", "HELD"})
	}
	if s.Link.Security.Open() && s.State.Connected() {
		found = append(found, mark{h.st.clip, " NOT ENCRYPTED ", "PLAIN"})
	}
	if t := s.Training; t.On() && s.State.Connected() {
		found = append(found, mark{h.st.training, " TRAINING" + added(t) + " ", "TRAIN" + added(callstate.Training{Delay: t.Delay})})
	}
	return found
}

// added is what a training adds.
func added(t callstate.Training) string {
	text := ""
	if t.Delay > 0 {
		text += fmt.Sprintf(" +%.0fms", t.Delay.Seconds()*1e3)
	}
	if t.Jitter > 0 {
		text += fmt.Sprintf(" ~%.0fms", t.Jitter.Seconds()*1e3)
	}
	if t.LossPct > 0 {
		text += fmt.Sprintf(" -%g%%", t.LossPct)
	}
	return text
}

// server is where the call goes through, and how.
func (h header) server() string {
	text := ofSeveral(h.s)
	if h.s.Codec != "" {
		text += ", " + h.s.Codec
		if h.s.FrameMS > 0 {
			text += fmt.Sprintf(" %d ms", h.s.FrameMS)
		}
	}
	return text
}

// tooSmall says so. The state, the marks and the time are above it.
type tooSmall struct {
	st            *styles
	width, height int
}

// Render implements panel.
func (t tooSmall) Render(width int) string {
	for _, text := range []string{
		fmt.Sprintf("Terminal %dx%d is too small: %dx%d at least", t.width, t.height, leastWidth, leastHeight),
		fmt.Sprintf("%dx%d: too small, %dx%d needed", t.width, t.height, leastWidth, leastHeight),
		fmt.Sprintf("too small: %dx%d", leastWidth, leastHeight),
		fmt.Sprintf("< %dx%d", leastWidth, leastHeight),
	} {
		if len(text) <= width {
			return t.st.warn.Render(text)
		}
	}
	return ""
}
