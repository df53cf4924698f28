package plain

import (
	"fmt"
	"strings"
)

// help names the commands, explains all of them, or one.
func (s *session) help(arg string) {
	if arg == "" {
		for _, ch := range chapters() {
			names := make([]string, len(ch.commands))
			for i, c := range ch.commands {
				names[i] = c.names[0]
			}
			s.say("%s: %s.", ch.title, strings.Join(names, ", "))
		}
		s.say("help dial explains dial, help all explains all. The screen's keys work, too: d, m, h, q.")
		return
	}
	if strings.EqualFold(arg, "all") {
		for _, ch := range chapters() {
			s.say("%s:", ch.title)
			for _, c := range ch.commands {
				s.say("%s", explain(c))
			}
		}
		s.say("Figures are measured; those that are not are called estimated. A line that begins with # and a blank is a comment.")
		return
	}
	if c, ok := byKey(arg); ok {
		s.say("%s", explain(c))
		return
	}
	c, _, ok := find(arg)
	if !ok {
		s.say("%s", unknown(arg))
		return
	}
	s.say("%s", explain(c))
	for _, more := range lessons(c.names[0]) {
		s.say("%s", more)
	}
}

// byKey is the command of a key of the screen.
func byKey(key string) (command, bool) {
	for _, ch := range chapters() {
		for _, c := range ch.commands {
			for _, k := range strings.Split(c.key, ", ") {
				if k = strings.TrimSuffix(k, " switches"); k == strings.ToLower(key) && k != "" {
					return c, true
				}
			}
		}
	}
	return command{}, false
}

// explain is a command in a sentence.
func explain(c command) string {
	text := c.names[0]
	if c.args != "" {
		text += " " + c.args
	}
	text += ": " + c.does
	if c.key != "" {
		text += fmt.Sprintf(" (%s)", c.key)
	}
	return text + "."
}

// lessons are what more there is to say of a command.
func lessons(name string) []string {
	switch name {
	case "training":
		return []string{
			"Delay: say a word and wait for it. From 400 ms people begin to talk over each other.",
			"Jitter: keep talking. As buffer and loop grow to bridge it, words are drawn out.",
			"Loss: count aloud. What is lost is made up from what was there; from 3 % words suffer.",
		}
	case "check":
		return []string{"It asks you to be silent for 4 s, to speak as in a call for 8 s, and to be silent while six short tones play. " +
			"Any words will do. What a screen reader says over a loudspeaker is heard as noise: wear the headset."}
	case "levels":
		return []string{"Speak at -28 to -16 dBFS RMS. What clips is too loud: turn the microphone down, or move away."}
	case "quality":
		return []string{"MOS is how good the call is, from 1 to 4.4; below 3.5 is poor."}
	case "wait":
		return []string{"wait connected and wait ended take a limit, such as wait connected 10s; without one they wait 30 s and 10 min."}
	}
	return nil
}
