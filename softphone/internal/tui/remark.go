package tui

import (
	"fmt"
	"time"

	"callcenter/softphone/internal/callstate"
)

// remark is what the screen itself says of a key, for a moment, in the line of
// the notices. What it says is read from the snapshot that is shown: the key may
// have had no effect.
type remark struct {
	about  about
	digits []rune // sent of late
	until  time.Time
}

// about is what a remark is about.
type about int

const (
	aboutNothing about = iota
	aboutMicrophone
	aboutEarpiece
	aboutSounds
	aboutDigits
	aboutNoDigits
)

// remarkFor is how long a remark stands, by the snapshots; without a call there
// are few of them, and it stands until something else is said.
const remarkFor = 4 * time.Second

// mostDigits is how many digits are shown as sent.
const mostDigits = 24

func (m *model) say(what about) {
	m.remark = remark{about: what, until: m.now.Add(remarkFor)}
}

// sendDigit sends a digit of the keypad, and shows it after those before it. Who may
// not speak has none: the server would refuse it.
func (m *model) sendDigit(digit rune) {
	if m.snap.MayNotSpeak {
		m.say(aboutNoDigits)
		return
	}
	m.phone.Digit(digit)
	digits := []rune{}
	if m.remark.about == aboutDigits && m.now.Before(m.remark.until) {
		digits = append(digits, m.remark.digits...)
	}
	digits = append(digits, digit)
	m.say(aboutDigits)
	m.remark.digits = digits[max(0, len(digits)-mostDigits):]
}

// saying is what the message line says: a remark while it is new, else the last
// notice.
func (m *model) saying() callstate.Notice {
	if m.remark.about == aboutNothing || m.now.After(m.remark.until) {
		return m.notice
	}
	return callstate.Notice{Text: m.remark.text(&m.snap)}
}

func (r remark) text(s *callstate.Snapshot) string {
	switch r.about {
	case aboutMicrophone:
		return fmt.Sprintf("Microphone %s.", gain(s.Gains.Microphone))
	case aboutEarpiece:
		return fmt.Sprintf("Ear volume %s.", gain(s.Gains.Earpiece))
	case aboutSounds:
		return fmt.Sprintf("The softphone's own sounds are %s.", either(s.Sounds, "on", "off"))
	case aboutDigits:
		text := "Sent"
		if len(r.digits) == mostDigits {
			text += " …"
		}
		for _, d := range r.digits {
			text += " " + string(d)
		}
		return text
	case aboutNoDigits:
		return "Not sent: your token does not let you speak, which digits need, too."
	case aboutNothing:
	}
	return ""
}

// gain is a gain in words: "+3 dB", or that there is none.
func gain(dB float64) string {
	if dB > -0.05 && dB < 0.05 {
		return "0 dB, as it comes"
	}
	return fmt.Sprintf("%+.3g dB", dB)
}
