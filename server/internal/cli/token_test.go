package cli

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"callcenter/api"
	"callcenter/server/internal/auth"
	"callcenter/server/internal/config"
)

// token runs a token command with the keys' folder.
func token(t *testing.T, dir string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs output
	code = run(append([]string{"token", args[0], "--token-keys", dir}, args[1:]...), &out, &errs, nil)
	return code, out.String(), errs.String()
}

// tokenFile makes a token for everything and returns its file.
func tokenFile(t *testing.T, dir string, args ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "a.token")
	args = append([]string{"create", "--subject", "ada", "--call", "*", "--speak", "--listen", "--out", file}, args...)
	if code, out, errs := token(t, dir, args...); code != exitOK || out != "" {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	return file
}

func TestATokenIsMadeLookedAtAndRevoked(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	code, out, errs := token(t, dir, "create", "--subject", "ada", "--call", "room/*", "--call", "echo", "--speak", "--listen", "--valid", "2h", "--audience", "desk")
	if code != exitOK || strings.Count(out, "\n") != 1 || strings.Count(out, ".") != 2 || !strings.Contains(errs, "of ada, by key key-") || strings.Contains(errs, strings.TrimSpace(out)) {
		t.Fatalf("exit %d: %q %q", code, out, errs)
	}
	file := filepath.Join(t.TempDir(), "t")
	if err := os.WriteFile(file, []byte("\n "+out+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs = token(t, dir, "inspect", "--audience", "desk", file)
	for _, says := range []string{"subject     ada\n", "audience    desk\n", "may call    room/* echo\n", "may speak   yes\n", "admin       no\n", "valid here  yes\n", "algorithm   EdDSA\n"} {
		if !strings.Contains(out, says) {
			t.Errorf("%q is not in %s", says, out)
		}
	}
	if code != exitOK || errs != "" {
		t.Errorf("exit %d: %s", code, errs)
	}
	code, out, errs = token(t, dir, "inspect", "--json", file)
	var f finding
	if err := json.Unmarshal([]byte(out), &f); err != nil || f.Valid || f.Subject != "ada" || !strings.Contains(f.Reason, "another server") || !f.Grants.Speak {
		t.Errorf("for another audience: %+v, %v", f, err)
	}
	if code != exitFailed || !strings.Contains(errs, "--audience") || strings.Count(errs, "\n") != 1 {
		t.Errorf("exit %d: %q", code, errs)
	}
	for _, want := range []string{"is revoked", "was revoked before"} {
		if code, out, errs = token(t, dir, "revoke", "--audience", "desk", file); code != exitOK || !strings.Contains(out, want) {
			t.Errorf("exit %d: %s%s", code, out, errs)
		}
	}
	if code, out, errs = token(t, dir, "inspect", "--audience", "desk", file); code != exitFailed || !strings.Contains(out, "valid here  no\n") || !strings.Contains(errs, "revoked") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
}

func TestTokensGoThroughStandardInput(t *testing.T) {
	dir := t.TempDir()
	file := tokenFile(t, dir)
	for _, args := range [][]string{{"inspect"}, {"inspect", "-"}, {"revoke", "-"}} {
		in, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		cmd := tokenCommand()
		cmd.SetArgs(append(args, "--token-keys", dir))
		cmd.SetIn(in)
		var out output
		cmd.SetOut(&out)
		if err := cmd.Execute(); err != nil || !strings.Contains(out.String(), "ada") {
			t.Errorf("%v: %s, %v", args, out.String(), err)
		}
		_ = in.Close() // it was only read
	}
}

func TestASubjectAndAnIdAreRevokedByName(t *testing.T) {
	dir := t.TempDir()
	file := tokenFile(t, dir)
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	content, err := auth.Read(strings.TrimSpace(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	if code, out, errs := token(t, dir, "revoke", "--id", content.TokenID); code != exitOK {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	if code, out, errs := token(t, dir, "revoke", "--subject", "bob"); code != exitOK {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	list, err := os.ReadFile(filepath.Join(dir, "revoked"))
	if err != nil || !strings.Contains(string(list), "id "+content.TokenID) || !strings.Contains(string(list), "subject bob ") {
		t.Errorf("the list is %s, %v", list, err)
	}
}

func TestATokenFileIsItsOwnersAloneAndReplacesOnlyATokenFile(t *testing.T) {
	dir := t.TempDir()
	file := tokenFile(t, dir)
	first, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	args := []string{"create", "--subject", "ada", "--call", "echo", "--speak", "--listen", "--out"}
	if code, _, errs := token(t, dir, append(args, file)...); code != exitOK {
		t.Errorf("exit %d: %s", code, errs)
	}
	if again, err := os.ReadFile(file); err != nil || string(again) == string(first) {
		t.Errorf("it is not replaced: %v", err)
	}
	keys, err := filepath.Glob(filepath.Join(dir, "*.key"))
	if err != nil || len(keys) != 1 {
		t.Fatal(keys, err)
	}
	if code, _, errs := token(t, dir, append(args, keys[0])...); code != exitFailed || !strings.Contains(errs, "--out") {
		t.Errorf("a key: exit %d: %s", code, errs)
	}
}

func TestWrongUseOfTokenCommandsIs2AndSaysNoToken(t *testing.T) {
	dir := t.TempDir()
	b, err := os.ReadFile(tokenFile(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	secret := strings.TrimSpace(string(b))
	for _, tc := range []struct {
		args []string
		says string
	}{
		{[]string{"token"}, "create, inspect or revoke"},
		{[]string{"token", "make"}, "unexpected"},
		{[]string{"token", "create", "--subject", "a", "--call", "echo", "--speak"}, "--token-keys"},
		{[]string{"token", "create", "--token-keys", dir, "--call", "echo", "--speak"}, "--subject"},
		{[]string{"token", "create", "--token-keys", dir, "--subject", "a"}, "--call"},
		{[]string{"token", "create", "--token-keys", dir, "--subject", "a", "--call", "echo"}, "--speak"},
		{[]string{"token", "create", "--token-keys", dir, "--subject", "a", "--call", "ecko", "--speak"}, "echo, tone"},
		{[]string{"token", "create", "--token-keys", dir, "--subject", "a b", "--admin"}, "without spaces"},
		{[]string{"token", "create", "--token-keys", dir, "--subject", "a", "--admin", "--valid", "0s"}, "--valid"},
		{[]string{"token", "create", "--token-keys", dir, "--subject", "a", "--admin", "--valid", "9000h"}, "366 days"},
		{[]string{"token", "create", "--token-keys", dir, "--subject", "a", "--admin", "--not-before", "monday"}, "--not-before"},
		{[]string{"token", "create", "--token-keys", dir, "--subject", "a", "--admin", "--key", "a/b"}, "name of a key"},
		{[]string{"token", "create", "--token-keys", dir, secret}, "unexpected"},
		{[]string{"token", "create", "--token-keys", dir, "ada"}, "(server token create --help explains)"},
		{[]string{"token", "inspect", "--token-keys", dir, secret}, "that is a token"},
		{[]string{"token", "revoke", "--token-keys", dir, secret}, "that is a token"},
		{[]string{"token", "revoke", "--token-keys", dir, "--id", "x", "--subject", "y"}, "name one"},
		{[]string{"token", "revoke", "--token-keys", dir, "--id", "x", "file"}, "name one"},
		{[]string{"token", "inspect", "--token-keys", dir, "a", "b"}, "one file"},
		{[]string{"token", "inspect", "--token-kays", dir}, "did you mean --token-keys"},
	} {
		var stdout, stderr output
		code := run(tc.args, &stdout, &stderr, nil)
		text := stderr.String()
		if code != exitUsage || !strings.Contains(text, tc.says) || strings.Count(text, "\n") != 1 || strings.Contains(text, secret[20:60]) {
			t.Errorf("%q: exit %d: %q", tc.args, code, text)
		}
	}
}

func TestWhatCannotBeDoneWithATokenIs1AndSaysWhy(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	file, foreign := tokenFile(t, dir), tokenFile(t, other, "--key", "elsewhere")
	text := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(text, []byte("hello\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(t.TempDir(), "e")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		args []string
		says string
	}{
		{[]string{"inspect", foreign}, "key is not known"},
		{[]string{"revoke", foreign}, "key is not known"},
		{[]string{"inspect", text}, "malformed"},
		{[]string{"inspect", empty}, "no token in"},
		{[]string{"inspect", filepath.Join(dir, "nowhere")}, "nowhere"},
		{[]string{"revoke", "--id", "a b"}, "a b"},
	} {
		if code, _, errs := token(t, dir, tc.args...); code != exitFailed || !strings.Contains(errs, tc.says) || strings.Count(errs, "\n") != 1 {
			t.Errorf("%q: exit %d: %q", tc.args, code, errs)
		}
	}
	if code, _, errs := token(t, filepath.Join(dir, "nowhere"), "inspect", file); code != exitFailed || !strings.Contains(errs, "nowhere") {
		t.Errorf("exit %d: %q", code, errs)
	}
}

func TestTheKeysFolderComesFromTheEnvironmentAndTheFileToo(t *testing.T) {
	dir := t.TempDir()
	file := tokenFile(t, dir, "--audience", "desk")
	settings := filepath.Join(t.TempDir(), "server.toml")
	if err := os.WriteFile(settings, []byte("audience = \"desk\"\nmax-calls = 7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SERVER_TOKEN_KEYS", dir)
	var stdout, stderr output
	if code := run([]string{"token", "inspect", "--config", settings, file}, &stdout, &stderr, nil); code != exitOK {
		t.Errorf("exit %d: %s", code, stderr.String())
	}
}

func TestAServerWithKeysAsksWhoCalls(t *testing.T) {
	dir := t.TempDir()
	file := tokenFile(t, dir)
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, "--token-keys", dir, "--drain-timeout", "100ms")
	conn, err := grpc.NewClient(r.addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // of the test
	opens := func(id string, headers ...string) (api.CallCenter_LiveCallClient, error) {
		stream, err := api.NewCallCenterClient(conn).LiveCall(metadata.AppendToOutgoingContext(t.Context(), headers...))
		if err != nil {
			t.Fatal(err)
		}
		_ = stream.Send(&api.AudioChunk{CallId: id, SampleRate: 48000, Channels: 1, Codec: "pcm", Setup: &api.Setup{}}) // Recv tells
		_, err = stream.Recv()
		return stream, err
	}
	if _, err := opens("a"); status.Code(err) != codes.Unauthenticated {
		t.Errorf("without a token: %v", err)
	}
	stream, err := opens("b", "authorization", "Bearer "+strings.TrimSpace(string(b)))
	if err != nil {
		t.Fatalf("with one: %v", err)
	}
	begin := time.Now()
	if code, _, errs := token(t, dir, "revoke", file); code != exitOK {
		t.Fatalf("exit %d: %s", code, errs)
	}
	for err == nil {
		_, err = stream.Recv()
	}
	if status.Code(err) != codes.Unauthenticated {
		t.Errorf("the call ended with %v", err)
	}
	t.Logf("the call ended %v after its token was revoked", time.Since(begin))
	r.signals <- os.Interrupt
	if code := <-r.code; code != exitOK {
		t.Errorf("exit %d: %s", code, r.stderr)
	}
	if strings.Contains(r.stderr.String(), strings.TrimSpace(string(b))[40:]) {
		t.Error("the token is in the log")
	}
}

func TestWhatIsAskedOfCallersIsSaidAndReadAgain(t *testing.T) {
	keys, lines, err := checkTokens(&config.Config{})
	if keys || lines != nil || err != nil {
		t.Errorf("nothing is asked: %v %q %v", keys, lines, err)
	}
	cfg := &config.Config{TokenKeys: t.TempDir(), Audience: "desk"}
	if keys, _, err = checkTokens(cfg); keys || err != nil {
		t.Errorf("without a key: %v %v", keys, err)
	}
	held, err := openTokens(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	tokenFile(t, cfg.TokenKeys, "--key", "k1")
	if keys, lines, err = checkTokens(cfg); !keys || err != nil || len(lines) != 1 || !strings.Contains(lines[0], "k1") || !strings.Contains(lines[0], "desk") {
		t.Errorf("with one: %v %q %v", keys, lines, err)
	}
	if err := held.reload(); err != nil || !held.keys() {
		t.Errorf("read again: %v", err)
	}
	for _, name := range []string{"k2.pub", "revoked"} {
		if err := os.WriteFile(filepath.Join(cfg.TokenKeys, name), []byte("x\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err = checkTokens(cfg)
	if text := fmt.Sprint(err); !strings.Contains(text, "k2.pub") || !strings.Contains(text, "revoked, line 1") || strings.Count(text, "\n") != 1 {
		t.Errorf("it says %q", text)
	}
	if err := held.reload(); err == nil || !held.keys() {
		t.Errorf("what held before does not hold any more: %v", err)
	}
	if err := (&tokens{}).reload(); err != nil {
		t.Error(err)
	}
}

func TestAFolderThatCannotBeReadIs2(t *testing.T) {
	var stderr output
	code := run([]string{"--listen", "127.0.0.1:0", "--token-keys", "/nowhere"}, &output{}, &stderr, nil)
	if code != exitUsage || !strings.Contains(stderr.String(), "/nowhere") || strings.Count(stderr.String(), "\n") != 1 {
		t.Errorf("exit %d: %q", code, stderr.String())
	}
}

// A folder of keys without a key lets nobody in: that is nobody's wish.
func TestAFolderWithoutAKeyIs2(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", ":0"} {
		var stderr output
		code := run([]string{"--listen", address, "--token-keys", t.TempDir(), "--insecure"}, &output{}, &stderr, nil)
		if code != exitUsage || !strings.Contains(stderr.String(), "server token create") || strings.Count(stderr.String(), "\n") != 1 {
			t.Errorf("%s: exit %d: %q", address, code, stderr.String())
		}
	}
}
