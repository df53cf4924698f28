package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// harmless are the settings that may be shown to others, all but whom this
// operator knows. What is not named here is not shown: a setting that holds a
// secret one day must not be forgotten.
func harmless() []string {
	return []string{
		"server", "dest", "name", "capture", "playback", "codec", "frame", "period", "bitrate", "complexity", "dtx",
		"high-pass", "denoise", "level-control", "ear-protection", "ear-ceiling", "sounds", "join-tones",
		"microphone-gain", "ear-volume", "talk-limit", "ascii", "black-box", "history", "plain", "playout",
	}
}

// Evidence is the settings as TOML, each with where it came from, for a file that
// is shown to others. fs are the flags that Flags bound, after Load.
func (c *Config) Evidence(fs *pflag.FlagSet) string {
	var b strings.Builder
	fs.VisitAll(func(f *pflag.Flag) {
		switch source := c.source(f.Name); {
		case strings.TrimSpace(source) == "": // no setting
		case slices.Contains(harmless(), f.Name):
			fmt.Fprintf(&b, "%s = %s # %s\n", f.Name, tomlValue(f), source)
		default:
			fmt.Fprintf(&b, "# %s: not shown # %s\n", f.Name, source)
		}
	})
	return b.String()
}

// source is where a setting came from, "" for what is none.
func (c *Config) source(name string) string {
	if c.given == nil {
		return ""
	}
	return c.given.Source(name)
}

// tomlValue is a setting's value in TOML.
func tomlValue(f *pflag.Flag) string {
	if list, ok := f.Value.(pflag.SliceValue); ok {
		texts := make([]string, 0, len(list.GetSlice()))
		for _, s := range list.GetSlice() {
			texts = append(texts, quoted(s))
		}
		return "[" + strings.Join(texts, ", ") + "]"
	}
	switch f.Value.Type() {
	case "bool", "int", "float64":
		return f.Value.String()
	}
	return quoted(f.Value.String())
}

// quoted is a text in TOML.
func quoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"', r == '\\':
			b.WriteString(`\` + string(r))
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String() + `"`
}
