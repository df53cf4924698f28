package tui

import "strings"

// delayScreen is where the delay goes, stage by stage, and the last minutes.
type delayScreen struct {
	falls waterfall
	times timeline
	most  int // lines
}

func (m *model) delayScreen() delayScreen {
	return delayScreen{
		falls: waterfall{st: m.shade(), d: m.read.Delay, full: true},
		times: m.timeline(true), most: m.room(),
	}
}

// Render implements panel. The last minutes go where there is no room for them
// and for every part of the delay.
func (d delayScreen) Render(width int) string {
	d.times.bare = true // the legend is below
	times := d.times.Render(width)
	parts := len(groupStages(d.falls.d)) + 2
	if lines(times)+parts > d.most {
		times = ""
	}
	d.falls.most = max(d.most-lines(times), 1)
	text := d.falls.Render(width)
	if times != "" {
		if lines(text)+lines(times) < d.most {
			text += "\n "
		}
		text += "\n" + times
	}
	if times != "" && lines(text) < d.most {
		text += "\n" + d.times.legend(width)
	}
	all := strings.Split(text, "\n")
	return strings.Join(all[:max(0, min(d.most, len(all)))], "\n")
}
