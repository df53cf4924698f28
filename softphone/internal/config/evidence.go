package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"callcenter/api/settings"
)

// harmless are the settings that may be shown to others, all but whom this
// operator knows. What is not named here is not shown: a setting that holds a
// secret one day must not be forgotten. Where keys and tokens are is nobody's
// business either.
func harmless() []string {
	return []string{
		"server", "dest", "name", "capture", "playback", "codec", "frame", "period", "bitrate", "complexity", "dtx",
		"high-pass", "denoise", "level-control", "ear-protection", "ear-ceiling", "sounds", "join-tones",
		"microphone-gain", "ear-volume", "talk-limit", "ascii", "black-box", "history", "plain", "playout",
		"tls", "ca",
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
			value, err := settings.TOML(f)
			if err != nil { // no text that TOML can hold
				fmt.Fprintf(&b, "# %s: not shown, it is not UTF-8 # %q\n", f.Name, source)
				return
			}
			fmt.Fprintf(&b, "%s = %s # %s\n", f.Name, value, source)
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
