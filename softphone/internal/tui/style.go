package tui

import (
	"github.com/charmbracelet/lipgloss"

	"callcenter/softphone/internal/callstate"
)

// styles are the looks of the screen. Every colour has a form for light and
// dark backgrounds, and for 16, 256 and all colours. Colour is never the only
// sign: each state has its word, each level its number.
type styles struct {
	strong, dim, good, warn, bad, key lipgloss.Style
	clip, muted                       lipgloss.Style
	state                             map[callstate.State]lipgloss.Style
}

// tint is a colour for light and for dark backgrounds, each as true colour,
// 256 and 16 colours.
func tint(light, light256, light16, dark, dark256, dark16 string) lipgloss.CompleteAdaptiveColor {
	return lipgloss.CompleteAdaptiveColor{
		Light: lipgloss.CompleteColor{TrueColor: light, ANSI256: light256, ANSI: light16},
		Dark:  lipgloss.CompleteColor{TrueColor: dark, ANSI256: dark256, ANSI: dark16},
	}
}

func newStyles() styles {
	var (
		green  = tint("#1a7f37", "28", "2", "#4cc38a", "78", "2")
		yellow = tint("#8a6100", "94", "3", "#e5b454", "179", "3")
		red    = tint("#c21d2a", "160", "1", "#ff6b6b", "203", "9")
		blue   = tint("#0550ae", "25", "4", "#7cc4ff", "117", "6")
		grey   = tint("#5b636e", "241", "8", "#8f98a3", "246", "7")
		paper  = tint("#ffffff", "231", "15", "#101418", "16", "0")
	)
	plain := lipgloss.NewStyle()
	badge := func(c lipgloss.TerminalColor) lipgloss.Style {
		return plain.Bold(true).Foreground(paper).Background(c)
	}
	return styles{
		strong: plain.Bold(true),
		dim:    plain.Foreground(grey),
		good:   plain.Foreground(green),
		warn:   plain.Foreground(yellow),
		bad:    plain.Foreground(red),
		key:    plain.Bold(true).Foreground(blue),
		clip:   badge(red),
		muted:  badge(yellow),
		state: map[callstate.State]lipgloss.Style{
			callstate.Idle:         badge(grey),
			callstate.Dialing:      badge(yellow),
			callstate.Live:         badge(green),
			callstate.Reconnecting: badge(red),
			callstate.Ending:       badge(yellow),
		},
	}
}
