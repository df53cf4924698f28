package config

import (
	"errors"
	"strings"
	"testing"
	"time"

	"callcenter/server/internal/room"
)

func load(t *testing.T, args ...string) (Config, error) {
	t.Helper()
	c, _, mistakes := Show(flags(t, args...))
	return c, errors.Join(mistakes...)
}

func TestDefaultsAreTheFlags(t *testing.T) {
	got, err := load(t)
	if err != nil || got != Default() {
		t.Fatalf("settings of nobody are %+v, %v", got, err)
	}
}

func TestSettingsComeFromTheEnvironment(t *testing.T) {
	t.Setenv("SERVER_DRAIN_TIMEOUT", "7s")
	t.Setenv("SERVER_MODE", "mix")
	t.Setenv("SERVER_LEVEL_CONTROL", "true")
	got, err := load(t)
	if err != nil || got.DrainTimeout != 7*time.Second || got.Destination() != room.Lobby || !got.LevelControl {
		t.Fatalf("settings are %+v, %v", got, err)
	}
}

func TestImpossibleSettingsAreRefused(t *testing.T) {
	for _, tc := range []struct {
		arg  string
		says []string
	}{
		{"--listen=nowhere", []string{"listen", "flag --listen", `"nowhere"`}},
		{"--listen=host:", []string{"listen"}},
		{"--mode=echo", []string{"mode", "loopback", "mix"}},
		{"--log-format=xml", []string{"log-format", "text", "json"}},
		{"--drain-timeout=-1s", []string{"drain-timeout", "-1s"}},
		{"--max-calls=0", []string{"max-calls", "0"}},
		{"--speakers=0", []string{"speakers", "0"}},
		{"--tls-cert=a", []string{"tls-cert", "flag --tls-cert", "tls-key"}},
		{"--tls-key=a", []string{"tls-key", "flag --tls-key", "tls-cert"}},
		{"--insecure --client-ca=a", []string{"insecure", "client-ca"}},
		{"--insecure --tls-cert=a --tls-key=b", []string{"insecure", "tls-cert"}},
		{"--insecure --tls-cert=a", []string{"tls-cert"}},
		{"--insecure --tls-key=a", []string{"tls-key"}},
		{"--no-auth --token-keys=a", []string{"no-auth", "flag --token-keys"}},
		{"--token-keys=a --audience=", []string{"audience"}},
		{"--max-calls=5000", []string{"max-connections from default", "4000", "5000", "flag --max-calls"}},
		{"--max-calls-per-identity=-1", []string{"max-calls-per-identity", "-1"}},
		{"--max-streams-per-connection=0", []string{"max-streams-per-connection", "0"}},
		{"--max-call-duration=-1s", []string{"max-call-duration", "-1s"}},
	} {
		_, err := load(t, strings.Fields(tc.arg)...)
		if err == nil {
			t.Errorf("%s is taken", tc.arg)
			continue
		}
		for _, s := range tc.says {
			if !strings.Contains(err.Error(), s) {
				t.Errorf("%s: %q does not say %q", tc.arg, err, s)
			}
		}
	}
}
