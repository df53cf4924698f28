package settings

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

// everyType has a flag of each type that settings may have.
func everyType() *pflag.FlagSet {
	fs := flags()
	fs.Uint("port", 0, "")
	fs.IntSlice("ports", []int{1, 2}, "")
	fs.StringArray("names", nil, "names of `WHOM`; may be repeated")
	fs.SortFlags = false
	return fs
}

func TestMistakesLeaveTheOtherSettingsToBeSeen(t *testing.T) {
	fs := everyType()
	if err := fs.Parse([]string{"--json"}); err != nil {
		t.Fatal(err)
	}
	path := write(t, "listen = 5\ngain = 0.5\nnothing = 1\n")
	list, mistakes := Show(fs, Options{
		EnvPrefix: "TEST_", File: path, FileRequired: true,
		Environ: func() []string { return []string{"TEST_MAX_CALLS=many", "TEST_CODECS=a,b"} },
	})
	if len(mistakes) != 3 {
		t.Errorf("mistakes %v", mistakes)
	}
	for _, want := range []Setting{
		{"listen", "127.0.0.1:1", Source{Kind: "default"}},
		{"max-calls", int64(10), Source{Kind: "default"}},
		{"gain", 0.5, Source{"file", path}},
		{"codecs", []string{"a", "b"}, Source{"environment", "TEST_CODECS"}},
		{"json", true, Source{"flag", "--json"}},
		{"drain-timeout", "5s", Source{Kind: "default"}},
		{"port", uint64(0), Source{Kind: "default"}},
	} {
		found := false
		for _, s := range list {
			found = found || reflect.DeepEqual(s, want)
		}
		if !found {
			t.Errorf("no %+v in %+v", want, list)
		}
	}
	if list[0].Name != "listen" {
		t.Errorf("the first is %s: the order is not that of the flags", list[0].Name)
	}
}

func TestAValueIsOneLineThatCanBePrinted(t *testing.T) {
	for want, value := range map[string]any{
		"a b": "a b", `""`: "", `" a"`: " a", `"\x1b[31m\n"`: "\x1b[31m\n", `"\xff"`: "\xff", "Zoë": "Zoë", `"\u202e"`: "\u202e",
		"true": true, "-6": -6.0, "7": int64(7), "8": uint64(8),
		"(none)": []string{}, "a, b": []string{"a", "b"}, `a, "\n"`: []string{"a", "\n"},
		"1, 2, 3, 4 and 2 more":                         []string{"1", "2", "3", "4", "5", "6"},
		strings.Repeat("x", 70) + " and 1 more":         []string{strings.Repeat("x", 70), "y"},
		"a, " + strings.Repeat("b", 50) + " and 1 more": []string{"a", strings.Repeat("b", 50), strings.Repeat("c", 50)},
	} {
		if got := (Setting{Value: value}).Text(); got != want {
			t.Errorf("%q is shown as %s, want %s", value, got, want)
		}
	}
}

// uncommented puts every setting of a settings file in force.
func uncommented(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "# ") && line != "#" {
			lines[i] = line[1:]
		}
	}
	return strings.Join(lines, "\n")
}

func TestATemplateIsEverySettingAndSaysNothingYet(t *testing.T) {
	text, err := Template(everyType(), "What this is,\n\nin a few lines.", "json")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(text), "# What this is,\n#\n# in a few lines.\n\n") {
		t.Errorf("it begins %.60q", text)
	}
	if !strings.Contains(string(text), "\n# Names of WHOM; may be repeated.\n#names = []\n") {
		t.Errorf("a setting's meaning is not above it:\n%s", text)
	}
	if strings.Contains(string(text), "json") {
		t.Error("it has a flag that is no setting")
	}
	for content, source := range map[string]string{string(text): "default", uncommented(string(text)): "file"} {
		fs := everyType()
		list, mistakes := Show(fs, Options{Skip: []string{"json"}, File: write(t, content), FileRequired: true})
		if err := errors.Join(mistakes...); err != nil {
			t.Fatalf("%v in\n%s", err, content)
		}
		defaults, _ := Show(everyType(), Options{Skip: []string{"json"}})
		if len(list) != len(defaults) || len(list) < 8 {
			t.Fatalf("%d settings, and %d by default", len(list), len(defaults))
		}
		for i, s := range list {
			if s.Source.Kind != source || !reflect.DeepEqual(s.Value, defaults[i].Value) {
				t.Errorf("%s is %v from %s, and by default %v", s.Name, s.Value, s.Source, defaults[i].Value)
			}
		}
	}
}

func TestATemplateKeepsWhatTheCommandLineGave(t *testing.T) {
	hostile := "a\"b\\c\x1b\n\x7f#é=\u202e"
	fs := everyType()
	args := []string{"--listen", hostile, "--names", hostile + ",x", "--names", "]", "--drain-timeout=90s", "--gain=1e-7", "--ports=3", "--max-calls=-2"}
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	text, err := Template(fs, "")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "x.toml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	v, err := Load(everyType(), Options{File: path, FileRequired: true})
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if v.String("listen") != hostile || !reflect.DeepEqual(v.Strings("names"), []string{hostile + ",x", "]"}) ||
		v.Duration("drain-timeout") != 90*time.Second || v.Float("gain") != 1e-7 || v.Int("max-calls") != -2 || v.Source("json") != "default" {
		t.Errorf("another outcome from\n%s", text)
	}
	if err := fs.Set("listen", "\xff"); err != nil {
		t.Fatal(err)
	}
	if _, err := Template(fs, ""); err == nil || !strings.Contains(err.Error(), "listen") {
		t.Errorf("a text that is none: %v", err)
	}
}

// FuzzTemplate holds that any text survives the way through a settings file.
func FuzzTemplate(f *testing.F) {
	f.Add("a\"b\\c\x1b\n\x7f#é")
	f.Add("'''\u202e\r\n\"\"\"")
	f.Fuzz(func(t *testing.T, value string) {
		fs := everyType()
		if err := fs.Set("listen", value); err != nil {
			t.Fatal(err)
		}
		text, err := Template(fs, "")
		if err != nil {
			return
		}
		other := everyType()
		l := newLoader(other, Options{})
		l.parse("f.toml", text)
		if got := other.Lookup("listen").Value.String(); got != value || len(l.mistakes) > 0 {
			t.Fatalf("%q came back as %q, %v", value, got, l.mistakes)
		}
	})
}
