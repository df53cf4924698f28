package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// flags are those of a command line.
func flags(t *testing.T, args ...string) *pflag.FlagSet {
	t.Helper()
	fs := pflag.NewFlagSet("server", pflag.ContinueOnError)
	Flags(fs)
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	return fs
}

// file writes a settings file.
func file(t *testing.T, path, text string) string {
	t.Helper()
	if path == "" {
		path = filepath.Join(t.TempDir(), "server.toml")
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestEverythingThatIsWrongIsShown(t *testing.T) {
	path := file(t, "", "max-cals = 5\nspeakers = 0\nmax-calls = \"many\"\ntls-cert = \"a\"\n")
	t.Setenv("SERVER_MODE", "echo")
	fs := flags(t, "--config", path, "--insecure")
	c, list, mistakes := Show(fs)
	for _, want := range []string{
		`unknown key "max-cals"`,
		"setting max-calls from file " + path,
		"setting mode from environment variable SERVER_MODE",
		"setting speakers from file " + path,
		"setting tls-cert from file " + path,
		"setting insecure from flag --insecure",
	} {
		found := 0
		for _, m := range mistakes {
			if strings.Contains(m.Error(), want) && !strings.Contains(m.Error(), "\n") {
				found++
			}
		}
		if found != 1 {
			t.Errorf("%d of the mistakes say %q: %q", found, want, mistakes)
		}
	}
	if len(mistakes) != 6 || c.TLSCert != "a" || c.MaxCalls != Default().MaxCalls {
		t.Errorf("settings are %+v, mistakes %q", c, mistakes)
	}
	if list[0].Name != "listen" || list[len(list)-1].Name != "max-call-duration" {
		t.Errorf("the list goes from %s to %s", list[0].Name, list[len(list)-1].Name)
	}
	if fs.Lookup("mode").Value.String() != Loopback {
		t.Error("the command line's flags were written to")
	}
}

func TestSettingsAreReadAgainAsTheyAreNow(t *testing.T) {
	path := file(t, "", "max-calls = 5\nspeakers = 4\nmax-connections = 300\n")
	fs := flags(t, "--config", path, "--max-connections", "200")
	_, before, mistakes := Show(fs)
	if len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	file(t, path, "max-calls = 7\nmode = \"mix\"\n")
	c, now, mistakes := Show(fs)
	if len(mistakes) > 0 || c.MaxCalls != 7 || c.Speakers != Default().Speakers || c.MaxConnections != 200 {
		t.Fatalf("settings are %+v, %v", c, mistakes)
	}
	got := Changes(before, now)
	want := []Change{
		{"mode", "loopback", "mix", "file " + path, false},
		{"max-calls", "5", "7", "file " + path, true},
		{"speakers", "4", "3", "default", false},
	}
	if len(got) != len(want) {
		t.Fatalf("changes are %+v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("change %d is %+v, want %+v", i, got[i], want[i])
		}
	}
}

func TestWhatIsLiveIsASetting(t *testing.T) {
	count := 0
	flags(t).VisitAll(func(f *pflag.Flag) {
		if live(f.Name) {
			count++
		}
	})
	if count != 6 {
		t.Errorf("%d settings are live, want 6: the bounds that a gate can change", count)
	}
}
