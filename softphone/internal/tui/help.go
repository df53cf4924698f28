package tui

import (
	"fmt"
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
	return []chapter{
		{"The call", []topic{
			{k.Dial, "dial " + m.fallback() + " at once", idle},
			{k.DialOther, "dial another: type, or choose from those dialed before", idle},
			{k.Redial, "dial the last one again", idle},
			{k.Favourite, "dial a favourite: " + m.favourites(), idle},
			{k.HangUp, "hang up; so does b", inCall},
			{k.Hold, "hold: nobody hears the other; again to go on", inCall},
			{k.Digit, "send digits to the other side", inCall},
		}},
		{"The voice", []topic{
			{k.Mute, "mute, or unmute", inCall},
			{talk, talkLabel + " while muted, again to release (" + talkWhy + ")", "while muted"},
			{k.Microphone, "microphone louder or softer, 1 dB; = works, too", ""},
			{k.Earpiece, "your ear softer or louder, 1 dB; , and . work, too", ""},
			{k.HighPass, "clean-up: take rumble off the microphone, or not", ""},
			{k.Denoise, "clean-up: suppress steady noise, or not", ""},
			{k.Level, "clean-up: keep the level of speech, or not", ""},
			{k.Sounds, "the softphone's own sounds: ringing, answer, end, link lost", ""},
		}},
		{"The screen", []topic{
			{k.Devices, "try microphones and earpieces, and change them, also in a call", ""},
			{k.Training, "training: add delay, jitter and loss, and hear it", "in a call to echo"},
			{k.Details, "every figure of both sides", ""},
			{k.Delay, "where the delay goes, and the last minutes", ""},
			{k.Help, "this help", ""},
			{k.Close, "close what is open", ""},
			{k.Quit, "quit; asks in a call", ""},
			{k.Interrupt, "quit; twice in a call", ""},
		}},
	}
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
		{"█ ┃ │", "meter: peak, RMS, highest peak of late; speak at -28 to -16 RMS"},
		{"CLIP", "too loud for the microphone: turn it down or move away"},
		{"ZEROS", "the microphone brings exact zeros, or (FLAT) one level on and on"},
		{"GONE", "the device is not there, or (STALL) brings nothing any more"},
		{"est.", "estimated; every other figure is measured, – is not yet known"},
		{"loop", "the delay of an echo call: microphone, server, earpiece"},
		{"m to e", "mouth to ear: the delay of any call, in sum; the lower, the better"},
		{"buffer", "audio kept to bridge uneven arrival, and how much it aims at"},
		{"● ○", "in a room: who speaks, who listens; how loud, or that it is muted"},
		{"!", "beside a figure: this hurts the conversation"},
	}
}

// helpPanel is the help: every key, then how to read the screen; side by side
// where there is room. It scrolls where there is none.
type helpPanel struct {
	st       *styles
	chapters []chapter
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
	shown := append([]string(nil), all[from:from+most]...)
	if rest := len(all) - from - most; rest > 0 && most > 1 {
		shown[most-1] = cut(h.st.dim.Render(fmt.Sprintf("%d more lines: ", rest+1))+h.st.key.Render("down pgdown"), width)
	}
	return strings.Join(shown, "\n")
}

// beside is the width from which the two halves of the help stand side by side.
const beside = 116

// lines is the whole of the help.
func (h helpPanel) lines(width int) []string {
	if width < beside {
		return append(h.keyLines(width), h.readingLines(width)...)
	}
	half := (width - 4) / 2
	left, right := h.keyLines(half), h.readingLines(half)
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

func (h helpPanel) keyLines(width int) []string {
	var out []string
	for _, c := range h.chapters {
		out = append(out, cut(h.st.strong.Render(c.title), width))
		for _, t := range c.topics {
			out = append(out, h.topic(t, width)...)
		}
	}
	return out
}

func (h helpPanel) readingLines(width int) []string {
	out := []string{cut(h.st.strong.Render("How to read the screen"), width)}
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
	var out []string
	for i, line := range wrap(about, width-indent) {
		lead := strings.Repeat(" ", indent)
		if i == 0 {
			lead = name
		}
		out = append(out, cut(lead+line, width))
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
	case modeHelp, modeDetails, modeDelay, modePrompt, modeDevices:
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
	case modeCall, modeTraining, modeQuit, modeLeaving:
	}
	return nil
}

// tray is what stands between the figures and the message; nil: nothing.
func (m *model) tray() panel {
	if m.mode == modeTraining {
		return trainingPanel{&m.styles, m.training, m.lesson}
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
