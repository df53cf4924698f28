package tui

import (
	"slices"
	"strings"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"
)

// topic is one line of the help.
type topic struct {
	key   key.Binding
	about string
	when  string // it works, where that is not always
}

// chapter is a part of the help.
type chapter struct {
	title  string
	topics []topic
}

// chapters are all keys with what they do, for the help.
func (m *model) chapters() []chapter {
	k := &m.keys
	const idle, inCall = "without a call", "in a call"
	talk := k.Talk
	talk.SetHelp("space", "")
	all := []chapter{
		{"The call", []topic{
			{k.Dial, "dial " + m.fallback() + " at once", idle},
			{k.DialOther, "dial another: a few letters find it", idle},
			{k.Redial, "dial the last one again", idle},
			{k.Favourite, "dial a favourite: " + m.favourites(), idle},
			{k.HangUp, "hang up; b, too", inCall},
			{k.Hold, "hold, and again to go on", inCall},
			{k.Digit, "send digits to the other side", inCall},
			{k.BlackBox, "keep the last minute of the call in a file: evidence of a bad one", "in a call and after it"},
		}},
		{"The voice", []topic{
			{k.Mute, "mute, and again to be heard", inCall},
			{talk, talkLabel(&m.snap) + ", again to release; a " + talkWhy, "while muted"},
			{k.Microphone, "microphone up and down by 1 dB; = is +, too", ""},
			{k.Earpiece, "ear volume down and up by 1 dB; , . too", ""},
			{k.HighPass, "clean-up: take rumble off the microphone", ""},
			{k.Denoise, "clean-up: suppress steady noise", ""},
			{k.Level, "clean-up: keep the level of speech", ""},
			{k.Sounds, "own sounds: ringing, answer, end, link lost", ""},
		}},
		{"The screen", []topic{
			{k.Check, "check sound, network and server before a shift", "without a call, which needs the devices"},
			{k.History, "the calls that were: look, search, dial again", ""},
			{k.Devices, "try and change microphone and earpiece", ""},
			{k.Delay, "where the delay goes, and the last minutes", ""},
			{k.Details, "every figure of both sides", ""},
			{k.Training, "training: hear delay, jitter and loss", "in a call to echo"},
			{k.Help, "this help", ""},
			{k.Close, "close what is open", ""},
			{k.Quit, "quit; asks in a call", ""},
			{k.Interrupt, "quit; twice in a call", ""},
		}},
	}
	for i := range all {
		all[i].topics = slices.DeleteFunc(all[i].topics, func(t topic) bool { return m.lacks(t.key) })
	}
	return all
}

// lacks reports the key of something that this softphone has not got.
func (m *model) lacks(b key.Binding) bool {
	switch b.Help().Key {
	case m.keys.Check.Help().Key:
		return !m.check.there()
	case m.keys.History.Help().Key:
		return !m.history.there()
	}
	return false
}

// favourites are who is on the keys of the numbers.
func (m *model) favourites() string {
	parts := make([]string, 0, 9)
	for i, c := range m.dir.Favourites[:min(9, len(m.dir.Favourites))] {
		name := clean(c.Name)
		if name == "" {
			name = clean(c.Destination)
		}
		parts = append(parts, string(rune('1'+i))+" "+name)
	}
	if len(parts) == 0 {
		return "none is set"
	}
	return strings.Join(parts, ", ")
}

// reading is how to read the screen.
func reading() [][2]string {
	return [][2]string{
		{"line 2", "what the call suffers from, or that all is well"},
		{"█ ┃ │", "peak, RMS, highest peak; speak at -28 to -16 RMS"},
		{"CLIP", "too loud: turn the microphone down, or move away"},
		{"ZEROS", "the microphone brings nothing but zeros: muted on the headset? (FLAT: one level on and on)"},
		{"GONE", "the device is not there (STALL: brings nothing)"},
		{"est.", "an estimate; all else is measured, – is not known"},
		{"loop", "the delay of an echo call, there and back"},
		{"mouth", "mouth to ear: the delay of any call, in sum"},
		{"buffer", "audio kept to bridge uneven arrival, and its aim"},
		{"MOS", "how good it is, 1 to 4.4; below 3.5 is poor"},
		{"● ○", "in a room: who speaks, who listens"},
		{"!", "beside a figure: this hurts the conversation"},
		{"! ✗", "beside a call in the history: it went badly, it failed"},
	}
}

// helpPanel is the help: every key, then how to read the screen; side by side
// where there is room. It scrolls where there is none.
type helpPanel struct {
	st       *styles
	chapters []chapter
	beside   bool
	from     int // the first line shown
	most     int // lines
}

// RenderIn implements elastic.
func (h helpPanel) RenderIn(width, lines int) string {
	h.most = lines
	return h.Render(width)
}

// Render implements panel.
func (h helpPanel) Render(width int) string {
	all := h.lines(width)
	most := max(h.most, 0)
	if len(all) <= most {
		return strings.Join(all, "\n")
	}
	from := max(0, min(h.from, len(all)-most))
	if most == 1 {
		return all[from]
	}
	return strings.Join(h.st.window(all, from, most, width), "\n")
}

// beside is the width from which the two halves of the help stand side by side.
const beside = 116

// lines is the whole of the help.
func (h helpPanel) lines(width int) []string {
	if width < beside {
		return append(h.keyLines(h.chapters, width), h.readingLines(width)...)
	}
	h.beside = true
	half := (width - 4) / 2
	left := h.keyLines(h.chapters[:2], half)
	right := append(append(h.keyLines(h.chapters[2:], half), " "), h.readingLines(half)...)
	for i := range max(len(left), len(right)) {
		switch {
		case i >= len(left):
			left = append(left, strings.Repeat(" ", half)+"    "+right[i])
		case i < len(right):
			left[i] = pad(left[i], half) + "    " + right[i]
		}
	}
	return left
}

func (h helpPanel) keyLines(chapters []chapter, width int) []string {
	var out []string
	for i, c := range chapters {
		if i > 0 && h.beside {
			out = append(out, " ")
		}
		out = append(out, cut(h.st.strong.Render(c.title), width))
		for _, t := range c.topics {
			out = append(out, h.topic(t, width)...)
		}
	}
	return out
}

func (h helpPanel) readingLines(width int) []string {
	out := make([]string, 0, 20)
	out = append(out, cut(h.st.strong.Render("How to read the screen"), width))
	for _, r := range reading() {
		out = append(out, entry(fill(h.st.strong, r[0], indent), r[1], width)...)
	}
	return out
}

// topic is a key and what it does. One that does not work now says when it does.
func (h helpPanel) topic(t topic, width int) []string {
	name := t.key.Help().Key
	if t.key.Enabled() {
		return entry(fill(h.st.key, name, indent), t.about, width)
	}
	about := t.about
	if t.when != "" {
		about += " [" + t.when + "]"
	}
	out := entry(pad(name, indent), about, width)
	for i := range out {
		out[i] = h.st.dim.Render(out[i])
	}
	return out
}

// indent is the column of what is said in the help.
const indent = 9

// entry is a name and what is to be said of it, in as many lines as it takes.
func entry(name, about string, width int) []string {
	out := wrap(about, width-indent)
	for i, line := range out {
		lead := strings.Repeat(" ", indent)
		if i == 0 {
			lead = name
		}
		out[i] = cut(lead+line, width)
	}
	return out
}

// helpPanel is the help as it is now.
func (m *model) helpPanel() helpPanel {
	return helpPanel{st: &m.styles, chapters: m.chapters(), from: m.scroll, most: m.between()}
}

// covered reports that an overlay takes the place of the meters and figures.
func (m *model) covered() bool {
	switch m.mode {
	case modeHelp, modeDetails, modeDelay, modePrompt, modeDevices, modeCheck, modeHistory:
		return true
	case modeCall, modeTraining, modeQuit, modeLeaving:
	}
	return false
}

// overlay is what takes the place of the meters and figures; nil: they are
// shown.
func (m *model) overlay() panel {
	switch m.mode {
	case modeHelp:
		return m.helpPanel()
	case modeDetails:
		return details{&m.styles, &m.read, m.room()}
	case modeDelay:
		return m.delayScreen()
	case modePrompt:
		return legible{dialPanel{&m.styles, &m.dialer, m.fallback(), m.between()}}
	case modeDevices:
		return legible{devicesPanel{&m.styles, &m.trial, m.between()}}
	case modeCheck:
		return legible{m.examPanel()}
	case modeHistory:
		return legible{historyPanel{&m.styles, &m.browser, m.between()}}
	case modeCall, modeTraining, modeQuit, modeLeaving:
	}
	return nil
}

// tray is what stands between the figures and the message; nil: nothing.
func (m *model) tray() panel {
	if m.mode == modeTraining {
		d := m.read.Delay
		return trainingPanel{&m.styles, m.training, m.lesson, known(d.LoopKnown, number(d.Loop))}
	}
	return nil
}

// pressHelp scrolls the help; other keys are the line's.
func (m *model) pressHelp(msg tea.KeyMsg) tea.Cmd {
	k, page := &m.keys, max(m.between()-2, 1)
	switch {
	case key.Matches(msg, k.Up):
		m.scroll--
	case key.Matches(msg, k.Down):
		m.scroll++
	case key.Matches(msg, k.PageUp):
		m.scroll -= page
	case key.Matches(msg, k.PageDown):
		m.scroll += page
	default:
		return m.pressLine(msg)
	}
	m.scroll = max(0, min(m.scroll, m.helpLines()-m.between()))
	return nil
}

// helpLines is how long the whole help is, and helpOverflows that it is longer
// than there is room.
func (m *model) helpLines() int {
	width, _ := m.inside()
	return len(helpPanel{st: &m.styles, chapters: m.chapters()}.lines(width))
}

func (m *model) helpOverflows() bool {
	// The footer, which asks, is a part of what decides: it has one line at least.
	return m.helpLines() > m.height-5
}
