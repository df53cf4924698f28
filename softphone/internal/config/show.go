package config

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"callcenter/api/settings"
)

// intro begins a settings file that Template makes.
const intro = `Settings of softphone. Take the # off a line to set it.

A flag of the same name wins over this file, and so does an environment variable, such as SOFTPHONE_SERVER for server. softphone config shows what is in force, and what is wrong here.`

// File is the settings file that the command line or the environment names, or
// else the default one, which need not be there; "" if there is no place for it.
func (c *Config) File(fs *pflag.FlagSet) (path string, required bool) {
	return settings.File(fs, EnvPrefix, c.defaultFile)
}

// Show settles the settings as Load does and goes on past mistakes. It returns
// all of them in the order of fs, whatever is wrong, and what is wrong: every
// mistake of form, or the first value that cannot be.
func (c *Config) Show(fs *pflag.FlagSet, skip ...string) ([]settings.Setting, []error) {
	file, required := c.File(fs)
	list, mistakes := settings.Show(fs, settings.Options{
		EnvPrefix: EnvPrefix, File: file, FileRequired: required, Skip: skip,
	})
	source := make(map[string]string, len(list))
	for _, s := range list {
		source[s.Name] = s.Source.String()
	}
	if err := located(c.check(), func(name string) string { return source[name] }); err != nil {
		mistakes = append(mistakes, err)
	}
	return list, mistakes
}

// located adds to what check says, which begins with the setting's name, where
// its value came from, unless it was just typed.
func located(err error, source func(name string) string) error {
	if err == nil {
		return nil
	}
	name, _, _ := strings.Cut(err.Error(), " ")
	from := source(strings.TrimSuffix(name, ":"))
	if from == "" || from == "default" || strings.HasPrefix(from, "flag ") {
		return err
	}
	return fmt.Errorf("%w (it is from %s)", err, from)
}

// Template returns a settings file with every setting of fs, whose flags were
// parsed and not loaded: in force is what they give, which must be right.
func (c *Config) Template(fs *pflag.FlagSet, skip ...string) ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	return settings.Template(fs, intro, skip...)
}
