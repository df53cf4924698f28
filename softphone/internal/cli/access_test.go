package cli_test

import (
	"archive/zip"
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"callcenter/api"
	"callcenter/softphone/internal/cli"
)

// home is where a softphone of a test keeps everything.
type home struct {
	t   *testing.T
	dir string
}

func newHome(t *testing.T) *home {
	t.Helper()
	h := &home{t, t.TempDir()}
	for _, name := range []string{"XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"} {
		t.Setenv(name, h.dir)
	}
	return h
}

// run runs a command line, with what is typed meanwhile.
func (h *home) run(typed string, args ...string) outcome {
	h.t.Helper()
	var stdout, stderr bytes.Buffer
	code := cli.Run(args, strings.NewReader(typed), &stdout, &stderr)
	return outcome{code, stdout.String(), stderr.String()}
}

// call calls a server for a moment.
func (h *home) call(server string, args ...string) outcome {
	h.t.Helper()
	return h.run("", append([]string{"call", "echo", "--duration", "400ms", "--capture", "tone:440", "--playback", "null", "--json", "--tls", "on", "--server", server}, args...)...)
}

// every is the content of all files, also of those in archives.
func (h *home) every(do func(name string, content []byte)) {
	h.t.Helper()
	err := filepath.WalkDir(h.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		do(path, raw)
		if filepath.Ext(path) != ".zip" {
			return nil
		}
		archive, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
		if err != nil {
			return err
		}
		for _, f := range archive.File {
			r, err := f.Open()
			if err != nil {
				return err
			}
			raw, err := io.ReadAll(r)
			if err != nil {
				return err
			}
			do(path+" "+f.Name, raw)
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

func TestSecretsAreInNothingThatASoftphoneWrites(t *testing.T) {
	g, h := serveGuarded(t, tls.RequireAnyClientCert), newHome(t)
	_, certFile, keyFile := certificate(t)
	tokenFile := secretFile(t, "token", g.token)
	wrong := aToken(-time.Hour)
	key, err := os.ReadFile(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(key)
	secrets := map[string]string{
		"token": g.token, "its claims": strings.Split(g.token, ".")[1], "its signature": strings.Split(g.token, ".")[2],
		"resume token": g.resume, "private key": base64.StdEncoding.EncodeToString(block.Bytes)[40:80], "another token": wrong, "canary": "canary-of",
	}
	look := func(name string, content []byte) {
		for what, secret := range secrets {
			if bytes.Contains(content, []byte(secret)) {
				t.Errorf("%s: the %s is there", name, what)
			}
		}
	}
	access := []string{"--tls-cert", certFile, "--tls-key", keyFile, "--token-file", tokenFile}
	ends := []string{"--capture", "tone:440", "--playback", "null"}
	desk := func() []string { return append(append([]string{"--plain"}, access...), ends...) }
	said := func(o outcome) outcome {
		look("stdout", []byte(o.stdout))
		look("stderr", []byte(o.stderr))
		return o
	}
	if o := said(h.call(g.addr, access...)); o.code != 0 {
		t.Fatalf("exit %d: %s%s", o.code, o.stdout, o.stderr)
	}
	access = append(access, "--tls", "on", "--server", g.addr)
	if o := said(h.run("dial echo\nwait connected\nwait 500ms\nsave\nstatus\nhang up\nquit\n", desk()...)); o.code != 0 || !strings.Contains(o.stdout, "no secrets") && !strings.Contains(o.stdout, ".zip") {
		t.Fatalf("exit %d: %s%s", o.code, o.stdout, o.stderr)
	}
	said(h.run("", append([]string{"config", "--json"}, access...)...))
	said(h.run("", append([]string{"config", "init"}, access...)...))
	said(h.run("", append([]string{"swarm", "--calls", "2", "--duration", "200ms", "--ramp", "100ms", "--dest", "echo"}, access...)...))
	said(h.run("", "history", "--json"))
	t.Setenv("SOFTPHONE_TOKEN", wrong) // and whatever fails
	if o := said(h.run("", "config")); !strings.Contains(o.stdout, "(set, not shown)") {
		t.Errorf("config: %s", o.stdout)
	}
	if o := said(h.call(g.addr, "--tls-cert", certFile, "--tls-key", keyFile)); o.code != 1 || !strings.Contains(o.stdout, "your token expired on") {
		t.Errorf("exit %d: %s%s", o.code, o.stdout, o.stderr)
	}
	said(h.call(g.addr, "--tls-cert", keyFile, "--tls-key", certFile))
	said(h.call(g.addr, "--token-file", keyFile))
	said(h.call(g.addr, "--ca", keyFile))
	writeConfig(t, h.dir, "token = \""+wrong+"\"\n")
	if o := said(h.run("", "config")); o.code != 2 {
		t.Errorf("a token in the settings file: exit %d", o.code)
	}
	if err := os.Remove(filepath.Join(h.dir, "softphone", "config.toml")); err != nil {
		t.Fatal(err)
	}
	files := 0
	h.every(func(name string, content []byte) {
		files++
		look(name, content)
		if strings.HasSuffix(name, "settings.toml") && bytes.Contains(content, []byte(tokenFile)) {
			t.Errorf("%s: it says where the token is", name)
		}
	})
	if files < 8 { // log, history, black box and what is in it, known servers
		t.Errorf("only %d files were looked at", files)
	}
}

func TestTrustShowsForgetsAndAddsServers(t *testing.T) {
	g, h := serveGuarded(t, tls.NoClientCert), newHome(t)
	tokenFile := secretFile(t, "token", g.token)
	if o := h.run("", "trust"); o.code != 0 || !strings.Contains(o.stdout, "No server is known yet") {
		t.Errorf("at first: exit %d, %s%s", o.code, o.stdout, o.stderr)
	}
	if o := h.call(g.addr, "--token-file", tokenFile); o.code != 0 || !strings.Contains(o.stderr, "for the first time: its key "+g.print) {
		t.Fatalf("exit %d: %s%s", o.code, o.stdout, o.stderr)
	}
	if o := h.run("", "trust"); !strings.Contains(o.stdout, g.addr) || !strings.Contains(o.stdout, g.print) {
		t.Errorf("trust: %s", o.stdout)
	}
	var listed struct {
		Servers []struct {
			Server, Fingerprint string
			KnownBy             string `json:"known_by"`
		}
	}
	if o := h.run("", "trust", "--json"); json.Unmarshal([]byte(o.stdout), &listed) != nil || len(listed.Servers) != 1 ||
		listed.Servers[0].Server != g.addr || listed.Servers[0].Fingerprint != g.print || listed.Servers[0].KnownBy != "key" {
		t.Errorf("trust --json: %s", o.stdout)
	}
	if o := h.run("", "__complete", "trust", "forget", ""); !strings.HasPrefix(o.stdout, g.addr+"\n") {
		t.Errorf("completion: %s", o.stdout)
	}
	other := "SHA256:" + strings.Repeat("A", 43)
	if o := h.run("", "trust", "add", g.addr, other); o.code != 0 || !strings.Contains(o.stdout, other) {
		t.Errorf("add: exit %d, %s%s", o.code, o.stdout, o.stderr)
	}
	var refused struct{ Error string }
	if o := h.call(g.addr, "--token-file", tokenFile); o.code != 1 || json.Unmarshal([]byte(o.stdout), &refused) != nil ||
		!strings.Contains(refused.Error, "its key was "+other+" and is "+g.print) {
		t.Errorf("with another key: exit %d, %s%s", o.code, o.stdout, o.stderr)
	}
	if o := h.run("", "trust", "forget", g.addr); o.code != 0 || !strings.Contains(o.stdout, "forgotten") {
		t.Errorf("forget: exit %d, %s%s", o.code, o.stdout, o.stderr)
	}
	for want, args := range map[string][]string{
		"is not among those known": {"trust", "forget", g.addr},
		"is no address":            {"trust", "forget", "desk"},
		"is no fingerprint":        {"trust", "add", g.addr, "SHA1:x"},
		"accepts 2 arg":            {"trust", "add", g.addr},
	} {
		o := h.run("", args...)
		if o.code == 0 || !strings.Contains(o.stderr, want) || strings.Count(o.stderr, "\n") != 1 || (o.code == 2) != (want[:6] != "is not") {
			t.Errorf("%q: exit %d, %s", args, o.code, o.stderr)
		}
	}
}

func TestWhatIsWrongWithAccessIsSaidAtOnce(t *testing.T) {
	g, h := serveGuarded(t, tls.NoClientCert), newHome(t)
	_, certFile, keyFile := certificate(t)
	for want, args := range map[string][]string{
		"ca: open /nowhere/ca.pem: no such file":  {"--ca", "/nowhere/ca.pem"},
		"holds no certificate in PEM form":        {"--ca", keyFile},
		"tls-key: open /nowhere/key.pem: no such": {"--tls-cert", certFile, "--tls-key", "/nowhere/key.pem"},
		"are no certificate and its key":          {"--tls-cert", keyFile, "--tls-key", certFile},
		"tls-cert has no tls-key":                 {"--tls-cert", certFile},
	} {
		if o := h.call(g.addr, args...); o.code != 2 || !strings.Contains(o.stdout, want) {
			t.Errorf("%q: exit %d, %s%s", args, o.code, o.stdout, o.stderr)
		}
	}
	if o := h.call(g.addr, "--token-file", "/nowhere/token"); o.code != 1 || strings.Count(o.stderr, "/nowhere/token is not there") < 1 {
		t.Errorf("no token file: exit %d, %s%s", o.code, o.stdout, o.stderr)
	}
	soon := secretFile(t, "token", aToken(time.Hour))
	if err := os.Chmod(keyFile, 0o644); err != nil {
		t.Fatal(err)
	}
	o := h.call(g.addr, "--token-file", soon, "--tls-cert", certFile, "--tls-key", keyFile)
	if !strings.Contains(o.stderr, "Your token expires on") || !strings.Contains(o.stderr, "can read the private key "+keyFile) {
		t.Errorf("%s", o.stderr)
	}
	if o := h.run("", "swarm", "--calls", "1", "--duration", "10ms", "--tls", "off", "--token-file", soon, "--server", "127.0.0.1:1,192.0.2.1:1", "--dest", "echo"); !strings.Contains(o.stderr, "Your token goes out unencrypted") {
		t.Errorf("%s", o.stderr)
	}
	if o := h.run("wait 500ms\nquit\n", "--plain", "--server", g.addr, "--token-file", soon, "--capture", "null", "--playback", "null"); !strings.Contains(o.stdout, "Warning: Your token expires on") {
		t.Errorf("at the desk: exit %d, %s%s", o.code, o.stdout, o.stderr)
	}
}

func TestACallSaysWhatItsTokenDoesNotAllow(t *testing.T) {
	g, h := serveGuarded(t, tls.NoClientCert), newHome(t)
	g.answer = func(e *api.Event) { e.MayNotSpeak = true }
	token := secretFile(t, "token", g.token)
	var r struct {
		MayNotSpeak  *bool `json:"may_not_speak"`
		MayNotListen *bool `json:"may_not_listen"`
		Encrypted    *bool
	}
	o := h.call(g.addr, "--token-file", token)
	if err := json.Unmarshal([]byte(o.stdout), &r); err != nil || r.MayNotSpeak == nil || !*r.MayNotSpeak || r.MayNotListen == nil || *r.MayNotListen || r.Encrypted == nil || !*r.Encrypted {
		t.Errorf("%s %s", o.stdout, o.stderr)
	}
	if !strings.Contains(o.stderr, "Nobody hears you: your token does not let you speak.") {
		t.Errorf("%s", o.stderr)
	}
	o = h.run("dial echo\nwait connected\nwait 600ms\nstatus\nhang up\nquit\n", "--plain", "--tls", "on", "--server", g.addr, "--token-file", token, "--capture", "tone:440", "--playback", "null")
	for _, want := range []string{"Warning: Nobody hears you", "Listen only: your token", "The call is encrypted, and the server known: its key is the one of"} {
		if !strings.Contains(o.stdout, want) {
			t.Errorf("%q is missing in\n%s", want, o.stdout)
		}
	}
}
