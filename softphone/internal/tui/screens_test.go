package tui

import (
	"fmt"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
)

func TestTheScreensBesideTheLineMatchTheirGoldens(t *testing.T) {
	for _, size := range []tea.WindowSizeMsg{{Width: 80, Height: 24}, {Width: 120, Height: 40}, {Width: 40, Height: 12}} {
		for _, s := range deskScenes() {
			if strings.HasPrefix(s.name, "hostile") {
				continue
			}
			name := fmt.Sprintf("%s-%dx%d", s.name, size.Width, size.Height)
			t.Run(name, func(t *testing.T) {
				m := s.stage()
				m.Update(size)
				golden(t, name, m.View()+"\n")
			})
		}
	}
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
