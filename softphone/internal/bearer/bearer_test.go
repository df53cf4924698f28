package bearer_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"callcenter/softphone/internal/bearer"
)

// canary is in the tokens of these tests, and must be in no text.
const canary = "c2VjcmV0LWNhbmFyeQ"

func token(claims string) string {
	part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	return part(`{"alg":"EdDSA","kid":"k"}`) + "." + part(claims) + "." + canary
}

func write(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestATokenIsReadAnewAndItsClaimsAreKnown(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	path := write(t, "  "+token(`{"sub":"ada","exp":1800003600,"nbf":1799990000}`)+"\n", 0o600)
	s := bearer.File(path)
	c, err := s.Claims()
	if err != nil || c.Subject != "ada" || !c.Expires.Equal(now.Add(time.Hour)) || c.Expired(now) != "" {
		t.Errorf("%+v, %v", c, err)
	}
	if got, err := s.Read(); err != nil || strings.ContainsAny(got, " \n") {
		t.Errorf("%q, %v", got, err)
	}
	next := token(`{"sub":"bob","exp":1800360000}`)
	if err := os.WriteFile(path, []byte(next), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Read(); err != nil || got != next {
		t.Errorf("after it was replaced: %q, %v", got, err)
	}
	if got, err := (bearer.Source{}).Read(); got != "" || err != nil {
		t.Errorf("without one: %q, %v", got, err)
	}
}

func TestAnOperatorIsToldWhatIsWrongWithATokenAndNothingOfIt(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	at := func(d time.Duration) string { return fmt.Sprintf(`{"sub":"ada","exp":%d}`, now.Add(d).Unix()) }
	for name, tt := range map[string]struct {
		source bearer.Source
		says   string // "": nothing
	}{
		"good":            {bearer.File(write(t, token(at(24*time.Hour)), 0o600)), ""},
		"none":            {bearer.Source{}, ""},
		"without end":     {bearer.Value(token(`{"sub":"ada"}`)), ""},
		"expired":         {bearer.File(write(t, token(at(-time.Hour)), 0o600)), "expired on"},
		"soon":            {bearer.Value(token(at(7 * time.Hour))), "expires on"},
		"not yet":         {bearer.Value(token(`{"nbf":1800000001}`)), "valid from"},
		"others read it":  {bearer.File(write(t, token(at(24*time.Hour)), 0o640)), "chmod 600"},
		"missing":         {bearer.File(filepath.Join(t.TempDir(), "none")), "not there"},
		"a folder":        {bearer.File(t.TempDir()), "no file"},
		"empty":           {bearer.File(write(t, "\n", 0o600)), "empty"},
		"no token":        {bearer.File(write(t, "hello "+canary, 0o600)), "holds no token"},
		"two parts":       {bearer.Value(canary + "." + canary), "SOFTPHONE_TOKEN holds no token"},
		"a line more":     {bearer.Value(token(at(time.Hour)) + "\n" + token(at(time.Hour))), "holds no token"},
		"endless":         {bearer.File(write(t, strings.Repeat(canary, 1000), 0o600)), "holds no token"},
		"claims no JSON":  {bearer.Value("a." + canary + ".b"), "holds no token"},
		"claims no claim": {bearer.Value("YQ." + base64.RawURLEncoding.EncodeToString([]byte(`{"exp":"x"}`)) + ".YQ"), "can be read"},
	} {
		got := tt.source.Concern(now)
		if tt.says == "" && got != "" || !strings.Contains(got, tt.says) || strings.Contains(got, canary) || strings.Contains(got, "\n") {
			t.Errorf("%s: %q", name, got)
		}
	}
}
