package config

import (
	"fmt"
	"slices"
	"strings"

	"callcenter/codec"
)

// Choices are the settings that take one of a few texts, and which; of the
// period, which takes any in a range, those that are worth a name.
func Choices() map[string][]string {
	return map[string][]string{
		"codec":         {codec.Opus, codec.PCM},
		"frame":         {"10ms", "20ms"},
		"period":        {periodAuto, "2ms", "5ms", "10ms"},
		"playout":       {Live, Complete},
		"high-pass":     {auto, on, off},
		"denoise":       {auto, on, off},
		"level-control": {auto, on, off},
		"sounds":        {auto, on, off},
		"tls":           {auto, on, off},
	}
}

// choose refuses a value that is none of the choices of its setting.
func choose(name, value string) error {
	list := Choices()[name]
	if slices.Contains(list, value) {
		return nil
	}
	last := len(list) - 1
	return fmt.Errorf("%s %.32q: use %s or %s", name, value, strings.Join(list[:last], ", "), list[last])
}
