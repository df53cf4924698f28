package plain

import (
	"slices"
	"strings"

	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/printable"
)

// command is something that can be typed. The help is made from it.
type command struct {
	names []string // the first is its name
	args  string   // what may follow, for the help
	key   string   // the screen's key, which can be typed as well
	does  string
	run   func(s *session, arg string)
}

// chapter is a part of the commands.
type chapter struct {
	title    string
	commands []command
}

// chapters are all commands.
func chapters() []chapter {
	return []chapter{
		{"The call", callCommands()},
		{"The voice", voiceCommands()},
		{"The devices", deviceCommands()},
		{"What can be asked", askCommands()},
		{"The shift", shiftCommands()},
		{"The desk", deskCommands()},
	}
}

func callCommands() []command {
	return []command{
		{[]string{"dial", "call"}, "[WHO]", "d, /", "calls: dial alone the default, dial 2 the second favourite, dial room/support, dial ada whom that fits", (*session).dial},
		{[]string{"redial"}, "[N]", "r", "calls the last one again, or a line of the history listing", (*session).redial},
		{[]string{"hang up", "hangup"}, "", "h, b", "ends the call", (*session).hangUp},
		{[]string{"hold"}, "", "x switches", "holds the call: nobody hears you, you hear nobody", func(s *session, _ string) { s.hold(true) }},
		{[]string{"resume", "unhold"}, "", "x switches", "goes on with a call that is held", func(s *session, _ string) { s.hold(false) }},
		{[]string{"digits", "digit"}, "123#", "the digits alone, in a call", "sends digits to the other side", (*session).digits},
	}
}

func voiceCommands() []command {
	return []command{
		{[]string{"mute"}, "", "m switches", "mutes your microphone", func(s *session, _ string) { s.mute(true) }},
		{[]string{"unmute"}, "", "m switches", "opens it again", func(s *session, _ string) { s.mute(false) }},
		{[]string{"talk", "space"}, "", "a line with one blank", "opens a muted microphone for a while; again mutes it", func(s *session, _ string) { s.talk() }},
		{[]string{"mic", "microphone"}, "+3 | -2 | 0", "+, -", "turns your microphone up or down, in dB; a number without a sign sets it", (*session).microphone},
		{[]string{"ear", "earpiece", "volume"}, "+3 | -2 | 0", ">, <", "turns the voice in your ear up or down", (*session).earpiece},
		{[]string{"high-pass", "highpass", "high pass"}, "[on|off]", "f", "takes rumble off the microphone", (*session).highPass},
		{[]string{"noise", "denoise"}, "[on|off]", "n", "suppresses steady noise", (*session).noise},
		{[]string{"level"}, "[on|off]", "l", "keeps the level of your speech", (*session).level},
		{[]string{"sounds"}, "[on|off]", "s", "the softphone's own sounds: ringing, answer, end, link lost", (*session).sounds},
	}
}

func deviceCommands() []command {
	return []command{
		{[]string{"devices"}, "", "v", "lists microphones with their levels, and earpieces", (*session).devices},
		{[]string{"use"}, "microphone N | earpiece N", "", "takes a device of that list, also in a call", (*session).use},
		{[]string{"tone"}, "N | off", "", "plays a test tone on an earpiece of that list", (*session).tone},
		{[]string{"record"}, "N", "", "takes 3 s from a microphone of that list and plays them to you", (*session).record},
	}
}

func askCommands() []command {
	return []command{
		{[]string{"status"}, "", "", "tells how the line is and what the call suffers from", lines(statusLines)},
		{[]string{"who", "roster"}, "", "", "tells who is in the room, and who speaks", lines(whoLines)},
		{[]string{"levels", "meters"}, "", "", "tells how loud microphone and earpiece are", lines(levelLines)},
		{[]string{"delay"}, "", "w", "tells where the delay goes, and the last minutes", lines(delayLines)},
		{[]string{"quality"}, "", "", "tells how good the call is, and how they hear you", lines(qualityLines)},
		{[]string{"details"}, "", "i", "tells every figure of both sides", lines(detailLines)},
	}
}

func shiftCommands() []command {
	return []command{
		{[]string{"check"}, "[stop]", "c", "checks devices, network and server before a shift", (*session).runCheck},
		{[]string{"history"}, "[WORDS | more]", "y", "lists the calls that were, or those that fit", (*session).history},
		{[]string{"save"}, "", "!", "saves the last minute of the call to a file", func(s *session, _ string) { s.save() }},
		{[]string{"training"}, "delay 200 jitter 30 loss 2 | off", "t", "adds to an echo call, in ms and percent, to hear what that does", (*session).training},
	}
}

func deskCommands() []command {
	return []command{
		{[]string{"wait"}, "5s | connected | ended [LIMIT]", "", "waits, for scripts: exit code 1 if in vain", (*session).wait},
		{[]string{"help"}, "[COMMAND | all]", "?", "names the commands, or explains one or all", (*session).help},
		{[]string{"quit", "exit"}, "", "q", "leaves; asks in a call", func(s *session, _ string) { s.quit() }},
	}
}

// lines makes a command of what lists lines.
func lines(list func(*callstate.Snapshot) []string) func(*session, string) {
	return func(s *session, _ string) {
		for _, line := range list(&s.snap) {
			s.say("%s", line)
		}
	}
}

// keys are the screen's keys and what they do here; those that are a command's
// name with what follows are read by key.
func keys() map[string]func(s *session, arg string) {
	return map[string]func(s *session, arg string){
		"d": (*session).dial, "r": (*session).redial, "h": (*session).hangUp, "b": (*session).hangUp,
		"x": func(s *session, _ string) { s.hold(!s.snap.Held) },
		"m": func(s *session, _ string) { s.toggleMute() },
		"f": (*session).highPass, "n": (*session).noise, "l": (*session).level, "s": (*session).sounds,
		"v": (*session).devices, "t": (*session).training, "i": lines(detailLines), "w": lines(delayLines),
		"c": (*session).runCheck, "y": (*session).history, "q": func(s *session, _ string) { s.quit() },
	}
}

// take does what a line says.
func (s *session) take(line string) {
	if len(line) >= longestLine {
		s.say("This line is too long for a command: nothing was done.")
		return
	}
	text := printable.Clean(line)
	s.look()
	if p := s.pending; p != nil { // at a terminal
		s.pending = nil
		if p.asked && text != "" {
			s.say("The wait is given up.")
		}
	}
	switch {
	case line == " ":
		s.talk()
	case text == "", strings.HasPrefix(text, "# "), strings.HasPrefix(text, "#!"):
	case s.asked && s.answer(strings.ToLower(text)):
	case s.signs(text):
	default:
		s.words(text)
	}
}

// signs does what a line of the screen's keys that are no letters says, and
// reports that it was one.
func (s *session) signs(text string) bool {
	rest := strings.TrimSpace(text[1:])
	switch text[0] {
	case '+', '-', '=', '_':
		s.microphone(text)
	case '>', '<', '.', ',':
		s.earpiece(text)
	case '/':
		s.other(rest)
	case '!':
		s.save()
	case '?':
		s.help(rest)
	default:
		return s.keypad(text)
	}
	return true
}

// words does what a line of words says.
func (s *session) words(text string) {
	first, rest, _ := strings.Cut(text, " ")
	if run, ok := keys()[strings.ToLower(first)]; ok {
		run(s, strings.TrimSpace(rest))
		return
	}
	c, arg, ok := find(text)
	if !ok {
		s.say("%s", unknown(text))
		return
	}
	c.run(s, arg)
}

// find is the command that a text begins with, and what follows its name.
func find(text string) (found command, arg string, ok bool) {
	lower := strings.ToLower(strings.Join(strings.Fields(text), " "))
	text = strings.Join(strings.Fields(text), " ")
	longest := 0
	for _, ch := range chapters() {
		for _, c := range ch.commands {
			for _, n := range c.names {
				if len(n) > longest && (lower == n || strings.HasPrefix(lower, n+" ")) {
					longest, found = len(n), c
				}
			}
		}
	}
	if longest == 0 || len(text) != len(lower) { // a letter whose small one is longer
		return command{}, "", false
	}
	return found, strings.TrimSpace(text[longest:]), true
}

// unknown says that a text is no command, and which may have been meant.
func unknown(text string) string {
	first, _, _ := strings.Cut(text, " ")
	near := nearest(strings.ToLower(text))
	if near == "" {
		near = nearest(strings.ToLower(first))
	}
	if near == "" {
		return "Unknown command \"" + name(first) + "\": help lists the commands. Nothing was done."
	}
	return "Unknown command \"" + name(first) + "\": did you mean " + near + "? Nothing was done."
}

// nearest is the name that a word is a slip of, or the beginning; "" is none.
func nearest(word string) string {
	// One slip in a short word, three at most: what is further off is no slip.
	best, least := "", min(1+len(word)/4, 3)
	for _, ch := range chapters() {
		for _, c := range ch.commands {
			for _, n := range c.names {
				d := distance(word, n)
				if len(word) >= 2 && strings.HasPrefix(n, word) {
					d = min(d, 1)
				}
				if d <= least && (best == "" || d < least) {
					best, least = c.names[0], d
				}
			}
		}
	}
	return best
}

// distance is how many letters must be put in, left out, changed or swapped with the
// next to make b of a (the optimal string alignment distance).
func distance(a, b string) int {
	const most = 24
	x, y := []rune(a), []rune(b)
	if len(x) > most {
		return most
	}
	before, row := make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(x); i++ {
		older := before
		before = slices.Clone(row)
		row[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			row[j] = min(before[j]+1, row[j-1]+1, before[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], older[j-2]+1)
			}
		}
	}
	return row[len(y)]
}
