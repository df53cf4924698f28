package tui

import (
	"fmt"

	"github.com/charmbracelet/lipgloss"

	"callcenter/softphone/internal/callstate"
)

// trouble is the line that names what the call suffers from, the worst first.
// It keeps its place above the message, so that nothing moves when it comes.
type trouble struct {
	st    *styles
	found []callstate.Trouble
}

// Render implements panel. What has no room is counted.
func (t trouble) Render(width int) string {
	if len(t.found) == 0 || width < 4 {
		return ""
	}
	mark, style := t.st.sign(t.found[0].Severity)
	lead := style.Render(mark) + " "
	for n := len(t.found); ; n-- {
		text, rest := callstate.Join(t.found[:n]), ""
		if n < len(t.found) {
			rest = fmt.Sprintf(" +%d", len(t.found)-n)
		}
		room := width - lipgloss.Width(lead) - len(rest)
		if n == 1 && lipgloss.Width(text) > room && rest != "" {
			text = t.found[0].Text // what is the matter; what it means is known
		}
		if n == 1 || lipgloss.Width(text) <= room {
			return lead + style.Render(cut(text, room)) + t.st.dim.Render(rest)
		}
	}
}

// sign is the shape and the look of a severity.
func (st *styles) sign(s callstate.Severity) (string, lipgloss.Style) {
	switch s {
	case callstate.Warning:
		return "!", st.warn.Bold(true)
	case callstate.Failure:
		return "✗", st.bad.Bold(true)
	case callstate.Info:
	}
	return "i", st.key
}

// ailing is what a meter says of an end that is not open, or of a microphone
// that is open and silent: in full, and in five cells. Both are empty when all
// is well.
func ailing(end callstate.End, silence callstate.Silence) (long, short string) {
	switch end.State {
	case callstate.EndGone:
		return "GONE " + callstate.Spell(end.Since), "GONE "
	case callstate.EndStalled:
		return "STALLED " + callstate.Spell(end.Since), "STALL"
	case callstate.EndOpen:
	}
	switch silence {
	case callstate.ExactZeros:
		return "EXACT ZEROS", "ZEROS"
	case callstate.FlatLevel:
		return "FLAT LEVEL", "FLAT "
	case callstate.NoCallbacks:
		return "BRINGS NOTHING", "STALL"
	case callstate.NoSilence:
	}
	return "", ""
}

// still is a meter that shows nothing, as of what is not open.
var still = callstate.Meter{Peak: scaleFloor, RMS: scaleFloor, Hold: scaleFloor}

// link is the connection to the server in a word or two, with what it went
// through.
func link(l callstate.Link) string {
	text := "good"
	if l.State != callstate.LinkUp {
		text = l.State.String() + " " + callstate.Spell(l.Quiet)
	}
	if l.Draining {
		text += ", moving"
	}
	if l.Resumes > 0 || l.Gap > 0 {
		text += fmt.Sprintf("; %d, %s", l.Resumes, callstate.Spell(l.Gap))
	}
	return text
}

// ofSeveral says which server of a list is in use.
func ofSeveral(s *callstate.Snapshot) string {
	server := s.Link.Server
	if server == "" {
		server = s.Server
	}
	if s.Link.Servers > 1 && server != "" {
		server += fmt.Sprintf(" (of %d)", s.Link.Servers)
	}
	return server
}

// reopened says how often the two ends were opened again after a fault.
func reopened(s *callstate.Snapshot) string {
	mic, ear := s.MicrophoneEnd.Reopens, s.EarpieceEnd.Reopens
	if mic+ear == 0 {
		return ""
	}
	return fmt.Sprintf("mic, ear reopened %d, %d", mic, ear)
}
