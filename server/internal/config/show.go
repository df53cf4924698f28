package config

import (
	"github.com/spf13/pflag"

	"callcenter/api/settings"
)

// File is the settings file that the command line or the environment names, ""
// if neither does.
func File(fs *pflag.FlagSet) string { return options(fs).File }

// Show settles the settings from parsed flags, the environment and the file that
// either names, and goes on past mistakes. It returns the settings, all of them in
// the order of Flags with where they came from, and everything that is wrong, a
// line each for whoever configured the server.
func Show(fs *pflag.FlagSet) (Config, []settings.Setting, []error) {
	own := again(fs)
	list, mistakes := settings.Show(own, options(own))
	source := make(map[string]string, len(list))
	for _, s := range list {
		source[s.Name] = s.Source.String()
	}
	c, err := settled(own)
	if err != nil {
		return c, list, append(mistakes, err)
	}
	return c, list, append(mistakes, c.check(func(key string) string { return source[key] })...)
}

// settled reads the settings off flags that hold the outcome.
func settled(fs *pflag.FlagSet) (Config, error) {
	v, err := settings.Load(fs, settings.Options{})
	if err != nil {
		return Config{}, err
	}
	var c Config
	return c, v.Unmarshal(&c)
}

// again returns the settings' flags as the command line set them in fs, before
// the environment and the file had their say: to load them once more.
func again(fs *pflag.FlagSet) *pflag.FlagSet {
	own := pflag.NewFlagSet("server", pflag.ContinueOnError)
	own.SortFlags = false
	Flags(own)
	own.VisitAll(func(f *pflag.Flag) {
		if given := fs.Lookup(f.Name); given != nil && given.Changed {
			_ = own.Set(f.Name, given.Value.String()) // it was taken before
		}
	})
	return own
}

// Change is a setting that is not what it was.
type Change struct {
	Key      string
	From, To string
	Source   string // of the new value
	Live     bool   // it can be applied to a server that runs
}

// live are the settings that a server that runs can change.
func live(key string) bool {
	switch key {
	case "max-calls", "max-calls-per-address", "max-calls-per-identity",
		"max-connections", "max-connections-per-address", "max-call-duration":
		return true
	default:
		return false
	}
}

// Changes returns what is different between two lists of Show.
func Changes(before, now []settings.Setting) []Change {
	was := make(map[string]string, len(before))
	for _, s := range before {
		was[s.Name] = s.Text()
	}
	var list []Change
	for _, s := range now {
		if old := was[s.Name]; old != s.Text() {
			list = append(list, Change{Key: s.Name, From: old, To: s.Text(), Source: s.Source.String(), Live: live(s.Name)})
		}
	}
	return list
}
