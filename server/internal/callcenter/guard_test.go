package callcenter_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/audio"
	"callcenter/server/servertest"
)

// door is a server that asks who calls, and its log.
type door struct {
	*servertest.Server
	tb   testing.TB
	keys *servertest.Keys
	log  *logs
}

func newDoor(tb testing.TB) *door {
	tb.Helper()
	return newDoorWith(tb, servertest.NewKeys(tb))
}

func newDoorWith(tb testing.TB, keys *servertest.Keys) *door {
	tb.Helper()
	d := &door{tb: tb, keys: keys, log: &logs{}}
	d.Server = servertest.Start(tb, servertest.Options{Keys: d.keys, Log: d.log.logger()})
	return d
}

// dial opens a stream with a token.
func (d *door) dial(token string) *client {
	d.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	d.tb.Cleanup(cancel)
	stream, err := api.NewCallCenterClient(d.Dial(d.tb, servertest.Bearer(token))).LiveCall(ctx)
	if err != nil {
		d.tb.Fatal(err)
	}
	clock := audio.NewClock()
	return &client{tb: d.tb, stream: stream, cancel: cancel, link: wire.NewLink(clock()), clock: clock}
}

// call opens a call with a token, and returns its answer.
func (d *door) call(token string, c *api.AudioChunk) (*client, *api.Event) {
	d.tb.Helper()
	cl := d.dial(token)
	cl.send(c)
	e := cl.recv().GetEvent()
	if e.GetKind() != api.Event_KIND_ANSWERED {
		d.tb.Fatalf("the first event is %v, want an answer", e)
	}
	return cl, e
}

// refused opens a stream that is refused and returns how.
func (d *door) refused(token string, c *api.AudioChunk) *status.Status {
	d.tb.Helper()
	cl := d.dial(token)
	cl.send(c)
	return cl.end()
}

// audit returns the log's lines of that message.
func (l *logs) audit(tb testing.TB, msg string) (found []map[string]any) {
	tb.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range bytes.Lines(l.b.Bytes()) {
		var m map[string]any
		if err := json.Unmarshal(line, &m); err != nil {
			tb.Fatal(err)
		}
		if m["msg"] == msg {
			found = append(found, m)
		}
	}
	return found
}

// reflects asks the server about itself.
func reflects(tb testing.TB, conn *grpc.ClientConn) codes.Code {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	stream, err := reflectionpb.NewServerReflectionClient(conn).ServerReflectionInfo(ctx)
	if err != nil {
		tb.Fatal(err)
	}
	err = stream.Send(&reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{}})
	if err != nil && !errors.Is(err, io.EOF) {
		tb.Fatal(err)
	}
	_, err = stream.Recv()
	return status.Code(err)
}

// healthy asks how the server is, in both ways.
func healthy(tb testing.TB, conn *grpc.ClientConn) codes.Code {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	client := healthpb.NewHealthClient(conn)
	if _, err := client.Check(ctx, &healthpb.HealthCheckRequest{}); err != nil {
		return status.Code(err)
	}
	watch, err := client.Watch(ctx, &healthpb.HealthCheckRequest{})
	if err != nil {
		tb.Fatal(err)
	}
	_, err = watch.Recv()
	return status.Code(err)
}

func TestEveryGrantAgainstEveryCall(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	everything := servertest.Everything()
	everything.Admin = true
	calls := []string{"echo", "tone", "room/a", "room/b"}
	for i, tc := range []struct {
		grants servertest.Grants
		may    string // of the calls and "reflection"
	}{
		{servertest.Grants{}, ""},
		{servertest.Grants{Admin: true}, "reflection"},
		{servertest.Grants{Speak: true, Listen: true}, ""},
		{servertest.Grants{Call: []string{"*"}}, ""},
		{servertest.Grants{Call: []string{"*"}, Admin: true}, "reflection"},
		{servertest.Grants{Call: []string{"*"}, Speak: true}, "room/a room/b"},
		{servertest.Grants{Call: []string{"*"}, Listen: true}, "tone room/a room/b"},
		{servertest.Everything(), "echo tone room/a room/b"},
		{servertest.Grants{Call: []string{"echo"}, Speak: true, Listen: true}, "echo"},
		{servertest.Grants{Call: []string{"echo", "tone"}, Listen: true}, "tone"},
		{servertest.Grants{Call: []string{"room/*"}, Speak: true, Listen: true}, "room/a room/b"},
		{servertest.Grants{Call: []string{"room/b"}, Speak: true}, "room/b"},
		{everything, "echo tone room/a room/b reflection"},
	} {
		subject := fmt.Sprint("s", i)
		token := d.keys.Token(subject, tc.grants)
		may := " " + tc.may + " "
		check := func(what string, code codes.Code) {
			t.Helper()
			want := codes.PermissionDenied
			if strings.Contains(may, " "+what+" ") {
				want = codes.OK
			}
			if code != want {
				t.Errorf("%+v: %s is %v, want %v", tc.grants, what, code, want)
			}
		}
		for _, destination := range calls {
			cl := d.dial(token)
			opening := resumable(subject+destination, destination)
			cl.send(opening)
			chunk, err := cl.stream.Recv()
			check(destination, status.Code(err))
			if err != nil {
				if again := d.refused(token, with(opening, "x.1.y")).Code(); again != codes.PermissionDenied {
					t.Errorf("%+v: to resume %s is %v", tc.grants, destination, again)
				}
				continue
			}
			if e := chunk.GetEvent(); e.GetMayNotSpeak() == tc.grants.Speak || e.GetMayNotListen() == tc.grants.Listen || !e.GetNewCall() {
				t.Errorf("%+v: the answer is %v", tc.grants, e)
			}
			two, e := d.call(token, with(opening, cl.recvEvent().GetResumeToken()))
			if e.GetMayNotSpeak() == tc.grants.Speak || e.GetMayNotListen() == tc.grants.Listen {
				t.Errorf("%+v: the answer to the take-over is %v", tc.grants, e)
			}
			two.hangUp()
		}
		conn := d.Dial(t, servertest.Bearer(token))
		check("reflection", reflects(t, conn))
		if code := healthy(t, conn); code != codes.OK {
			t.Errorf("%+v: health is %v", tc.grants, code)
		}
	}
}

// wrongTokens are tokens that are not accepted, with the reason in the log.
func (d *door) wrongTokens() map[string][2]string {
	d.tb.Helper()
	at := time.Now()
	b, err := os.ReadFile(filepath.Join(d.keys.Dir, "test.key"))
	if err != nil {
		d.tb.Fatal(err)
	}
	block, _ := pem.Decode(b)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		d.tb.Fatal(err)
	}
	rsaKey, rerr := rsa.GenerateKey(rand.Reader, 2048)
	ecKey, eerr := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	_, stranger, serr := ed25519.GenerateKey(rand.Reader)
	if err := errors.Join(rerr, eerr, serr); err != nil {
		d.tb.Fatal(err)
	}
	public, err := os.ReadFile(filepath.Join(d.keys.Dir, "test.pub"))
	if err != nil {
		d.tb.Fatal(err)
	}
	issue := func(method jwt.SigningMethod, key any, kid, audience string, from, until time.Duration) string {
		t := jwt.NewWithClaims(method, jwt.MapClaims{
			"sub": "eve", "jti": "eves", "aud": audience, "iat": at.Add(-time.Hour).Unix(), "nbf": at.Add(from).Unix(), "exp": at.Add(until).Unix(),
			"grants": map[string]any{"call": []string{"*"}, "speak": true, "listen": true, "admin": true},
		})
		t.Header["kid"] = kid
		s, err := t.SignedString(key)
		if err != nil {
			d.tb.Fatal(err)
		}
		return s
	}
	const h = time.Hour
	revoked := d.keys.Token("mallory", servertest.Everything())
	d.keys.Revoke(revoked)
	subject := d.keys.Token("trudy", servertest.Everything())
	d.keys.RevokeSubject("trudy")
	return map[string][2]string{
		"none":                       {"", "no token"},
		"no token at all":            {"hello", "the token is malformed"},
		"expired":                    {issue(jwt.SigningMethodEdDSA, key, "test", servertest.Audience, -h, -time.Minute), "the token has expired"},
		"not valid yet":              {issue(jwt.SigningMethodEdDSA, key, "test", servertest.Audience, time.Minute, h), "the token is not valid yet"},
		"of another audience":        {issue(jwt.SigningMethodEdDSA, key, "test", "elsewhere", -h, h), "the token is for another server"},
		"of an unknown key":          {issue(jwt.SigningMethodEdDSA, stranger, "other", servertest.Audience, -h, h), "the token's key is not known here"},
		"of a stranger's key":        {issue(jwt.SigningMethodEdDSA, stranger, "test", servertest.Audience, -h, h), "the token's signature is wrong"},
		"alg none":                   {issue(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "test", servertest.Audience, -h, h), "the token is not signed with EdDSA"},
		"HS256 with the public file": {issue(jwt.SigningMethodHS256, public, "test", servertest.Audience, -h, h), "the token is not signed with EdDSA"},
		"RS256":                      {issue(jwt.SigningMethodRS256, rsaKey, "test", servertest.Audience, -h, h), "the token is not signed with EdDSA"},
		"ES256":                      {issue(jwt.SigningMethodES256, ecKey, "test", servertest.Audience, -h, h), "the token is not signed with EdDSA"},
		"revoked":                    {revoked, "the token was revoked"},
		"of a revoked subject":       {subject, "the token was revoked"},
	}
}

func TestATokenThatIsNotAcceptedIsUnauthenticatedAndOneLineOfTheLog(t *testing.T) {
	t.Parallel()
	issuer := newDoor(t)
	for name, wrong := range issuer.wrongTokens() {
		t.Run(name, func(t *testing.T) {
			d := newDoorWith(t, issuer.keys)
			token, reason := wrong[0], wrong[1]
			st := d.refused(token, first("x", "echo"))
			if st.Code() != codes.Unauthenticated || !strings.HasPrefix(st.Message(), reason) || !strings.Contains(st.Message(), ": ") {
				t.Errorf("a call ends with %v", st)
			}
			lines := d.log.audit(t, "refused")
			if len(lines) != 1 || lines[0]["status"] != "Unauthenticated" || !strings.HasPrefix(lines[0]["reason"].(string), reason) ||
				lines[0]["method"] != "/callcenter.CallCenter/LiveCall" || !strings.HasPrefix(lines[0]["peer"].(string), "127.0.0.1:") {
				t.Errorf("the log says %v", lines)
			}
			signed := slices.Contains([]string{"expired", "not valid yet", "of another audience", "revoked", "of a revoked subject"}, name)
			if (lines[0]["subject"] != nil) != signed || (lines[0]["token_id"] != nil) != signed || (lines[0]["key_id"] == "test") != signed {
				t.Errorf("of whom the log says: %v", lines)
			}
			conn := d.Dial(t, servertest.Bearer(token))
			if code := reflects(t, conn); code != codes.Unauthenticated {
				t.Errorf("reflection is %v", code)
			}
			if code := healthy(t, conn); code != codes.OK {
				t.Errorf("health is %v", code)
			}
			if n := len(d.log.audit(t, "let in")) + len(d.log.audit(t, "call started")); n != 0 {
				t.Errorf("%d are let in", n)
			}
		})
	}
}

func TestAnAuthorizationThatIsNoBearerTokenIsNone(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	token := d.keys.Token("ada", servertest.Everything())
	for name, tc := range map[string]struct {
		headers []string
		want    codes.Code
	}{
		"as it should be":   {[]string{"authorization", "Bearer " + token}, codes.OK},
		"in small letters":  {[]string{"authorization", "bearer " + token}, codes.OK},
		"two spaces":        {[]string{"authorization", "Bearer  " + token}, codes.OK},
		"without Bearer":    {[]string{"authorization", token}, codes.Unauthenticated},
		"another scheme":    {[]string{"authorization", "Basic " + token}, codes.Unauthenticated},
		"two of them":       {[]string{"authorization", "Bearer " + token, "authorization", "Bearer " + token}, codes.Unauthenticated},
		"another header":    {[]string{"x-authorization", "Bearer " + token}, codes.Unauthenticated},
		"with more behind":  {[]string{"authorization", "Bearer " + token + " x"}, codes.Unauthenticated},
		"a very large one":  {[]string{"authorization", "Bearer " + token + strings.Repeat("A", 9<<10)}, codes.Unauthenticated},
		"none but a cookie": {[]string{"cookie", token}, codes.Unauthenticated},
	} {
		ctx, cancel := context.WithTimeout(metadata.AppendToOutgoingContext(context.Background(), tc.headers...), patience)
		stream, err := api.NewCallCenterClient(d.Dial(t)).LiveCall(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := stream.Send(first(rand.Text(), "echo")); err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		if _, err := stream.Recv(); status.Code(err) != tc.want {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
		cancel()
	}
}

func TestAnUnknownMethodIsForNobody(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	everything := servertest.Everything()
	everything.Admin = true
	for token, want := range map[string]codes.Code{"": codes.Unauthenticated, d.keys.Token("root", everything): codes.PermissionDenied} {
		err := d.Dial(t, servertest.Bearer(token)).Invoke(t.Context(), "/callcenter.CallCenter/Record", &api.AudioChunk{}, &api.AudioChunk{})
		if status.Code(err) != want {
			t.Errorf("%v, want %v", err, want)
		}
	}
	if n := len(d.log.audit(t, "refused")); n != 2 {
		t.Errorf("%d lines are of refusals", n)
	}
	err := servertest.Start(t, servertest.Options{}).Dial(t).Invoke(t.Context(), "/callcenter.CallCenter/Record", &api.AudioChunk{}, &api.AudioChunk{})
	if status.Code(err) != codes.Unimplemented {
		t.Errorf("where nobody is asked: %v", err)
	}
}

// TestTheTokenIsNowhereInTheLog looks for each part of tokens, accepted or not.
func TestTheTokenIsNowhereInTheLog(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	accepted := d.keys.Token("ada", servertest.Everything())
	one, _ := d.call(accepted, resumable("x", "echo"))
	one.hangUp()
	d.log.ended(t, "x")
	secrets := strings.Split(accepted, ".")
	for _, w := range d.wrongTokens() {
		if strings.Contains(w[0], ".") {
			secrets = append(secrets, strings.Split(w[0], ".")...)
		}
		st := d.refused(w[0], first("canary", "echo"))
		for _, part := range strings.Split(w[0], ".") {
			if len(part) > 3 && strings.Contains(st.Message(), part) {
				t.Errorf("the status says %q", st.Message())
			}
		}
	}
	d.Drain()
	_ = d.Wait() // its error, if there is one, fails another test
	for _, s := range secrets {
		if len(s) > 3 && d.log.contains(s) {
			t.Errorf("%q is in the log", s)
		}
	}
	if len(d.log.audit(t, "refused")) < 10 {
		t.Error("the log is not of refusals")
	}
}

func TestReflectionIsOnlyForThisMachineWhereNobodyIsAsked(t *testing.T) {
	t.Parallel()
	if code := reflects(t, servertest.Start(t, servertest.Options{}).Dial(t)); code != codes.OK {
		t.Errorf("on loopback: %v", code)
	}
}
