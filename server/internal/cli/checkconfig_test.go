package cli

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheckConfigSaysWhatAServerWouldDo(t *testing.T) {
	file := settingsFile(t, "", "max-calls = 20\nmode = \"mix\"\n")
	var stdout, stderr output
	code := run([]string{"check-config", "--config", file, "--speakers", "4"}, &stdout, &stderr, nil)
	if code != exitOK || stderr.String() != "" {
		t.Fatalf("exit %d: %s", code, &stderr)
	}
	for _, want := range []string{
		"Settings file: " + file + "\n",
		"max-calls                    20               file\n",
		"speakers                     4                flag --speakers\n",
		"listen                       127.0.0.1:50051  default\n",
		"  listen on 127.0.0.1:50051\n",
		"  give a call without a destination room/lobby\n",
		"  take 20 calls at a time, 500 of one address, each for 12h0m0s at most\n",
		"  take 4000 connections at a time, 1000 of one address, 100 calls on each\n",
	} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, &stdout)
		}
	}
}

func TestCheckConfigListsAllThatIsWrong(t *testing.T) {
	file := settingsFile(t, "", "max-cals = 20\nmode = \"echo\"\ntls-key = \"k\"\n")
	args := []string{"check-config", "--config", file, "--listen", "127.0.0.1:99999"}
	wants := []string{
		`unknown key "max-cals"`, "setting mode from file", "setting tls-key from file", "setting listen from flag --listen",
	}
	var stdout, stderr output
	if code := run(args, &stdout, &stderr, nil); code != exitUsage {
		t.Fatalf("exit %d: %s", code, &stderr)
	}
	lines := strings.Split(strings.TrimSuffix(stderr.String(), "\n"), "\n")
	if len(lines) != len(wants) || strings.Contains(stdout.String(), "would") {
		t.Errorf("it says\n%s\nand\n%s", &stdout, &stderr)
	}
	var asJSON, none output
	if code := run(append(args, "--json"), &asJSON, &none, nil); code != exitUsage || none.String() != "" {
		t.Fatalf("exit %d: %s", code, &none)
	}
	var r configReport
	if err := json.Unmarshal([]byte(asJSON.String()), &r); err != nil {
		t.Fatal(err)
	}
	for _, want := range wants {
		text, js := 0, 0
		for _, line := range lines {
			if strings.HasPrefix(line, "server: ") && strings.Contains(line, want) {
				text++
			}
		}
		for _, line := range r.Errors {
			if strings.Contains(line, want) {
				js++
			}
		}
		if text != 1 || js != 1 {
			t.Errorf("%q is said by %d lines and %d of JSON:\n%s", want, text, js, &stderr)
		}
	}
	if !r.Found || r.File != file || len(r.Settings) < 20 || r.Warnings == nil {
		t.Errorf("the report is %+v", r)
	}
}

func TestCheckConfigSaysWhoMayComeIn(t *testing.T) {
	cert, key := pair(t)
	keys := t.TempDir()
	tokenFile(t, keys)
	mark, _ := printOf(t, cert)
	var stdout, stderr output
	args := []string{"check-config", "--listen", "0.0.0.0:50051", "--tls-cert", cert, "--tls-key", key, "--token-keys", keys}
	if code := run(args, &stdout, &stderr, nil); code != exitOK {
		t.Fatalf("exit %d: %s", code, &stderr)
	}
	for _, want := range []string{"TLS 1.3", mark, keys, "asked for: token", "4 of one token's subject"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, &stdout)
		}
	}
}

func TestCheckConfigRefusesWhatAStartRefuses(t *testing.T) {
	cert, key := pair(t)
	empty := t.TempDir()
	for name, tc := range map[string]struct {
		args []string
		says string
	}{
		"nobody asked off loopback":  {[]string{"--listen", "0.0.0.0:0"}, "--no-auth"},
		"no key in the folder":       {[]string{"--token-keys", empty}, "server token create"},
		"no folder of keys":          {[]string{"--token-keys", filepath.Join(empty, "none")}, "none"},
		"no certificate":             {[]string{"--tls-cert", filepath.Join(empty, "c.pem"), "--tls-key", key}, "c.pem"},
		"a key of something else":    {[]string{"--tls-cert", cert, "--tls-key", cert}, "key"},
		"those who sign are nowhere": {[]string{"--tls-cert", cert, "--tls-key", key, "--client-ca", key}, key},
	} {
		t.Run(name, func(t *testing.T) {
			for _, args := range [][]string{append([]string{"check-config"}, tc.args...), append([]string{"--listen", "127.0.0.1:0"}, tc.args...)} {
				var stdout, stderr output
				code := run(args, &stdout, &stderr, nil)
				if text := stderr.String(); code != exitUsage || !strings.Contains(text, tc.says) || strings.Count(text, "\n") != 1 {
					t.Errorf("%q: exit %d: %s", args, code, text)
				}
			}
		})
	}
}

func TestCheckConfigListensNowhereAndWritesNothing(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer lis.Close() //nolint:errcheck // of the test
	home := t.TempDir()
	for _, name := range []string{"HOME", "XDG_STATE_HOME", "STATE_DIRECTORY"} {
		t.Setenv(name, home)
	}
	var stdout, stderr output
	// The address is in use, by this test: nothing that would keep a start from being right.
	if code := run([]string{"check-config", "--listen", lis.Addr().String()}, &stdout, &stderr, nil); code != exitOK {
		t.Fatalf("exit %d: %s", code, &stderr)
	}
	left, err := os.ReadDir(filepath.Clean(home))
	if err != nil || len(left) > 0 {
		t.Errorf("it left %v behind, %v", left, err)
	}
}
