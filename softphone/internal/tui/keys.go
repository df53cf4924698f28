package tui

import (
	"github.com/charmbracelet/bubbles/key"

	"callcenter/softphone/internal/callstate"
)

// keyMap is every key of the screen. The footer and the help are made from
// it, so that they cannot say anything else. Letters work in both cases: caps
// lock must not keep anybody from muting.
type keyMap struct {
	Dial, DialOther, Mute, HangUp, Help, Quit, Close, Interrupt key.Binding // anywhere
	Details, Delay, HighPass, Denoise, Level                    key.Binding // anywhere
	Accept, Cancel                                              key.Binding // the dial prompt
	Yes, No                                                     key.Binding // the quit question
}

func newKeyMap() keyMap {
	bind := func(name, does string, keys ...string) key.Binding {
		return key.NewBinding(key.WithKeys(keys...), key.WithHelp(name, does))
	}
	return keyMap{
		Dial:      bind("d", "dial", "d", "D"),
		DialOther: bind("/", "dial other", "/"),
		Mute:      bind("m", "mute", "m", "M"),
		HangUp:    bind("h", "hang up", "h", "H", "b", "B"),
		Details:   bind("i", "details", "i", "I"),
		Delay:     bind("w", "delay", "w", "W"),
		HighPass:  bind("f", "high-pass", "f", "F"),
		Denoise:   bind("n", "noise", "n", "N"),
		Level:     bind("l", "level", "l", "L"),
		Help:      bind("?", "help", "?"),
		Quit:      bind("q", "quit", "q", "Q"),
		Close:     bind("esc", "close", "esc"),
		Interrupt: bind("ctrl+c", "quit", "ctrl+c"),
		Accept:    bind("enter", "dial", "enter"),
		Cancel:    bind("esc", "cancel", "esc"),
		Yes:       bind("y", "yes", "y", "Y"),
		No:        bind("n", "no", "n", "N", "esc"),
	}
}

// enable switches on the keys that make sense in this state of the line.
func (k *keyMap) enable(s callstate.Snapshot) {
	k.Dial.SetEnabled(s.State == callstate.Idle)
	k.DialOther.SetEnabled(s.State == callstate.Idle)
	talking := s.State == callstate.Dialing || s.State.Connected()
	k.Mute.SetEnabled(talking)
	k.HangUp.SetEnabled(talking)
	if s.Muted {
		k.Mute.SetHelp("m", "unmute")
	} else {
		k.Mute.SetHelp("m", "mute")
	}
}

// topic is one line of the help.
type topic struct {
	key   key.Binding
	about string
}

// topics are all keys with what they do, for the help.
func (k keyMap) topics(destination string) []topic {
	if destination == "" {
		destination = "the default destination"
	}
	return []topic{
		{k.Dial, "dial " + destination + " at once"},
		{k.DialOther, "type another destination"},
		{k.Mute, "mute or unmute"},
		{k.HangUp, "hang up; so does b"},
		{k.Details, "every figure of both sides"},
		{k.Delay, "where the delay goes, and the last minutes"},
		{k.Quit, "quit; asks in a call"},
		{k.Interrupt, "quit; twice in a call"},
		{k.Help, "this help"},
		{k.Close, "close what is open"},
		{k.HighPass, "clean-up: take rumble off the microphone, or not"},
		{k.Denoise, "clean-up: suppress steady noise, or not"},
		{k.Level, "clean-up: keep the level of speech, or not"},
	}
}
