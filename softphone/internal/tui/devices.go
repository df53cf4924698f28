package tui

import (
	"slices"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"callcenter/audio"
	"callcenter/softphone/internal/callstate"
)

// trial is the devices' screen: two lists and a cursor in each.
type trial struct {
	seen    bool // something was told of the devices since the screen was opened
	bench   callstate.Bench
	inEars  bool // which list has the keys
	cursors [2]cursor
}

// cursor is a place in a list that may change: it goes with its device, and
// stays where it is when that vanishes.
type cursor struct {
	id    string
	index int
}

// settle finds the cursor's device again in a list, or one to begin with.
func (c *cursor) settle(list []callstate.BenchDevice) {
	at := slices.IndexFunc(list, func(d callstate.BenchDevice) bool { return d.ID == c.id })
	if at < 0 && c.id == "" {
		for _, wanted := range []func(callstate.BenchDevice) bool{
			func(d callstate.BenchDevice) bool { return d.InCall },
			func(d callstate.BenchDevice) bool { return d.Chosen },
			func(d callstate.BenchDevice) bool { return d.Default },
		} {
			if at < 0 {
				at = slices.IndexFunc(list, wanted)
			}
		}
	}
	if at >= 0 {
		c.index = at
	}
	c.put(c.index, list)
}

// put moves the cursor to a row, or to the nearest there is.
func (c *cursor) put(index int, list []callstate.BenchDevice) {
	c.index = max(0, min(index, len(list)-1))
	if len(list) > 0 {
		c.id = list[c.index].ID
	}
}

// take makes a state of the bench the picture of the screen.
func (t *trial) take(b callstate.Bench) {
	b.Microphones, b.Earpieces = tidyDevices(b.Microphones), tidyDevices(b.Earpieces)
	b.Err, b.Recording.Err = clean(b.Err), clean(b.Recording.Err)
	// Hardly anybody wants to say what an earpiece plays.
	slices.SortStableFunc(b.Microphones, func(x, y callstate.BenchDevice) int { return monitorRank(x) - monitorRank(y) })
	t.seen, t.bench = true, b
	t.cursors[0].settle(b.Microphones)
	t.cursors[1].settle(b.Earpieces)
}

func monitorRank(d callstate.BenchDevice) int {
	if d.Monitor {
		return 1
	}
	return 0
}

// tidyDevices returns devices with every text made safe to draw.
func tidyDevices(devices []callstate.BenchDevice) []callstate.BenchDevice {
	tidied := make([]callstate.BenchDevice, len(devices))
	for i, d := range devices {
		d.Name, d.Backend, d.Err = clean(d.Name), clean(d.Backend), clean(d.Err)
		if d.Name == "" {
			d.Name = "(without a name)"
		}
		if d.Open != nil {
			open := *d.Open
			open.Name, open.Backend = clean(open.Name), clean(open.Backend)
			d.Open = &open
		}
		tidied[i] = d
	}
	return tidied
}

// list is the list that has the keys, with its cursor.
func (t *trial) list() ([]callstate.BenchDevice, *cursor) {
	if t.inEars {
		return t.bench.Earpieces, &t.cursors[1]
	}
	return t.bench.Microphones, &t.cursors[0]
}

// current is the device under the cursor.
func (t *trial) current() (callstate.BenchDevice, bool) {
	list, c := t.list()
	if len(list) == 0 {
		return callstate.BenchDevice{}, false
	}
	return list[c.index], true
}

// named finds what a recording is made of.
func (t *trial) named(id string) string {
	for _, d := range t.bench.Microphones {
		if d.ID == id {
			return d.Name
		}
	}
	return "the microphone"
}

// enableTrial switches on the keys that make sense for the device under the
// cursor.
func (m *model) enableTrial() {
	d, ok := m.trial.current()
	there := m.mode == modeDevices && ok && !d.Gone
	m.keys.Choose.SetEnabled(there)
	m.keys.Tone.SetEnabled(there && m.trial.inEars)
	m.keys.Record.SetEnabled(there && !m.trial.inEars)
	m.keys.Choose.SetHelp("enter", either(d.InCall || d.Chosen, "use again", "use"))
	m.keys.Tone.SetHelp("t", either(d.Tone, "stop tone", "test tone"))
	m.keys.Other.SetHelp("tab", either(m.trial.inEars, "microphones", "earpieces"))
}

// pressDevices handles the keys of the devices' screen. Those of the line that
// mean nothing else here work, too.
func (m *model) pressDevices(msg tea.KeyMsg) tea.Cmd {
	k, t := &m.keys, &m.trial
	list, c := t.list()
	d, _ := t.current()
	switch {
	case key.Matches(msg, k.Up):
		c.put(c.index-1, list)
	case key.Matches(msg, k.Down):
		c.put(c.index+1, list)
	case key.Matches(msg, k.PageUp):
		c.put(c.index-pageOfDevices, list)
	case key.Matches(msg, k.PageDown):
		c.put(c.index+pageOfDevices, list)
	case key.Matches(msg, k.Other):
		t.inEars = !t.inEars
	case key.Matches(msg, k.Choose):
		m.bench.bench.Choose(d.ID)
	case key.Matches(msg, k.Tone):
		m.bench.bench.Tone(d.ID)
	case key.Matches(msg, k.Record):
		m.bench.bench.Record(d.ID)
	case key.Matches(msg, k.HangUp, k.Mute, k.Talk, k.Hold, k.Microphone, k.Earpiece, k.BlackBox, k.Devices, k.Details, k.Help, k.Close, k.Quit):
		return m.pressLine(msg)
	}
	m.enableTrial()
	return nil
}

const pageOfDevices = 5

// opened is what was granted of a device, in words.
func opened(e *audio.Endpoint, narrow bool) string {
	if e == nil {
		return ""
	}
	comma := ", "
	if narrow {
		comma = " "
	}
	text := ""
	for i, fact := range (device{open: e}).facts(narrow) {
		if i > 0 {
			text += comma
		}
		text += fact
	}
	return text
}
