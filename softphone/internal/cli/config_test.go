package cli_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"callcenter/softphone/internal/cli"
)

// shown is what config --json prints.
type shown struct {
	File     string
	Found    bool `json:"file_found"`
	Settings []struct {
		Name   string
		Value  any
		Source string
		Where  string
	}
	Errors []string
}

// at runs a command line with the settings file of a folder.
func at(t *testing.T, home string, args ...string) outcome {
	t.Helper()
	t.Setenv("XDG_CONFIG_HOME", home)
	t.Setenv("XDG_STATE_HOME", home)
	var stdout, stderr bytes.Buffer
	code := cli.Run(args, strings.NewReader(""), &stdout, &stderr)
	return outcome{code, stdout.String(), stderr.String()}
}

func (o outcome) settings(t *testing.T) shown {
	t.Helper()
	var s shown
	if err := json.Unmarshal([]byte(o.stdout), &s); err != nil {
		t.Fatalf("no JSON object: %v\n%s%s", err, o.stdout, o.stderr)
	}
	return s
}

// writeConfig writes the settings file of a folder.
func writeConfig(t *testing.T, home, text string) string {
	t.Helper()
	path := filepath.Join(home, "softphone", "config.toml")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestConfigSaysWhereEverySettingComesFrom(t *testing.T) {
	home := t.TempDir()
	path := writeConfig(t, home, "bitrate = 16000\nname = \"a\\u001b[31m\"\nframe = \"10ms\"\n")
	t.Setenv("SOFTPHONE_FRAME", "20ms")
	o := at(t, home, "config", "--json", "--dest", "tone")
	if o.code != 0 {
		t.Fatalf("exit %d: %s", o.code, o.stderr)
	}
	s := o.settings(t)
	if s.File != path || !s.Found || len(s.Errors) != 0 || len(s.Settings) < 25 {
		t.Errorf("report %+v", s)
	}
	want := map[string][3]any{
		"bitrate": {16000.0, "file", path}, "frame": {"20ms", "environment", "SOFTPHONE_FRAME"},
		"dest": {"tone", "flag", "--dest"}, "dtx": {true, "default", ""},
	}
	for _, each := range s.Settings {
		if w, named := want[each.Name]; named && w != [3]any{each.Value, each.Source, each.Where} {
			t.Errorf("%+v, want %v", each, w)
		}
		if each.Name == "json" || each.Name == "config" {
			t.Errorf("%s is no setting", each.Name)
		}
	}
	table := at(t, home, "config")
	if strings.Contains(table.stdout, "\x1b") || !strings.Contains(table.stdout, `"a\x1b[31m"`) {
		t.Errorf("a hostile name is printed as it is:\n%s", table.stdout)
	}
	// The columns begin below each other.
	lines := strings.Split(strings.TrimSpace(table.stdout), "\n")
	column := strings.Index(lines[2], "FROM")
	for _, line := range lines[3:] {
		if line[column-1] != ' ' || line[column] == ' ' {
			t.Errorf("not in line: %s", line)
		}
	}
}

func TestConfigShowsAllAndSaysWhatIsWrong(t *testing.T) {
	for name, tt := range map[string]struct {
		file string
		args []string
		says []string
	}{
		"no TOML":               {"bitrate = = 5", nil, []string{"line 1"}},
		"two mistakes of form":  {"bitrate = \"x\"\ndset = 1\n", nil, []string{"bitrate", `"dest"`}},
		"a value that can't be": {"bitrate = 5\n", nil, []string{"bitrate 5: use 6000 to 128000"}},
		"no sound setting":      {"capture = \"tone:x\"\n", nil, []string{"tone:x"}},
		"no such file":          {"", []string{"--config", "/nowhere/x.toml"}, []string{"/nowhere/x.toml does not exist"}},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			writeConfig(t, home, tt.file)
			o := at(t, home, append([]string{"config"}, tt.args...)...)
			if o.code != 2 || strings.Count(o.stderr, "\n") != len(tt.says) || !strings.Contains(o.stdout, "\ndest ") {
				t.Errorf("exit %d, %q\n%s", o.code, o.stderr, o.stdout)
			}
			j := at(t, home, append([]string{"config", "--json"}, tt.args...)...)
			s := j.settings(t)
			for _, says := range tt.says {
				if !strings.Contains(o.stderr, says) || !strings.Contains(strings.Join(s.Errors, "\n"), says) {
					t.Errorf("%q and %q do not say %q", o.stderr, s.Errors, says)
				}
			}
			if j.code != 2 || len(s.Settings) < 25 {
				t.Errorf("exit %d, %d settings as JSON", j.code, len(s.Settings))
			}
		})
	}
}

func TestConfigInitWritesAFileThatChangesNothing(t *testing.T) {
	home := t.TempDir()
	if o := at(t, home, "config", "init"); o.code != 0 || !strings.Contains(o.stdout, filepath.Join(home, "softphone", "config.toml")) {
		t.Fatalf("exit %d: %s%s", o.code, o.stdout, o.stderr)
	}
	path := filepath.Join(home, "softphone", "config.toml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := at(t, home, "config", "--json").settings(t)
	if !s.Found || len(s.Errors) > 0 {
		t.Errorf("the file is read as %+v", s)
	}
	for _, each := range s.Settings {
		if each.Source != "default" {
			t.Errorf("%s is from %s", each.Name, each.Source)
		}
		if !strings.Contains(string(text), "\n#"+each.Name+" = ") {
			t.Errorf("%s is not in it", each.Name)
		}
	}
	if o := at(t, home, "config", "init"); o.code != 1 || !strings.Contains(o.stderr, "--force") {
		t.Errorf("over a file: exit %d, %s", o.code, o.stderr)
	}
}

func TestConfigInitKeepsTheFlagsAndTheOldFile(t *testing.T) {
	home := t.TempDir()
	path := writeConfig(t, home, "not TOML at all")
	o := at(t, home, "config", "init", "--force", "--server", "a:1,b:2", "--name", `A "x" \ b`, "--contact", "Zoë=room/z")
	if o.code != 0 || !strings.Contains(o.stdout, path+".old") {
		t.Fatalf("exit %d: %s%s", o.code, o.stdout, o.stderr)
	}
	if old, err := os.ReadFile(path + ".old"); err != nil || string(old) != "not TOML at all" {
		t.Errorf("the old file: %q, %v", old, err)
	}
	for _, each := range at(t, home, "config", "--json").settings(t).Settings {
		value, _ := json.Marshal(each.Value)
		switch want := map[string]string{"server": `["a:1","b:2"]`, "name": `"A \"x\" \\ b"`, "contact": `["Zoë=room/z"]`}[each.Name]; {
		case want == "" && each.Source != "default", want != "" && (each.Source != "file" || string(value) != want):
			t.Errorf("%s is %s from %s", each.Name, value, each.Source)
		}
	}
	other := filepath.Join(home, "other.toml")
	if o := at(t, home, "config", "init", "--config", other); o.code != 0 {
		t.Errorf("elsewhere: exit %d: %s", o.code, o.stderr)
	} else if _, err := os.Stat(other); err != nil {
		t.Error(err)
	}
	if o := at(t, t.TempDir(), "config", "init", "--bitrate", "5"); o.code != 2 || !strings.Contains(o.stderr, "bitrate") {
		t.Errorf("a value that cannot be: exit %d, %s", o.code, o.stderr)
	}
}

func TestWrongUseOfACommandBelowACommandIs2(t *testing.T) {
	for _, args := range [][]string{{"config", "x"}, {"config", "init", "x"}, {"config", "init", "--forse"}, {"completion", "bash", "x"}} {
		if o := at(t, t.TempDir(), args...); o.code != 2 || strings.Count(o.stderr, "\n") != 1 {
			t.Errorf("%q: exit %d, %q", args, o.code, o.stderr)
		}
	}
}

func TestASlipOfThePenIsToldWhatWasMeant(t *testing.T) {
	for says, args := range map[string][]string{
		`unknown command "confg": did you mean config?`:                 {"confg"},
		"received 2, the usage is: softphone call [DEST] [flags] (soft": {"call", "a", "b"},
	} {
		if o := at(t, t.TempDir(), args...); o.code != 2 || !strings.Contains(o.stderr, says) {
			t.Errorf("%q: exit %d, %q", args, o.code, o.stderr)
		}
	}
}

func TestShellsCompleteWithoutAServer(t *testing.T) {
	home := t.TempDir()
	writeConfig(t, home, "favourite = [\"Support=room/support\"]\ncontact = [\"Ada=room/ada\"]\n")
	for want, args := range map[string][]string{
		"room/support\tSupport\nroom/ada\tAda\necho\tyour own voice\n": {"call", ""},
		"opus\npcm\n:4":               {"call", "--codec", ""},
		"10ms\n20ms\n:4":              {"--frame", ""},
		"auto\non\noff\n:4":           {"call", "--level-control", ""},
		"file:\nnull\n":               {"--playback", ""},
		"file:\n:6":                   {"--capture", "fi"},
		"init\tWrite a settings file": {"config", ""},
		"bash\tGenerate":              {"completion", ""},
	} {
		o := at(t, home, append([]string{"__complete"}, args...)...)
		if o.code != 0 || !strings.HasPrefix(o.stdout, want) {
			t.Errorf("%q: exit %d, %q%s", args, o.code, o.stdout, o.stderr)
		}
	}
	writeConfig(t, home, "broken = = 1")
	if o := at(t, home, "__complete", "call", ""); o.code != 0 || !strings.HasPrefix(o.stdout, "echo\t") {
		t.Errorf("with a broken file: exit %d, %q", o.code, o.stdout)
	}
}

func TestEveryShellGetsACompletionScript(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if o := at(t, t.TempDir(), "completion", shell); o.code != 0 || !strings.Contains(o.stdout, "__complete") {
			t.Errorf("%s: exit %d, %.100q", shell, o.code, o.stdout)
		}
	}
}
