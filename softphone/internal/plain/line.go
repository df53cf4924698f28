package plain

import (
	"fmt"
	"strconv"
	"strings"

	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/destination"
)

// mostDigits is how many digits may wait to be sent.
const mostDigits = 16

// fallback is what the default destination is called.
func (s *session) fallback() string {
	if n := name(s.opts.Destination); n != "" {
		return n
	}
	return "the default destination"
}

// destination is whom this call is to.
func (s *session) destination() string {
	if s.snap.Destination != "" {
		return s.snap.Destination
	}
	return s.fallback()
}

// busy says that there is a call, if there is one.
func (s *session) busy() bool {
	if s.snap.State == callstate.Idle || s.snap.State == callstate.Ending {
		return false
	}
	s.say("There is a call already: hang up first.")
	return true
}

// dial calls whom arg means: nobody, a favourite's number, a destination, or words
// that fit one contact only.
func (s *session) dial(arg string) {
	if s.busy() {
		return
	}
	dir := s.phone.Directory()
	n, err := strconv.Atoi(arg)
	switch {
	case arg == "" || destination.Fault(arg) == "":
		s.call(arg)
	case err == nil && n >= 1 && n <= min(9, len(dir.Favourites)):
		s.call(dir.Favourites[n-1].Destination)
	case err == nil && n >= 1 && n <= 9:
		s.say("There is no favourite %d: %s.", n, favourites(dir))
	default:
		s.find(arg, dir)
	}
}

// other calls somebody else than the default: the screen's key asks whom.
func (s *session) other(arg string) {
	if arg == "" {
		s.say("Whom? /room/support, /2 or /ada; the favourites: %s.", favourites(s.phone.Directory()))
		return
	}
	s.dial(arg)
}

// favourites says who has a number.
func favourites(dir callstate.Directory) string {
	parts := make([]string, 0, 9)
	for i, c := range dir.Favourites[:min(9, len(dir.Favourites))] {
		parts = append(parts, fmt.Sprintf("%d %s", i+1, contact(c)))
	}
	if len(parts) == 0 {
		return "none is set"
	}
	return strings.Join(parts, ", ")
}

// contact is somebody in a few words.
func contact(c callstate.Contact) string {
	if n := name(c.Name); n != "" {
		return n
	}
	return name(c.Destination)
}

// find calls the one whom words fit.
func (s *session) find(arg string, dir callstate.Directory) {
	words := strings.Fields(strings.ToLower(arg))
	var fit, exact []callstate.Contact
	seen := make(map[string]bool)
	for _, contacts := range [][]callstate.Contact{dir.Favourites, dir.Recent, dir.Contacts} {
		for _, c := range contacts {
			if seen[c.Destination] || !fits(c, words) {
				continue
			}
			seen[c.Destination] = true
			fit = append(fit, c)
			if strings.EqualFold(c.Name, arg) {
				exact = append(exact, c)
			}
		}
	}
	if len(exact) == 1 {
		fit = exact
	}
	switch len(fit) {
	case 0:
		s.say("%s", destination.Fault(arg))
	case 1:
		s.call(fit[0].Destination)
	default:
		names := make([]string, len(fit))
		for i, c := range fit {
			names[i] = contact(c)
		}
		s.say("%d fit: %s. Type more of the name.", len(fit), list(names, 0))
	}
}

// fits reports that each of the words is in the name or the destination.
func fits(c callstate.Contact, words []string) bool {
	text := strings.ToLower(c.Name + " " + c.Destination)
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return len(words) > 0
}

// call dials; the next line of a script waits until the phone does.
func (s *session) call(to string) {
	s.last = &to
	s.phone.Dial(to)
	s.expect(settleDial, func(s *session) bool { return s.snap.State != callstate.Idle && s.snap.State != callstate.Ending })
	s.pending.refused = func(s *session) { s.pending = nil }
}

// redial calls the last one, or a call of the listing.
func (s *session) redial(arg string) {
	if s.busy() {
		return
	}
	dir := s.phone.Directory()
	switch {
	case arg != "":
		if p, ok := s.past.number(s, arg); ok {
			s.call(p.Destination)
		}
	case len(dir.Recent) > 0:
		s.call(dir.Recent[0].Destination)
	case s.last != nil:
		s.call(*s.last)
	default:
		s.say("Nobody was dialed before.")
	}
}

func (s *session) hangUp(string) {
	switch s.snap.State {
	case callstate.Idle:
		s.say("There is no call.")
		return
	case callstate.Ending, callstate.Dialing, callstate.Live, callstate.Reconnecting:
	}
	s.phone.HangUp()
	s.expect(settleHangUp, func(s *session) bool { return s.snap.State == callstate.Idle && !s.news.ending() })
}

func (s *session) hold(on bool) {
	switch {
	case !s.snap.State.Connected():
		s.say("There is no call that could be held.")
		return
	case s.snap.Held == on && on:
		s.say("You hold the call already.")
		return
	case s.snap.Held == on:
		s.say("The call is not held.")
		return
	}
	s.phone.ToggleHold()
	s.look()
	if s.snap.Held {
		s.say("You hold the call: nobody hears you, and you hear nobody.")
	} else {
		s.say("The call goes on.")
	}
}

// keypad reads a line of keypad keys alone: digits in a call, a favourite without
// one. It reports that the line was one.
func (s *session) keypad(text string) bool {
	if strings.Trim(text, "0123456789*#") != "" {
		return false
	}
	if s.snap.State == callstate.Idle && len(text) == 1 && text >= "1" && text <= "9" {
		s.dial(text)
		return true
	}
	s.digits(text)
	return true
}

func (s *session) digits(arg string) {
	arg = strings.ToUpper(strings.Join(strings.Fields(arg), ""))
	bad := strings.Trim(arg, "0123456789*#ABCD")
	switch {
	case !s.snap.State.Connected():
		s.say("There is no call to send digits in.")
	case s.snap.MayNotSpeak:
		s.say("Nothing was sent: your token does not let you speak, which digits need, too.")
	case arg == "":
		s.say("Which digits? digits 123#.")
	case bad != "":
		s.say("Nothing was sent: digits are 0 to 9, *, # and A to D.")
	case len(arg) > mostDigits:
		s.say("Nothing was sent: %d digits at once at most, these are %d.", mostDigits, len(arg))
	default:
		for _, d := range arg {
			s.phone.Digit(d)
		}
		s.tell("Sent %s.", strings.Join(strings.Split(arg, ""), " "))
	}
}

// quit leaves, or asks first in a call.
func (s *session) quit() {
	if s.snap.State == callstate.Idle {
		s.leave()
		return
	}
	s.asked = true
	s.say("You are in a call. Type yes to hang up and quit, no to stay.")
}

// answer is what is typed after the question; what is no answer is a command.
func (s *session) answer(text string) bool {
	s.asked = false
	switch text {
	case "yes", "y", "quit", "q", "exit":
		s.leave()
	case "no", "n":
		s.say("You stay.")
	default:
		return false
	}
	return true
}

// save keeps the last minute, with what was said of it.
func (s *session) save() {
	screen := append(append([]string{}, s.said...), statusLines(&s.snap)...)
	s.phone.SaveBlackBox(strings.Join(screen, "\n"))
	before := s.notices
	s.expect(settleSave, func(s *session) bool { return s.notices != before })
}
