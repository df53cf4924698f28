package tui

import (
	"slices"

	"github.com/charmbracelet/bubbles/key"
	"github.com/charmbracelet/bubbles/textinput"
	tea "github.com/charmbracelet/bubbletea"

	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/desk"
)

// archive is the History of the history's screen, and whether that is open.
type archive struct {
	history desk.History
	side
}

func newArchive(h desk.History, woken chan<- struct{}) *archive {
	return &archive{history: h, side: side{woken: woken}}
}

// there reports that there is a history at all.
func (a *archive) there() bool { return a.history != nil }

// find opens the history with a search, or searches anew.
func (a *archive) find(text string) {
	if a.there() {
		a.opens()
		a.history.Find(text)
		a.wake()
	}
}

func (a *archive) end() {
	if a.closes() {
		a.wake()
	}
}

// state is what the history's screen shows; ok is unset while it is closed.
func (a *archive) state() (s callstate.History, ok bool) {
	if !a.open.Load() {
		return callstate.History{}, false
	}
	return a.history.State(), true
}

// mostCalls is how many calls are listed; a search finds the others.
const mostCalls = 1000

// browser is the history's screen: a list with a cursor, and a line to search in.
type browser struct {
	seen   bool // something was told since the screen was opened
	past   callstate.History
	raw    []string // the destinations as they are dialed
	index  int      // of the cursor
	id     string   // of the call under it: the cursor goes with that
	input  textinput.Model
	typing bool
}

func newBrowser() browser {
	b := browser{input: textinput.New()}
	b.input.CharLimit = longestEntry
	b.input.KeyMap.Paste.SetEnabled(false) // it would run a clipboard program
	return b
}

// sought is what is looked for.
func (b *browser) sought() string { return clean(b.input.Value()) }

// take makes a state of the history the picture of the screen. What was there
// stays until a search is over.
func (b *browser) take(h callstate.History) {
	h.Find, h.Err = clean(h.Find), clean(h.Err)
	if h.Busy && len(h.Calls) == 0 && b.seen {
		h.Calls, h.More = b.past.Calls, b.past.More
		b.past = h
		return
	}
	if len(h.Calls) > mostCalls {
		h.Calls, h.More = h.Calls[:mostCalls], true
	}
	calls, raw := make([]callstate.Past, len(h.Calls)), make([]string, len(h.Calls))
	for i, c := range h.Calls {
		raw[i] = c.Destination
		c.CallID, c.Destination, c.Name = clean(c.CallID), clean(c.Destination), clean(c.Name)
		c.Server, c.Ended, c.Err = clean(c.Server), clean(c.Ended), clean(c.Err)
		calls[i] = c
	}
	h.Calls = calls
	b.seen, b.past, b.raw = true, h, raw
	if i := slices.IndexFunc(calls, func(c callstate.Past) bool { return c.CallID == b.id }); i >= 0 && b.id != "" {
		b.index = i
	}
	b.put(b.index)
}

// put moves the cursor to a row, or to the nearest there is.
func (b *browser) put(index int) {
	b.index = max(0, min(index, len(b.past.Calls)-1))
	if len(b.past.Calls) > 0 {
		b.id = b.past.Calls[b.index].CallID
	}
}

// current is the call under the cursor.
func (b *browser) current() (c callstate.Past, ok bool) {
	if len(b.past.Calls) == 0 {
		return callstate.Past{}, false
	}
	return b.past.Calls[b.index], true
}

// openHistory begins with all calls, the newest under the cursor.
func (m *model) openHistory() {
	m.browser = newBrowser()
	m.history.find("")
}

// search looks for what was typed. The cursor is at the newest that is found.
func (m *model) search() {
	m.browser.index, m.browser.id = 0, ""
	m.history.find(m.browser.sought())
}

// enableHistory switches on the keys that make sense for the call under the cursor.
func (m *model) enableHistory() {
	_, ok := m.browser.current()
	here := m.mode == modeHistory
	m.keys.Again.SetEnabled(here && ok && m.snap.State == callstate.Idle)
	m.keys.Search.SetEnabled(here)
}

// pressHistory handles the keys of the history's screen. Those of the line that
// call nobody work, too.
func (m *model) pressHistory(msg tea.KeyMsg) tea.Cmd {
	k, b := &m.keys, &m.browser
	switch {
	case m.moveInHistory(msg):
	case key.Matches(msg, k.Search):
		b.typing = true
		b.input.Focus()
	case key.Matches(msg, k.Again):
		m.dial(b.raw[b.index])
	case key.Matches(msg, k.Close) && b.input.Value() != "":
		m.showAll()
	case key.Matches(msg, k.HangUp, k.Mute, k.Talk, k.Hold, k.Microphone, k.Earpiece, k.BlackBox,
		k.Devices, k.Check, k.History, k.Delay, k.Details, k.Help, k.Close, k.Quit):
		return m.pressLine(msg)
	}
	m.enableHistory()
	return nil
}

// moveInHistory reports that a key moved the cursor.
func (m *model) moveInHistory(msg tea.KeyMsg) bool {
	k, b, page := &m.keys, &m.browser, max(m.between()-historyAbout-2, 1)
	switch {
	case msg.Type == tea.KeyHome:
		b.put(0)
	case msg.Type == tea.KeyEnd:
		b.put(len(b.past.Calls) - 1)
	case key.Matches(msg, k.Up):
		b.put(b.index - 1)
	case key.Matches(msg, k.Down):
		b.put(b.index + 1)
	case key.Matches(msg, k.PageUp):
		b.put(b.index - page)
	case key.Matches(msg, k.PageDown):
		b.put(b.index + page)
	default:
		return false
	}
	return true
}

// showAll ends a search.
func (m *model) showAll() {
	m.browser.typing = false
	m.browser.input.SetValue("")
	m.search()
}

// pressSearch handles the keys while a search is typed. Enter calls nobody there.
func (m *model) pressSearch(msg tea.KeyMsg) {
	k, b := &m.keys, &m.browser
	switch {
	case key.Matches(msg, k.Accept):
		b.typing = false
	case key.Matches(msg, k.Cancel):
		m.showAll()
	case msg.Type == tea.KeyUp, msg.Type == tea.KeyDown, msg.Type == tea.KeyPgUp, msg.Type == tea.KeyPgDown:
		m.moveInHistory(msg)
	default:
		b.press(msg, m.search)
	}
	m.enableHistory()
}

// press gives a key to the line, and searches when that changed.
func (b *browser) press(msg tea.KeyMsg, search func()) {
	before := b.sought()
	if msg.Type == tea.KeyRunes {
		if msg.Runes, _ = pasted(msg.Runes, longestEntry-len([]rune(b.input.Value()))); len(msg.Runes) == 0 {
			return
		}
	}
	b.input, _ = b.input.Update(msg) // a blinking cursor is its only command
	if b.sought() != before {
		search()
	}
}
