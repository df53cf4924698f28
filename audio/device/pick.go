package device

import (
	"fmt"
	"strings"
)

// maxListed is how many devices an error names.
const maxListed = 8

// Default returns the device of list that an empty query opens. A default
// microphone that is a monitor is ErrMonitorDefault, since the far side would
// hear itself instead of the operator; no device at all is ErrNoDevice.
func Default(list []Info, dir Direction) (Info, error) {
	usable := 0
	for _, d := range list {
		if d.Direction != dir {
			continue
		}
		if d.Default {
			return d, refuseMonitor(list, d)
		}
		if !d.Monitor {
			usable++
		}
	}
	if usable == 0 {
		return Info{}, fmt.Errorf("%w: no %s is connected; connect one, or use null or a file in its place",
			ErrNoDevice, dir.noun())
	}
	// A sound system without the notion of a default (ALSA) chooses by itself.
	return Info{Name: "default", Direction: dir, Default: true, Backend: backendOf(list)}, nil
}

func refuseMonitor(list []Info, d Info) error {
	if !d.Monitor {
		return nil
	}
	advice := "connect a microphone"
	if others := matching(list, Capture, func(o Info) bool { return !o.Monitor }); len(others) > 0 {
		advice = "choose one of these: " + names(others)
	}
	return fmt.Errorf("%w: %s records what a loudspeaker plays, so there is no microphone; %s",
		ErrMonitorDefault, label(d), advice)
}

// Find returns the device of list that query names. An exact id wins, then an
// exact name, then a part of a name or id; capitals matter in an exact id only.
// A monitor is found by its exact id and in no other way. No match is
// ErrUnknownDevice, more than one is ErrAmbiguous; both say which devices there
// are. An empty query is Default.
func Find(list []Info, dir Direction, query string) (Info, error) {
	if query == "" {
		return Default(list, dir)
	}
	fold := strings.ToLower(query)
	for _, match := range []func(Info) bool{
		func(d Info) bool { return d.ID == query },
		func(d Info) bool { return !d.Monitor && strings.EqualFold(d.Name, query) },
		func(d Info) bool { return !d.Monitor && contains(d, fold) },
	} {
		switch found := matching(list, dir, match); len(found) {
		case 0:
		case 1:
			return found[0], nil
		default:
			return Info{}, fmt.Errorf("%w: %q matches %s; give more of the name, or the id",
				ErrAmbiguous, clean(query, maxName), names(found))
		}
	}
	return Info{}, notFound(list, dir, query, fold)
}

// findAgain returns the device with that id, otherwise what query names, if it
// names any.
func findAgain(list []Info, dir Direction, id, query string) (Info, error) {
	found := matching(list, dir, func(d Info) bool { return d.ID == id })
	switch {
	case id == "":
	case len(found) == 1:
		return found[0], nil
	case query == "":
		return Info{}, notFound(list, dir, id, strings.ToLower(id))
	}
	return Find(list, dir, query)
}

func notFound(list []Info, dir Direction, query, fold string) error {
	shown := clean(query, maxName)
	monitors := matching(list, dir, func(d Info) bool { return d.Monitor && contains(d, fold) })
	if len(monitors) > 0 {
		return fmt.Errorf("%w: %q matches no %s, only what records a loudspeaker: %s; to use that on purpose give its whole id",
			ErrUnknownDevice, shown, dir.noun(), names(monitors))
	}
	there := matching(list, dir, func(d Info) bool { return !d.Monitor })
	if len(there) == 0 {
		return fmt.Errorf("%w: no %s is connected, so %q cannot be found; connect one, or use null or a file in its place",
			ErrNoDevice, dir.noun(), shown)
	}
	return fmt.Errorf("%w: no %s matches %q; there are: %s", ErrUnknownDevice, dir.noun(), shown, names(there))
}

func contains(d Info, fold string) bool {
	return strings.Contains(strings.ToLower(d.Name), fold) || strings.Contains(strings.ToLower(d.ID), fold)
}

func matching(list []Info, dir Direction, match func(Info) bool) []Info {
	var found []Info
	for _, d := range list {
		if d.Direction == dir && match(d) {
			found = append(found, d)
		}
	}
	return found
}

func backendOf(list []Info) Backend {
	if len(list) == 0 {
		return ""
	}
	return list[0].Backend
}

// label names a device in a sentence.
func label(d Info) string {
	if d.Name == d.ID || d.ID == "" {
		return fmt.Sprintf("%q", d.Name)
	}
	return fmt.Sprintf("%q (%s)", d.Name, d.ID)
}

func names(list []Info) string {
	shown := list[:min(len(list), maxListed)]
	labels := make([]string, 0, len(shown))
	for _, d := range shown {
		labels = append(labels, label(d))
	}
	text := strings.Join(labels, ", ")
	if more := len(list) - maxListed; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
