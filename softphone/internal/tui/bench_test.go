package tui

import (
	"fmt"
	"io"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"
)

// BenchmarkView is one picture of a call in all colours, drawn 20 times a second:
// 0.5 ms would be one hundredth of a core.
func BenchmarkView(b *testing.B) {
	for _, size := range []tea.WindowSizeMsg{{Width: 40, Height: 12}, {Width: 80, Height: 24}, {Width: 120, Height: 40}, {Width: 200, Height: 60}} {
		for _, ascii := range []bool{false, true} {
			b.Run(fmt.Sprintf("%dx%d/ascii=%v", size.Width, size.Height, ascii), func(b *testing.B) {
				s := roomSnapshot(team(5)...)
				m := scene{snap: s}.stage()
				m.styles = newStyles(colours(termenv.TrueColor, true))
				if ascii {
					m.ascii = newSpelling()
				}
				m.Update(size)
				b.ReportAllocs()
				for b.Loop() {
					m.Update(snapshotMsg{Snapshot: s, at: time.Unix(1, 0)})
					_ = m.View()
				}
			})
		}
	}
}

// colours is a terminal that knows so many of them.
func colours(profile termenv.Profile, dark bool) *lipgloss.Renderer {
	r := lipgloss.NewRenderer(io.Discard, termenv.WithProfile(profile))
	r.SetColorProfile(profile)
	r.SetHasDarkBackground(dark)
	return r
}
