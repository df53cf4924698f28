package config

import (
	"strings"
	"testing"
)

func TestATokenIsInNoSettingOfItsOwn(t *testing.T) {
	const canary = "Y2FuYXJ5"
	t.Setenv("SOFTPHONE_TOKEN", "YQ."+canary+".YQ")
	c, err := load(t, "")
	if err != nil {
		t.Fatalf("the variable is taken for a slip of the pen: %v", err)
	}
	if token, err := c.Token().Read(); err != nil || token != "YQ."+canary+".YQ" {
		t.Errorf("the token is %q, %v", token, err)
	}
	if _, err := load(t, "token = \""+canary+"\""); err == nil || strings.Contains(err.Error(), canary) || !strings.Contains(err.Error(), "token") {
		t.Errorf("in the file: %v", err)
	}
}

func TestAFlagNamesTheTokenBeforeTheEnvironmentAndThatBeforeTheFile(t *testing.T) {
	read := func(file string, args ...string) string {
		c, err := load(t, file, args...)
		if err != nil {
			t.Fatal(err)
		}
		token, err := c.Token().Read()
		if err != nil {
			return err.Error()
		}
		return token
	}
	if got := read(`token-file = "/nowhere/f"`); !strings.Contains(got, "/nowhere/f") {
		t.Errorf("the file's: %s", got)
	}
	t.Setenv("SOFTPHONE_TOKEN", "YQ.YQ.YQ")
	if got := read(`token-file = "/nowhere/f"`); got != "YQ.YQ.YQ" {
		t.Errorf("the variable's: %s", got)
	}
	if got := read("", "--token-file", "/nowhere/g"); !strings.Contains(got, "/nowhere/g") {
		t.Errorf("the flag's: %s", got)
	}
	t.Setenv("SOFTPHONE_TOKEN", "")
	if got := read(""); got != "" {
		t.Errorf("nobody's: %s", got)
	}
}

func TestACertificateAndItsKeyGoTogether(t *testing.T) {
	for _, name := range []string{"tls-cert", "tls-key"} {
		if _, err := load(t, "", "--"+name, "x.pem"); err == nil || !strings.HasPrefix(err.Error(), name+" ") {
			t.Errorf("%s alone: %v", name, err)
		}
	}
	if _, err := load(t, "", "--tls-cert", "x.pem", "--tls-key", "y.pem"); err != nil {
		t.Error(err)
	}
	if _, err := load(t, "", "--tls", "maybe"); err == nil {
		t.Error("--tls maybe is taken")
	}
}

// Logs and histories have the names of files.
func TestATokenInPlaceOfItsFileIsRefusedAndInNoText(t *testing.T) {
	const canary = "c2VjcmV0LWNhbmFyeQ"
	token := "eyJhbGciOiJFZERTQSJ9.e30." + canary
	for _, text := range []string{token, " " + token + "\n", "Bearer " + token} {
		if _, err := load(t, "", "--token-file", text); err == nil || !strings.Contains(err.Error(), "token-file is a token") || strings.Contains(err.Error(), canary) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := load(t, "", "--token-file", "eyJ.ada.token"); err != nil {
		t.Errorf("a file: %v", err)
	}
}
