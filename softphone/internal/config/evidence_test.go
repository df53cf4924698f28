package config

import (
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
	"github.com/spf13/pflag"
)

func TestSettingsAreShownToOthersByAListOfThoseThatMayBe(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("SOFTPHONE_CONTACT", "Bob's private line=room/bob")
	t.Setenv("SOFTPHONE_NAME", "Ada \"the\" \\ first")
	var c Config
	fs := pflag.NewFlagSet("", pflag.ContinueOnError)
	c.Flags(fs)
	secret := fs.String("password", "", "a setting of the future")
	if err := fs.Parse([]string{"--bitrate", "24000", "--password", "canary"}); err != nil {
		t.Fatal(err)
	}
	if err := c.Load(fs); err != nil {
		t.Fatal(err)
	}
	text := c.Evidence(fs)
	for _, hidden := range []string{*secret, "Bob", "config"} {
		if strings.Contains(text, hidden) {
			t.Errorf("%q is shown:\n%s", hidden, text)
		}
	}
	for _, want := range []string{"bitrate = 24000 # flag --bitrate", "codec = \"opus\" # default", "SOFTPHONE_NAME", "# contact: not shown # environment"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	var values map[string]any
	if err := toml.Unmarshal([]byte(text), &values); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if values["name"] != `Ada "the" \ first` || values["bitrate"] != int64(24000) || values["black-box"] != true {
		t.Errorf("the settings read as %v", values)
	}
}

func TestEverySettingIsEitherShownToOthersOrKeptBack(t *testing.T) {
	var c Config
	fs := pflag.NewFlagSet("", pflag.ContinueOnError)
	c.Flags(fs)
	shown := strings.Join(harmless(), " ") + " favourite contact config tls-cert tls-key token-file"
	fs.VisitAll(func(f *pflag.Flag) {
		if !strings.Contains(" "+shown+" ", " "+f.Name+" ") {
			t.Errorf("--%s: decide whether others may see it, see harmless", f.Name)
		}
	})
}
