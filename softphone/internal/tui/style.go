package tui

import (
	"strings"

	"github.com/charmbracelet/lipgloss"

	"callcenter/softphone/internal/callstate"
)

// ink is a look, worked out once: what a terminal is told before a text and after
// it. The zero value is plain. A picture has a hundred of them, 20 times a second.
type ink struct{ on, off string }

// Render returns text in that look.
func (i ink) Render(text string) string {
	if i.on == "" || text == "" {
		return text
	}
	return i.on + text + i.off
}

// styles are the looks of the screen. Every colour has a form for light and
// dark backgrounds, and for 16, 256 and all colours. Colour is never the only
// sign: each state has its word, each level its number.
type styles struct {
	plain                             ink // none, but where figures are old
	strong, dim, good, warn, bad, key ink
	warnStrong, badStrong, goodStrong ink
	// Badges, on a ground of their colour.
	clip, muted, held, talk, training ink
	// The mark on a bar of that colour.
	onDim, onGood, onWarn, onBad ink

	state [callstate.Ending + 1]ink
}

// tint is a colour for light and for dark backgrounds, each as true colour,
// 256 and 16 colours.
func tint(light, light256, light16, dark, dark256, dark16 string) lipgloss.CompleteAdaptiveColor {
	return lipgloss.CompleteAdaptiveColor{
		Light: lipgloss.CompleteColor{TrueColor: light, ANSI256: light256, ANSI: light16},
		Dark:  lipgloss.CompleteColor{TrueColor: dark, ANSI256: dark256, ANSI: dark16},
	}
}

// newStyles are the looks for what terminal knows of colours.
func newStyles(terminal *lipgloss.Renderer) styles {
	var (
		green  = tint("#1a7f37", "28", "2", "#4cc38a", "78", "2")
		yellow = tint("#8a6100", "94", "5", "#e5b454", "179", "3") // yellow on white is none
		red    = tint("#c21d2a", "160", "1", "#ff6b6b", "203", "9")
		blue   = tint("#0550ae", "25", "4", "#7cc4ff", "117", "6")
		grey   = tint("#5b636e", "241", "8", "#8f98a3", "246", "7")
		paper  = tint("#ffffff", "231", "15", "#101418", "16", "0")
	)
	plain := terminal.NewStyle()
	of := func(s lipgloss.Style) ink {
		on, off, _ := strings.Cut(s.Render("x"), "x")
		return ink{on, off}
	}
	colour := func(c lipgloss.TerminalColor) ink { return of(plain.Foreground(c)) }
	strong := func(c lipgloss.TerminalColor) ink { return of(plain.Bold(true).Foreground(c)) }
	badge := func(c lipgloss.TerminalColor) ink { return of(plain.Bold(true).Foreground(paper).Background(c)) }
	onBar := func(c lipgloss.TerminalColor) ink { return of(plain.Reverse(true).Bold(true).Foreground(c)) }
	return styles{
		strong: of(plain.Bold(true)),
		dim:    colour(grey), good: colour(green), warn: colour(yellow), bad: colour(red),
		key: strong(blue), warnStrong: strong(yellow), badStrong: strong(red), goodStrong: strong(green),
		clip: badge(red), muted: badge(yellow), held: badge(blue), talk: badge(green), training: badge(grey),
		onDim: onBar(grey), onGood: onBar(green), onWarn: onBar(yellow), onBad: onBar(red),
		state: [...]ink{
			callstate.Idle:         badge(grey),
			callstate.Dialing:      badge(yellow),
			callstate.Live:         badge(green),
			callstate.Reconnecting: badge(red),
			callstate.Ending:       badge(yellow),
		},
	}
}

// faded are the same looks for what is not of this moment: none stands out.
func (st *styles) faded() *styles {
	dim := st.dim
	return &styles{plain: dim, strong: dim, dim: dim, good: dim, warn: dim, bad: dim, key: dim, warnStrong: dim, badStrong: dim, goodStrong: dim}
}

// sign is the shape and the look of a severity.
func (st *styles) sign(s callstate.Severity) (string, ink) {
	switch s {
	case callstate.Warning:
		return "!", st.warnStrong
	case callstate.Failure:
		return "✗", st.badStrong
	case callstate.Info:
	}
	return "i", st.key
}

// fill sets a text to width cells, styled.
func fill(look ink, text string, width int) string {
	return look.Render(pad(text, width))
}
