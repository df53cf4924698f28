package settings

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

func flags() *pflag.FlagSet {
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	fs.String("listen", "127.0.0.1:1", "")
	fs.Duration("drain-timeout", 5*time.Second, "")
	fs.Int("max-calls", 10, "")
	fs.Bool("json", false, "")
	fs.Float64("gain", 1, "")
	fs.StringSlice("codecs", []string{"opus"}, "")
	fs.String(ConfigFlag, "", "")
	fs.Bool("version", false, "")
	return fs
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// load loads settings with these flags, variables and file.
func load(t *testing.T, args, environ []string, file string) (*Values, error) {
	t.Helper()
	fs := flags()
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	o := Options{EnvPrefix: "TEST_", Environ: func() []string { return environ }, Also: []string{"bitrate"}}
	if file != "" {
		o.File, o.FileRequired = write(t, file), true
	}
	return Load(fs, o)
}

func TestTheStrongestSourceWins(t *testing.T) {
	file := "listen = \"file:1\"\n"
	env := []string{"TEST_LISTEN=env:1", "OTHER=x"}
	arg := []string{"--listen", "flag:1"}
	for _, tc := range []struct {
		name       string
		args, env  []string
		file, want string
		source     string
	}{
		{"nothing is said", nil, nil, "", "127.0.0.1:1", "default"},
		{"a file", nil, nil, file, "file:1", "file "},
		{"a variable over a file", nil, env, file, "env:1", "environment variable TEST_LISTEN"},
		{"a flag over all", arg, env, file, "flag:1", "flag --listen"},
		{"an empty variable says nothing", nil, []string{"TEST_LISTEN="}, file, "file:1", "file "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v, err := load(t, tc.args, tc.env, tc.file)
			if err != nil {
				t.Fatal(err)
			}
			if v.String("listen") != tc.want || !strings.HasPrefix(v.Source("listen"), tc.source) {
				t.Fatalf("listen is %q from %q", v.String("listen"), v.Source("listen"))
			}
		})
	}
}

func TestEveryTypeComesFromEverywhere(t *testing.T) {
	for name, from := range map[string]struct {
		args, env []string
		file      string
	}{
		"flags":       {args: []string{"--drain-timeout=3s", "--max-calls=7", "--json", "--gain=0.5", "--codecs=pcm,opus"}},
		"environment": {env: []string{"TEST_DRAIN_TIMEOUT=3s", "TEST_MAX_CALLS=7", "TEST_JSON=true", "TEST_GAIN=0.5", "TEST_CODECS=pcm,opus"}},
		"file":        {file: "drain-timeout = \"3s\"\nmax-calls = 7\njson = true\ngain = 0.5\ncodecs = [\"pcm\", \"opus\"]\nbitrate = 1\n"},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := load(t, from.args, from.env, from.file)
			if err != nil {
				t.Fatal(err)
			}
			var c struct {
				DrainTimeout time.Duration `koanf:"drain-timeout"`
				MaxCalls     int           `koanf:"max-calls"`
				JSON         bool          `koanf:"json"`
				Gain         float64       `koanf:"gain"`
				Codecs       []string      `koanf:"codecs"`
			}
			if err := v.Unmarshal(&c); err != nil {
				t.Fatal(err)
			}
			if c.DrainTimeout != 3*time.Second || c.MaxCalls != 7 || !c.JSON || c.Gain != 0.5 || !slices.Equal(c.Codecs, []string{"pcm", "opus"}) {
				t.Fatalf("settings are %+v", c)
			}
			if v.Duration("drain-timeout") != c.DrainTimeout || v.Int("max-calls") != 7 || !v.Bool("json") || v.Float("gain") != 0.5 || len(v.Strings("codecs")) != 2 {
				t.Fatal("the getters say otherwise")
			}
		})
	}
}

func TestBoundVariablesHoldTheOutcome(t *testing.T) {
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	var listen string
	fs.StringVar(&listen, "listen", "", "")
	if _, err := Load(fs, Options{EnvPrefix: "TEST_", Environ: func() []string { return []string{"TEST_LISTEN=x"} }}); err != nil {
		t.Fatal(err)
	}
	if listen != "x" || fs.Changed("listen") {
		t.Fatalf("the variable is %q, changed %v", listen, fs.Changed("listen"))
	}
}

func TestMistakesAreOneLineThatHelps(t *testing.T) {
	for _, tc := range []struct {
		name string
		env  []string
		file string
		says []string
	}{
		{"an unknown key", nil, "lisen = \"x\"", []string{"config.toml", `"lisen"`, `"listen"`}},
		{"an unknown table", nil, "[drain]\ntimeout = \"5s\"", []string{"table", `"drain"`, `"drain-timeout"`}},
		{"a known key as a table", nil, "[listen]\nhost = \"x\"", []string{"listen", "a table", "a text"}},
		{"a key of the command line only", nil, "version = true", []string{`"version"`, "command line"}},
		{"the file's own name in it", nil, "config = \"x\"", []string{`"config"`, "command line"}},
		{"a number for a text", nil, "listen = 5", []string{"listen", "5", "a number", "a text", "config.toml"}},
		{"a text for a number", nil, "max-calls = \"7\"", []string{"max-calls", "7", "a whole number", "config.toml"}},
		{"a number for a duration", nil, "drain-timeout = 5", []string{"drain-timeout", "5", "a duration", "config.toml"}},
		{"no duration", nil, "drain-timeout = \"soon\"", []string{"drain-timeout", "soon", "a duration", "config.toml"}},
		{"a list with a number", nil, "codecs = [1]", []string{"codecs", "1"}},
		{"a number for a list", nil, "codecs = 5", []string{"codecs", "5", "list"}},
		{"a date", nil, "listen = 2020-01-01", []string{"listen", "date"}},
		{"no TOML", nil, "listen = = 5", []string{"config.toml", "line 1", "column"}},
		{"a variable of the wrong type", []string{"TEST_MAX_CALLS=many"}, "", []string{"max-calls", "many", "TEST_MAX_CALLS"}},
		{"a variable with a slip", []string{"TEST_DRAIN_TIMOUT=5s"}, "", []string{"TEST_DRAIN_TIMOUT", "TEST_DRAIN_TIMEOUT"}},
		{"a large file", nil, "#" + strings.Repeat("x", MaxFile), []string{"config.toml", "1 MiB"}},
		{"control characters", nil, "\"a\\u001b[31m\\n\" = 1", []string{"unknown key"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := load(t, nil, tc.env, tc.file)
			if err == nil {
				t.Fatal("no error")
			}
			if strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("%q is more than a line", err)
			}
			for _, s := range tc.says {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("%q does not say %q", err, s)
				}
			}
		})
	}
}

func TestVariablesOfOthersAreLeftAlone(t *testing.T) {
	env := []string{"TEST_SERVICE_HOST=10.0.0.1", "TEST_PORT=tcp://1", "TEST_NAME=x", "TEST_CONFIG=x", "TEST_VERSION=1", "TEST_BITRATE=x"}
	if _, err := load(t, nil, env, ""); err != nil {
		t.Fatal(err)
	}
}

func TestWhichFileIsRead(t *testing.T) {
	fs := flags()
	if path, required := File(fs, "TEST_", "fallback"); path != "fallback" || required {
		t.Errorf("nobody names a file: %q, %v", path, required)
	}
	t.Setenv("TEST_CONFIG", "variable")
	if path, required := File(fs, "TEST_", "fallback"); path != "variable" || !required {
		t.Errorf("a variable names a file: %q, %v", path, required)
	}
	if err := fs.Parse([]string{"--config", "flag"}); err != nil {
		t.Fatal(err)
	}
	if path, required := File(fs, "TEST_", "fallback"); path != "flag" || !required {
		t.Errorf("a flag names a file: %q, %v", path, required)
	}
}

func TestAMissingFileMattersIfSomebodyNamedIt(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none.toml")
	if _, err := Load(flags(), Options{File: missing}); err != nil {
		t.Error(err)
	}
	if _, err := Load(flags(), Options{File: missing, FileRequired: true}); err == nil || !strings.Contains(err.Error(), missing) {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := Load(flags(), Options{File: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "regular") {
		t.Errorf("a directory: %v", err)
	}
}

func TestNearest(t *testing.T) {
	names := []string{"drain-timeout", "listen", "mode"}
	for key, want := range map[string]string{
		"lsten": "listen", "mod": "mode", "draintimeout": "drain-timeout", strings.Repeat("listen", 100): "drain-timeout",
	} {
		if got, _ := nearest(key, names); got != want {
			t.Errorf("%.20s is nearest to %q, want %q", key, got, want)
		}
	}
	if d := distance("kitten", "sitting"); d != 3 {
		t.Errorf("distance %d", d)
	}
}

func TestAnUnknownFlagIsToldTheNearest(t *testing.T) {
	fs := flags()
	err := FlagError(fs, fs.Parse([]string{"--lisen=x"}))
	if err == nil || err.Error() != "unknown flag: --lisen: did you mean --listen?" {
		t.Error(err)
	}
	other := fs.Parse([]string{"--max-calls=x"})
	if got := FlagError(fs, other); got != other {
		t.Error(got)
	}
}

func TestVersionNamesTheBuild(t *testing.T) {
	info := &debug.BuildInfo{GoVersion: "go1.26"}
	info.Main.Version = "v1.2.3"
	if got := version(info); got != "v1.2.3 (go1.26)" {
		t.Error(got)
	}
	info.Main.Version = "(devel)"
	info.Settings = []debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.modified", Value: "true"}}
	if got := version(info); got != "devel (commit 0123456789ab, modified, go1.26)" {
		t.Error(got)
	}
	info.Main.Version = "v0.0.0-20260102030405-0123456789ab+dirty"
	if got := version(info); got != "devel (commit 0123456789ab, modified, go1.26)" {
		t.Error(got)
	}
	if Version() == "" {
		t.Error("no version")
	}
}

// FuzzFile parses arbitrary settings files: no panic, and errors of one line.
func FuzzFile(f *testing.F) {
	for _, seed := range []string{
		"", "listen = \"x\"", "[a.b]\nc = 1", "drain-timeout = \"5s\"", "a.b.c = 1", "codecs = [[1]]", "json = 2020-01-01T00:00:00Z", "\"\\u001b\" = 1", "max-calls = 99999999999999999999",
	} {
		f.Add([]byte(seed))
	}
	// What `config init` writes, and that with every line taken up.
	written, err := Template(everyType(), "")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(written)
	f.Add(regexp.MustCompile(`(?m)^# ?([a-z-]+ = )`).ReplaceAll(written, []byte("$1")))
	f.Add([]byte("listen = 5\ndrain-timeout = \"x\"\nmax-calls = 1.5\njson = \"true\"\ngain = 1\ncodecs = [\"a\", \"b\"]\nports = [1, 2]\nnames = \"x\"\nport = -1\nlissen = 1\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		l := newLoader(everyType(), Options{})
		l.parse("f.toml", text)
		for _, err := range l.mistakes {
			if strings.ContainsAny(err.Error(), "\n\r\x1b") {
				t.Fatalf("%q is more than a line", err)
			}
		}
	})
}
