package tui

import (
	"fmt"

	"callcenter/softphone/internal/callstate"
)

// verdict is the line that names what the call suffers from, the worst first, or
// says why all is well. It is the second line of the screen, always: an operator
// who looks up finds it, and nothing moves when it changes.
type verdict struct {
	st    *styles
	found []callstate.Trouble
	good  string
	heard bool // good is about being heard
}

func judged(st *styles, s *callstate.Snapshot) verdict {
	return verdict{st: st, found: s.Verdict.Troubles, good: s.Verdict.Good, heard: s.Verdict.Heard}
}

// Render implements panel. What has no room is counted.
func (v verdict) Render(width int) string {
	switch {
	case width < 4:
		return " "
	case len(v.found) == 0 && v.good == "":
		return " "
	case len(v.found) == 0 && !v.heard:
		return v.st.key.Render("i") + " " + cut(v.good, width-2)
	case len(v.found) == 0:
		return v.st.goodStrong.Render("✓") + " " + cut(v.st.good.Render(v.good), width-2)
	}
	sign, look := v.st.sign(v.found[0].Severity)
	lead := look.Render(sign) + " "
	for n := len(v.found); ; n-- {
		text, rest := callstate.Join(v.found[:n]), ""
		if n < len(v.found) {
			rest = fmt.Sprintf(" +%d", len(v.found)-n)
		}
		room := width - 2 - len(rest)
		if n == 1 && span(text) > room {
			text = v.found[0].Text // what is the matter; what it means is known
		}
		if n == 1 || span(text) <= room {
			return lead + look.Render(cut(text, room)) + v.st.dim.Render(rest)
		}
	}
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
	switch {
	case l.Security.Encrypted:
		text += ", encrypted"
	case l.Security.Open():
		text += ", not encrypted"
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
