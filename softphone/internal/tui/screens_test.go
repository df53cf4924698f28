package tui

import (
	"fmt"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/muesli/termenv"
)

func TestTheScreensBesideTheLineMatchTheirGoldens(t *testing.T) {
	common := tea.WindowSizeMsg{Width: 80, Height: 24}
	for _, s := range deskScenes() {
		if strings.HasPrefix(s.name, "hostile") {
			continue
		}
		for _, size := range []tea.WindowSizeMsg{common, {Width: 120, Height: 40}, {Width: 40, Height: 12}} {
			s.golden(t, size, "", nil)
		}
		in := func(profile termenv.Profile, dark bool) func(*model) {
			return func(m *model) { m.styles = newStyles(colours(profile, dark)) }
		}
		switch s.name {
		case "check-speak", "check-bad", "history":
			s.golden(t, tea.WindowSizeMsg{Width: 200, Height: 60}, "", nil)
			s.golden(t, common, "-light", in(termenv.TrueColor, false))
			s.golden(t, common, "-16-light", in(termenv.ANSI, false))
		}
		switch s.name {
		case "dial", "devices", "devices-gone", "training-open", "help-idle", "check-speak", "check-bad", "history", "saved":
			s.golden(t, common, "-dark", in(termenv.TrueColor, true))
			s.golden(t, common, "-16", in(termenv.ANSI, true))
		}
	}
}

// golden compares the scene at a size, drawn in some other way, with its file.
func (s deskScene) golden(t *testing.T, size tea.WindowSizeMsg, way string, set func(*model)) {
	name := fmt.Sprintf("%s-%dx%d%s", s.name, size.Width, size.Height, way)
	t.Run(name, func(t *testing.T) {
		m := s.stage()
		if set != nil {
			set(m)
		}
		m.Update(size)
		golden(t, name, m.View()+"\n")
	})
}

func TestTheScreensBesideTheLineNeverLeaveTheTerminal(t *testing.T) {
	all := deskScenes()
	for n, s := range all {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			m := s.stage()
			for width := 1; width <= 200; width += sizeStep {
				for height := 1; height <= 60; height++ {
					if (width+height)%len(all) == n || height < 16 && width%5 == n%5 {
						checkFits(t, m, width, height)
					}
				}
			}
		})
	}
}
