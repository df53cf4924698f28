package plain

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"callcenter/softphone/internal/callstate"
)

// silent says that there is nobody to talk to, if that is so.
func (s *session) silent() bool {
	if s.snap.State != callstate.Idle && s.snap.State != callstate.Ending {
		return false
	}
	s.say("There is no call: the microphone is not open.")
	return true
}

// mute mutes the microphone, or opens it for good.
func (s *session) mute(on bool) {
	open := s.snap.Talk.Open
	switch {
	case s.silent():
		return
	case open && on:
		s.phone.Talk() // releases it
	case open:
		s.phone.ToggleMute() // which tells that it stays open
		return
	case s.snap.Muted == on:
		s.say("Your microphone is %s already.", either(on, "muted", "open"))
		return
	default:
		s.phone.ToggleMute()
	}
	s.look()
	s.sayMicrophone()
}

// toggleMute mutes, or opens for good; what talk has opened stays open.
func (s *session) toggleMute() { s.mute(!s.snap.Talk.Open && !s.snap.Muted) }

// talk opens a muted microphone for a while, or mutes it again.
func (s *session) talk() {
	switch {
	case s.silent():
	case s.snap.Held:
		s.say("You hold the call: resume, then talk.")
	case s.snap.Muted || s.snap.Talk.Open:
		s.phone.Talk()
		s.look()
		s.sayMicrophone()
	default:
		s.say("Your microphone is open: talk opens a muted one for a while.")
	}
}

func (s *session) sayMicrophone() { s.say("%s", microphoneLine(&s.snap)) }

// microphoneLine says whether the microphone is open.
func microphoneLine(s *callstate.Snapshot) string {
	switch {
	case s.Talk.Open:
		left := s.Talk.Left
		if left <= 0 {
			return "Your microphone is open until you pause."
		}
		return fmt.Sprintf("Your microphone is open for %s.", callstate.Spell(left.Round(time.Second)))
	case s.Muted:
		return "Your microphone is muted."
	}
	return "Your microphone is open."
}

// knob is a gain of the operator's.
type knob struct {
	name        string
	least, most float64 // dB
	now         func(callstate.Gains) float64
	change      func(dB float64)
}

func (s *session) microphone(arg string) {
	s.turn(knob{
		"Microphone", callstate.MinMicrophoneGain, callstate.MaxMicrophoneGain,
		func(g callstate.Gains) float64 { return g.Microphone }, s.phone.ChangeMicrophoneGain,
	}, arg)
}

func (s *session) earpiece(arg string) {
	s.turn(knob{
		"Ear volume", callstate.MinEarpieceGain, callstate.MaxEarpieceGain,
		func(g callstate.Gains) float64 { return g.Earpiece }, s.phone.ChangeEarpieceGain,
	}, arg)
}

// turn turns a gain by what text says: "+3", "-2 dB", the keys of the screen, as
// "++"; to a number without a sign; or not at all.
func (s *session) turn(k knob, text string) {
	was := k.now(s.snap.Gains)
	by, ok := gainChange(text, was)
	if !ok {
		s.say("%s is not clear: mic +3 turns up by 3 dB, mic 0 sets it; ear does the same.", name(text))
		return
	}
	if by != 0 {
		k.change(by)
		s.look()
	}
	is := k.now(s.snap.Gains)
	limit := ""
	switch {
	case is >= k.most && by > 0:
		limit = ", the most there is"
	case is <= k.least && by < 0:
		limit = ", the least there is"
	}
	s.say("%s %s%s.", k.name, gain(is), limit)
}

// gainChange is by how many dB a text turns a gain that is now.
func gainChange(text string, now float64) (dB float64, ok bool) {
	text = strings.TrimSpace(strings.TrimSuffix(strings.ToLower(strings.TrimSpace(text)), "db"))
	switch {
	case text == "":
		return 0, true
	case strings.Trim(text, "+=>.") == "":
		return float64(len(text)), true
	case strings.Trim(text, "-_<,") == "":
		return -float64(len(text)), true
	}
	sign := 0.0
	switch text[0] {
	case '+', '=', '>':
		sign = 1
	case '-', '_', '<', ',':
		sign = -1
	}
	if sign != 0 {
		text = strings.TrimSpace(text[1:])
	}
	dB, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(dB) || math.IsInf(dB, 0) || dB < 0 {
		return 0, false
	}
	if sign == 0 {
		return dB - now, true
	}
	return sign * dB, true
}

// gain is a gain in words.
func gain(dB float64) string {
	if dB > -0.05 && dB < 0.05 {
		return "0 dB, as it comes"
	}
	return fmt.Sprintf("%+.3g dB", dB)
}

func either(which bool, yes, no string) string {
	if which {
		return yes
	}
	return no
}

// set switches something to what arg says, or the other way, and says how it is.
func (s *session) set(what, arg string, is func(*callstate.Snapshot) bool, toggle func()) {
	want := !is(&s.snap)
	switch strings.ToLower(arg) {
	case "":
	case "on":
		want = true
	case "off":
		want = false
	default:
		s.say("%s: on or off, not %s.", what, name(arg))
		return
	}
	already := " already"
	if want != is(&s.snap) {
		already = ""
		toggle()
		s.look()
	}
	s.say("%s: %s%s.", what, either(is(&s.snap), "on", "off"), already)
}

func (s *session) highPass(arg string) {
	s.set("High-pass", arg, func(c *callstate.Snapshot) bool { return c.CleanUp.HighPass }, s.phone.ToggleHighPass)
}

func (s *session) noise(arg string) {
	if !s.snap.CleanUp.CanDenoise && !strings.EqualFold(arg, "off") {
		s.phone.ToggleDenoise() // which says so
		return
	}
	s.set("Noise suppression", arg, func(c *callstate.Snapshot) bool { return c.CleanUp.Denoise }, s.phone.ToggleDenoise)
}

func (s *session) level(arg string) {
	s.set("Level control", arg, func(c *callstate.Snapshot) bool { return c.CleanUp.Level }, s.phone.ToggleLevelControl)
}

func (s *session) sounds(arg string) {
	s.set("The softphone's own sounds", arg, func(c *callstate.Snapshot) bool { return c.Sounds }, s.phone.ToggleSounds)
}

// training sets what is added to an echo call.
func (s *session) training(arg string) {
	if !s.snap.State.Connected() || s.snap.Destination != "echo" {
		s.say("Training works in a call to echo: dial echo.")
		return
	}
	if arg != "" {
		t, ok := lesson(arg, s.snap.Training)
		if !ok {
			s.say("%s is not clear: training delay 200 jitter 30 loss 2, in ms and percent, or training off.", name(arg))
			return
		}
		s.phone.Train(t)
		s.look()
	}
	s.say("%s", trainingLine(s.snap.Training))
}

// lesson reads a training; what it does not name stays.
func lesson(arg string, t callstate.Training) (callstate.Training, bool) {
	words := strings.Fields(strings.ToLower(arg))
	if len(words) == 1 && words[0] == "off" {
		return callstate.Training{}, true
	}
	for ; len(words) >= 2; words = words[2:] {
		value := strings.TrimSuffix(strings.TrimSuffix(words[1], "%"), "ms")
		n, err := strconv.ParseFloat(value, 64)
		if err != nil || !(n >= 0 && n <= 1e6) {
			return t, false
		}
		d := time.Duration(n * float64(time.Millisecond))
		switch words[0] {
		case "delay":
			t.Delay = d
		case "jitter":
			t.Jitter = d
		case "loss":
			t.LossPct = n
		default:
			return t, false
		}
	}
	return t.Bounded(), len(words) == 0
}

// trainingLine says what is added.
func trainingLine(t callstate.Training) string {
	if !t.On() {
		return "Training is off."
	}
	return fmt.Sprintf("Training adds %d ms of delay, %d ms of jitter and %.3g %% of loss.",
		t.Delay.Milliseconds(), t.Jitter.Milliseconds(), t.LossPct)
}
