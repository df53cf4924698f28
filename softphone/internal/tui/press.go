package tui

import (
	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"callcenter/softphone/internal/callstate"
)

// press gives a key to whom the mode names.
func (m *model) press(msg tea.KeyMsg) tea.Cmd {
	if msg.Alt && (!m.typing() || !edits(msg)) {
		// Terminals tell of alt as of an esc before the key, and so of an esc that
		// the next key follows soon.
		msg.Alt = false
		if cmd := m.press(tea.KeyMsg{Type: tea.KeyEsc}); cmd != nil {
			return cmd
		}
		return m.press(msg)
	}
	if key.Matches(msg, m.keys.Interrupt) {
		return m.interrupt()
	}
	if m.typing() {
		m.pressTyped(msg)
		return nil
	}
	// Keys typed quickly arrive in one message; pasted text is no keys.
	if msg.Paste {
		return nil
	}
	if msg.Type == tea.KeyRunes && len(msg.Runes) > 1 {
		return m.pressEach(msg.Runes)
	}
	switch m.mode {
	case modeQuit:
		return m.pressQuit(msg)
	case modeHelp:
		return m.pressHelp(msg)
	case modeTraining:
		return m.pressTraining(msg)
	case modeDevices:
		return m.pressDevices(msg)
	case modeCheck:
		return m.pressCheck(msg)
	case modeHistory:
		return m.pressHistory(msg)
	case modeCall, modeDetails, modeDelay:
		return m.pressLine(msg)
	case modePrompt, modeLeaving:
	}
	return nil
}

// typing reports that keys are text.
func (m *model) typing() bool {
	return m.mode == modePrompt || m.mode == modeHistory && m.browser.typing
}

// pressTyped gives a key to the line that is typed.
func (m *model) pressTyped(msg tea.KeyMsg) {
	if m.mode == modeHistory {
		m.pressSearch(msg)
	} else {
		m.pressPrompt(msg)
	}
}

// pressEach takes keys that arrived together one by one.
func (m *model) pressEach(runes []rune) tea.Cmd {
	for i, r := range runes {
		if m.typing() { // the rest is the text
			m.pressTyped(tea.KeyMsg{Type: tea.KeyRunes, Runes: runes[i:]})
			return nil
		}
		if cmd := m.press(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}}); cmd != nil {
			return cmd
		}
	}
	return nil
}

// pressLine handles the keys of the line. They work under the help, too.
func (m *model) pressLine(msg tea.KeyMsg) tea.Cmd {
	k := &m.keys
	switch {
	case key.Matches(msg, k.Dial):
		m.dial("")
	case key.Matches(msg, k.DialOther):
		m.turn(modePrompt)
	case key.Matches(msg, k.Redial):
		m.redial()
	case key.Matches(msg, k.Favourite):
		m.dialFavourite(msg.Runes[0])
	case key.Matches(msg, k.Digit):
		m.sendDigit(msg.Runes[0])
	case key.Matches(msg, k.HangUp):
		m.phone.HangUp()
	case key.Matches(msg, k.Hold):
		m.phone.ToggleHold()
	case key.Matches(msg, k.Help):
		m.toggle(modeHelp)
	case key.Matches(msg, k.Details):
		m.toggle(modeDetails)
	case key.Matches(msg, k.Delay):
		m.toggle(modeDelay)
	case key.Matches(msg, k.Devices):
		m.toggle(modeDevices)
	case key.Matches(msg, k.Check):
		m.toggle(modeCheck)
	case key.Matches(msg, k.History):
		m.toggle(modeHistory)
	case key.Matches(msg, k.BlackBox):
		m.saveBlackBox()
	case key.Matches(msg, k.Training):
		m.toggle(modeTraining)
	case key.Matches(msg, k.Close):
		m.turn(modeCall)
	case key.Matches(msg, k.Quit) && m.snap.State == callstate.Idle:
		return tea.Quit
	case key.Matches(msg, k.Quit):
		m.turn(modeQuit)
	default:
		m.pressVoice(msg)
	}
	return nil
}

// pressVoice handles the keys of what is said and heard.
func (m *model) pressVoice(msg tea.KeyMsg) {
	k := &m.keys
	switch {
	case key.Matches(msg, k.Mute):
		m.phone.ToggleMute()
	case key.Matches(msg, k.Talk):
		m.phone.Talk()
	case key.Matches(msg, k.Microphone):
		m.phone.ChangeMicrophoneGain(change(msg))
		m.say(aboutMicrophone)
	case key.Matches(msg, k.Earpiece):
		m.phone.ChangeEarpieceGain(change(msg))
		m.say(aboutEarpiece)
	case key.Matches(msg, k.Sounds):
		m.phone.ToggleSounds()
		m.say(aboutSounds)
	case key.Matches(msg, k.HighPass):
		m.phone.ToggleHighPass()
	case key.Matches(msg, k.Denoise):
		m.phone.ToggleDenoise()
	case key.Matches(msg, k.Level):
		m.phone.ToggleLevelControl()
	}
}

func (m *model) pressQuit(msg tea.KeyMsg) tea.Cmd {
	switch {
	case key.Matches(msg, m.keys.Yes):
		return m.leave()
	case key.Matches(msg, m.keys.No):
		m.turn(modeCall)
	}
	return nil
}
