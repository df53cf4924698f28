package cli

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"callcenter/api/settings"
	"callcenter/server/internal/config"
)

// Files that are installed beside the program must agree with it.
const (
	unitFile    = "callcenter.service"
	dropInFile  = "tls.conf"
	exampleFile = "server.toml"
)

func installed(t *testing.T, name string) (path, text string) {
	t.Helper()
	path = filepath.Join("..", "..", "systemd", name)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, string(b)
}

// directives are the assignments of a unit file, those of the same name in order.
func directives(t *testing.T, name string) map[string][]string {
	t.Helper()
	_, text := installed(t, name)
	d := make(map[string][]string)
	for line := range strings.Lines(text) {
		if key, value, found := strings.Cut(strings.TrimSpace(line), "="); found && !strings.HasPrefix(key, "#") {
			d[key] = append(d[key], value)
		}
	}
	return d
}

// one is the only value of a directive.
func one(t *testing.T, d map[string][]string, key string) string {
	t.Helper()
	if len(d[key]) != 1 {
		t.Fatalf("%s= is there %d times", key, len(d[key]))
	}
	return d[key][0]
}

func number(t *testing.T, d map[string][]string, key string) int {
	t.Helper()
	n, err := strconv.Atoi(one(t, d, key))
	if err != nil {
		t.Fatalf("%s= is no number: %v", key, err)
	}
	return n
}

// example are the settings of the example file.
func example(t *testing.T) config.Config {
	t.Helper()
	path, _ := installed(t, exampleFile)
	cmd := command(io.Discard, nil)
	if err := cmd.ParseFlags([]string{"--config", path}); err != nil {
		t.Fatal(err)
	}
	cfg, _, mistakes := config.Show(cmd.Flags())
	if len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	return cfg
}

func TestTheExampleHasTheSettingsOfAnOffice(t *testing.T) {
	example(t)
	_, text := installed(t, exampleFile)
	var named []string
	for _, m := range regexp.MustCompile(`(?m)^#?([a-z-]+) = (.*)$`).FindAllStringSubmatch(text, -1) {
		named = append(named, m[1])
		// A line that is commented out must be right too.
		file := settingsFile(t, "", m[1]+" = "+m[2]+"\n")
		cmd := command(io.Discard, nil)
		if err := cmd.ParseFlags([]string{"--config", file}); err != nil {
			t.Fatal(err)
		}
		_, list, mistakes := config.Show(cmd.Flags())
		for _, err := range mistakes {
			if !strings.HasPrefix(m[1], "tls-") { // these two need each other
				t.Errorf("%s: %v", m[0], err)
			}
		}
		i := slices.IndexFunc(list, func(s settings.Setting) bool { return s.Name == m[1] })
		if i < 0 || list[i].Source.Kind != "file" {
			t.Errorf("%s is no setting that the file gave", m[1])
		}
	}
	command(io.Discard, nil).LocalFlags().VisitAll(func(f *pflag.Flag) {
		switch f.Name {
		case "config", "help", "version": // no settings
		case "insecure", "no-auth": // nothing for an office
		case "state-dir": // the unit's
		default:
			if !slices.Contains(named, f.Name) {
				t.Errorf("%s is missing", f.Name)
			}
		}
	})
}

func TestTheUnitStartsThisProgram(t *testing.T) {
	unit := directives(t, unitFile)
	args := strings.Fields(one(t, unit, "ExecStart"))
	cmd := command(io.Discard, nil)
	if err := cmd.ParseFlags(args[1:]); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join("/etc", one(t, unit, "ConfigurationDirectory"))
	cfg := example(t)
	for what, path := range map[string]string{"--config": config.File(cmd.Flags()), "token-keys": cfg.TokenKeys} {
		if filepath.Dir(path) != folder {
			t.Errorf("%s %s is not in the unit's folder %s", what, path, folder)
		}
	}
	if filepath.Base(config.File(cmd.Flags())) != exampleFile {
		t.Errorf("the unit wants %s, the example is %s", config.File(cmd.Flags()), exampleFile)
	}
	if one(t, unit, "StateDirectory") != "callcenter" || cfg.StateDir != "" {
		t.Error("the server would not find the folder that the unit makes for it")
	}
	if slices.Index(unit["Type"], "notify") != 0 || slices.Index(unit["Type"], "notify-reload") != 1 {
		t.Errorf("Type=%v: the server tells when it is ready and when it reloads", unit["Type"])
	}
}

func TestTheUnitLeavesTheServerWhatItNeeds(t *testing.T) {
	unit, cfg := directives(t, unitFile), example(t)
	if got := number(t, unit, "RestartPreventExitStatus"); got != exitUsage || one(t, unit, "Restart") != "on-failure" {
		t.Errorf("exit code %d prevents another start, want %d", got, exitUsage)
	}
	if got, want := time.Duration(number(t, unit, "TimeoutStopSec"))*time.Second, cfg.DrainTimeout+endReserve; got < want {
		t.Errorf("it may take %v to stop, of which a drain takes %v", got, want)
	}
	if got, want := time.Duration(number(t, unit, "TimeoutStartSec"))*time.Second, readyLimit; got <= want {
		t.Errorf("it may take %v to start, of which its first answer takes %v", got, want)
	}
	if got, want := number(t, unit, "LimitNOFILE"), cfg.MaxConnections+filesBeside; got < want {
		t.Errorf("it may open %d files, want %d", got, want)
	}
	if number(t, unit, "WatchdogSec") < 10 || one(t, unit, "KillMode") != "mixed" {
		t.Error("the watchdog, or the end, is too hasty")
	}
	for _, key := range []string{"CapabilityBoundingSet", "AmbientCapabilities"} {
		if got := one(t, unit, key); got != "" {
			t.Errorf("%s=%s", key, got)
		}
	}
	if port := cfg.Listen[strings.LastIndexByte(cfg.Listen, ':')+1:]; len(port) < 4 {
		t.Errorf("without capabilities it cannot listen on port %s", port)
	}
}

func TestTheDropInSetsACertificateAndItsKey(t *testing.T) {
	d := directives(t, dropInFile)
	id, from, _ := strings.Cut(one(t, d, "LoadCredential"), ":")
	set := make(map[string]string)
	for _, e := range d["Environment"] {
		name, value, _ := strings.Cut(e, "=")
		set[name] = value
	}
	if len(set) != 2 || set["SERVER_TLS_CERT"] == "" || set["SERVER_TLS_KEY"] != "%d/"+id || filepath.Dir(from) != "/etc/callcenter" {
		t.Errorf("it loads %s as %s and sets %v", from, id, set)
	}
	for name, value := range set {
		t.Setenv(name, value)
	}
	cmd := command(io.Discard, nil)
	path, text := installed(t, exampleFile)
	if err := cmd.ParseFlags([]string{"--config", path}); err != nil {
		t.Fatal(err)
	}
	cfg, _, mistakes := config.Show(cmd.Flags())
	if len(mistakes) > 0 || cfg.TLSCert == "" || cfg.TLSKey == "" {
		t.Errorf("with it the settings are %+v, %v", cfg, mistakes)
	}
	if !strings.Contains(text, `"`+set["SERVER_TLS_CERT"]+`"`) {
		t.Errorf("the example does not name %s", set["SERVER_TLS_CERT"])
	}
}
