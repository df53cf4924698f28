package tui

import (
	"time"

	"github.com/charmbracelet/bubbles/key"
	"github.com/charmbracelet/bubbles/textinput"
	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"

	"callcenter/audio"
	"callcenter/softphone/internal/callstate"
)

// goodbye is how long the screen waits for the call to end before it quits.
const goodbye = 3 * time.Second

// mode is who gets the keys.
type mode int

const (
	modeCall    mode = iota // the line
	modeHelp                // the line, with the help over the figures
	modeDetails             // the line, with all figures of both sides
	modeDelay               // the line, with where the delay goes over the figures
	modePrompt              // the dial prompt
	modeQuit                // the quit question
	modeLeaving             // nobody: hung up, waiting for the end
)

// model is the whole screen. It changes in Update only.
type model struct {
	phone       Phone
	destination string // what Dial("") calls, for display

	keys   keyMap
	styles styles
	ascii  spelling // nil: all characters

	width, height int
	mode          mode
	snap          callstate.Snapshot
	now           time.Time // of snap
	looks         int       // snapshots seen in this state, turns the dialing mark
	notice        callstate.Notice
	prompt        textinput.Model
	entry         string // the last destination typed
	leaveBy       time.Time
}

func newModel(phone Phone, opts Options) *model {
	m := &model{
		phone:       phone,
		destination: clean(opts.Destination),
		keys:        newKeyMap(),
		styles:      newStyles(lipgloss.DefaultRenderer()),
		width:       80,
		height:      24,
		prompt:      textinput.New(),
	}
	if opts.ASCII {
		m.ascii = newSpelling()
	}
	m.prompt.CharLimit = 128
	m.prompt.KeyMap.Paste.SetEnabled(false) // it would run a clipboard program
	m.keys.enable(m.snap)
	return m
}

// Init implements tea.Model.
func (m *model) Init() tea.Cmd { return nil }

// Update implements tea.Model.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		if msg.Width > 0 && msg.Height > 0 { // serial lines say 0 by 0
			m.width, m.height = msg.Width, msg.Height
		}
	case snapshotMsg:
		return m, m.take(msg)
	case noticeMsg:
		m.notice = callstate.Notice{Severity: msg.Severity, Text: clean(msg.Text)}
	case tea.KeyMsg:
		return m, m.press(msg)
	}
	return m, nil
}

// take makes a snapshot the picture of the line.
func (m *model) take(msg snapshotMsg) tea.Cmd {
	if msg.State != m.snap.State {
		m.looks = 0
	}
	m.looks++
	m.snap, m.now = tidy(msg.Snapshot), msg.at
	m.keys.enable(m.snap)
	switch {
	case m.mode == modePrompt && m.snap.State != callstate.Idle:
		m.mode = modeCall
	case m.mode == modeLeaving && (m.snap.State == callstate.Idle || !m.now.Before(m.leaveBy)):
		return tea.Quit
	}
	return nil
}

// tidy returns s with every text made safe to draw.
func tidy(s callstate.Snapshot) callstate.Snapshot {
	s.Server, s.Destination, s.Codec = clean(s.Server), clean(s.Destination), clean(s.Codec)
	s.Link.Server = clean(s.Link.Server)
	s.Verdict = tidyVerdict(s.Verdict)
	endpoint := func(e *audio.Endpoint) *audio.Endpoint {
		if e == nil {
			return nil
		}
		c := *e
		c.Name, c.Backend = clean(c.Name), clean(c.Backend)
		return &c
	}
	s.MicrophoneOpen, s.EarpieceOpen = endpoint(s.MicrophoneOpen), endpoint(s.EarpieceOpen)
	stages := make([]callstate.Stage, len(s.Delay.Stages))
	for i, stage := range s.Delay.Stages {
		stage.Name = clean(stage.Name)
		stages[i] = stage
	}
	s.Delay.Stages = stages
	return s
}

// tidyVerdict makes what was said of a call safe to draw.
func tidyVerdict(v callstate.Verdict) callstate.Verdict {
	found := make([]callstate.Trouble, len(v.Troubles))
	for i, t := range v.Troubles {
		t.Text, t.Effect = clean(t.Text), clean(t.Effect)
		found[i] = t
	}
	v.Troubles, v.Good = found, clean(v.Good)
	return v
}

// press gives a key to whom the mode names.
func (m *model) press(msg tea.KeyMsg) tea.Cmd {
	if key.Matches(msg, m.keys.Interrupt) {
		return m.interrupt()
	}
	if m.mode == modePrompt {
		m.pressPrompt(msg)
		return nil
	}
	// Keys typed quickly arrive in one message; pasted text is no keys.
	if msg.Type == tea.KeyRunes && len(msg.Runes) > 1 {
		if msg.Paste {
			return nil
		}
		for i, r := range msg.Runes {
			if m.mode == modePrompt { // the rest is the destination
				m.pressPrompt(tea.KeyMsg{Type: tea.KeyRunes, Runes: msg.Runes[i:]})
				return nil
			}
			if cmd := m.press(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}}); cmd != nil {
				return cmd
			}
		}
		return nil
	}
	switch m.mode {
	case modeQuit:
		return m.pressQuit(msg)
	case modeCall, modeHelp, modeDetails, modeDelay:
		return m.pressLine(msg)
	case modePrompt, modeLeaving:
	}
	return nil
}

// interrupt is ctrl+c: quit when idle, else ask, then hang up and quit, then
// quit without waiting.
func (m *model) interrupt() tea.Cmd {
	switch {
	case m.mode == modeQuit:
		return m.leave()
	case m.mode == modeLeaving, m.snap.State == callstate.Idle:
		return tea.Quit
	}
	m.mode = modeQuit
	return nil
}

// pressLine handles the keys of the line. They work under the help, too.
func (m *model) pressLine(msg tea.KeyMsg) tea.Cmd {
	k := m.keys
	switch {
	case key.Matches(msg, k.Dial):
		m.dial("")
	case key.Matches(msg, k.DialOther):
		m.mode = modePrompt
		m.prompt.SetValue(m.entry)
		m.prompt.CursorEnd()
		m.prompt.Focus()
	case key.Matches(msg, k.Mute):
		m.phone.ToggleMute()
	case key.Matches(msg, k.HangUp):
		m.phone.HangUp()
	case key.Matches(msg, k.HighPass):
		m.phone.ToggleHighPass()
	case key.Matches(msg, k.Denoise):
		m.phone.ToggleDenoise()
	case key.Matches(msg, k.Level):
		m.phone.ToggleLevelControl()
	case key.Matches(msg, k.Help):
		m.overlay(modeHelp)
	case key.Matches(msg, k.Details):
		m.overlay(modeDetails)
	case key.Matches(msg, k.Delay):
		m.overlay(modeDelay)
	case key.Matches(msg, k.Close):
		m.mode = modeCall
	case key.Matches(msg, k.Quit) && m.snap.State == callstate.Idle:
		return tea.Quit
	case key.Matches(msg, k.Quit):
		m.mode = modeQuit
	}
	return nil
}

// overlay opens what its key opens, or closes it.
func (m *model) overlay(what mode) {
	if m.mode == what {
		what = modeCall
	}
	m.mode = what
}

// dial calls destination. What was said about an earlier call goes away.
func (m *model) dial(destination string) {
	m.mode = modeCall
	m.notice = callstate.Notice{}
	m.phone.Dial(destination)
}

func (m *model) pressPrompt(msg tea.KeyMsg) {
	switch {
	case key.Matches(msg, m.keys.Accept):
		entry := clean(m.prompt.Value())
		if entry != "" {
			m.entry = entry
		}
		m.dial(entry)
	case key.Matches(msg, m.keys.Cancel):
		m.mode = modeCall
	default:
		m.prompt, _ = m.prompt.Update(msg) // a blinking cursor is its only command
	}
}

func (m *model) pressQuit(msg tea.KeyMsg) tea.Cmd {
	switch {
	case key.Matches(msg, m.keys.Yes):
		return m.leave()
	case key.Matches(msg, m.keys.No):
		m.mode = modeCall
	}
	return nil
}

// leave hangs up, and quits when the call has ended.
func (m *model) leave() tea.Cmd {
	if m.snap.State == callstate.Idle {
		return tea.Quit
	}
	m.phone.HangUp()
	m.mode, m.leaveBy = modeLeaving, m.now.Add(goodbye)
	return nil
}
