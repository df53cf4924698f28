package tui

import (
	"fmt"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"callcenter/softphone/internal/callstate"
)

// keyMap is every key of the screen. The footer and the help are made from
// it, so that they cannot say anything else. Letters work in both cases: caps
// lock must not keep anybody from muting.
type keyMap struct {
	Dial, DialOther, Redial, Favourite, HangUp, Hold, Digit            key.Binding // the call
	Mute, Talk, Microphone, Earpiece, HighPass, Denoise, Level, Sounds key.Binding // the voice
	Devices, Training, Details, Delay, Help, Quit, Close, Interrupt    key.Binding // the screen
	Check, History, BlackBox                                           key.Binding // before calls, and after them

	Accept, Cancel, Complete, Next, Previous key.Binding // the dial prompt
	Up, Down, PageUp, PageDown               key.Binding // what is longer than the screen
	Other, Choose, Tone, Record              key.Binding // the devices
	Repeat                                   key.Binding // the check
	Search, Again                            key.Binding // the history
	Less, More, Reset                        key.Binding // the training
	Yes, No                                  key.Binding // the quit question
}

func newKeyMap() keyMap {
	bind := func(name, does string, keys ...string) key.Binding {
		return key.NewBinding(key.WithKeys(keys...), key.WithHelp(name, does))
	}
	return keyMap{
		Dial:      bind("d", "dial", "d", "D"),
		DialOther: bind("/", "dial another", "/"),
		Redial:    bind("r", "redial", "r", "R"),
		Favourite: bind("1-9", "favourites", "1", "2", "3", "4", "5", "6", "7", "8", "9"),
		HangUp:    bind("h", "hang up", "h", "H", "b", "B"),
		Hold:      bind("x", "hold", "x", "X"),
		Digit:     bind("0-9 * #", "digits", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "#"),

		Mute:       bind("m", "mute", "m", "M"),
		Talk:       bind("space", "talk", " "),
		Microphone: bind("+ -", "mic", "+", "=", "-", "_"),
		Earpiece:   bind("< >", "ear", ">", ".", "<", ","),
		HighPass:   bind("f", "high-pass", "f", "F"),
		Denoise:    bind("n", "noise", "n", "N"),
		Level:      bind("l", "level", "l", "L"),
		Sounds:     bind("s", "sounds", "s", "S"),

		Devices:   bind("v", "devices", "v", "V"),
		Training:  bind("t", "training", "t", "T"),
		Details:   bind("i", "details", "i", "I"),
		Delay:     bind("w", "delay", "w", "W"),
		Help:      bind("?", "help", "?"),
		Quit:      bind("q", "quit", "q", "Q"),
		Close:     bind("esc", "close", "esc"),
		Interrupt: bind("ctrl+c", "quit", "ctrl+c"),

		Check:    bind("c", "check", "c", "C"),
		History:  bind("y", "history", "y", "Y"),
		BlackBox: bind("!", "save last minute", "!"),

		Accept:   bind("enter", "dial", "enter"),
		Cancel:   bind("esc", "cancel", "esc"),
		Complete: bind("tab", "complete", "tab"),
		Next:     bind("arrows", "choose", "down", "ctrl+n"),
		Previous: bind("arrows", "choose", "up", "ctrl+p"),

		Up:       bind("arrows", "scroll", "up", "k", "K"),
		Down:     bind("arrows", "scroll", "down", "j", "J"),
		PageUp:   bind("pgup", "scroll", "pgup", "home"),
		PageDown: bind("pgdown", "scroll", "pgdown", "end"),

		Other:  bind("tab", "other list", "tab", "shift+tab", "left", "right"),
		Choose: bind("enter", "use", "enter"),
		Tone:   bind("t", "test tone", "t", "T"),
		Record: bind("r", "record 3 s", "r", "R"),

		Repeat: bind("enter", "check again", "enter"),

		Search: bind("/", "search", "/"),
		Again:  bind("enter", "redial", "enter"),

		Less:  bind("arrows", "choose and change", "left"),
		More:  bind("arrows", "choose and change", "right"),
		Reset: bind("0", "all off", "0"),

		Yes: bind("y", "yes", "y", "Y"),
		No:  bind("n", "no", "n", "N", "esc"),
	}
}

// gainStep is by how much one key turns up or down, in dB.
const gainStep = 1.0

// change is what a key of a gain asks for, in dB.
func change(msg tea.KeyMsg) float64 {
	switch msg.String() {
	case "+", "=", ">", ".":
		return gainStep
	}
	return -gainStep
}

// enable switches on the keys that make sense in this state of the line.
func (k *keyMap) enable(s *callstate.Snapshot, dir *callstate.Directory, redial bool) {
	idle := s.State == callstate.Idle
	k.Dial.SetEnabled(idle)
	k.DialOther.SetEnabled(idle)
	k.Redial.SetEnabled(idle && redial)
	k.Favourite.SetEnabled(idle && len(dir.Favourites) > 0)
	if n := min(len(dir.Favourites), 9); n > 1 {
		k.Favourite.SetHelp(fmt.Sprintf("1-%d", n), "favourites")
	} else {
		k.Favourite.SetHelp("1", "favourite")
	}
	connected := s.State.Connected()
	talking := s.State == callstate.Dialing || connected
	k.HangUp.SetEnabled(talking)
	k.Mute.SetEnabled(talking)
	k.Talk.SetEnabled(connected && !s.Held && (s.Muted || s.Talk.Open))
	k.Hold.SetEnabled(connected)
	k.Digit.SetEnabled(connected)
	k.Training.SetEnabled(trainable(s))

	k.Mute.SetHelp("m", either(s.Muted && !s.Talk.Open, "unmute", "mute"))
	k.Hold.SetHelp("x", either(s.Held, "resume", "hold"))
	k.Talk.SetHelp("space", either(s.Talk.Open, "release", talkLabel(s)))
	k.Sounds.SetHelp("s", either(s.Sounds, "sounds off", "sounds on"))
}

// enableAside switches on the keys of what is beside the line and makes sense in
// this state of it. A check takes the devices that a call needs.
func (k *keyMap) enableAside(s *callstate.Snapshot, beside *aside) {
	k.Devices.SetEnabled(beside.bench.there())
	k.Check.SetEnabled(beside.check.there() && s.State == callstate.Idle)
	k.History.SetEnabled(beside.history.there())
	k.BlackBox.SetEnabled(saveable(s))
}

func either(which bool, yes, no string) string {
	if which {
		return yes
	}
	return no
}

// talkLabel says how long push-to-talk talks, and talkWhy why it has to stop by
// itself.
func talkLabel(s *callstate.Snapshot) string {
	limit := s.Talk.Limit
	if limit <= 0 {
		limit = callstate.TalkFor
	}
	return fmt.Sprintf("talk %.0f s", limit.Seconds())
}

const talkWhy = "latch: this terminal sends no key release"
