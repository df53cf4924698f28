package tui

import (
	"slices"
	"strings"

	"github.com/charmbracelet/bubbles/key"
	"github.com/charmbracelet/lipgloss"

	"callcenter/softphone/internal/callstate"
)

// footer names the keys that work now. Those with the least weight go when there
// is no room.
type footer struct {
	st   *styles
	keys []hint
	loud string // the key that stands out
	most int    // lines
}

// hint is a key in the footer.
type hint struct {
	key.Binding
	weight int
}

// Render implements panel.
func (f footer) Render(width int) string {
	shown := make([]hint, 0, len(f.keys))
	for _, h := range f.keys {
		if h.Enabled() {
			shown = append(shown, h)
		}
	}
	for len(shown) > 1 && f.rows(shown, width) > f.most {
		least := 0
		for i, h := range shown {
			if h.weight <= shown[least].weight {
				least = i
			}
		}
		shown = append(shown[:least], shown[least+1:]...)
	}
	var b strings.Builder
	at := 0
	for _, h := range shown {
		w := h.width()
		switch {
		case at == 0:
		case at+gap+w > width:
			b.WriteByte('\n')
			at = 0
		default:
			b.WriteString(strings.Repeat(" ", gap))
			at += gap
		}
		name, does := f.st.key, f.st.dim
		if h.Help().Key == f.loud {
			name, does = f.st.warnStrong, f.st.warn
		}
		b.WriteString(cut(name.Render(h.Help().Key)+" "+does.Render(h.Help().Desc), width))
		at += w
	}
	return b.String()
}

const gap = 2 // between two keys

// rows is how many lines the keys take.
func (f footer) rows(keys []hint, width int) int {
	rows, at := 1, 0
	for _, h := range keys {
		w := h.width()
		switch {
		case at == 0:
			at = w
		case at+gap+w > width:
			rows, at = rows+1, w
		default:
			at += gap + w
		}
	}
	return rows
}

func (h hint) width() int { return lipgloss.Width(h.Help().Key) + 1 + lipgloss.Width(h.Help().Desc) }

// footer is the last line, or two where there is room.
func (m *model) footer() footer {
	f := footer{st: &m.styles, keys: m.working(), most: 1}
	if m.suffers() { // in its place: a trouble moves nothing
		f.loud = m.keys.BlackBox.Help().Key
	}
	if m.height >= grand {
		f.most = 2
	}
	return f
}

// working are the keys for the footer; disabled ones are not shown.
func (m *model) working() []hint {
	k := &m.keys
	switch m.mode {
	case modePrompt:
		return []hint{{k.Accept, 9}, {k.Cancel, 8}, {k.Next, 7}, {k.Complete, 6}}
	case modeQuit:
		return []hint{{k.Yes, 9}, {k.No, 8}}
	case modeLeaving:
		now := k.Interrupt
		now.SetHelp(now.Help().Key, "quit at once")
		return []hint{{now, 9}}
	case modeDevices:
		choose, other := k.Up, k.Other
		choose.SetHelp("arrows", "choose")
		return []hint{
			{k.Close, 109},
			{choose, 90},
			{k.Choose, 108},
			{k.Tone, 107},
			{k.Record, 106},
			{other, 105},
			{k.HangUp, 104},
			{k.Mute, 103},
			{k.Help, 91},
		}
	case modeCheck:
		return m.workingCheck()
	case modeHistory:
		return m.workingHistory()
	case modeTraining:
		return []hint{{k.Close, 109}, {k.Less, 108}, {k.Reset, 106}, {k.HangUp, 105}, {k.Mute, 104}, {k.Help, 103}}
	case modeHelp:
		scroll := k.Down
		scroll.SetEnabled(m.helpOverflows())
		keys := append([]hint{{k.Close, 109}, {scroll, 108}}, m.workingLine()...)
		return slices.DeleteFunc(keys, func(h hint) bool { return h.Help().Key == k.Help.Help().Key })
	case modeDetails, modeDelay:
		return append([]hint{{k.Close, 109}}, m.workingLine()...)
	case modeCall:
	}
	return m.workingLine()
}

// workingCheck are the keys of the check's screen.
func (m *model) workingCheck() []hint {
	k := &m.keys
	leave, scroll := k.Close, k.Down
	scroll.SetEnabled(!m.exam.check.Running && m.checkOverflows())
	if m.exam.check.Running || !m.exam.seen {
		leave.SetHelp("esc", "give it up")
		return []hint{{leave, 109}}
	}
	return []hint{{leave, 109}, {k.Repeat, 108}, {scroll, 107}, {k.Dial, 99}, {k.DialOther, 98}, {k.Devices, 95}, {k.History, 90}, {k.Help, 91}, {k.Quit, 85}}
}

// workingHistory are the keys of the history's screen.
func (m *model) workingHistory() []hint {
	k, b := &m.keys, &m.browser
	leave, choose := k.Close, k.Up
	choose.SetHelp("arrows", "choose")
	choose.SetEnabled(len(b.past.Calls) > 1)
	if b.typing {
		done, all := k.Accept, k.Cancel
		done.SetHelp("enter", "done")
		all.SetHelp("esc", "show all")
		return []hint{{done, 9}, {all, 8}, {choose, 7}}
	}
	if b.input.Value() != "" {
		leave.SetHelp("esc", "show all")
	}
	return []hint{{leave, 109}, {choose, 90}, {k.Search, 107}, {k.Again, 108}, {k.HangUp, 104}, {k.Mute, 103}, m.evidence(92), {k.Help, 91}}
}

// evidence is the key that keeps the last minute.
func (m *model) evidence(weight int) hint {
	h := hint{m.keys.BlackBox, weight}
	if m.width < 100 {
		h.SetHelp("!", "save")
	}
	return h
}

// workingLine are the keys of the line, in the order in which they are met.
func (m *model) workingLine() []hint {
	k := &m.keys
	talk := k.Talk
	if (m.width >= 100 || m.height >= grand && m.width >= roomy) && !m.snap.Talk.Open {
		talk.SetHelp("space", talkLabel(&m.snap)+" ("+talkWhy+")")
	}
	detailsWeight := 60
	if m.width < spacious {
		detailsWeight = 1
	}
	gainWeight, historyWeight, boxWeight := 65, 21, 72
	if m.snap.State == callstate.Idle {
		gainWeight, historyWeight, boxWeight = 11, 87, 86 // without a call there is nothing to be heard of a gain
	}
	return []hint{
		{k.Dial, 99},
		{k.DialOther, 98},
		{k.Redial, 50}, // like the next one it stands in the list of those whom one key dials
		{k.Favourite, 49},
		{k.HangUp, 99},
		{k.Mute, 98},
		{talk, 96},
		{k.Hold, 97},
		{k.Microphone, gainWeight},
		{k.Earpiece, gainWeight - 1},
		m.evidence(boxWeight),
		{k.Devices, 95},
		{k.Check, 88},
		{k.History, historyWeight},
		{k.Training, 70},
		{k.Digit, 50},
		{k.Details, detailsWeight},
		{k.Delay, detailsWeight - 1},
		{k.Sounds, 20},
		{k.Help, 100},
		{k.Quit, 85},
	}
}
