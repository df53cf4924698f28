package tui

import (
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"

	"callcenter/audio"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/desk"
)

// goodbye is how long the screen waits for the call to end before it quits.
const goodbye = 3 * time.Second

// mode is who gets the keys.
type mode int

const (
	modeCall     mode = iota // the line
	modeHelp                 // the line, with the help over the figures
	modeDetails              // the line, with all figures of both sides
	modeDelay                // the line, with where the delay goes over the figures
	modeTraining             // the line, with the training under it
	modeDevices              // the devices' screen
	modeCheck                // the check's screen
	modeHistory              // the history's screen, or the search in it
	modePrompt               // the dial prompt
	modeQuit                 // the quit question
	modeLeaving              // nobody: hung up, waiting for the end
)

// model is the whole screen. It changes in Update only.
type model struct {
	phone desk.Phone
	*aside
	destination string // what Dial("") calls, for display

	keys   keyMap
	styles styles
	ascii  spelling // nil: all characters

	width, height int
	mode          mode
	snap          callstate.Snapshot
	now           time.Time          // of snap
	read          callstate.Snapshot // what the figures show
	readAt        time.Time
	looks         int // snapshots seen in this state, turns the dialing mark
	notice        callstate.Notice
	remark        remark
	dir           callstate.Directory // while the line is idle
	last          *string             // what was dialed last, on this screen
	dialer        dialer
	trial         trial
	exam          exam
	browser       browser
	training      callstate.Training // as set on this screen
	lesson        lesson
	scroll        int       // the help's first line
	suffered      time.Time // when this call last did, or the last one
	saved         bool      // the black box: what the phone says of it has room, until a key
	leaveBy       time.Time
}

func newModel(phone desk.Phone, opts Options) *model {
	m := &model{
		phone:       phone,
		aside:       newAside(opts),
		destination: clean(opts.Destination),
		keys:        newKeyMap(),
		styles:      newStyles(lipgloss.DefaultRenderer()),
		width:       80,
		height:      24,
		dialer:      newDialer(),
		browser:     newBrowser(),
	}
	if opts.ASCII {
		m.ascii = newSpelling()
	}
	m.enable()
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
	case benchMsg:
		if m.mode == modeDevices {
			m.trial.take(callstate.Bench(msg))
			m.enableTrial()
		}
	case checkMsg:
		if m.mode == modeCheck {
			m.exam.take(msg)
			m.enableCheck()
		}
	case historyMsg:
		if m.mode == modeHistory {
			m.browser.take(callstate.History(msg))
			m.enableHistory()
		}
	case noticeMsg:
		m.notice = callstate.Notice{Severity: msg.Severity, Text: clean(msg.Text), Private: msg.Private}
		m.remark = remark{}
	case tea.KeyMsg:
		m.saved = false
		return m, m.press(msg)
	}
	return m, nil
}

// take makes a snapshot the picture of the line.
func (m *model) take(msg snapshotMsg) tea.Cmd {
	ended := m.snap.State != callstate.Idle && msg.State == callstate.Idle
	if msg.State != m.snap.State {
		m.looks = 0
	}
	m.looks++
	m.snap, m.now = tidy(msg.Snapshot), msg.at
	m.reread()
	m.suffer()
	m.enable()
	switch {
	case (m.mode == modePrompt || m.mode == modeCheck) && m.snap.State != callstate.Idle:
		m.turn(modeCall)
	case m.mode == modeHistory && ended: // there is one more
		m.history.find(m.browser.sought())
	case m.mode == modeTraining && !trainable(&m.snap):
		m.turn(modeCall)
	case m.mode == modeLeaving && (m.snap.State == callstate.Idle || !m.now.Before(m.leaveBy)):
		return tea.Quit
	}
	if m.snap.State.Connected() {
		m.dialer.kept = "" // it was right
	}
	return nil
}

// enable switches on the keys that work now.
func (m *model) enable() {
	if m.snap.State == callstate.Idle {
		m.dir = m.phone.Directory()
	}
	m.keys.enable(&m.snap, &m.dir, m.last != nil || len(m.dir.Recent) > 0)
	m.keys.enableAside(&m.snap, m.aside)
	m.enableTrial()
	m.enableCheck()
	m.enableHistory()
}

// turn changes who gets the keys. What is beside the line is open while its screen
// is, and no longer.
func (m *model) turn(to mode) {
	if m.mode == modeDevices && to != modeDevices {
		m.bench.end()
	}
	if m.mode == modeCheck && to != modeCheck {
		m.check.end()
	}
	if m.mode == modeHistory && to != modeHistory {
		m.history.end()
	}
	m.mode = to
	switch to {
	case modeCheck:
		m.beginCheck()
	case modeHistory:
		m.openHistory()
	case modeDevices:
		m.trial = trial{}
		m.bench.begin()
	case modeHelp:
		m.scroll = 0
	case modeTraining:
		m.training = m.snap.Training
	case modePrompt:
		m.dir = m.phone.Directory()
		m.dialer.open(m.dir, m.fallback())
	case modeCall, modeDetails, modeDelay, modeQuit, modeLeaving:
	}
	m.enableTrial()
	m.enableCheck()
	m.enableHistory()
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

// interrupt is ctrl+c: quit when idle, else ask, then hang up and quit, then
// quit without waiting.
func (m *model) interrupt() tea.Cmd {
	switch {
	case m.mode == modeQuit:
		return m.leave()
	case m.mode == modeLeaving, m.snap.State == callstate.Idle:
		return tea.Quit
	}
	m.turn(modeQuit)
	return nil
}

// toggle opens what its key opens, or closes it.
func (m *model) toggle(what mode) {
	if m.mode == what {
		what = modeCall
	}
	m.turn(what)
}

// dial calls destination. What was said about an earlier call goes away.
func (m *model) dial(destination string) {
	m.turn(modeCall)
	m.notice, m.remark, m.suffered = callstate.Notice{}, remark{}, time.Time{}
	m.last = &destination
	m.enable()
	m.phone.Dial(destination)
}

// redial calls whom the phone remembers as the last, else whom this screen does.
func (m *model) redial() {
	m.dir = m.phone.Directory()
	switch {
	case len(m.dir.Recent) > 0:
		m.dial(m.dir.Recent[0].Destination)
	case m.last != nil:
		m.dial(*m.last)
	}
}

func (m *model) dialFavourite(number rune) {
	m.dir = m.phone.Directory()
	if i := int(number - '1'); i < len(m.dir.Favourites) {
		m.dial(m.dir.Favourites[i].Destination)
	}
}

// leave hangs up, and quits when the call has ended.
func (m *model) leave() tea.Cmd {
	if m.snap.State == callstate.Idle {
		return tea.Quit
	}
	m.phone.HangUp()
	m.turn(modeLeaving)
	m.leaveBy = m.now.Add(goodbye)
	return nil
}
