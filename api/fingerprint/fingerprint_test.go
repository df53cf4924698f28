package fingerprint_test

import (
	"crypto/x509"
	"strings"
	"testing"

	"callcenter/api/fingerprint"
)

func TestAFingerprintIsOfTheKeyAndPassesItsOwnCheck(t *testing.T) {
	a := fingerprint.Of(&x509.Certificate{RawSubjectPublicKeyInfo: []byte("a"), Raw: []byte("x")})
	again := fingerprint.Of(&x509.Certificate{RawSubjectPublicKeyInfo: []byte("a"), Raw: []byte("y")})
	b := fingerprint.Of(&x509.Certificate{RawSubjectPublicKeyInfo: []byte("b")})
	if !fingerprint.Same(a, again) || fingerprint.Same(a, b) {
		t.Errorf("%s, %s, %s", a, again, b)
	}
	if err := fingerprint.Check(a); err != nil || len(a) != 50 {
		t.Errorf("%s: %v", a, err)
	}
	for _, wrong := range []string{"", "SHA256:", a[7:], a[:49], a + "A", "SHA1:" + a[7:], strings.Repeat("x", 1000)} {
		if err := fingerprint.Check(wrong); err == nil || len(err.Error()) > 200 {
			t.Errorf("%.70q passes, or says too much: %v", wrong, err)
		}
	}
}
