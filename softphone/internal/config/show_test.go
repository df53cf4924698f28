package config

import (
	"strings"
	"testing"
)

func TestAValueThatCannotBeIsSaidWithWhereItIsFrom(t *testing.T) {
	t.Setenv("SOFTPHONE_BITRATE", "5")
	if _, err := load(t, ""); err == nil || !strings.HasSuffix(err.Error(), "(it is from environment variable SOFTPHONE_BITRATE)") {
		t.Errorf("a variable: %v", err)
	}
	t.Setenv("SOFTPHONE_BITRATE", "")
	for file, name := range map[string]string{"bitrate = 5": "bitrate", "server = \"x\"": "server", "contact = [\"x\"]": "contact", "favourite = [\"a b\"]": "favourite"} {
		if _, err := load(t, file); err == nil || !strings.HasPrefix(err.Error(), name) || !strings.HasSuffix(err.Error(), "softphone/config.toml)") {
			t.Errorf("a file with %s: %v", file, err)
		}
	}
	if _, err := load(t, "", "--bitrate", "5"); err == nil || strings.Contains(err.Error(), "it is from") {
		t.Errorf("a flag: %v", err)
	}
}
