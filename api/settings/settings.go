// Package settings is how both binaries are configured, once for both: a flag
// wins over the environment, the environment over a TOML file, the file over
// the default. The flag set is the schema: a setting's key is its flag's name
// ("drain-timeout"), its variable the prefix and that name in capitals
// (SERVER_DRAIN_TIMEOUT), its type and its checks those of the flag's Value.
//
// It is strict, and every error is one line that says what to change:
//   - a key in the file that is no setting is an error naming the file, the
//     key and the nearest setting; tables are such keys
//   - a value of the wrong type is an error naming the key, the value and
//     where it came from
//   - a variable with the prefix that nearly names a setting is an error too,
//     since it is a slip of the pen; one that resembles none belongs to
//     somebody else (orchestrators set SERVER_SERVICE_HOST and the like) and is
//     left alone. An empty variable counts as absent.
//
// The commands of the binaries call it once, before anything runs; it keeps no
// state and is not for concurrent use with the same flag set.
package settings

import (
	"fmt"
	"os"
	"sort"
	"strings"
	"time"

	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"
)

// ConfigFlag is the flag that names the settings file.
const ConfigFlag = "config"

const delim = "."

// Options say where settings come from besides the flags.
type Options struct {
	// EnvPrefix begins the names of variables: "SERVER_". Empty: the
	// environment is not read.
	EnvPrefix string
	// File is the settings file, "" for none. Unless FileRequired is set it
	// may be missing.
	File         string
	FileRequired bool
	// Skip names flags that are no settings: they come from the command line
	// only. "help", "version" and "config" always are.
	Skip []string
	// Also names settings of the binary's other commands. They are allowed in
	// the file and the environment and are not looked at.
	Also []string
	// Environ replaces os.Environ, for tests.
	Environ func() []string
}

// Values are the settings in force. They do not change.
type Values struct {
	k      *koanf.Koanf
	source map[string]Source
}

// Source is where a setting came from.
type Source struct {
	Kind string // "flag", "environment", "file" or "default"
	Name string // "--listen", "SERVER_LISTEN" or the file's path; "" for a default
}

// String says it for people, see Values.Source.
func (s Source) String() string {
	switch s.Kind {
	case fromVariable:
		return "environment variable " + s.Name
	case fromDefault:
		return s.Kind
	default:
		return s.Kind + " " + s.Name
	}
}

// The kinds of sources, strongest first.
const (
	fromFlag     = "flag"
	fromVariable = "environment"
	fromFile     = "file"
	fromDefault  = "default"
)

// File returns the settings file that the command line or the environment
// names, which must then exist, or else fallback, which need not.
func File(flags *pflag.FlagSet, envPrefix, fallback string) (path string, required bool) {
	if f := flags.Lookup(ConfigFlag); f != nil && f.Changed {
		return f.Value.String(), true
	}
	if v := os.Getenv(variable(envPrefix, ConfigFlag)); v != "" && envPrefix != "" {
		return v, true
	}
	return fallback, false
}

// Load settles every setting in flags, which were parsed. What the environment
// and the file say is also written to the flags' Values, so that variables
// bound to flags hold the outcome; a flag's Changed stays as the command line
// left it. Errors are for the person who wrote the setting.
func Load(flags *pflag.FlagSet, o Options) (*Values, error) {
	values, mistakes := settle(flags, o)
	if len(mistakes) > 0 {
		return nil, mistakes[0]
	}
	return values, nil
}

// settle is Load that goes on past a mistake, which leaves its setting to a
// weaker source, and returns all of them.
func settle(flags *pflag.FlagSet, o Options) (*Values, []error) {
	l := newLoader(flags, o)
	l.file(o.File, o.FileRequired)
	l.environment(o.EnvPrefix, o.Environ)
	l.flags(flags)
	return l.values, l.mistakes
}

// Unmarshal writes the settings into the struct that dst points to. Its fields
// name their setting in a `koanf:"drain-timeout"` tag.
func (v *Values) Unmarshal(dst any) error {
	if err := v.k.Unmarshal("", dst); err != nil {
		return fmt.Errorf("read settings: %w", err)
	}
	return nil
}

// String returns a setting that is a text, "" if there is none of that key.
func (v *Values) String(key string) string { return v.k.String(key) }

// Strings returns a setting that is a list of texts.
func (v *Values) Strings(key string) []string { return v.k.Strings(key) }

// Bool returns a setting that is true or false.
func (v *Values) Bool(key string) bool { return v.k.Bool(key) }

// Int returns a setting that is a whole number.
func (v *Values) Int(key string) int { return v.k.Int(key) }

// Float returns a setting that is a number.
func (v *Values) Float(key string) float64 { return v.k.Float64(key) }

// Duration returns a setting that is a duration.
func (v *Values) Duration(key string) time.Duration { return v.k.Duration(key) }

// Source says for people where a setting came from: "flag --listen",
// "environment variable SERVER_LISTEN", "file /etc/x.toml" or "default".
func (v *Values) Source(key string) string { return v.source[key].String() }

// Keys returns the settings' keys, sorted.
func (v *Values) Keys() []string { return v.k.Keys() }

// schema is what may be set.
type schema struct {
	settings map[string]*pflag.Flag // nil: of another command
	skipped  map[string]bool
	names    []string // keys of settings, sorted
}

func newSchema(flags *pflag.FlagSet, o Options) *schema {
	s := &schema{
		settings: make(map[string]*pflag.Flag),
		skipped:  map[string]bool{"help": true, "version": true, ConfigFlag: true},
	}
	for _, name := range o.Skip {
		s.skipped[name] = true
	}
	for _, key := range o.Also {
		s.settings[key] = nil
	}
	flags.VisitAll(func(f *pflag.Flag) {
		if !s.skipped[f.Name] {
			s.settings[f.Name] = f
		}
	})
	for key := range s.settings {
		s.names = append(s.names, key)
	}
	sort.Strings(s.names)
	return s
}

// loader applies the sources, weakest first.
type loader struct {
	*schema
	values   *Values
	mistakes []error
}

func newLoader(flags *pflag.FlagSet, o Options) *loader {
	return &loader{schema: newSchema(flags, o), values: &Values{k: koanf.New(delim), source: make(map[string]Source)}}
}

// mistake notes an error; none is none.
func (l *loader) mistake(err error) {
	if err != nil {
		l.mistakes = append(l.mistakes, err)
	}
}

func (l *loader) environment(prefix string, environ func() []string) {
	if prefix == "" {
		return
	}
	vars := koanf.New("")
	provider := env.Provider("", env.Opt{
		Prefix: prefix,
		TransformFunc: func(name, value string) (string, any) {
			if value == "" {
				return "", nil
			}
			return strings.ToLower(strings.ReplaceAll(name[len(prefix):], "_", "-")), value
		},
		EnvironFunc: environ,
	})
	if err := vars.Load(provider, nil); err != nil {
		l.mistake(fmt.Errorf("read environment: %w", err))
		return
	}
	for _, key := range vars.Keys() {
		name := variable(prefix, key)
		f, known := l.settings[key]
		switch {
		case l.skipped[key], known && f == nil:
		case known:
			l.mistake(l.set(f, fromEnv(vars.String(key)), Source{fromVariable, name}))
		default:
			if near, d := nearest(key, l.names); near != "" && d <= 2 && 3*d <= len(key) {
				l.mistake(fmt.Errorf("environment variable %s is no setting: did you mean %s?", name, variable(prefix, near)))
			}
		}
	}
}

// flags puts the outcome together: every flag's Value holds it by now.
func (l *loader) flags(flags *pflag.FlagSet) {
	v := l.values
	outcome := posflag.ProviderWithFlag(flags, "", koanf.New(""), func(f *pflag.Flag) (string, any) {
		if _, ok := l.settings[f.Name]; !ok {
			return "", nil
		}
		switch {
		case f.Changed:
			v.source[f.Name] = Source{fromFlag, "--" + f.Name}
		case v.source[f.Name].Kind == "":
			v.source[f.Name] = Source{Kind: fromDefault}
		}
		return f.Name, posflag.FlagVal(flags, f)
	})
	m, err := outcome.Read()
	if err == nil {
		err = v.k.Load(confmap.Provider(m, ""), nil)
	}
	if err != nil {
		l.mistake(fmt.Errorf("read flags: %w", err))
	}
}

// set gives a flag the value from a weaker source, unless the command line gave
// it one.
func (l *loader) set(f *pflag.Flag, value any, source Source) error {
	if f.Changed {
		return nil
	}
	if err := assign(f, value); err != nil {
		return fmt.Errorf("setting %s from %s: %w", f.Name, source, err)
	}
	l.values.source[f.Name] = source
	return nil
}

// variable returns the name of a setting's environment variable.
func variable(prefix, key string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(key, "-", "_"))
}
