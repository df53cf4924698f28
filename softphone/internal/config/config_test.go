package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"callcenter/audio/clean"
)

// load settles the settings of args, with a settings file of that content.
func load(t *testing.T, content string, args ...string) (Config, error) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", dir)
	if content != "" {
		path := filepath.Join(dir, "softphone", "config.toml")
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var c Config
	fs := pflag.NewFlagSet("softphone", pflag.ContinueOnError)
	c.Flags(fs)
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	return c, c.Load(fs)
}

func TestFlagWinsOverEnvironmentOverFileOverDefault(t *testing.T) {
	t.Setenv("SOFTPHONE_BITRATE", "24000")
	t.Setenv("SOFTPHONE_SERVER", "env:1")
	c, err := load(t, "bitrate = 16000\ncomplexity = 3\nserver = \"file:1\"\n", "--server", "flag:1")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(c.Servers, []string{"flag:1"}) || c.Bitrate != 24000 || c.Complexity != 3 || c.Frame != 20*time.Millisecond || c.Dest != "echo" {
		t.Errorf("settings %+v", c)
	}
}

func TestServersAreAListWhereverTheyAreNamed(t *testing.T) {
	want := []string{"a:1", "b:2"}
	for name, tt := range map[string]struct {
		file, env string
		args      []string
	}{
		"a flag with commas":          {args: []string{"--server", "a:1, b:2"}},
		"a flag that is repeated":     {args: []string{"--server", "a:1", "--server", "b:2"}},
		"the environment":             {env: "a:1,b:2"},
		"a text in the file":          {file: `server = "a:1,b:2"`},
		"a list in the file":          {file: `server = ["a:1", "b:2"]`},
		"the environment over a file": {file: `server = ["c:3"]`, env: "a:1,b:2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("SOFTPHONE_SERVER", tt.env)
			c, err := load(t, tt.file, tt.args...)
			if err != nil || !slices.Equal(c.Servers, want) {
				t.Errorf("servers %q, %v", c.Servers, err)
			}
		})
	}
}

func TestWhatCannotBeIsRefusedByName(t *testing.T) {
	tests := map[string]struct {
		args []string
		want string
	}{
		"a server without a port": {[]string{"--server", "host"}, "HOST:PORT"},
		"a server without a host": {[]string{"--server", ":1"}, "HOST:PORT"},
		"a port that is none":     {[]string{"--server", "h:99999"}, "HOST:PORT"},
		"a bad one of several":    {[]string{"--server", "h:1,x"}, "HOST:PORT"},
		"an address twice":        {[]string{"--server", "h:1,h:1"}, "twice"},
		"an empty destination":    {[]string{"--dest", ""}, "dest"},
		"a frame of 15 ms":        {[]string{"--frame", "15ms"}, "10ms or 20ms"},
		"a period of 1 ms":        {[]string{"--period", "1ms"}, "2ms to 100ms"},
		"a period of 2.5 ms":      {[]string{"--period", "2500us"}, "2ms to 100ms"},
		"a period that is none":   {[]string{"--period", "fast"}, "auto"},
		"a bitrate too low":       {[]string{"--bitrate", "100"}, "6000"},
		"a complexity too high":   {[]string{"--complexity", "11"}, "0 to 10"},
		"an unknown codec":        {[]string{"--codec", "mp3"}, "opus or pcm"},
		"a clean-up by half":      {[]string{"--level-control", "maybe"}, "auto, on or off"},
		"sounds by half":          {[]string{"--sounds", "some"}, "auto, on or off"},
		"a gain above all":        {[]string{"--microphone-gain", "21"}, "-20 to 20"},
		"a gain that is none":     {[]string{"--microphone-gain", "NaN"}, "-20 to 20"},
		"a volume above all":      {[]string{"--ear-volume", "12.5"}, "-40 to 12"},
		"no time to talk":         {[]string{"--talk-limit", "4s"}, "5s to 10m"},
		"a talk without end":      {[]string{"--talk-limit", "11m"}, "5s to 10m"},
		"a ceiling above all":     {[]string{"--ear-ceiling", "1"}, "-30 to 0"},
		"a ceiling that is none":  {[]string{"--ear-ceiling", "NaN"}, "-30 to 0"},
		"an unknown playout":      {[]string{"--playout", "all"}, "live or complete"},
		"a name without end":      {[]string{"--name", strings.Repeat("x", 65)}, "64"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := load(t, "", tt.args...); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestTheListenerIsLiveUnlessToldOtherwise(t *testing.T) {
	if c, err := load(t, ""); err != nil || c.Playout != Live {
		t.Errorf("playout %q, %v", c.Playout, err)
	}
	t.Setenv("SOFTPHONE_PLAYOUT", "complete")
	if c, err := load(t, "playout = \"live\"\n"); err != nil || c.Playout != Complete {
		t.Errorf("playout %q, %v", c.Playout, err)
	}
}

func TestJoinTonesAreOnUnlessSwitchedOff(t *testing.T) {
	if c, err := load(t, ""); err != nil || !c.JoinTones {
		t.Errorf("join tones %v, %v", c.JoinTones, err)
	}
	if c, err := load(t, "join-tones = false\n"); err != nil || c.JoinTones {
		t.Errorf("switched off in the file: %v, %v", c.JoinTones, err)
	}
	t.Setenv("SOFTPHONE_JOIN_TONES", "false")
	if c, err := load(t, "join-tones = true\n"); err != nil || c.JoinTones {
		t.Errorf("switched off in the environment: %v, %v", c.JoinTones, err)
	}
	if c, err := load(t, "", "--join-tones"); err != nil || !c.JoinTones {
		t.Errorf("switched on by the flag: %v, %v", c.JoinTones, err)
	}
	if c, err := load(t, "ascii = true\n"); err != nil || !c.ASCII {
		t.Errorf("ascii: %v, %v", c.ASCII, err)
	}
}

func TestSoundsAreForDevicesUnlessAsked(t *testing.T) {
	for _, tt := range []struct {
		file           string
		args           []string
		device, inFile bool
	}{
		{"", nil, true, false},
		{"sounds = \"on\"\n", nil, true, true},
		{"sounds = \"on\"\n", []string{"--sounds", "off"}, false, false},
		{"", []string{"--sounds", "auto"}, true, false},
	} {
		c, err := load(t, tt.file, tt.args...)
		if err != nil || c.OwnSounds(true) != tt.device || c.OwnSounds(false) != tt.inFile {
			t.Errorf("%q %v: on a device %v, in a file %v, %v", tt.file, tt.args, c.OwnSounds(true), c.OwnSounds(false), err)
		}
	}
}

func TestGainsAndTheTimeToTalkAreSettings(t *testing.T) {
	c, err := load(t, "")
	if err != nil || c.MicrophoneGain != 0 || c.EarVolume != 0 || c.TalkLimit != 30*time.Second {
		t.Errorf("%g and %g dB, %v, %v", c.MicrophoneGain, c.EarVolume, c.TalkLimit, err)
	}
	t.Setenv("SOFTPHONE_TALK_LIMIT", "1m")
	c, err = load(t, "microphone-gain = -3.5\n", "--ear-volume", "6")
	if err != nil || c.MicrophoneGain != -3.5 || c.EarVolume != 6 || c.TalkLimit != time.Minute {
		t.Errorf("%g and %g dB, %v, %v", c.MicrophoneGain, c.EarVolume, c.TalkLimit, err)
	}
}

func TestThePeriodAdaptsUnlessItIsSet(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want time.Duration
	}{
		{nil, 0},
		{[]string{"--period", "auto"}, 0},
		{[]string{"--period", "2ms"}, 2 * time.Millisecond},
		{[]string{"--period", "0.1s"}, 100 * time.Millisecond},
	} {
		if c, err := load(t, "", tt.args...); err != nil || c.FixedPeriod() != tt.want {
			t.Errorf("%v: %v, %v; want %v", tt.args, c.FixedPeriod(), err, tt.want)
		}
	}
}

func TestASlipInTheFileIsNamedWithTheNearestSetting(t *testing.T) {
	_, err := load(t, "complexty = 3\n")
	if err == nil || !strings.Contains(err.Error(), "complexity") {
		t.Errorf("got %v", err)
	}
}

func TestTheCleanUpIsForDevicesUnlessAsked(t *testing.T) {
	c, err := load(t, "level-control = \"off\"\n", "--high-pass", "on")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.CleanUp(true), (clean.Options{HighPass: true, Denoise: clean.HasDenoise}); got != want {
		t.Errorf("a device gets %+v, want %+v", got, want)
	}
	if got, want := c.CleanUp(false), (clean.Options{HighPass: true}); got != want {
		t.Errorf("a file gets %+v, want %+v", got, want)
	}
	if !c.DTX || !c.EarProtection || c.EarCeiling != -6 {
		t.Errorf("defaults %+v", c)
	}
}
