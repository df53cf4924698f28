package auth

import (
	"crypto/ed25519"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

// FuzzAuthenticate looks for a token that is accepted without the key's signature,
// as the standard library sees it, and for one that no refusal is ready for.
func FuzzAuthenticate(f *testing.F) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	public := key.Public().(ed25519.PublicKey)
	a := &Authority{cfg: Config{Audience: audience}}
	a.state.Store(&state{keys: map[string]ed25519.PublicKey{"k1": public}})
	good := sign(f, jwt.SigningMethodEdDSA, key, claimsOf(nil), nil)
	f.Add(good)
	f.Add(strings.Replace(good, ".", "..", 1))
	f.Add(strings.ToUpper(good))
	for _, w := range wrongTokens(f, key) {
		f.Add(w.token)
	}
	for _, n := range []string{"1e400", "-0", "99999999999999999999999", "1.7976931348623157e308", "true", `{"$date":1}`} {
		f.Add(seal(key, `{"alg":"EdDSA","kid":"k1"}`, `{"sub":"a","jti":"b","aud":"callcenter","iat":1,"exp":`+n+`,"grants":{}}`))
	}
	f.Add(seal(key, `{"alg":"EdDSA","kid":"k1"}`, strings.Repeat("[", 4000)))
	f.Fuzz(func(t *testing.T, token string) {
		id, err := a.Authenticate(token, when)
		if err != nil {
			if len(err.Error()) > 250 {
				t.Errorf("refused with %d bytes", len(err.Error()))
			}
			return
		}
		text, tail, _ := cutLast(token)
		signature, derr := base64.RawURLEncoding.DecodeString(tail)
		if derr != nil || !ed25519.Verify(public, []byte(text), signature) {
			t.Fatalf("accepted without a signature: %q", token)
		}
		if checkName(id.Subject) != nil || checkName(id.TokenID) != nil || id.KeyID != "k1" || id.Expires.Before(when.Add(-leeway)) || id.Grants.check() != nil {
			t.Fatalf("accepted is %+v", id)
		}
	})
}

func cutLast(token string) (text, tail string, ok bool) {
	i := strings.LastIndex(token, ".")
	if i < 0 {
		return token, "", false
	}
	return token[:i], token[i+1:], true
}
