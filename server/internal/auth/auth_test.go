package auth

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// when it is in the tests.
var when = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

const audience = "callcenter"

// desk is a keys' folder with one key, and what is made of it.
type desk struct {
	tb     testing.TB
	dir    string
	signer *Signer
	*Authority
}

func newDesk(tb testing.TB) *desk {
	tb.Helper()
	d := &desk{tb: tb, dir: tb.TempDir()}
	var err error
	if d.signer, err = OpenSigner(d.dir, "k1", when); err != nil {
		tb.Fatal(err)
	}
	if d.Authority, err = Open(Config{Dir: d.dir, Audience: audience}); err != nil {
		tb.Fatal(err)
	}
	return d
}

// token makes a token that is valid for an hour.
func (d *desk) token(subject string) (string, *Identity) {
	d.tb.Helper()
	token, id, err := d.signer.Issue(Request{
		Subject: subject, Audience: audience, Expires: when.Add(time.Hour),
		Grants: Grants{Call: []string{"echo", "room/*"}, Speak: true, Listen: true},
	}, when)
	if err != nil {
		d.tb.Fatal(err)
	}
	return token, id
}

// claimsOf are those of a token that is valid for an hour.
func claimsOf(change map[string]any) jwt.MapClaims {
	c := jwt.MapClaims{
		"sub": "ada", "jti": "id-1", "aud": audience, "iat": when.Unix(), "exp": when.Add(time.Hour).Unix(),
		"grants": map[string]any{"call": []string{"echo"}, "speak": true},
	}
	maps.Copy(c, change)
	for name, value := range c {
		if value == nil {
			delete(c, name)
		}
	}
	return c
}

// sign makes a token with claims of a test's own.
func sign(tb testing.TB, method jwt.SigningMethod, key any, claims jwt.Claims, header map[string]any) string {
	tb.Helper()
	t := jwt.NewWithClaims(method, claims)
	t.Header["kid"] = "k1"
	maps.Copy(t.Header, header)
	s, err := t.SignedString(key)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// seal makes a token of texts, with a key's own signature.
func seal(key ed25519.PrivateKey, header, claims string) string {
	text := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	return text + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, []byte(text)))
}

func TestATokenSaysWhatItWasMadeWith(t *testing.T) {
	d := newDesk(t)
	token, made := d.token("ada@desk-7")
	got, err := d.Authenticate(token, when)
	if err != nil {
		t.Fatal(err)
	}
	got.Issued, got.Expires = got.Issued.UTC(), got.Expires.UTC()
	if !reflect.DeepEqual(got, made) || got.KeyID != "k1" || len(got.TokenID) < 20 {
		t.Errorf("accepted is\n%+v, made was\n%+v", got, made)
	}
	if d.Revoked(got) {
		t.Error("it counts as revoked")
	}
	content, err := Read(token)
	if err != nil || content.Subject != "ada@desk-7" || content.KeyID != "k1" || content.Algorithm != "EdDSA" || !content.NotBefore.IsZero() {
		t.Errorf("it is read as %+v, %v", content, err)
	}
}

// wrongTokens are tokens that are refused, and why.
func wrongTokens(tb testing.TB, key ed25519.PrivateKey) map[string]struct {
	token string
	want  error
} {
	tb.Helper()
	_, stranger, _ := ed25519.GenerateKey(rand.Reader)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		tb.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	eddsa := jwt.SigningMethodEdDSA
	good := sign(tb, eddsa, key, claimsOf(nil), nil)
	claims, _ := json.Marshal(claimsOf(nil))
	with := func(change map[string]any) string { return sign(tb, eddsa, key, claimsOf(change), nil) }
	many := make([]string, maxPatterns+1)
	for i := range many {
		many[i] = "echo"
	}
	const header = `{"alg":"EdDSA","kid":"k1"}`
	return map[string]struct {
		token string
		want  error
	}{
		"none":                             {"", ErrMissing},
		"a word":                           {"hello", ErrMalformed},
		"two parts":                        {good[:strings.LastIndex(good, ".")], ErrMalformed},
		"four parts":                       {good + ".x", ErrMalformed},
		"a part of its signature":          {good[:len(good)-6], ErrSignature},
		"other bits in its last character": {good[:len(good)-1] + "x", ErrMalformed},
		"no signature":                     {good[:strings.LastIndex(good, ".")+1], ErrSignature},
		"more than 8 KiB":                  {good + strings.Repeat("A", MaxToken), ErrMalformed},
		"another's signature":              {sign(tb, eddsa, stranger, claimsOf(nil), nil), ErrSignature},
		"an unknown key":                   {sign(tb, eddsa, stranger, claimsOf(nil), map[string]any{"kid": "k2"}), ErrKey},
		"a path for a key":                 {sign(tb, eddsa, key, claimsOf(nil), map[string]any{"kid": "../k1"}), ErrKey},
		"no key":                           {sign(tb, eddsa, key, claimsOf(nil), map[string]any{"kid": nil}), ErrMalformed},
		"a number for a key":               {sign(tb, eddsa, key, claimsOf(nil), map[string]any{"kid": 1}), ErrMalformed},
		"a critical extension":             {sign(tb, eddsa, key, claimsOf(nil), map[string]any{"crit": []string{"b64"}}), ErrMalformed},
		"another type":                     {sign(tb, eddsa, key, claimsOf(nil), map[string]any{"typ": "at+jwt"}), ErrMalformed},
		"no algorithm":                     {seal(key, `{"kid":"k1"}`, string(claims)), ErrAlgorithm},
		"alg none":                         {sign(tb, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, claimsOf(nil), nil), ErrAlgorithm},
		"alg None with a signature":        {seal(key, `{"alg":"None","kid":"k1"}`, string(claims)), ErrAlgorithm},
		"alg twice":                        {seal(key, `{"alg":"EdDSA","alg":"none","kid":"k1"}`, string(claims)), ErrAlgorithm},
		"HS256 with the public key":        {sign(tb, jwt.SigningMethodHS256, []byte(key.Public().(ed25519.PublicKey)), claimsOf(nil), nil), ErrAlgorithm},
		"RS256":                            {sign(tb, jwt.SigningMethodRS256, rsaKey, claimsOf(nil), nil), ErrAlgorithm},
		"ES256":                            {sign(tb, jwt.SigningMethodES256, ecKey, claimsOf(nil), nil), ErrAlgorithm},
		"another audience":                 {with(map[string]any{"aud": "elsewhere"}), ErrAudience},
		"no audience":                      {with(map[string]any{"aud": nil}), ErrAudience},
		"an audience that is a number":     {with(map[string]any{"aud": 5}), ErrMalformed},
		"expired":                          {with(map[string]any{"iat": when.Add(-2 * time.Hour).Unix(), "exp": when.Add(-leeway).Unix()}), ErrExpired},
		"not valid yet":                    {with(map[string]any{"nbf": when.Add(leeway + time.Second).Unix()}), ErrEarly},
		"made in the future":               {with(map[string]any{"iat": when.Add(leeway + time.Second).Unix()}), ErrEarly},
		"without an end":                   {with(map[string]any{"exp": nil}), ErrMalformed},
		"with an end that is a text":       {with(map[string]any{"exp": "soon"}), ErrMalformed},
		"valid for ever":                   {with(map[string]any{"exp": when.Add(MaxLife + time.Second).Unix()}), ErrMalformed},
		"with an end beyond all times":     {with(map[string]any{"exp": 1e300}), ErrMalformed},
		"with a beginning before all":      {with(map[string]any{"nbf": -1e300}), ErrMalformed},
		"without its making":               {with(map[string]any{"iat": nil}), ErrMalformed},
		"without an id":                    {with(map[string]any{"jti": nil}), ErrMalformed},
		"without a subject":                {with(map[string]any{"sub": nil}), ErrMalformed},
		"with an empty subject":            {with(map[string]any{"sub": ""}), ErrMalformed},
		"with a subject of two lines":      {with(map[string]any{"sub": "ada\nlevel=INFO"}), ErrMalformed},
		"with a subject for a terminal":    {with(map[string]any{"sub": "ada\x1b[2J"}), ErrMalformed},
		"with a subject that is too long":  {with(map[string]any{"sub": strings.Repeat("a", maxName+1)}), ErrMalformed},
		"without grants":                   {with(map[string]any{"grants": nil}), ErrMalformed},
		"with grants that are a list":      {with(map[string]any{"grants": []string{"admin"}}), ErrMalformed},
		"with a grant that is not known":   {with(map[string]any{"grants": map[string]any{"speak": true, "only_on": "monday"}}), ErrMalformed},
		"with a grant of another type":     {with(map[string]any{"grants": map[string]any{"speak": "yes"}}), ErrMalformed},
		"with a grant without a value":     {with(map[string]any{"grants": map[string]any{"call": nil, "speak": true}}), ErrMalformed},
		"with too many destinations":       {with(map[string]any{"grants": map[string]any{"call": many}}), ErrMalformed},
		"with a star within a destination": {with(map[string]any{"grants": map[string]any{"call": []string{"r*m/x"}}}), ErrMalformed},
		"with a claim twice":               {seal(key, header, strings.Replace(string(claims), `{`, `{"sub":"bob",`, 1)), ErrMalformed},
		"with a grant twice":               {seal(key, header, strings.Replace(string(claims), `"speak":`, `"speak":false,"speak":`, 1)), ErrMalformed},
		"with claims in capitals":          {seal(key, header, strings.Replace(string(claims), `"exp"`, `"EXP"`, 1)), ErrMalformed},
		"with claims that are null":        {seal(key, header, `null`), ErrMalformed},
		"with claims that are a list":      {seal(key, header, `[]`), ErrMalformed},
		"with claims that end early":       {seal(key, header, string(claims[:len(claims)-1])), ErrMalformed},
		"with more behind its claims":      {seal(key, header, string(claims)+`{}`), ErrMalformed},
		"with claims of wrong bytes":       {seal(key, header, strings.Replace(string(claims), "ada", "a\xff", 1)), ErrMalformed},
		"with a header that is null":       {seal(key, `null`, string(claims)), ErrAlgorithm},
	}
}

func TestEveryWrongTokenIsRefusedForItsOwnReason(t *testing.T) {
	d := newDesk(t)
	for name, tc := range wrongTokens(t, d.signer.private) {
		t.Run(name, func(t *testing.T) {
			id, err := d.Authenticate(tc.token, when)
			if !errors.Is(err, tc.want) {
				t.Fatalf("refused with %v, want %v", err, tc.want)
			}
			text := err.Error()
			if strings.ContainsAny(text, "\n\x1b") || len(text) > 250 || ReasonOf(err) == "" {
				t.Errorf("it says %q", text)
			}
			for _, part := range append(strings.Split(tc.token, "."), "ada", "id-1", "elsewhere", "only_on") {
				if len(part) > 2 && strings.Contains(text, part) {
					t.Errorf("%q has %q of the token", text, part)
				}
			}
			if known := errors.Is(err, ErrExpired) || errors.Is(err, ErrEarly) || errors.Is(err, ErrAudience); known != (id != nil) {
				t.Errorf("with %v the identity is %v", err, id)
			}
		})
	}
}

func TestClocksMayBeThirtySecondsApart(t *testing.T) {
	d := newDesk(t)
	token := sign(t, jwt.SigningMethodEdDSA, d.signer.private, claimsOf(map[string]any{
		"iat": when.Unix(), "nbf": when.Unix(), "exp": when.Add(time.Minute).Unix(),
	}), nil)
	for _, tc := range []struct {
		at   time.Duration
		want error
	}{
		{-leeway - time.Second, ErrEarly},
		{-leeway, nil},
		{0, nil},
		{time.Minute + leeway - time.Second, nil},
		{time.Minute + leeway, ErrExpired},
	} {
		if _, err := d.Authenticate(token, when.Add(tc.at)); !errors.Is(err, tc.want) {
			t.Errorf("%v after it was made: %v, want %v", tc.at, err, tc.want)
		}
	}
}

func TestTimesMayHaveAFractionAndAudiencesBeSeveral(t *testing.T) {
	d := newDesk(t)
	token := sign(t, jwt.SigningMethodEdDSA, d.signer.private, claimsOf(map[string]any{
		"iat": float64(when.Unix()) + 0.25, "aud": []string{"other", audience}, "iss": "somebody", "typ": "x",
	}), map[string]any{"typ": nil, "alg": "EdDSA"})
	// A type that is there must be JWT; null is another.
	if _, err := d.Authenticate(token, when); !errors.Is(err, ErrMalformed) {
		t.Errorf("with a type that is null: %v", err)
	}
	token = sign(t, jwt.SigningMethodEdDSA, d.signer.private, claimsOf(map[string]any{
		"iat": float64(when.Unix()) + 0.25, "aud": []string{"other", audience}, "iss": "somebody",
	}), nil)
	if _, err := d.Authenticate(token, when); err != nil {
		t.Error(err)
	}
}

func TestWhatAGrantAllows(t *testing.T) {
	all := []string{"echo", "tone", "room/a", "room/b", "room/ab"}
	for _, tc := range []struct {
		grants Grants
		may    string
	}{
		{Grants{}, ""},
		{Grants{Admin: true}, ""},
		{Grants{Speak: true, Listen: true, Admin: true}, ""},
		{Grants{Call: []string{"*"}}, ""},
		{Grants{Call: []string{"*"}, Admin: true}, ""},
		{Grants{Call: []string{"*"}, Speak: true}, "room/a room/b room/ab"},
		{Grants{Call: []string{"*"}, Listen: true}, "tone room/a room/b room/ab"},
		{Grants{Call: []string{"*"}, Speak: true, Listen: true}, "echo tone room/a room/b room/ab"},
		{Grants{Call: []string{"room/*"}, Speak: true, Listen: true}, "room/a room/b room/ab"},
		{Grants{Call: []string{"room/a"}, Speak: true, Listen: true}, "room/a"},
		{Grants{Call: []string{"room/a*"}, Speak: true}, "room/a room/ab"},
		{Grants{Call: []string{"echo", "room/b"}, Speak: true, Listen: true}, "echo room/b"},
		{Grants{Call: []string{"room"}, Speak: true, Listen: true}, ""},
		{Grants{Call: []string{"ech"}, Speak: true, Listen: true}, ""},
	} {
		var may []string
		for _, destination := range all {
			if err := tc.grants.MayCall(destination); err == nil {
				may = append(may, destination)
			} else if !errors.Is(err, ErrDenied) || !strings.Contains(err.Error(), "ask for one with --") ||
				ReasonOf(err) != "the token does not allow it to call "+destination {
				t.Errorf("%+v to %s: %v", tc.grants, destination, err)
			}
		}
		if got := strings.Join(may, " "); got != tc.may {
			t.Errorf("%+v may call %q, want %q", tc.grants, got, tc.may)
		}
		if err := tc.grants.MayAdminister(); (err == nil) != tc.grants.Admin {
			t.Errorf("%+v administers: %v", tc.grants, err)
		}
	}
	if err := (&Grants{Call: []string{"*"}, Speak: true, Listen: true}).MayCall("elsewhere"); err != nil {
		// What does not exist is refused before; a new kind of destination needs one of both.
		if !errors.Is(err, ErrDenied) {
			t.Error(err)
		}
	} else {
		t.Error("a destination of no kind may be called")
	}
}

func TestPatternsThatAreNoDestinations(t *testing.T) {
	for _, good := range []string{"*", "echo", "tone", "room/*", "r*", "room/a", "room/a.b_c-1*"} {
		if err := CheckCall(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{"", "ecko", "room/", "room", "room/A", "room/a/b", "**", "x*", "room/*a", "room/" + strings.Repeat("a", 65), "é"} {
		if CheckCall(bad) == nil {
			t.Errorf("%q passes", bad)
		}
	}
}
